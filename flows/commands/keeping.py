"""`yuliao tag`, `remove` and `gc`: what stays in the catalog, and under which names."""

from dataclasses import asdict

import click

from flows.commands import options
from flows.tables import print_json


@click.command()
@click.argument("reference", metavar="NAME[@V]")
@click.argument("tag")
@options.as_json
def tag(reference: str, tag: str, as_json: bool) -> None:
    """Put TAG on a version, wherever it stood before."""
    from catalog.tags import tag as put_tag

    name, version = put_tag(reference, tag)
    if as_json:
        print_json({"name": name, "version": version, "tag": tag})
    else:
        print(f"{name}@{tag} is {name}@{version}")


@click.command()
@click.argument("reference", metavar="NAME@V")
@options.as_json
def remove(reference: str, as_json: bool) -> None:
    """Remove a version, unless others are made from it. Its number is never used again; `yuliao gc` frees the disk."""
    from catalog.removal import remove as remove_version

    name, version = remove_version(reference)
    if as_json:
        print_json({"name": name, "version": version})
    else:
        print(f"{name}@{version} removed")


@click.command()
@options.as_json
def gc(as_json: bool) -> None:
    """Free the disk of what no version and no unfinished build needs, and nothing younger than a day.

    A build that was cut off and not gone on with for 30 days is none any more; what was measured for builds goes when none has
    wanted it for as long."""
    from catalog.removal import gc as sweep

    swept = sweep()
    if as_json:
        print_json(asdict(swept))
    else:
        builds = f", {swept.builds:,} abandoned builds given up" if swept.builds else ""
        measures = f", {swept.measures:,} files of measures forgotten" if swept.measures else ""
        print(f"{swept.blobs:,} blobs and {swept.temporary_files:,} temporary files removed{builds}{measures}")


COMMANDS = (tag, remove, gc)
