"""One shard of a set: a slice of a plan, rendered and written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from catalog.blobs import read_blob
from catalog.building import Building
from catalog.inputs import loads_of, open_inputs
from catalog.kinds import AUDIO, separation_schema
from catalog.manifests import Manifest, Pin
from catalog.roots import Root, open_root
from catalog.sample_digests import COLUMN, samples_digest
from catalog.shards import Shard, ShardWriter, blob_path
from flows.mixtures.kept_shards import KeptPart, kept_batches
from synth import wav
from synth.levelling.gains import FULL_SCALE
from synth.render import NEEDED_TO_RENDER, Loads, render_into, signals_of
from synth.rows.layout import Layout

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
    inputs: tuple[Pin, ...]
    sample_rate_hz: int
    layout: Layout
    kept: KeptPart | None = None  # of an earlier version, whose other rows are copied


def render_shard(task: ShardTask) -> Shard:
    """Render the rows of a task into one shard and record it in the build's journal."""
    root, loads = opened(task.root_url, task.inputs, task.sample_rate_hz, task.layout.num_channels)
    plan = pa.ipc.open_file(pa.memory_map(str(task.plan_path))).read_all().slice(task.first_row, task.rows)
    schema = separation_schema(task.layout, task.sample_rate_hz)

    def render(rows: pa.Table) -> Iterator[pa.RecordBatch]:
        return render_batches(rows, loads, schema, task.sample_rate_hz, task.layout)

    batches = render(plan) if task.kept is None else kept_batches(root, task.kept, plan, render)
    with ShardWriter(root, task.name, task.split, schema) as writer:
        for batch in batches:
            writer.write(batch)
        shard = writer.close()
    Building(root, task.name, task.fingerprint).record(task.key, shard)
    return shard


@lru_cache(maxsize=1)
def opened(root_url: str, inputs: tuple[Pin, ...], sample_rate_hz: int, num_channels: int) -> tuple[Root, Loads]:
    """The catalog and the inputs of a set, opened once in each worker: what is checked as rows are heard is not checked again."""
    root = open_root(root_url)
    return root, loads_of(open_inputs(root, inputs), sample_rate_hz, num_channels, checked=True)


def store_plan(root: Root, name: str, split: str, plan: pa.Table, layout: Layout, sample_rate_hz: int) -> Shard:
    """A shard of rows that are rendered while they are read: the columns of audio are there, and empty."""
    schema = separation_schema(layout, sample_rate_hz)
    planned = {name: plan[name].combine_chunks() for name in plan.column_names}
    columns = [planned[field.name] if field.name in planned else pa.nulls(len(plan), field.type) for field in schema]
    with ShardWriter(root, name, split, schema, compression="zstd") as writer:
        writer.write(pa.RecordBatch.from_arrays(columns, schema=schema))
        return writer.close()


def read_plan(root: Root, manifest: Manifest, split: str, layout: Layout) -> pa.Table:
    """The plan that a split of a version of `storage: plan` is."""
    blobs = (root.fetch(blob_path(manifest.name, shard.blob)) for shard in manifest.splits[split].shards)
    version = f"{manifest.name}@{manifest.version}"
    schema = layout.plan_schema()
    tables = [read_blob(blob, version).select(schema.names) for blob in blobs]
    return pa.concat_tables(tables).cast(schema)


def row_bytes(plan: pa.Table, layout: Layout) -> NDArray[np.int64]:
    """Bytes of audio that the rows of a plan take."""
    counts = sum(_present(plan, signal).astype(np.int64) for signal in layout.signals().values())
    sizes: NDArray[np.int64] = counts * (wav.HEADER_BYTES + 2 * layout.num_channels * plan["num_samples"].to_numpy())
    return sizes


def _present(plan: pa.Table, signal: str) -> NDArray[np.bool_]:
    """Which rows have a signal."""
    if signal == "noise":
        present: NDArray[np.bool_] = plan["noise_kind"].is_valid().to_numpy()
        return present
    if signal[0] == "s":
        sources: NDArray[np.int32] = pa.compute.list_value_length(plan["speaker_ids"]).to_numpy()
        return sources >= int(signal[1:].split("_")[0])
    return np.ones(len(plan), dtype=bool)


def render_batches(
    plan: pa.Table, loads: Loads, schema: pa.Schema, sample_rate_hz: int, layout: Layout
) -> Iterator[pa.RecordBatch]:
    """Render a plan batch by batch. A batch is good until the next is asked for: its memory is used again."""
    names = list(layout.signals())
    sizes = wav.HEADER_BYTES + 2 * layout.num_channels * plan["num_samples"].to_numpy()
    begins = np.flatnonzero(np.diff(np.cumsum(sizes * len(names)) // BATCH_BYTES, prepend=-1))
    ends = np.append(begins[1:], len(plan))
    largest = max(int(sizes[begin:end].sum()) for begin, end in zip(begins, ends, strict=True))
    buffers = {name: np.empty(largest, dtype=np.uint8) for name in names}
    for begin, end in zip(begins, ends, strict=True):
        yield _render_batch(plan.slice(begin, end - begin), loads, schema, sample_rate_hz, layout, buffers)


def _render_batch(
    plan: pa.Table,
    loads: Loads,
    schema: pa.Schema,
    sample_rate_hz: int,
    layout: Layout,
    buffers: dict[str, NDArray[np.uint8]],
) -> pa.RecordBatch:
    num_channels, signals = layout.num_channels, layout.signals()
    ends: dict[str, list[int]] = {name: [0] for name in buffers}
    peaks, digests = np.empty(len(plan)), []
    rows = plan.select([name for name in plan.column_names if name in NEEDED_TO_RENDER]).to_pylist()
    for k, row in enumerate(rows):
        header = np.frombuffer(wav.header(row["num_samples"], sample_rate_hz, num_channels), dtype=np.uint8)
        size = len(header) + 2 * num_channels * row["num_samples"]
        present = signals_of(row, signals.values())
        out: dict[str, NDArray[np.int16]] = {}
        for column, buffer in buffers.items():
            at = ends[column][-1]
            ends[column].append(at + size * (signals[column] in present))
            if signals[column] in present:
                buffer[at : at + len(header)] = header
                signal = buffer[at + len(header) : at + size].view("<i2")
                out[signals[column]] = signal if num_channels == 1 else signal.reshape(-1, num_channels).T
        for name in present:  # what is summed up, but is in no column
            if name not in out:
                out[name] = np.empty_like(out["mixture"])
        render_into(row, loads, out)
        if layout.by_library:
            digests.append(samples_digest({column: out[signal] for column, signal in signals.items() if signal in out}))
        peaks[k] = max(int(out["mixture"].max()), -int(out["mixture"].min()), 1)  # 1: silence has no level
    audio = {name: _audio_column(ends[name], buffer) for name, buffer in buffers.items()}
    measured = {"peak_dbfs": pa.array(20 * np.log10(peaks / FULL_SCALE)), COLUMN: pa.array(digests, pa.string())}
    planned = {name: plan[name].combine_chunks() for name in plan.column_names}
    columns: dict[str, Any] = {**planned, **audio, **measured}
    return pa.RecordBatch.from_arrays([columns[field.name] for field in schema], schema=schema)


def _audio_column(ends: Sequence[int], data: NDArray[np.uint8]) -> pa.StructArray:
    """One WAV from each end to the next; null where there is nothing between them."""
    offsets = np.array(ends, dtype=np.int32)
    wavs = pa.BinaryArray.from_buffers(
        pa.binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(data[: offsets[-1]])]
    )
    absent = pa.array(np.diff(offsets) == 0)
    fields = [wavs, pa.nulls(len(wavs), pa.string())]
    return pa.StructArray.from_arrays(fields, fields=list(AUDIO), mask=absent if pa.compute.any(absent).as_py() else None)
