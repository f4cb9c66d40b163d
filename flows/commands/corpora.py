"""`yuliao corpora` and `forget`: which corpora there are, and taking a speaker out of one."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.commands import options
from flows.progress import shown
from flows.tables import human_duration, human_size, print_facts, print_json, print_table

if TYPE_CHECKING:
    from flows.adapter import Corpus
    from flows.recordings.encodings import Encoding
    from flows.text.adapter import TextCorpus


@click.command()
@options.as_json
def corpora(as_json: bool) -> None:
    """The corpora that `yuliao ingest` knows by name."""
    from catalog.manifests import version_numbers
    from catalog.roots import open_root

    root = open_root(None)
    found = [_described(corpus) | {"versions": version_numbers(root, corpus.name).present} for corpus in _all()]
    if as_json:
        print_json(found)
        return
    known = {True: "yes", False: "no", None: "not known"}
    rows = [
        (
            corpus["name"],
            corpus["kind"],
            corpus["language"],
            None if corpus["hours"] is None else f"{corpus['hours']:,.0f} h",
            None if corpus["size_bytes"] is None else human_size(corpus["size_bytes"]),
            corpus["licence"],
            known[corpus["commercial_use"]],
            "yes" if corpus["login"] else "no",
            ", ".join(f"@{version}" for version in corpus["versions"]),
        )
        for corpus in found
    ]
    print_table(("corpus", "modality", "language", "hours", "download", "licence", "commercial use", "login", "ingested"), rows)


def _all() -> "list[Corpus | TextCorpus]":
    from flows import corpora as of_sound
    from flows.text import corpora as of_text

    return [*map(of_sound.get, of_sound.names()), *map(of_text.get, of_text.names())]


def known(name: str) -> "Corpus | TextCorpus":
    """The corpus of sound or text of that name. Raises UnknownCorpus."""
    from flows import corpora as of_sound
    from flows.text import corpora as of_text

    return of_text.get(name) if name in of_text.names() else of_sound.get(name)


def _described(corpus: "Corpus | TextCorpus") -> dict[str, Any]:
    sizes = [piece.size_bytes for archive in corpus.archives for piece in archive.pieces]
    return {
        "name": corpus.name,
        "title": corpus.title,
        "kind": corpus.kind,
        "language": corpus.language,
        "hours": getattr(corpus, "hours", None),
        "size_bytes": sum(size for size in sizes if size) if sizes and None not in sizes else None,
        "licence": corpus.licence.name,
        "commercial_use": corpus.licence.commercial_use,
        "login": corpus.access is not None,
        "homepage": corpus.homepage,
    }


def fetched(name: str) -> tuple[Path, ...]:
    """The files of a corpus, downloaded if need be; none for one whose files have no address."""
    from flows.fetch.download import download

    corpus = known(name)
    if not corpus.archives:
        return ()
    with shown(f"download {name}") as progress:
        folder = download(corpus, progress=progress)
    return tuple(folder / piece.file for archive in corpus.archives for piece in archive.pieces)


def print_dry_run(corpus: "str | Corpus", sources: tuple[Path, ...], encoding: "Encoding", as_json: bool) -> None:
    """What `yuliao ingest` would fetch, how much disk it would take, and about how long."""
    from flows.recordings.dry_ingest import dry_ingest

    found = dry_ingest(known(corpus) if isinstance(corpus, str) else corpus, sources, encoding)
    if as_json:
        print_json(asdict(found))
        return
    size = "not known before it is asked for"
    rows = [
        (file.file, human_size(file.size_bytes) if file.size_bytes else size, human_size(file.have_bytes), file.host or "by hand")
        for file in found.files
    ]
    print_facts(
        {
            "corpus": f"{found.title} ({found.licence})",
            "asks for": found.agreement or None,
            "to fetch": human_size(found.fetch_bytes) + (" and files of unknown size" if found.sizes_unknown else ""),
            "disk for downloads": str(found.downloads),
            "disk for the catalog": None if found.catalog_bytes is None else f"about {human_size(found.catalog_bytes)}",
            "disk while it works": None if found.catalog_bytes is None else f"about {human_size(2 * found.catalog_bytes)}",
            "fetching at 10 MB/s": f"about {human_duration(found.fetch_s)}",
            "ingest": None if found.ingest_s is None else f"about {human_duration(found.ingest_s)} on {found.cpus} cores",
        }
    )
    if rows:
        print()
        print_table(("file", "size", "there already", "from"), rows)


@click.command()
@click.argument("speaker")
@click.option("--corpus", required=True, metavar="NAME", help="The corpus that the speaker withdraws from.")
@click.option("--purge", is_flag=True, help="Remove every version that still holds them.")
@options.as_json
def forget(speaker: str, corpus: str, purge: bool, as_json: bool) -> None:
    """Publish a corpus without SPEAKER, and list every version that still holds them.

    With --purge these versions are removed, unless another version without the speaker is made from one of them.
    """
    from flows.recordings.forget import forget as forget_speaker

    done = forget_speaker(speaker, corpus, purge=purge)
    if as_json:
        print_json(
            {
                "version": str(done.published),
                "created": done.published.created,
                "removed_rows": done.removed_rows,
                "holders": [asdict(holder) for holder in done.holders],
                "purged": done.purged,
            }
        )
        return
    print(f"{done.published} holds nothing of {speaker} ({done.removed_rows:,} utterances left out)")
    if not done.holders:
        return
    print("\nremoved:" if purge else "\nstill held by:")
    print_table(
        ("version", "rows", "made from", "make it anew"),
        [(holder.version, holder.rows, ", ".join(holder.inputs), holder.rebuild) for holder in done.holders],
    )
    if purge:
        print(f"\n`yuliao gc` erases their blobs a day from now; archives in the downloads folder still hold {speaker}")
    else:
        print(f"\nmake the sets anew, then `yuliao forget {speaker} --corpus {corpus} --purge` removes these versions")


COMMANDS = (corpora, forget)
