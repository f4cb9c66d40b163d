"""Rows of text to shards."""

from collections.abc import Iterable

import pyarrow as pa

from catalog.roots import Root
from catalog.shards import Shard, ShardWriter, row_digest
from flows.text.adapter import Row

SHARD_ROWS = 20_000
_BATCH_ROWS = 1_000


def write_rows(storage: Root, name: str, split: str, schema: pa.Schema, rows: Iterable[Row]) -> list[Shard]:
    """Write rows, in their order, as shards of `SHARD_ROWS`. Columns of the schema that a row does not have are null."""
    columns = [column for column in schema.names if column != "row_digest"]
    shards: list[Shard] = []
    pending = list(rows)
    for first in range(0, len(pending), SHARD_ROWS):
        with ShardWriter(storage, name, split, schema) as writer:
            for start in range(first, min(first + SHARD_ROWS, len(pending)), _BATCH_ROWS):
                batch = []
                for row in pending[start : min(start + _BATCH_ROWS, first + SHARD_ROWS)]:
                    whole = {column: row.get(column) for column in columns}
                    batch.append({**whole, "row_digest": row_digest(whole)})
                writer.write(pa.RecordBatch.from_pylist(batch, schema=schema))
            shards.append(writer.close())
    return shards
