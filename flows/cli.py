"""The `yuliao` command: one line for every mistake, exit 0 on success, 1 on a failed check, 2 on bad use.

Started in a hurry: what is heavy (pyarrow, datasets, prefect) is imported inside the commands that need it.
"""

import os
import sys
from collections.abc import Sequence

import click

from flows.commands import corpora, demo, exporting, keeping, making, viewing
from synth.errors import YuliaoError

# What a command that was cut off does when it is run again.
_AGAIN = {
    "build": "; finished shards are kept, and the same command goes on behind them",
    "materialize": "; finished shards are kept, and the same command goes on behind them",
    "ingest": "; nothing was published: the same command starts anew, with the files that were fetched",
}


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=False, invoke_without_command=True)
@click.version_option(package_name="yuliao")
@click.pass_context
def yuliao(context: click.Context) -> None:
    """Corpora in, versioned Arrow datasets out.

    The catalog is YULIAO_CATALOG (a folder or s3://bucket/prefix; default: $YULIAO_HOME/catalog, with YULIAO_HOME being
    ~/.yuliao unless it is set).
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for command in (demo.demo, *making.COMMANDS, *corpora.COMMANDS, *viewing.COMMANDS, *keeping.COMMANDS, *exporting.COMMANDS):
    yuliao.add_command(command)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; gives its exit code. A mistake of the user and a lack of the machine are one line on stderr."""
    again = _AGAIN.get(next((argument for argument in arguments if not argument.startswith("-")), ""), "")
    try:
        # What click's own `main` makes of mistakes and broken pipes has other exit codes than ours.
        with yuliao.make_context("yuliao", list(arguments)) as context:
            yuliao.invoke(context)
        sys.stdout.flush()
        return 0
    except click.exceptions.Exit as asked:
        return asked.exit_code
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "yuliao"
        return _fail(f"{error.format_message().rstrip('.')} (see `{command} --help`)")
    except click.ClickException as error:
        return _fail(error.format_message())
    except YuliaoError as error:
        from catalog.errors import DiskFullError

        return _fail(f"{error}{again}" if isinstance(error, DiskFullError) else str(error))
    except KeyboardInterrupt:
        return _fail(f"interrupted{again}", 130)
    except BrokenPipeError:
        # Whoever read our output has seen enough. Python would complain once more when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        what = error.strerror or str(error) or type(error).__name__
        return _fail(f"{what}: {error.filename}" if error.filename is not None else what)


def _fail(text: str, code: int = 2) -> int:
    print("yuliao: error: " + " ".join(text.split()), file=sys.stderr)
    return code


def main() -> None:
    """Entry point of the `yuliao` command."""
    sys.exit(run(sys.argv[1:]))
