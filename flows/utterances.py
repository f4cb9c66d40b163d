"""Utterances as they come out of an archive, to a shard of kind `speech`: decoded, measured, written."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from catalog.kinds import speech_schema
from catalog.roots import open_root
from catalog.shards import Shard, ShardWriter, row_digest
from flows.adapter import Utterance
from flows.audio import UnreadableAudio, decode
from synth import wav
from synth.levels import measure_frames


@dataclass(frozen=True)
class Recorded:
    """An utterance with the bytes of its file and what the metadata say of it."""

    utterance: Utterance
    path: str
    data: bytes
    text: str | None
    text_original: str | None
    gender: str  # female | male | unknown


@dataclass(frozen=True)
class Chunk:
    """Utterances of one split, to become one shard of dataset `name` in the catalog at `root_url`."""

    root_url: str
    name: str
    split: str
    language: str
    sample_rate_hz: int
    utterances: list[Recorded]


@dataclass(frozen=True)
class Quarantined:
    """A file that was left out, and why."""

    member: str
    reason: str


@dataclass(frozen=True)
class Row:
    """What the statistics need of a row."""

    speaker_id: str
    gender: str
    duration_s: float
    has_text: bool


@dataclass(frozen=True)
class WrittenChunk:
    """`shard` is None where not one utterance was readable."""

    split: str
    shard: Shard | None
    rows: list[Row]
    quarantined: list[Quarantined]


def write_chunk(chunk: Chunk) -> WrittenChunk:
    """Decode, measure and write; audio that is unreadable or of another sample rate is left out and named."""
    columns: list[dict[str, object]] = []
    quarantined = []
    for recorded in chunk.utterances:
        try:
            columns.append(_row(recorded, chunk))
        except UnreadableAudio as error:
            quarantined.append(Quarantined(recorded.path, str(error).removeprefix(f"{recorded.path}: ")))
    rows = [
        Row(str(row["speaker_id"]), str(row["gender"]), float(row["duration_s"]), row["text"] is not None)  # type: ignore[arg-type]
        for row in columns
    ]
    if not columns:
        return WrittenChunk(chunk.split, None, rows, quarantined)
    schema = speech_schema(chunk.sample_rate_hz)
    with ShardWriter(open_root(chunk.root_url), chunk.name, chunk.split, schema) as writer:
        writer.write(_batch(columns, schema))
        return WrittenChunk(chunk.split, writer.close(), rows, quarantined)


def _row(recorded: Recorded, chunk: Chunk) -> dict[str, object]:
    samples, sample_rate_hz = decode(recorded.data, recorded.path)
    if sample_rate_hz != chunk.sample_rate_hz:
        raise UnreadableAudio(f"{recorded.path}: {sample_rate_hz} Hz where {chunk.sample_rate_hz} Hz is declared")
    energies, peaks = measure_frames(samples, sample_rate_hz)
    encoded = wav.encode(samples, sample_rate_hz)
    fields: dict[str, object] = {
        "id": recorded.utterance.id,
        "text": recorded.text,
        "text_original": recorded.text_original,
        "speaker_id": recorded.utterance.speaker_id,
        "gender": recorded.gender,
        "language": chunk.language,
        "recording_id": recorded.utterance.recording_id,
        "official_split": recorded.utterance.official_split,
        "sample_rate_hz": sample_rate_hz,
        "num_samples": len(samples),
        "duration_s": len(samples) / sample_rate_hz,
        "audio_sha256": hashlib.sha256(memoryview(encoded)[wav.HEADER_BYTES :]).hexdigest(),
    }
    audio = {"bytes": encoded, "path": f"{recorded.utterance.id}.wav"}
    return fields | {"row_digest": row_digest(fields), "audio": audio, "frame_energies": energies, "frame_peaks": peaks}


def _batch(rows: Sequence[dict[str, object]], schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [pa.array([row[field.name] for row in rows], type=field.type) for field in schema], schema=schema
    )
