"""`yuliao list`, `show` and `verify`: what is in the catalog, and whether it is as it was published."""

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from flows.commands import options
from flows.progress import shown
from flows.tables import human_duration, human_size, in_order, print_facts, print_json, print_splits, print_table

if TYPE_CHECKING:
    from catalog.listing import Listed
    from catalog.manifests import Manifest


@click.command("list")
@options.as_json
def list_(as_json: bool) -> None:
    """Every dataset of the catalog, as its newest version has it."""
    from catalog.listing import list_datasets
    from catalog.settings import catalog_url

    datasets = list_datasets()
    if as_json:
        print_json([asdict(dataset) for dataset in datasets])
    else:
        if datasets:
            print_datasets(datasets)
        else:
            print(
                f"nothing in {catalog_url()} yet: `yuliao ingest` brings a corpus, `yuliao demo` one of its own", file=sys.stderr
            )
        for dataset in datasets:
            if dataset.problem is not None:
                print(dataset.problem, file=sys.stderr)


def print_datasets(datasets: "list[Listed]") -> None:
    """The table of `yuliao list`."""
    columns = ("dataset", "kind", "rows", "length", "size", "versions", "tags", "licence", "set otherwise")
    rows = [
        (
            f"{dataset.name}@{dataset.version}",
            dataset.kind if dataset.problem is None else "unreadable",
            " / ".join(f"{split} {rows:,}" for split, rows in in_order(dataset.rows).items()),
            None if dataset.hours is None else human_duration(dataset.hours * 3600),
            human_size(dataset.size_bytes),
            dataset.versions,
            ", ".join(f"{tag}={version}" for tag, version in dataset.tags.items()),
            f"{dataset.licence} (no commercial use)" if dataset.commercial_use is False else dataset.licence,
            _assignments(dataset.overrides),
        )
        for dataset in datasets
    ]
    print_table(columns, rows)


@click.command()
@click.argument("reference", metavar="NAME[@V]")
@click.option("--shared", is_flag=True, help="Also look for the recordings of this corpus in all others of the catalog.")
@options.as_json
def show(reference: str, shared: bool, as_json: bool) -> None:
    """A version: what it holds, what it was made from, who may use it.

    V is a number, a tag, or left out for the newest.
    """
    from catalog.listing import manifest, versions
    from catalog.roots import open_root
    from catalog.tags import tags

    found = manifest(reference)
    numbers = versions(found.name)
    standing = tags(open_root(None), found.name)
    in_others = _shared(reference) if shared else None
    if as_json:
        told = {"shared": in_others} if in_others is not None else {}
        print_json(found.model_dump(mode="json") | {"versions": numbers, "tags": standing} | told)
        return
    print_facts(_facts(found) | {"versions": ", ".join(map(str, numbers)), "tags": _assignments(standing) or None})
    print()
    print_splits(found)
    if in_others is not None:
        print("\nthe same recordings in:" if in_others else "\nno other corpus of the catalog has any of these recordings")
        columns = ("corpus", "recordings", "its makers say so", "for example")
        rows = [
            (item["version"], item["recordings"], "yes" if item["declared"] else "no", " is ".join(item["examples"][0]))
            for item in in_others
        ]
        if rows:
            print_table(columns, rows)


def _shared(reference: str) -> list[dict[str, Any]]:
    from flows.recordings.same import same_recordings

    return [asdict(found) for found in same_recordings(reference)]


def _facts(manifest: "Manifest") -> dict[str, object]:
    licence = manifest.licence
    commercial = {True: "yes", False: "no", None: "not known"}[licence.commercial_use]
    return {
        "version": f"{manifest.name}@{manifest.version}",
        "kind": manifest.kind,
        "published": manifest.created_at,
        "sample rate": None if manifest.sample_rate_hz is None else f"{manifest.sample_rate_hz:,} Hz",
        "made from": ", ".join(map(str, manifest.inputs)) or None,
        "shares recordings with": ", ".join(manifest.report.get("shares_recordings_with", [])) or None,
        "set otherwise": _assignments(manifest.overrides) or None,
        "licence": licence.name,
        "commercial use": commercial,
        "attribution": licence.attribution or None,
        "notes": licence.notes or None,
        "citation": manifest.citation or None,
        "rows digest": manifest.rows_digest,
        "fingerprint": manifest.fingerprint,
    }


@click.command()
@click.argument("reference", metavar="NAME[@V]")
@options.as_json
@click.pass_context
def verify(context: click.Context, reference: str, as_json: bool) -> None:
    """Read a version to the last bit and compare it with its manifest. Exits 1 when something is wrong."""
    from catalog.verify import verify as verify_version

    with shown(f"verify {reference}") as progress:
        read_bytes = 0

        def advanced(size_bytes: int) -> None:
            nonlocal read_bytes
            read_bytes += size_bytes
            progress(read_bytes, None, "B")

        found = verify_version(reference, progress=advanced)
    if as_json:
        print_json(asdict(found) | {"ok": found.ok})
    else:
        for problem in found.problems:
            print(problem)
        count = len(found.problems)
        outcome = f"{count} {'problem' if count == 1 else 'problems'}" if count else "as published"
        print(f"{found.name}@{found.version}: {outcome} ({found.rows:,} rows, {human_size(found.size_bytes)} read)")
    context.exit(0 if found.ok else 1)


def _assignments(values: "dict[str, object] | dict[str, int]") -> str:
    return ", ".join(f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in values.items())


COMMANDS = (list_, show, verify)
