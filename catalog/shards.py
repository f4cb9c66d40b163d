"""Writing one blob: record batches in, a content-addressed Arrow IPC stream out."""

import hashlib
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import pyarrow as pa

from catalog.errors import CatalogError
from catalog.files import full_disk_is_an_error
from catalog.names import check_name
from catalog.roots import Root

MAX_BATCH_BYTES = 64 << 20
_CHUNK_BYTES = 256 << 10  # hashed and then written while it is still in a core's own cache
DIGEST_MODULUS = 2**256


@dataclass(frozen=True)
class Shard:
    """A blob in its place: one part of a split."""

    split: str
    blob: str  # SHA-256 of the file, hex
    rows: int
    size_bytes: int
    rows_digest: str  # sum of the rows' digests modulo 2**256, hex: independent of order and of shards


def blob_path(name: str, blob: str) -> str:
    """Where the blob with this SHA-256 lies in a catalog."""
    return f"{name}/blobs/{blob}.arrow"


def row_digest(fields: Mapping[str, object]) -> str:
    """SHA-256, hex, over the canonical JSON of a row: sorted keys, no spaces, UTF-8, floats by their shortest exact form."""
    text = json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def sum_digests(digests: Iterator[str] | list[str]) -> str:
    """Sum modulo 2**256 of hex digests, as 64 hex digits."""
    return f"{sum(int(digest, 16) for digest in digests) % DIGEST_MODULUS:064x}"


class _HashingFile:
    """A binary sink that takes the SHA-256 of what goes through, so that a blob is never read again to name it."""

    def __init__(self, path: Path) -> None:
        self._file = FileIO(path, "xb")
        self.sha256 = hashlib.sha256()
        self.size_bytes = 0
        self.closed = False

    def write(self, data: bytes) -> int:
        view = memoryview(data)
        for begin in range(0, len(view), _CHUNK_BYTES):
            chunk = view[begin : begin + _CHUNK_BYTES]
            self.sha256.update(chunk)
            while len(chunk):  # an unbuffered write may be short, the last one before the disk is full for example
                chunk = chunk[self._file.write(chunk) :]
        self.size_bytes += len(view)
        return len(view)

    def flush(self) -> None:
        """Nothing is held back here."""

    def sync(self) -> None:
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self.closed = True
        self._file.close()


class ShardWriter:
    """Writes one shard of `split`. As a context manager it leaves nothing behind when it fails or is never closed.

    Audio is stored as it is, to be read in place from a mapped file; a shard without any is better compressed.
    """

    def __init__(self, root: Root, name: str, split: str, schema: pa.Schema, compression: Literal["zstd"] | None = None) -> None:
        if "row_digest" not in schema.names:
            raise CatalogError(f"shard of {name!r}: the schema has no column row_digest; take one of catalog.kinds")
        if b"huggingface" not in (schema.metadata or {}):
            raise CatalogError(f"shard of {name!r}: the schema does not say its features; take one of catalog.kinds")
        self._root, self._name, self._split = root, check_name(name), check_name(split, "split")
        self._temporary = root.scratch(name) / f"{uuid.uuid4().hex}.arrow"
        self._rows, self._digest = 0, 0
        with full_disk_is_an_error(str(self._temporary)):
            self._sink = _HashingFile(self._temporary)
            self._stream = pa.ipc.new_stream(self._sink, schema, options=pa.ipc.IpcWriteOptions(compression=compression))

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows; `row_digest` holds the hex SHA-256 of each. Batches above 64 MB are split.

        Raises:
            DiskFullError: no space left.
        """
        with full_disk_is_an_error(str(self._temporary)):
            for part in _split(batch):
                self._stream.write_batch(part)
        self._rows += batch.num_rows
        self._digest += sum(int(digest, 16) for digest in batch.column("row_digest").to_pylist())

    def close(self) -> Shard:
        """Finish the file and move it to `<name>/blobs/<sha256>.arrow`."""
        with full_disk_is_an_error(str(self._temporary)):
            self._stream.close()
            self._sink.sync()
            self._sink.close()
        blob = self._sink.sha256.hexdigest()
        self._root.put_blob(self._temporary, blob_path(self._name, blob))
        return Shard(self._split, blob, self._rows, self._sink.size_bytes, f"{self._digest % DIGEST_MODULUS:064x}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._sink.close()
        self._temporary.unlink(missing_ok=True)


def _split(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    if batch.num_rows <= 1 or batch.nbytes <= MAX_BATCH_BYTES:
        yield batch
        return
    half = batch.num_rows // 2
    yield from _split(batch.slice(0, half))
    yield from _split(batch.slice(half))
