"""One shard of a set: a slice of a plan, rendered and written."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from catalog.blobs import read_blob
from catalog.building import Building
from catalog.kinds import AUDIO, separation_schema
from catalog.manifests import Manifest, Pin, read_manifest
from catalog.roots import Root, open_root
from catalog.shards import Shard, ShardWriter, blob_path
from catalog.utterances import Utterances, open_utterances
from synth import wav
from synth.columns import PLAN_SCHEMA
from synth.plan import FULL_SCALE
from synth.render import Load, render_into
from synth.spec import SeparationSpec

BATCH_BYTES = 8 << 20  # of audio: what a worker holds


@dataclass(frozen=True)
class ShardTask:
    """What a worker needs to make a shard. The plan is passed by its path: long arguments are slow to send."""

    root_url: str
    name: str
    fingerprint: str
    key: str  # under which the finished shard stands in the journal
    split: str
    plan_path: Path
    first_row: int
    rows: int
    corpus: Pin
    sample_rate_hz: int
    n_src: int


def render_shard(task: ShardTask) -> Shard:
    """Render the rows of a task into one shard and record it in the build's journal."""
    root, utterances = _corpus(task.root_url, task.corpus, task.sample_rate_hz)
    plan = pa.ipc.open_file(pa.memory_map(str(task.plan_path))).read_all().slice(task.first_row, task.rows)
    schema = separation_schema(task.n_src, task.sample_rate_hz)
    with ShardWriter(root, task.name, task.split, schema) as writer:
        for batch in render_batches(plan, utterances.load_checked, schema, task.sample_rate_hz):
            writer.write(batch)
        shard = writer.close()
    Building(root, task.name, task.fingerprint).record(task.key, shard)
    return shard


@lru_cache(maxsize=1)
def _corpus(root_url: str, corpus: Pin, sample_rate_hz: int) -> tuple[Root, Utterances]:
    """Opened once in each worker."""
    root = open_root(root_url)
    return root, open_utterances(root, read_manifest(root, corpus.name, corpus.version), sample_rate_hz)


def store_plan(root: Root, name: str, split: str, plan: pa.Table, spec: SeparationSpec) -> Shard:
    """A shard of rows that are rendered while they are read: the columns of audio are there, and empty."""
    schema = separation_schema(spec.n_src, spec.sample_rate_hz)
    planned = {name: plan[name].combine_chunks() for name in plan.column_names}
    columns = [planned[field.name] if field.name in planned else pa.nulls(len(plan), field.type) for field in schema]
    with ShardWriter(root, name, split, schema, compression="zstd") as writer:
        writer.write(pa.RecordBatch.from_arrays(columns, schema=schema))
        return writer.close()


def read_plan(root: Root, manifest: Manifest, split: str) -> pa.Table:
    """The plan that a split of a version of `storage: plan` is."""
    blobs = (root.fetch(blob_path(manifest.name, shard.blob)) for shard in manifest.splits[split].shards)
    version = f"{manifest.name}@{manifest.version}"
    tables = [read_blob(blob, version).select(PLAN_SCHEMA.names) for blob in blobs]
    return pa.concat_tables(tables).cast(PLAN_SCHEMA)


def row_bytes(num_samples: NDArray[np.int64], n_src: int) -> NDArray[np.int64]:
    """Bytes of audio that rows of so many samples take."""
    return (n_src + 1) * (wav.HEADER_BYTES + 2 * num_samples)


def render_batches(plan: pa.Table, load: Load, schema: pa.Schema, sample_rate_hz: int) -> Iterator[pa.RecordBatch]:
    """Render a plan batch by batch. A batch is good until the next is asked for: its memory is used again."""
    n_src = sum(field.type == AUDIO for field in schema) - 1
    sizes = row_bytes(plan["num_samples"].to_numpy(), n_src)
    begins = np.flatnonzero(np.diff(np.cumsum(sizes) // BATCH_BYTES, prepend=-1))
    ends = np.append(begins[1:], len(plan))
    largest = max(int(sizes[begin:end].sum()) for begin, end in zip(begins, ends, strict=True)) // (n_src + 1)
    buffers = [np.empty(largest, dtype=np.uint8) for _ in range(n_src + 1)]
    for begin, end in zip(begins, ends, strict=True):
        yield _render_batch(plan.slice(begin, end - begin), load, schema, sample_rate_hz, buffers)


def _render_batch(
    plan: pa.Table, load: Load, schema: pa.Schema, sample_rate_hz: int, buffers: list[NDArray[np.uint8]]
) -> pa.RecordBatch:
    num_samples = plan["num_samples"].to_numpy()
    offsets = np.concatenate([[0], np.cumsum(wav.HEADER_BYTES + 2 * num_samples)]).astype(np.int32)
    peaks = np.empty(len(plan))
    rows = plan.select(["source_ids", "starts_samples", "lengths_samples", "offsets_samples", "gains", "num_samples"]).to_pylist()
    for k, row in enumerate(rows):
        header = np.frombuffer(wav.header(row["num_samples"], sample_rate_hz), dtype=np.uint8)
        signals = []
        for buffer in buffers:
            place = buffer[offsets[k] : offsets[k + 1]]
            place[: wav.HEADER_BYTES] = header
            signals.append(place[wav.HEADER_BYTES :].view("<i2"))
        mixture, *stems = signals
        render_into(row, load, mixture, stems)
        peaks[k] = max(int(mixture.max()), -int(mixture.min()), 1)  # 1: silence has no level
    audio = {
        field.name: _audio_column(offsets, buffer)
        for field, buffer in zip((field for field in schema if field.type == AUDIO), buffers, strict=True)
    }
    measured = {"peak_dbfs": pa.array(20 * np.log10(peaks / FULL_SCALE))}
    planned = {name: plan[name].combine_chunks() for name in plan.column_names}
    columns = {**planned, **audio, **measured}
    return pa.RecordBatch.from_arrays([columns[field.name] for field in schema], schema=schema)


def _audio_column(offsets: NDArray[np.int32], data: NDArray[np.uint8]) -> pa.StructArray:
    wavs = pa.BinaryArray.from_buffers(
        pa.binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(data[: offsets[-1]])]
    )
    return pa.StructArray.from_arrays([wavs, pa.nulls(len(wavs), pa.string())], fields=list(AUDIO))
