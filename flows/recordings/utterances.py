"""Staged rows and what the metadata say of them, to a shard of a corpus version."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from catalog.kinds import AUDIO, noise_schema, rir_schema, speech_schema
from catalog.roots import open_root
from catalog.shards import Shard, ShardWriter, row_digest
from flows.adapter import Recording, Utterance

SCHEMAS: dict[str, Callable[[int], pa.Schema]] = {"speech": speech_schema, "noise": noise_schema, "rir": rir_schema}


@dataclass(frozen=True)
class Joined:
    """A staged row with all that is known of it."""

    staged: Path
    position: int  # in that file
    recording: Recording
    text: str | None
    text_original: str | None
    gender: str  # female | male | unknown
    form: str  # of what is kept of the audio: wav, flac, m4a...


@dataclass(frozen=True)
class ShardTask:
    """Rows of one split, to become one shard of dataset `name` in the catalog at `root_url`."""

    root_url: str
    name: str
    split: str
    kind: str
    language: str
    sample_rate_hz: int
    rows: Sequence[Joined]

    @property
    def staged_files(self) -> set[Path]:
        """Where its rows are staged."""
        return {row.staged for row in self.rows}


def write_shard(task: ShardTask) -> Shard:
    """Join and write. Audio goes from the staged file's map straight into the shard."""
    schema = SCHEMAS[task.kind](task.sample_rate_hz)
    with ShardWriter(open_root(task.root_url), task.name, task.split, schema) as writer:
        for staged, rows in groupby(task.rows, key=lambda row: row.staged):
            with pa.memory_map(str(staged)) as file:
                table = pa.ipc.open_file(file).read_all()
                for run in _runs(list(rows)):
                    begin = run[0].position
                    for batch in table.slice(begin, len(run)).to_batches():
                        writer.write(_batch(batch, run[: batch.num_rows], task, schema))
                        run = run[batch.num_rows :]
                del table, batch
        return writer.close()


def _runs(rows: list[Joined]) -> Iterator[list[Joined]]:
    """Rows that stand behind each other in their file."""
    for _, run in groupby(enumerate(rows), key=lambda numbered: numbered[1].position - numbered[0]):
        yield [row for _, row in run]


def _batch(staged: pa.RecordBatch, rows: Sequence[Joined], task: ShardTask, schema: pa.Schema) -> pa.RecordBatch:
    measured = staged.select(["sample_rate_hz", "num_samples", "num_channels", "audio_sha256"]).to_pylist()
    fields = [_fields(row, found, task) for row, found in zip(rows, measured, strict=True)]
    columns: dict[str, pa.Array] = {
        "audio": pa.StructArray.from_arrays(
            [staged.column("bytes"), pa.array([f"{row.recording.id}.{row.form}" for row in rows])], fields=list(AUDIO)
        ),
        "frame_energies": staged.column("frame_energies"),
        "frame_peaks": staged.column("frame_peaks"),
        "row_digest": pa.array([row_digest(row) for row in fields]),
    }
    return pa.RecordBatch.from_arrays(
        [
            columns[field.name] if field.name in columns else pa.array([row[field.name] for row in fields], type=field.type)
            for field in schema
        ],
        schema=schema,
    )


def _fields(row: Joined, measured: dict[str, Any], task: ShardTask) -> dict[str, object]:
    """The columns that go into the row's digest."""
    recording = row.recording
    fields: dict[str, object] = {
        "id": recording.id,
        "recording_id": recording.recording_id,
        "official_split": recording.official_split,
        "sample_rate_hz": measured["sample_rate_hz"],
        "num_samples": measured["num_samples"],
        "duration_s": measured["num_samples"] / measured["sample_rate_hz"],
        "audio_sha256": measured["audio_sha256"],
    }
    if isinstance(recording, Utterance):
        return fields | {
            "text": row.text,
            "text_original": row.text_original,
            "speaker_id": recording.speaker_id,
            "gender": row.gender,
            "language": task.language,
        }
    fields |= {"category": recording.category, "num_channels": measured["num_channels"]}
    return fields | {"room_id": recording.room_id} if task.kind == "rir" else fields
