"""Shards of an earlier version whose rows serve again: their bytes are copied, or, where no row is another, the blob as it is."""

import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from catalog.blobs import read_blob
from catalog.roots import Root
from catalog.shards import Shard, blob_path


@dataclass(frozen=True)
class KeptPart:
    """A shard of an earlier version of which some rows are replaced."""

    name: str
    blob: str
    fresh: tuple[int, ...]  # positions of the rows that are replaced


@dataclass(frozen=True)
class KeptShards:
    """The shards of a split of an earlier version, of storage audio.

    Attributes:
        name: of the dataset that has them.
        shards: in their order.
        fresh: which rows are replaced, bool [rows of the split].
    """

    name: str
    shards: list[Shard]
    fresh: NDArray[np.bool_]

    def slices(self) -> list[tuple[str, int, int]]:
        """(key, first row, rows) of each shard."""
        counts = [shard.rows for shard in self.shards]
        firsts = np.cumsum([0, *counts]).tolist()
        return [
            (f"{shard.split}-{first}-{shard.rows}", first, shard.rows) for first, shard in zip(firsts, self.shards, strict=False)
        ]

    def untouched(self, root: Root, name: str) -> dict[str, Shard]:
        """Shards of which no row is replaced, by key; their blobs stand under `name` as well."""
        found = {}
        for (key, first, rows), shard in zip(self.slices(), self.shards, strict=True):
            if not self.fresh[first : first + rows].any():
                if name != self.name:
                    _copy_blob(root, self.name, name, shard.blob)
                found[key] = shard
        return found

    def parts(self) -> dict[str, KeptPart]:
        """The others, by key."""
        found = {}
        for (key, first, rows), shard in zip(self.slices(), self.shards, strict=True):
            fresh = np.flatnonzero(self.fresh[first : first + rows])
            if len(fresh):
                found[key] = KeptPart(self.name, shard.blob, tuple(fresh.tolist()))
        return found


def _copy_blob(root: Root, name: str, to: str, blob: str) -> None:
    local = root.scratch(to) / f"{uuid.uuid4().hex}.arrow"
    try:
        shutil.copyfile(root.fetch(blob_path(name, blob)), local)
        root.put_blob(local, blob_path(to, blob))
    finally:
        local.unlink(missing_ok=True)


def kept_batches(
    root: Root, part: KeptPart, plan: pa.Table, render: Callable[[pa.Table], Iterator[pa.RecordBatch]]
) -> Iterator[pa.RecordBatch]:
    """The batches of a shard with some rows replaced.

    Args:
        root: the catalog.
        part: the shard.
        plan: of all its rows, as they shall be.
        render: from some rows of the plan to batches of which each is good until the next is asked for.
    """
    fresh = np.array(part.fresh, dtype=np.int64)
    first = 0
    for batch in read_blob(root.fetch(blob_path(part.name, part.blob)), part.name).to_batches():
        these = fresh[(fresh >= first) & (fresh < first + len(batch))] - first
        if len(these):
            wanted = plan.slice(first, len(batch)).take(pa.array(these))
            rendered = [made.take(pa.array(np.arange(len(made)))) for made in render(wanted)]
            at = np.arange(len(batch))
            at[these] = len(batch) + np.arange(len(these))
            both = pa.Table.from_batches([batch, *rendered])
            yield from both.take(pa.array(at)).combine_chunks().to_batches()
        else:
            yield batch
        first += len(batch)
