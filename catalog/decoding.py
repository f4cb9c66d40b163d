"""Rows of an Arrow table as plain dicts, audio as float32 in one recycled block per row.

Importing this registers them as the format `yuliao` of `datasets`. A pickled dataset brings its `Reading`, and so this module.
"""

import math
from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa
from datasets import Audio, Features
from datasets.formatting import Formatter, _register_formatter
from numpy.typing import NDArray

from catalog.blocks import POOL
from catalog.cells import Cell, cell_reader, list_offsets
from catalog.codecs import decode_stored
from catalog.crops import Epoch, crop_start
from catalog.errors import CatalogError, IntegrityError
from catalog.planned import Planned
from synth import wav
from synth.levels.scaling import FULL_SCALE

FORMAT = "yuliao"
ALIGN_SAMPLES = 16  # every signal of a block begins on a cache line

Row = dict[str, Any]


@dataclass(frozen=True)
class Reading:
    """How rows are read: whole, or as crops of `segment_s` seconds keyed by (seed, epoch, row id); stored or `planned` audio."""

    segment_s: float | None = None
    seed: int = 0
    epoch: Epoch | None = None
    planned: Planned | None = None


class TableReader:
    """Decodes rows of `table` by their position in it.

    A row is a dict of `columns` (all of the table's where None) in the table's order. Each of the columns named in `audio` holds
    canonical WAVs or other files that `codecs` decodes, and gives `{"array": float32 [samples] or [channels, samples],
    "sampling_rate": int}`: int16 / 32768, float32 as it is. All arrays of a row are views of one block of memory that is used
    again only when the last of them is gone; they are writable and nobody else's.
    With `reading.segment_s`, every array has that many seconds: a span common to all columns, zeros behind the end of a
    shorter row, and `num_samples` says how many samples are real.
    """

    def __init__(self, table: pa.Table, audio: Collection[str], reading: Reading, columns: Sequence[str] | None = None) -> None:
        chosen = set(table.column_names if columns is None else columns)
        names = [name for name in table.column_names if name in chosen]
        signals = [name for name in names if name in audio]
        if reading.segment_s is not None and signals and not {"id", "num_samples"} <= set(table.column_names):
            raise CatalogError(
                "a crop is keyed by its row: keep the columns 'id' and 'num_samples' beside the audio, or read whole rows"
            )
        batches = [batch for batch in table.to_batches() if batch.num_rows]
        self._batches = [_BatchReader(batch, names, signals, reading) for batch in batches]
        self._starts = np.cumsum([0, *(batch.num_rows for batch in batches)]).tolist()

    def row(self, position: int) -> Row:
        """The row at `position`, counted from 0."""
        k = bisect_right(self._starts, position) - 1
        return self._batches[k].row(position - self._starts[k])


@dataclass
class _BatchReader:
    batch: pa.RecordBatch
    names: Sequence[str]
    audio: Sequence[str]
    reading: Reading

    @cached_property
    def _cells(self) -> list[tuple[str, Cell]]:
        return [
            (name, self._signal_reader(name) if name in self.audio else cell_reader(self.batch.column(name)))
            for name in self.names
        ]

    @cached_property
    def _key(self) -> tuple[Cell, Cell]:
        return cell_reader(self.batch.column("id")), cell_reader(self.batch.column("num_samples"))

    def row(self, i: int) -> Row:
        row = {name: read(i) for name, read in self._cells}
        planned, segment_s = self.reading.planned, self.reading.segment_s
        signals: list[tuple[str, wav.Signal, int]] = [(name, *row[name]) for name in self.audio if row[name] is not None]
        if planned is not None and len(signals) < len(self.audio):
            self._render(i, row, planned, [name for name in self.audio if row[name] is None])
        if segment_s is None:
            _to_float(signals, None, row)
            return row
        rates = [row[name]["sampling_rate"] for name in self.audio if isinstance(row[name], dict)] + [
            rate for *_, rate in signals
        ]
        if not rates:
            return row
        length = max(1, round(segment_s * rates[0]))
        start = self._crop_start(i, length)
        # a signal that `map` stored as a crop is one already
        crops = [
            (name, signal[..., start : start + length] if signal.shape[-1] > length else signal, rate)
            for name, signal, rate in signals
        ]
        _to_float(crops, length, row)
        if "num_samples" in row:
            row["num_samples"] = min(row["num_samples"], length)
        return row

    def _render(self, i: int, row: Row, planned: Planned, missing: Sequence[str]) -> None:
        """Give `row` the signals that are not stored: whole, or the crop alone."""
        plan = row if not self._hidden else {**row, **{name: read(i) for name, read in self._hidden}}
        start, length = 0, plan["num_samples"]
        if self.reading.segment_s is not None:
            length = max(1, round(self.reading.segment_s * planned.sample_rate_hz))
            start = self._crop_start(i, length)
        columns, real = planned.present(plan, missing), min(length, plan["num_samples"] - start)
        arrays = dict(zip(columns, _arrays([planned.shape(length)] * len(columns)), strict=True))
        for name, array in arrays.items():
            array[..., real:] = 0
            row[name] = {"array": array, "sampling_rate": planned.sample_rate_hz}
        planned.render(plan, start, {name: array[..., :real] for name, array in arrays.items()})

    @cached_property
    def _hidden(self) -> list[tuple[str, Cell]]:
        """What rendering needs besides the columns of a row."""
        needed = self.reading.planned.needed if self.reading.planned is not None else ()
        lost = [name for name in needed if name not in self.batch.schema.names]
        if lost:  # without some of them, mixtures would be rendered without their noise or room
            raise CatalogError(
                f"audio that is not stored is rendered by the columns {', '.join(lost)}: keep them and choose those of a row "
                "by `catalog.get(..., columns=[...])`, which reads them all the same, or store the audio (`yuliao materialize`)"
            )
        return [(name, cell_reader(self.batch.column(name))) for name in needed if name not in self.names]

    def _crop_start(self, i: int, length: int) -> int:
        reading = self.reading
        row_id, num_samples = self._key
        epoch = reading.epoch.value if reading.epoch is not None else 0
        return crop_start(reading.seed, epoch, row_id(i), num_samples(i), length)

    def _signal_reader(self, name: str) -> Cell:
        """A function from a position to (samples, sample rate in Hz), or None where there is no audio.

        Those of canonical WAVs are in place and whole; those of other files are decoded, and may be the crop alone.
        """
        stored = _bytes_reader(self.batch.column(name))

        def read(i: int) -> tuple[wav.Signal, int] | None:
            data = stored(i)
            if data is None:
                return None
            try:
                rate, channels, dtype, offset = _form(data[wav.FORM].tobytes())
            except ValueError:
                return self._decoded(name, i, data)
            try:
                signal = np.frombuffer(data, dtype, offset=offset)
                return signal if channels == 1 else signal.reshape(-1, channels).T, rate
            except ValueError as error:
                raise self._broken(name, i, error) from error

        return read

    def _decoded(self, name: str, i: int, data: memoryview) -> tuple[wav.Signal, int]:
        segment_s = self.reading.segment_s

        def crop(rate_hz: int) -> tuple[int, int]:
            length = max(1, round((segment_s or 0.0) * rate_hz))
            return self._crop_start(i, length), length

        try:
            return decode_stored(data, crop if segment_s is not None else None)
        except ValueError as error:
            raise self._broken(name, i, error) from error

    def _broken(self, name: str, i: int, error: ValueError) -> IntegrityError:
        row_id = self.batch.column("id")[i] if "id" in self.batch.schema.names else f"{i} of a batch"
        return IntegrityError(f"row {row_id}, column {name!r}: {error}; run `yuliao verify` on this version")


@lru_cache(maxsize=64)
def _form(header: bytes) -> tuple[int, int, np.dtype[Any], int]:
    """Sample rate, channels, type of the samples and length of the header, out of its bytes `wav.FORM`; ValueError for others."""
    form = wav.form(header)
    return form.sample_rate_hz, form.num_channels, form.dtype, form.header_bytes


def _to_float(signals: Sequence[tuple[str, wav.Signal, int]], length: int | None, row: Row) -> None:
    """Decode (name, samples, rate) into one block for `row`: `length` samples each, zeros behind its own, or all it has."""
    shapes = [signal.shape if length is None else (*signal.shape[:-1], length) for _, signal, _ in signals]
    for (name, signal, rate), array in zip(signals, _arrays(shapes), strict=True):
        real = array[..., : signal.shape[-1]]
        array[..., signal.shape[-1] :] = 0
        real[...] = signal  # converting and scaling in two passes is faster than one mixed-type multiplication
        if signal.dtype != np.float32:
            np.multiply(real, FULL_SCALE, real)
        row[name] = {"array": array, "sampling_rate": rate}


def _arrays(shapes: Sequence[tuple[int, ...]]) -> list[NDArray[np.float32]]:
    """Arrays in one block, of undefined content."""
    if not shapes:
        return []
    sizes = [math.prod(shape) for shape in shapes]
    steps = [-(-size // ALIGN_SAMPLES) * ALIGN_SAMPLES for size in sizes]
    block, starts = POOL.take(sum(steps)), accumulate(steps, initial=0)
    return [block[start : start + size].reshape(shape) for start, size, shape in zip(starts, sizes, shapes, strict=False)]


def _bytes_reader(array: pa.StructArray) -> Cell:
    """A function from a position to the stored bytes there, in place, or None."""
    data = array.field("bytes")
    _, _, value_bytes = data.buffers()
    offsets = list_offsets(data)
    values = memoryview(value_bytes) if value_bytes is not None else memoryview(b"")
    if not array.null_count and not data.null_count:
        return lambda i: values[offsets[i] : offsets[i + 1]]
    is_null = memoryview(data.is_null().to_numpy(zero_copy_only=False) | array.is_null().to_numpy(zero_copy_only=False))
    return lambda i: None if is_null[i] else values[offsets[i] : offsets[i + 1]]


class RowsFormatter(Formatter):  # type: ignore[misc]  # datasets has no types
    """The format `yuliao` of `datasets`, with how to read as its argument."""

    def __init__(self, features: Features | None = None, token_per_repo_id: Any = None, reading: Reading | None = None) -> None:
        super().__init__(features, token_per_repo_id)
        self.reading = reading or Reading()

    def format_row(self, pa_table: pa.Table) -> Row:
        return self._reader(pa_table).row(0)

    def format_column(self, pa_table: pa.Table) -> list[Any]:
        (name,) = pa_table.column_names
        return [row[name] for row in self._rows(pa_table)]

    def format_batch(self, pa_table: pa.Table) -> dict[str, list[Any]]:
        return batch_of(self._rows(pa_table), pa_table.column_names)

    def _rows(self, pa_table: pa.Table) -> list[Row]:
        reader = self._reader(pa_table)
        return [reader.row(i) for i in range(pa_table.num_rows)]

    def _reader(self, pa_table: pa.Table) -> TableReader:
        return TableReader(pa_table, audio_names(self.features, pa_table.column_names), self.reading)


_register_formatter(RowsFormatter, FORMAT)


def batch_of(rows: Sequence[Row], names: Iterable[str]) -> dict[str, list[Any]]:
    """Rows as a dict of columns."""
    return {name: [row[name] for row in rows] for name in names}


def audio_names(features: Features | None, names: Iterable[str]) -> tuple[str, ...]:
    """Those of `names` that hold audio, in their order."""
    return tuple(name for name in names if features is not None and isinstance(features.get(name), Audio))
