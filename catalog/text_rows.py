"""Rows of a text version, one after another, straight from its blobs."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from catalog.manifests import Manifest
from catalog.roots import Root
from catalog.shards import blob_path


def read_rows(storage: Root, manifest: Manifest, split: str, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """The rows of one split as they were published, without their digests; only `columns` where these are named."""
    for shard in manifest.splits[split].shards:
        with pa.memory_map(str(storage.fetch(blob_path(manifest.name, shard.blob)))) as file:
            for batch in pa.ipc.open_stream(file):
                kept = [name for name in batch.schema.names if name != "row_digest" and (columns is None or name in columns)]
                yield from batch.select(kept).to_pylist()


def read_schema(storage: Root, manifest: Manifest) -> pa.Schema:
    """The schema of a version, with its metadata."""
    shard = next(shard for split in manifest.splits.values() for shard in split.shards)
    with pa.memory_map(str(storage.fetch(blob_path(manifest.name, shard.blob)))) as file:
        return pa.ipc.open_stream(file).schema
