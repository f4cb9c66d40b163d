"""Audio files as they come out of the sources, to rows on the local disk that only lack what the metadata will say.

An archive is inflated once and its transcripts may stand anywhere in it: audio is decoded, measured and written here while the
archive streams, and texts, splits and genders are joined when all of it was seen (`flows.recordings.utterances`).
"""

import fnmatch
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from catalog.files import full_disk_is_an_error
from flows.adapter import AudioFile, Corpus, Metadata, Recording, Take
from flows.reading.archives import is_archive, opened
from flows.reading.audio import AUDIO_SUFFIXES, UnreadableAudio, decode_signal
from flows.reading.members import Member
from flows.recordings.encodings import Encoding, encoded
from synth.errors import YuliaoError
from synth.levels.frames import measure_frames
from synth.resample import resample
from synth.wav import Signal

_BATCH_BYTES = 4 << 20  # of a larger one, memory comes fresh from the kernel each time
_LARGEST_ROW_BYTES = 2**31 - 1  # Arrow's offsets have 32 bits
SCHEMA = pa.schema(
    [
        ("bytes", pa.binary()),
        ("sample_rate_hz", pa.int32()),
        ("num_samples", pa.int64()),
        ("num_channels", pa.int32()),
        ("audio_sha256", pa.string()),
        ("frame_energies", pa.list_(pa.int64())),
        ("frame_peaks", pa.list_(pa.uint16())),
    ]
)


class IngestError(YuliaoError):
    """Sources that are missing or hold nothing of the corpus."""


@dataclass(frozen=True)
class StageTask:
    """Files to be staged together in one Arrow file."""

    corpus: Corpus
    to: Path
    files: Sequence[Member | AudioFile]
    encoding: Encoding = "wav"
    held_bytes: int = 0  # of the files, what is in memory and travels with the task


@dataclass(frozen=True)
class StagedRow:
    """A row of the Arrow file, in its order."""

    recording: Recording
    path: str  # of the file it comes from
    form: str  # of what is kept: wav, flac, m4a...
    size_bytes: int
    duration_s: float
    is_silent: bool  # every sample is zero


@dataclass(frozen=True)
class Quarantined:
    """A file that was left out, and why."""

    member: str
    reason: str


@dataclass
class Staged:
    """What came of a task."""

    to: Path
    rows: list[StagedRow] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    foreign_audio: list[str] = field(default_factory=list)  # audio files whose path is none of the corpus
    metadata: Metadata = field(default_factory=Metadata)


def is_metadata(corpus: Corpus, path: str) -> bool:
    """Whether a file of this path tells of recordings."""
    name = PurePosixPath(path).name
    if corpus.transcript is not None and corpus.transcript(path) is not None:
        return True
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in corpus.metadata)


def is_of_interest(corpus: Corpus, path: str) -> bool:
    """Whether a file of this path is to be staged at all."""
    return (
        is_archive(path)
        or path.lower().endswith(AUDIO_SUFFIXES)
        or is_metadata(corpus, path)
        or (corpus.identify is not None and corpus.identify(path) is not None)
    )


def stage(task: StageTask) -> Staged:
    """Decode, measure and write; audio that is unreadable or of another sample rate is left out and named.

    Raises:
        ArchiveError: an archive among the files is damaged or hostile.
        IngestError: a metadata file is not UTF-8.
    """
    staged = Staged(task.to)
    with _Writer(task.to) as writer:
        for audio in _audio_files(task, staged):
            if audio.problem:
                staged.quarantined.append(Quarantined(audio.path, audio.problem))
                continue
            data = audio.data if isinstance(audio.data, bytes) else audio.data()
            try:
                signal, rate_hz = decode_signal(data, audio.path, fine=task.corpus.kind == "rir")
                for take in audio.takes:
                    _stage_take(task, audio, take, signal, rate_hz, data, writer, staged)
            except UnreadableAudio as error:
                staged.quarantined.append(Quarantined(audio.path, str(error).removeprefix(f"{audio.path}: ")))
    return staged


def _audio_files(task: StageTask, staged: Staged) -> Iterator[AudioFile]:
    for file in task.files:
        if isinstance(file, AudioFile):
            yield file
            continue
        for member in opened(file):
            read_metadata(task.corpus, member, staged.metadata)
            recording = task.corpus.identify(member.path) if task.corpus.identify else None
            if recording is not None:
                yield AudioFile(member.path, member.read(), (Take(recording),))
            elif member.path.endswith(AUDIO_SUFFIXES):
                staged.foreign_audio.append(member.path)


def read_metadata(corpus: Corpus, member: Member, metadata: Metadata) -> None:
    """Add what a file says, if it is one that tells of recordings. Raises IngestError where it is not UTF-8."""
    name = PurePosixPath(member.path).name
    for pattern, read in corpus.metadata.items():
        if fnmatch.fnmatchcase(name, pattern):
            read(_text(member), metadata)
    utterance = corpus.transcript(member.path) if corpus.transcript is not None else None
    if utterance is not None and (text := _text(member).strip()):
        metadata.texts.setdefault(utterance, text)


def _text(member: Member) -> str:
    try:
        return member.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise IngestError(
            f"{member.source}: {member.path} is not UTF-8 ({error.reason} at byte {error.start}); fetch it again"
        ) from error


def _stage_take(
    task: StageTask, audio: AudioFile, take: Take, signal: Signal, rate_hz: int, file: bytes, writer: "_Writer", staged: Staged
) -> None:
    corpus = task.corpus
    cut = _cut(take, signal, rate_hz, audio.path)
    if rate_hz != corpus.sample_rate_hz:
        if not corpus.resampled:
            raise UnreadableAudio(f"{audio.path}: {rate_hz} Hz where {corpus.sample_rate_hz} Hz is declared")
        cut = _at_rate(cut, rate_hz, corpus.sample_rate_hz)
    if corpus.kind == "speech" and cut.ndim != 1:
        raise UnreadableAudio(f"{audio.path}: {len(cut)} channels where mono is declared")
    data, form = encoded(cut, corpus.sample_rate_hz, task.encoding, file if cut is signal else None)
    energies, peaks = frames(cast(NDArray[np.int16], cut), corpus.sample_rate_hz) if cut.dtype == np.int16 else (None, None)
    if len(data) > _LARGEST_ROW_BYTES:
        raise UnreadableAudio(
            f"{audio.path}: {len(data):,} bytes as it would be kept, more than a row can hold; cut it into parts"
        )
    num_samples = cut.shape[-1]
    writer.add(
        {
            "bytes": data,
            "sample_rate_hz": corpus.sample_rate_hz,
            "num_samples": num_samples,
            "num_channels": 1 if cut.ndim == 1 else len(cut),
            "audio_sha256": hashlib.sha256(np.ascontiguousarray(cut.T).data).hexdigest(),
            "frame_energies": energies,
            "frame_peaks": peaks,
        }
    )
    duration_s = num_samples / corpus.sample_rate_hz
    staged.rows.append(StagedRow(take.recording, audio.path, form, len(data), duration_s, not cut.any()))


def _cut(take: Take, signal: Signal, rate_hz: int, path: str) -> Signal:
    if take.start_s == 0.0 and take.end_s is None:
        return signal
    begin = round(take.start_s * rate_hz)
    end = signal.shape[-1] if take.end_s is None else round(take.end_s * rate_hz)
    # Manifests round times: a few samples behind the end are no error.
    if not 0 <= begin < end or end > signal.shape[-1] + rate_hz // 100:
        length_s = signal.shape[-1] / rate_hz
        raise UnreadableAudio(f"{path}: {take.recording.id} is to be {take.start_s} to {take.end_s} s of its {length_s:.3f} s")
    return signal[..., begin:end]


def _at_rate(signal: Signal, from_hz: int, to_hz: int) -> Signal:
    if signal.dtype == np.int16:
        channels = [resample(np.ascontiguousarray(channel), from_hz, to_hz) for channel in np.atleast_2d(signal)]
    else:
        import soxr

        channels = [
            soxr.resample(np.ascontiguousarray(channel), from_hz, to_hz, quality="HQ") for channel in np.atleast_2d(signal)
        ]
    return channels[0] if signal.ndim == 1 else np.stack(channels)


def frames(signal: NDArray[np.int16], sample_rate_hz: int) -> tuple[NDArray[np.int64], NDArray[np.uint16]]:
    """Energies and peaks of 10 ms frames; of several channels the mean, rounded down, and the maximum."""
    if signal.ndim == 1:
        return measure_frames(signal, sample_rate_hz)
    energies, peaks = zip(*(measure_frames(channel, sample_rate_hz) for channel in signal), strict=True)
    return np.sum(energies, axis=0) // len(signal), np.max(peaks, axis=0)


def _column(values: list[object], of_type: pa.DataType) -> pa.Array:
    if len(values) == 1 and isinstance(values[0], bytes):  # where it is: it may be hundreds of megabytes
        ends = np.array([0, len(values[0])], np.int32)
        return pa.Array.from_buffers(of_type, 1, [None, pa.py_buffer(ends), pa.py_buffer(values[0])])
    return pa.array(values, type=of_type)


class _Writer:
    """Rows to an Arrow file, in batches, so that no more than one of them is in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: list[dict[str, object]] = []
        self._size_bytes = 0

    def __enter__(self) -> "_Writer":
        with full_disk_is_an_error(str(self._path)):
            self._file = pa.ipc.new_file(str(self._path), SCHEMA)
        return self

    def add(self, row: dict[str, object]) -> None:
        self._rows.append(row)
        self._size_bytes += len(row["bytes"])  # type: ignore[arg-type]
        if self._size_bytes >= _BATCH_BYTES:
            self._write()

    def _write(self) -> None:
        columns = [_column([row[field.name] for row in self._rows], field.type) for field in SCHEMA]
        with full_disk_is_an_error(str(self._path)):
            self._file.write_batch(pa.RecordBatch.from_arrays(columns, schema=SCHEMA))
        self._rows, self._size_bytes = [], 0

    def __exit__(self, *error: object) -> None:
        with full_disk_is_an_error(str(self._path)):
            if error[0] is None and self._rows:
                self._write()
            self._file.close()
