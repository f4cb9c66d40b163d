"""A folder that `datasets` wrote with `save_to_disk`, of one split or several, read in place; a column holds the audio."""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from flows.adapter import AudioFile, Corpus, Metadata
from flows.generic.own import Own, audio_file, described, identity_of, split_in, take
from flows.recordings.staging import IngestError


def corpus(own: Own) -> Corpus:
    """An adapter for such folders; columns are found by their usual names."""
    return described(own, "a datasets folder", read=partial(_read, own))


def _read(own: Own, sources: Sequence[Path], metadata: Metadata) -> Iterator[AudioFile]:
    for source in sources:
        if (source / "dataset_dict.json").is_file():
            for split in _json(source / "dataset_dict.json", "splits"):
                yield from _split(own, source / str(split), str(split).lower())
        else:
            yield from _split(own, source, split_in(source.resolve().name))


def _split(own: Own, folder: Path, split: str) -> Iterator[AudioFile]:
    number = 0
    for entry in _json(folder / "state.json", "_data_files"):
        path = folder / str(entry.get("filename") if isinstance(entry, dict) else entry)
        try:
            with pa.memory_map(str(path)) as file, pa.ipc.open_stream(file) as stream:
                column = _audio_column(stream.schema, path)
                for batch in stream:
                    for row in batch.to_pylist():
                        cell = row.pop(column) or {}
                        yield _audio(own, folder, cell, row, split, number, path)
                        number += 1
        except (pa.ArrowException, OSError) as error:
            raise IngestError(f"{path}: no Arrow file of datasets ({error})") from error


def _audio(own: Own, folder: Path, cell: dict[str, Any], row: dict[str, Any], split: str, number: int, path: Path) -> AudioFile:
    name = cell.get("path") or f"{split}-{number:08}"
    one = take(own, row, identity_of(name), split, f"{path}, row {number}")
    if cell.get("bytes") is None:
        return audio_file(folder, name, [one])
    return AudioFile(name, cell["bytes"], (one,))


def _audio_column(schema: pa.Schema, path: Path) -> str:
    for field in schema:
        if pa.types.is_struct(field.type) and {"bytes", "path"} <= {inner.name for inner in field.type}:
            return str(field.name)
    raise IngestError(f"{path}: no column of audio in it, which is a struct of bytes and path; it has {', '.join(schema.names)}")


def _json(path: Path, key: str) -> list[Any]:
    try:
        found = json.loads(path.read_bytes())[key]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IngestError(f"{path}: missing or unreadable; give a folder that save_to_disk wrote") from error
    if not isinstance(found, list):
        raise IngestError(f"{path}: {key!r} is no list; give a folder that save_to_disk wrote")
    return found
