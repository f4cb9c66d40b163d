"""The corpora of a text set: resolved, pinned, and their rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from catalog.errors import CatalogError
from catalog.manifests import Manifest, Pin, pin, read_manifest, resolve
from catalog.roots import Root
from catalog.text_kinds import label_names
from catalog.text_rows import read_rows, read_schema
from flows.text.adapter import Row


@dataclass(frozen=True)
class Source:
    """A version that a set is made from."""

    manifest: Manifest
    pin: Pin
    schema: pa.Schema
    storage: Root

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[Row]:
        """Its rows, train first, as they were published; only `columns` where these are named."""
        for split in self.manifest.splits:
            yield from self.rows_of(split, columns)

    def rows_of(self, split: str, columns: Sequence[str] | None = None) -> Iterator[Row]:
        """The rows of one split."""
        return read_rows(self.storage, self.manifest, split, columns)

    def labels(self, column: str) -> list[str]:
        """Names of the numbers in a column of labels."""
        return label_names(self.schema, column)


def open_sources(storage: Root, references: Sequence[str], kinds: Sequence[str], name: str) -> list[Source]:
    """The versions `NAME[@V]`.

    Raises:
        DatasetNotFound: there is none of that name; `yuliao ingest` makes it.
        CatalogError: one is of another kind than `kinds`, or named twice.
    """
    found: list[Source] = []
    for reference in references:
        corpus, version = resolve(storage, reference)
        manifest = read_manifest(storage, corpus, version)
        if manifest.kind not in kinds:
            raise CatalogError(f"{name} is made of kind {' or '.join(kinds)}, and {reference} is of kind {manifest.kind}")
        if corpus in [other.manifest.name for other in found]:
            raise CatalogError(f"{name}: {corpus} is named twice among its corpora; name it once")
        found.append(Source(manifest, pin(storage, corpus, version), read_schema(storage, manifest), storage))
    return found


def counted(counts: dict[str, Any]) -> dict[str, Any]:
    """Counts in the order of their names, for the manifest."""
    return dict(sorted(counts.items()))
