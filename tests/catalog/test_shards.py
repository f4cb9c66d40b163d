"""Blobs are named by their bytes, rows are summed whatever their order, and a failed writer leaves nothing."""

import errno
import hashlib
from io import FileIO
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import shards
from catalog.building import Building
from catalog.errors import CatalogError, DiskFullError
from catalog.roots import Root, open_root
from catalog.shards import ShardWriter, blob_path, row_digest, sum_digests


def files(root: Root) -> list[Path]:
    """What lies in the scratch folder."""
    return [file for file in root.scratch("speech").rglob("*") if file.is_file()]


def test_blob_is_named_by_its_bytes_and_reads_back(root: Root, examples: ModuleType) -> None:
    batch = examples.speech_batch(1, rows=6)
    shard = examples.write_shard(root, "speech", "train", batch)
    data = root.read(blob_path("speech", shard.blob))
    assert hashlib.sha256(data).hexdigest() == shard.blob
    assert (shard.rows, shard.size_bytes) == (6, len(data))
    assert pa.ipc.open_stream(data).read_all().equals(pa.Table.from_batches([batch]), check_metadata=True)
    assert files(root) == []


def test_rows_digest_does_not_depend_on_order_or_shards(root: Root, examples: ModuleType) -> None:
    batch = examples.speech_batch(1, rows=6)
    whole = examples.write_shard(root, "speech", "train", batch)
    turned = examples.write_shard(root, "speech", "train", batch.take(pa.array([5, 3, 1, 0, 2, 4])))
    parts = [examples.write_shard(root, "speech", "train", batch.slice(start, 2)) for start in (0, 2, 4)]
    assert turned.blob != whole.blob
    assert turned.rows_digest == whole.rows_digest
    assert sum_digests([part.rows_digest for part in parts]) == whole.rows_digest


def test_same_rows_make_the_same_blob(root: Root, examples: ModuleType) -> None:
    one, other = (examples.write_shard(root, "speech", "train", examples.speech_batch(1)) for _ in range(2))
    assert one == other


def test_large_batches_are_split(tmp_path: Path, examples: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "MAX_BATCH_BYTES", 10_000)
    root = open_root(tmp_path)
    batch = examples.speech_batch(1, rows=8)
    shard = examples.write_shard(root, "speech", "train", batch)
    written = list(pa.ipc.open_stream(root.read(blob_path("speech", shard.blob))))
    assert len(written) > 1
    assert all(part.nbytes <= 10_000 or part.num_rows == 1 for part in written)
    assert pa.Table.from_batches(written).to_batches() != []
    assert pa.Table.from_batches(written).combine_chunks().equals(pa.Table.from_batches([batch]))


def test_failed_writer_leaves_nothing(root: Root, examples: ModuleType) -> None:
    batch = examples.speech_batch(1)
    with pytest.raises(ZeroDivisionError), ShardWriter(root, "speech", "train", batch.schema) as writer:
        writer.write(batch)
        raise ZeroDivisionError
    assert files(root) == []
    assert root.children("speech/blobs") == []


def test_full_disk_is_one_line_and_leaves_nothing(root: Root, examples: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk takes 4 kB and then no more; the journal of what was finished before stays, so that the build resumes."""
    first = examples.write_shard(root, "speech", "train", examples.speech_batch(1))
    Building(root, "speech", "f").record("train-0", first)

    def full(self: FileIO, data: memoryview) -> int:
        if self.tell() > 4096:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, data[:1000])

    write = FileIO.write
    monkeypatch.setattr(shards, "FileIO", type("SmallDisk", (FileIO,), {"write": full}))
    with pytest.raises(DiskFullError, match="No space left") as caught:
        examples.write_shard(root, "speech", "train", examples.speech_batch(2))
    assert "\n" not in str(caught.value)
    assert files(root) == []
    assert Building(root, "speech", "f").finished() == {"train-0": first}


def test_short_writes_are_completed(tmp_path: Path, examples: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operating system may write less than it was given."""
    root = open_root(tmp_path)
    expected = examples.write_shard(root, "speech", "train", examples.speech_batch(1))
    write = FileIO.write
    short = type("Short", (FileIO,), {"write": lambda self, data: write(self, data[:7])})
    monkeypatch.setattr(shards, "FileIO", short)
    assert examples.write_shard(root, "speech", "train", examples.speech_batch(1)) == expected


def test_journal_keeps_only_shards_whose_blob_is_there(root: Root, examples: ModuleType) -> None:
    building = Building(root, "speech", "f")
    one, two = (examples.write_shard(root, "speech", "train", examples.speech_batch(seed)) for seed in (1, 2))
    building.record("train-0", one)
    building.record("train-1", two)
    assert Building(root, "speech", "f").finished() == {"train-0": one, "train-1": two}
    assert Building(root, "speech", "other").finished() == {}
    root.remove(blob_path("speech", two.blob))
    assert building.finished() == {"train-0": one}
    building.discard()
    assert building.finished() == {}


def test_schema_without_row_digest_and_unsafe_names_are_refused(root: Root, examples: ModuleType) -> None:
    with pytest.raises(CatalogError, match="row_digest"):
        ShardWriter(root, "speech", "train", pa.schema([("id", pa.string())]))
    with pytest.raises(CatalogError, match="features"):
        ShardWriter(root, "speech", "train", pa.schema([("row_digest", pa.string())]))
    schema = examples.speech_batch(1).schema
    for name, split in (("../up", "train"), ("a/b", "train"), (".hidden", "train"), ("speech", "a/b"), ("", "train")):
        with pytest.raises(CatalogError, match="not usable"):
            ShardWriter(root, name, split, schema)


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.floats(allow_nan=False) | st.lists(st.integers())))
def test_row_digest_sees_values_not_the_order_of_columns(fields: dict[str, object]) -> None:
    try:
        digest = row_digest(fields)
    except UnicodeEncodeError:  # lone surrogates are no text
        return
    assert digest == row_digest(dict(reversed(fields.items())))
    assert digest != row_digest({**fields, "another": 1, "yet another": 2})


def test_row_digest_is_fixed() -> None:
    """Changing the formula would make every dataset look new: {"a":"語","b":0.1} as UTF-8."""
    assert row_digest({"b": 0.1, "a": "語"}) == hashlib.sha256('{"a":"語","b":0.1}'.encode()).hexdigest()
