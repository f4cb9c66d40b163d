"""`yuliao ingest`, `plan` and `build`: what makes datasets."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.commands import corpora, options, own, replaying, texts
from flows.commands.server import answering_server
from flows.progress import shown
from flows.tables import human_size, print_by_split, print_facts, print_json, print_splits

if TYPE_CHECKING:
    from catalog.publish import Published
    from flows.recordings.encodings import Encoding


@click.command()
@click.argument("corpus")
@click.option(
    "--from",
    "sources",
    type=click.Path(path_type=Path),
    multiple=True,
    help="An archive of the corpus or a part of one, or a folder that holds its archives or its files; repeatable.",
)
@click.option("--sample", type=click.IntRange(min=1), help="Take this many utterances only, and publish CORPUS_sample.")
@click.option(
    "--encoding",
    type=click.Choice(("wav", "flac", "source")),
    help="What rows keep: wav, read without decoding (default); flac, half of that; source, the files of the corpus as they are.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be fetched, how much disk and time it takes; do nothing.")
@own.options
@options.workers
@options.as_json
def ingest(
    corpus: str,
    sources: tuple[Path, ...],
    sample: int | None,
    encoding: "Encoding | None",
    dry_run: bool,
    workers: int | None,
    as_json: bool,
    **of_own: Any,
) -> None:
    """Take CORPUS into the catalog: one that yuliao knows, or with --as one of your own.

    Without --from it is fetched from its makers to $YULIAO_HOME/downloads/CORPUS, and no file of it twice.
    """
    from flows.text import corpora as text_corpora

    adapter = own.adapter(corpus, of_own)
    if encoding is not None and corpus in text_corpora.names():
        raise click.UsageError(f"{corpus!r} is a corpus of text: --encoding is for audio")
    encoding = encoding or "wav"
    if dry_run:
        corpora.print_dry_run(adapter or corpus, sources, encoding, as_json)
        return
    if adapter is None and not sources:
        sources = corpora.fetched(corpus)
    if corpus in text_corpora.names():
        _print_published(texts.ingest(corpus, sources, sample=sample), as_json)
        return
    if answering_server():
        from flows import orchestrate

        said = own.described(of_own)
        published = orchestrate.ingest_from_here(corpus, sources, own=said, sample=sample, encoding=encoding, workers=workers)
    else:
        from flows.recordings.ingest import ingest as ingest_corpus

        with shown(f"ingest {corpus}") as progress:
            published = ingest_corpus(
                adapter or corpus, sources, sample=sample, encoding=encoding, workers=workers, progress=progress
            )
    _print_published(published, as_json)


@click.command()
@options.spec
@options.corpus
@options.settings
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The Arrow file to write.")
@options.as_json
def plan(spec: str, corpus: str | None, settings: tuple[tuple[str, object], ...], to: Path, as_json: bool) -> None:
    """Write the plan of SPEC, one row for each mixture, without rendering anything.

    SPEC is the name of a shipped spec or a YAML file.
    """
    from flows.mixtures.build import write_plan
    from flows.specs import load_spec

    with shown(f"plan {spec}") as progress:
        written = write_plan(load_spec(spec, options.overrides(corpus, settings)), to, progress=progress)
    if as_json:
        print_json(asdict(written) | {"path": str(written.path)})
    else:
        print(f"{written.path}: {sum(written.rows.values()):,} mixtures planned\n")
        print_by_split(written.report)


@click.command()
@click.argument("spec", required=False)
@options.corpus
@options.settings
@click.option("--name", help="Publish under this name instead of the spec's.")
@click.option(
    "--keep-from",
    metavar="NAME[@V]",
    help="An earlier version of this set: keep the rows whose sources are as they were, and make only the others.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be made, and make nothing.")
@replaying.recipe_options
@options.workers
@options.as_json
def build(
    spec: str | None,
    corpus: str | None,
    settings: tuple[tuple[str, object], ...],
    name: str | None,
    keep_from: str | None,
    dry_run: bool,
    workers: int | None,
    as_json: bool,
    **recipe: Any,
) -> None:
    """Make the set that SPEC asks for and publish it.

    SPEC is the name of a shipped spec or a YAML file. With --recipe, make a published set again from its own metadata instead.
    """
    replaying.check(spec, settings, recipe)
    if keep_from is not None and spec is None:
        raise click.UsageError("--keep-from goes with a spec: a recipe says itself which mixtures there are")
    if spec is None:
        made = replaying.replay(recipe, corpus=corpus, name=name, dry_run=dry_run, workers=workers, as_json=as_json)
        if made is not None:
            _print_published(made, as_json)
        return
    from flows.specs import is_text_spec, load_spec

    overrides = options.overrides(corpus, settings)
    if is_text_spec(spec):
        if keep_from is not None:
            raise click.UsageError(f"{spec!r} is a set of text, which is always made whole: --keep-from is for mixtures")
        text_set = texts.build(spec, overrides, name=name, dry_run=dry_run, as_json=as_json)
        if text_set is not None:
            _print_published(text_set, as_json)
        return
    loaded = load_spec(spec, overrides)
    if dry_run:
        from flows.mixtures.build import dry_run as try_out

        found = try_out(loaded, name=name, keep_from=keep_from)
        if as_json:
            print_json(asdict(found))
        else:
            facts = {
                "would make": found.name,
                "from": found.corpus,
                "split by": found.split_by,
                "disk": human_size(found.size_bytes),
            }
            print_facts(facts)
            print()
            print_by_split(found.splits)
        return
    if answering_server():
        from flows import orchestrate

        published = orchestrate.build_from_here(spec, name=name, overrides=overrides, workers=workers, keep_from=keep_from)
    else:
        from flows.mixtures.build import build as build_set

        with shown(f"build {name or loaded.name}") as progress:
            published = build_set(loaded, name=name, workers=workers, overrides=overrides, progress=progress, keep_from=keep_from)
    _print_published(published, as_json)


@click.command()
@click.argument("dataset", metavar="NAME[@V]")
@options.workers
@options.as_json
def materialize(dataset: str, workers: int | None, as_json: bool) -> None:
    """Render a set that is stored as its plan, and publish it with its audio."""
    from flows.mixtures.build import materialize as materialize_set

    with shown(f"materialize {dataset}") as progress:
        published = materialize_set(dataset, workers=workers, progress=progress)
    _print_published(published, as_json)


def _print_published(published: "Published", as_json: bool) -> None:
    from catalog.manifests import read_manifest
    from catalog.roots import open_root
    from flows.mixtures.keeping import kept_in_words
    from flows.recordings.ingest_report import told_of

    manifest = read_manifest(open_root(None), published.name, published.version)
    if as_json:
        splits = {name: split.model_dump(exclude={"shards"}) for name, split in manifest.splits.items()}
        print_json(
            {
                "name": published.name,
                "version": published.version,
                "created": published.created,
                "splits": splits,
                "report": manifest.report,
            }
        )
        return
    print(f"{published} {'published' if published.created else 'is the newest and the same already: nothing published'}")
    print_splits(manifest)
    if "kept_from" in manifest.report:
        print(kept_in_words(manifest))
    for line in told_of(manifest):
        print(line)


COMMANDS = (ingest, plan, build, materialize)
