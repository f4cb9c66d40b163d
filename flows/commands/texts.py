"""Text in `yuliao ingest` and `yuliao build`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.commands.server import answering_server
from flows.progress import shown
from flows.tables import print_by_split, print_facts, print_json

if TYPE_CHECKING:
    from catalog.publish import Published


def ingest(corpus: str, sources: Sequence[Path], *, sample: int | None) -> "Published":
    """Take a text corpus into the catalog, from files that are at hand."""
    from flows.text import corpora
    from flows.text.ingest import ingest as ingest_text

    if not sources:
        raise click.UsageError(corpora.get(corpus).by_hand)
    if answering_server():
        from flows import orchestrate

        return orchestrate.ingest_from_here(corpus, sources, own={}, sample=sample, encoding="wav", workers=None)
    with shown(f"ingest {corpus}") as progress:
        return ingest_text(corpus, sources, sample=sample, progress=progress)


def build(spec: str, overrides: Mapping[str, Any], *, name: str | None, dry_run: bool, as_json: bool) -> "Published | None":
    """Make the text set that `spec` asks for; with `dry_run` only print what it would be, and give None."""
    from flows.specs import load_text_spec
    from flows.text import build as building

    loaded = load_text_spec(spec, overrides)
    if not dry_run:
        if answering_server():
            from flows import orchestrate

            return orchestrate.build_from_here(spec, name=name, overrides=overrides, workers=None)
        with shown(f"build {name or loaded.name}") as progress:
            return building.build(loaded, name=name, overrides=overrides, progress=progress)
    found = building.dry_run(loaded, name=name)
    if as_json:
        print_json(found)
    else:
        print_facts({"would make": found["name"], "from": ", ".join(found["corpora"])})
        print()
        print_by_split(found["splits"])
    return None
