"""What a kind promises of its rows, checked on the written samples, a batch at a time."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from catalog.codecs import decode_stored
from catalog.kinds import audio_columns
from synth import wav

_BLOCK_SAMPLES = 1 << 18  # what is summed at a time stays in the processor's cache
_HEADER_WORDS = wav.HEADER_BYTES // 2
_MEASURED = ("sample_rate_hz", "num_samples", "num_channels", "audio_sha256")

Decode = Callable[[memoryview], tuple[wav.Signal, int]]


@dataclass(frozen=True)
class Wavs:
    """The WAV bytes of one column, end to end in one block of memory."""

    data: NDArray[np.uint8]  # [bytes]
    offsets: NDArray[np.int64]  # [rows + 1], bytes; `offsets[0]` is 0

    @property
    def words(self) -> NDArray[np.int16]:
        return self.data.view("<i2")


def wavs(batch: pa.RecordBatch, column: str) -> Wavs | None:
    """The WAVs of a column of mono PCM16; None where a row has none of its sample rate."""
    files = batch.column(column).field("bytes")
    if files.null_count or batch.column(column).null_count:
        return None
    _, offset_buffer, data_buffer = files.buffers()
    offsets = np.frombuffer(offset_buffer, np.int32)[files.offset : files.offset + len(files) + 1].astype(np.int64)
    data = np.frombuffer(data_buffer, np.uint8)[offsets[0] : offsets[-1]]
    offsets -= offsets[0]
    sizes = np.diff(offsets)
    if (sizes < wav.HEADER_BYTES).any() or (sizes % 2).any():
        return None
    headers = data[offsets[:-1, None] + np.arange(wav.HEADER_BYTES)]
    rates = batch.column("sample_rate_hz").to_numpy()
    expected = [
        wav.header((size - wav.HEADER_BYTES) // 2, rate) for size, rate in zip(sizes.tolist(), rates.tolist(), strict=True)
    ]
    return Wavs(data, offsets) if headers.tobytes() == b"".join(expected) else None


def broken_mixtures(batch: pa.RecordBatch) -> Iterator[str]:
    """One line about the rows of kinds `separation` and `enhancement` of which a sum is not that of its stems in every sample."""
    columns = {name: wavs(batch, name) for name in audio_columns(batch.schema)}
    for name, stems in sums_of(columns).items():
        whole = [columns[stem] for stem in stems]
        total = columns[name]
        if total is None or None in whole:
            yield from _broken_rows(batch, name, stems)
            continue
        if any(not np.array_equal(stem.offsets, total.offsets) for stem in whole if stem is not None):
            yield f"a row has stems of another length than its {name}"
            continue
        wrong = _wrong_words(total, [stem.words for stem in whole if stem is not None])
        if wrong.any():
            yield about(batch, wrong, f"{name} is not the sum of the stems")


def sums_of(names: Collection[str]) -> dict[str, list[str]]:
    """Columns of a mixture that are sums of others, with those."""
    speech = [name for name in names if name[0] == "s" and name[1:].isdecimal()]
    noise = [name for name in names if name == "noise"]
    sums = {"mixture": [*speech, *noise], "noisy": ["clean", *noise], "mix_clean": speech, "mix_single": [*speech[:1], *noise]}
    return {name: stems for name, stems in sums.items() if name in names}


def _wrong_words(total: Wavs, stems: Sequence[NDArray[np.int16]]) -> NDArray[np.bool_]:
    """Rows in which a sample is not the sum of those of the stems."""
    wrong = np.empty(len(total.words), np.bool_)
    for start in range(0, len(wrong), _BLOCK_SAMPLES):
        block = slice(start, start + _BLOCK_SAMPLES)
        sums = np.zeros(len(wrong[block]), np.int32)  # wide: two stems may add up to more than an int16 holds
        for stem in stems:
            sums += stem[block]
        np.not_equal(sums, total.words[block], out=wrong[block])
    starts = total.offsets[:-1] // 2
    wrong[starts[:, None] + np.arange(_HEADER_WORDS)] = False
    rows: NDArray[np.bool_] = np.logical_or.reduceat(wrong, starts)
    return rows


def _broken_rows(batch: pa.RecordBatch, name: str, stems: Sequence[str]) -> Iterator[str]:
    """Row by row: for signals of several channels, and where some rows lack a stem."""
    wrong = np.zeros(batch.num_rows, np.bool_)
    files = {column: batch.column(column).field("bytes") for column in (name, *stems)}
    rates = batch.column("sample_rate_hz").to_pylist()
    for row in range(batch.num_rows):
        present = [column for column in stems if batch.column(column)[row].is_valid]
        try:
            signals = [decode_stored(memoryview(files[column][row].as_buffer())) for column in (name, *present)]
        except (ValueError, TypeError, AttributeError):
            yield "a row has audio that is no canonical WAV of its sample rate"
            return
        if any(rate != rates[row] for _, rate in signals):
            yield "a row has audio that is no canonical WAV of its sample rate"
            return
        total, *parts = (signal for signal, _ in signals)
        if any(part.shape != total.shape for part in parts):
            yield f"a row has stems of another length than its {name}"
            return
        wrong[row] = not np.array_equal(np.sum([part.astype(np.int32) for part in parts], axis=0), total)
    if wrong.any():
        yield about(batch, wrong, f"{name} is not the sum of the stems")


def broken_speech(batch: pa.RecordBatch) -> Iterator[str]:
    """One line about the rows of kind `speech`, all WAVs, whose `audio_sha256` or `num_samples` is not that of their audio."""
    audio = wavs(batch, "audio")
    if audio is None:
        yield "a row has audio that is no canonical WAV of its sample rate"
        return
    starts, stops = audio.offsets[:-1] + wav.HEADER_BYTES, audio.offsets[1:]
    if not np.array_equal((stops - starts) // 2, batch.column("num_samples").to_numpy()):
        yield about(
            batch, (stops - starts) // 2 != batch.column("num_samples").to_numpy(), "num_samples is not that of the audio"
        )
    digests = [hashlib.sha256(audio.data[start:stop].data).hexdigest() for start, stop in zip(starts, stops, strict=True)]
    stored = batch.column("audio_sha256").to_pylist()
    wrong = np.array([one != other for one, other in zip(digests, stored, strict=True)], np.bool_)
    if wrong.any():
        yield about(batch, wrong, "audio_sha256 is not that of the samples")


def broken_recordings(batch: pa.RecordBatch, decode: Decode = wav.decode_signal) -> Iterator[str]:
    """One line about the rows of any kind and encoding with a column `audio` whose other columns are not those of their audio."""
    names = [name for name in _MEASURED if name in batch.schema.names]
    audio = batch.column("audio").field("bytes")
    stored = batch.select(names).to_pylist()
    wrong = np.array([_measured(data, names, decode) != columns for data, columns in zip(audio, stored, strict=True)], np.bool_)
    if wrong.any():
        yield about(batch, wrong, f"{', '.join(names[:-1])} or {names[-1]} is not that of the audio")


def broken_files(batch: pa.RecordBatch) -> Iterator[str]:
    """As `broken_recordings`, of rows that keep FLAC or the files of the corpus: decoded again."""
    yield from broken_recordings(batch, decode_stored)


def _measured(data: pa.BinaryScalar, names: list[str], decode: Decode) -> dict[str, object] | None:
    """None where it cannot be decoded."""
    try:
        samples, sample_rate_hz = decode(memoryview(data.as_buffer() or b""))
    except ValueError:
        return None
    measured = {
        "sample_rate_hz": sample_rate_hz,
        "num_samples": samples.shape[-1],
        "num_channels": 1 if samples.ndim == 1 else len(samples),
        "audio_sha256": hashlib.sha256(np.ascontiguousarray(samples.T).data).hexdigest(),
    }
    return {name: measured[name] for name in names}


def about(batch: pa.RecordBatch, wrong: NDArray[np.bool_], what: str) -> str:
    """One line that says `what` of the rows marked in `wrong`, and names the first of them."""
    rows = np.flatnonzero(wrong)
    ids = [batch.column("id")[int(row)].as_py() for row in rows[:3]]
    return f"{what} in {len(rows)} rows ({', '.join(ids)}{', ...' if len(rows) > 3 else ''})"
