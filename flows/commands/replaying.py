"""`yuliao build --recipe`: published recipes, replayed from their metadata."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.progress import shown
from flows.tables import human_size, print_facts, print_json

if TYPE_CHECKING:
    from catalog.publish import Published
    from flows.recipes.replay import PlannedReplay

_FILE = click.Path(path_type=Path, dir_okay=False)
_ONLY_HERE = ("metadata", "noise", "types", "mode", "sample_rate_hz", "active_levels")


class Metadata(click.ParamType[tuple[str | None, Path]]):
    """`[SPLIT=]FILE`, as a pair."""

    name = "[SPLIT=]FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str | None, Path]:
        split, equals, file = str(value).partition("=")
        named = equals and split.isidentifier() and not Path(value).exists()
        return (split, Path(file)) if named else (None, Path(value))


_OPTIONS = (
    click.option("--recipe", help="Replay a published recipe instead of a spec: librimix, sparselibrimix or wsj0-mix."),
    click.option("--metadata", type=Metadata(), multiple=True, help="The recipe's metadata, a file for each split; repeatable."),
    click.option("--noise", metavar="FOLDER|NAME[@V]", help="Where the recipe's noises are."),
    click.option("--types", metavar="TYPE,...", help="Types of mixture; default: all that the recipe has."),
    click.option("--mode", help="min or max; default: the recipe's."),
    click.option("--sample-rate", "sample_rate_hz", type=int, help="8000 or 16000; default: the recipe's."),
    click.option("--activlev", "active_levels", type=_FILE, multiple=True, help="Active levels for wsj0-mix; repeatable."),
)


def recipe_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives `build` the options that are about recipes; `check` and `replay` take what they are given."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def check(spec: str | None, settings: object, options: dict[str, Any]) -> None:
    """That either a spec or a recipe is asked for, each with its own options.

    Raises:
        click.UsageError: both, neither, or options of the one with the other.
    """
    if (spec is None) == (options["recipe"] is None):
        raise click.UsageError("say what to build: SPEC, or --recipe with --metadata")
    if options["recipe"] is None:
        for option in _ONLY_HERE:
            if options[option]:
                raise click.UsageError("--metadata, --noise, --types, --mode, --sample-rate and --activlev go with --recipe")
    elif not options["metadata"]:
        raise click.UsageError(f"--recipe {options['recipe']} needs its metadata: --metadata FILE")
    elif settings:
        raise click.UsageError("--set goes with SPEC; a recipe says everything itself")


def replay(
    options: dict[str, Any], *, corpus: str | None, name: str | None, dry_run: bool, workers: int | None, as_json: bool
) -> "Published | None":
    """Replay what the options ask for; with `dry_run` say what would be made, and make nothing."""
    from flows.recipes.replay import Replay, plan_replay
    from flows.recipes.replay import replay as replay_recipe

    types = tuple(filter(None, (type_.strip() for type_ in (options.pop("types") or "").split(","))))
    asked = Replay(**options, types=types, corpus=corpus, name=name)
    if dry_run:
        _print_plan(plan_replay(asked), as_json)
        return None
    with shown(f"build {name or asked.recipe}") as progress:
        published = replay_recipe(asked, workers=workers, progress=progress)
    _warn(published)
    return published


def _warn(published: "Published") -> None:
    """On stderr, of the mixtures that the set lacks."""
    from catalog.manifests import read_manifest
    from catalog.roots import open_root

    manifest = read_manifest(open_root(None), published.name, published.version)
    for split in manifest.splits:
        report = manifest.report[split]
        if report["mixtures_left_out"]:
            left_out = f"{report['mixtures_left_out']:,} of {report['mixtures_in_metadata']:,} mixtures are left out"
            missing = f"{report['sources_missing']:,} sources are missing (--dry-run names them)"
            click.echo(f"{published} {split}: {left_out}; {missing}", err=True)


def _print_plan(planned: "PlannedReplay", as_json: bool) -> None:
    """Everything that is missing is named, however much it is."""
    rate = planned.setting.sample_rate_hz
    if as_json:
        splits = {
            split: plan.report(rate) | {"left_out": plan.left_out, "missing": plan.missing}
            for split, plan in planned.plans.items()
        }
        print_json(
            {"name": planned.name, "corpus": str(planned.speech.place), "size_bytes": planned.size_bytes, "splits": splits}
        )
        return
    print_facts(
        {
            "would make": planned.name,
            "from": str(planned.speech.place),
            "types": ", ".join(planned.setting.types),
            "disk": human_size(planned.size_bytes),
        }
    )
    for split, plan in planned.plans.items():
        print(f"\n{split}: {len(plan.rows):,} of {plan.in_metadata:,} mixtures; {len(plan.missing):,} sources are missing")
        for source in plan.missing:
            print(f"  {source}")
