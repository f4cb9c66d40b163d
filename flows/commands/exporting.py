"""`yuliao export`: a version as files that other tools read."""

from dataclasses import asdict
from pathlib import Path

import click

from flows.commands import options
from flows.tables import print_json, print_table

_FORMATS = (
    "Mixtures: rttm, stm, ctm (with --words), activity. "
    "Texts: conll-bio, conll-bmes, csc-tsv, sighan, pycorrector, squad, jsonl. "
    "Sound: webdataset."
)


@click.command()
@click.argument("reference", metavar="NAME[@V]")
@click.option("--format", "format_", required=True, help=_FORMATS)
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder to write into.")
@click.option("--split", help="This split alone.")
@click.option(
    "--words",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="For ctm: the words of the corpus and their times, a CTM by ids of utterances.",
)
@options.as_json
def export(reference: str, format_: str, to: Path, split: str | None, words: Path | None, as_json: bool) -> None:
    """Write a version into a folder, one file for each split."""
    from catalog.export import export as export_version

    written = export_version(reference, format_, to, split=split, words=words)
    if as_json:
        print_json(asdict(written))
        return
    print_table(("file", "rows"), list(written.files.items()))
    print(f"licence, attribution and changes: {written.note}")
    for reason, rows in written.left_out.items():
        print(f"left out {rows:,} rows: {reason}")


COMMANDS = (export,)
