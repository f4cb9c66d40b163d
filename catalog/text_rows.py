"""Rows of a text version, one after another, straight from its blobs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from catalog.blobs import damage_is_an_error
from catalog.manifests import Manifest
from catalog.roots import Root
from catalog.shards import blob_path


def read_rows(storage: Root, manifest: Manifest, split: str, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """The rows of one split as they were published, without their digests; only `columns` where these are named.

    Raises:
        IntegrityError: a blob is missing or damaged.
    """
    for shard in manifest.splits[split].shards:
        with _batches(storage, manifest, shard.blob) as stream:
            for batch in stream:
                kept = [name for name in batch.schema.names if name != "row_digest" and (columns is None or name in columns)]
                yield from batch.select(kept).to_pylist()


def read_schema(storage: Root, manifest: Manifest) -> pa.Schema:
    """The schema of a version, with its metadata. Raises IntegrityError as `read_rows`."""
    shard = next(shard for split in manifest.splits.values() for shard in split.shards)
    with _batches(storage, manifest, shard.blob) as stream:
        return stream.schema


@contextmanager
def _batches(storage: Root, manifest: Manifest, blob: str) -> Iterator[pa.RecordBatchStreamReader]:
    path = storage.fetch(blob_path(manifest.name, blob))
    with damage_is_an_error(path, f"{manifest.name}@{manifest.version}"), pa.memory_map(str(path)) as file:
        yield pa.ipc.open_stream(file)
