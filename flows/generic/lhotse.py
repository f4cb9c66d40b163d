"""Lhotse manifests: recordings, with supervisions or without, or cuts; `.jsonl` or `.jsonl.gz`.

https://lhotse.readthedocs.io/en/latest/corpus.html describes the fields.
"""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from flows.adapter import AudioFile, Corpus, Metadata, Take
from flows.generic.own import Own, audio_file, described, named, recording, seconds, split_in
from flows.recordings.staging import IngestError

PATTERNS = ("*.jsonl", "*.jsonl.gz")

Item = Mapping[str, Any]


def corpus(own: Own) -> Corpus:
    """An adapter for manifests, told by their fields; the names of their files tell the splits, as in `cuts_dev.jsonl.gz`."""
    return described(own, "Lhotse manifests", read=partial(_read, own), metadata=named(PATTERNS))


def _read(own: Own, sources: Sequence[Path], metadata: Metadata) -> Iterator[AudioFile]:
    manifests = [
        path
        for source in sources
        for path in (sorted(path for pattern in PATTERNS for path in source.glob(pattern)) if source.is_dir() else [source])
    ]
    supervisions: dict[str, dict[str, list[Item]]] = {}  # by split and recording
    recordings: list[Path] = []
    cuts: list[Path] = []
    for path in manifests:
        first = next(_items(path), None)
        if first is None:
            continue
        if "sources" in first:
            recordings.append(path)
        elif "recording_id" in first:
            of_split = supervisions.setdefault(split_in(path.name), {})
            for item in _items(path):
                of_split.setdefault(_word(item, "recording_id", path), []).append(item)
        elif "supervisions" in first or "recording" in first:
            cuts.append(path)
        else:
            raise IngestError(f"{path}: neither recordings nor supervisions nor cuts of Lhotse")
    if not recordings and not cuts:
        where = ", ".join(map(str, sources))
        raise IngestError(f"{where}: no recordings and no cuts of Lhotse in it; give {' or '.join(PATTERNS)}, or their folder")
    for path in recordings:
        split = split_in(path.name)
        for item in _items(path):
            said = supervisions.get(split, {}).get(_word(item, "id", path), [])
            if said or not supervisions.get(split):
                yield _audio(path, item, _takes(own, path, item, split, said))
    for path in cuts:
        for item in _items(path):
            source = item.get("recording")
            cut = {"id": item.get("id"), "start": item.get("start", 0.0), "duration": item.get("duration")}
            said = [
                one | {"start": _seconds(cut, "start", path) + _seconds(one, "start", path)} for one in _supervisions(item, path)
            ]
            if isinstance(source, dict):
                yield _audio(path, source, _takes(own, path, source, split_in(path.name), said or [cut]))
            else:
                yield AudioFile(_word(item, "id", path), b"", (), problem="is a cut without a recording")


def _takes(own: Own, path: Path, item: Item, split: str, said: Sequence[Item]) -> list[Take]:
    session = _word(item, "id", path)
    if not said:
        return [Take(recording(own, {"recording_id": session}, session, split))]
    takes = []
    for one in said:
        start_s = _seconds(one, "start", path)
        row = {**one, "recording_id": session}
        takes.append(Take(recording(own, row, session, split), start_s, start_s + _seconds(one, "duration", path)))
    return takes


def _audio(path: Path, item: Item, takes: Sequence[Take]) -> AudioFile:
    sources = item.get("sources")
    only = sources[0] if isinstance(sources, list) and len(sources) == 1 else None
    if not isinstance(only, dict) or only.get("type") != "file" or not isinstance(only.get("source"), str):
        return AudioFile(_word(item, "id", path), b"", (), problem="does not lie in one file; write one and name that")
    return audio_file(path.parent, only["source"], takes)


def _items(path: Path) -> Iterator[Item]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    item = json.loads(line)
                    if not isinstance(item, dict):
                        raise IngestError(f"{path}:{number}: not an object of names and values")
                    yield item
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        raise IngestError(f"{path}: damaged, or no manifest of Lhotse ({error})") from error


def _supervisions(item: Item, path: Path) -> list[dict[str, Any]]:
    found = item.get("supervisions") or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise IngestError(f"{path}: 'supervisions' of {item.get('id')!r} is no list of objects")
    return found


def _word(item: Item, name: str, path: Path) -> str:
    value = item.get(name)
    if not isinstance(value, str) or not value:
        raise IngestError(f"{path}: an item without {name!r}")
    return value


def _seconds(item: Item, name: str, path: Path) -> float:
    return seconds(item.get(name), f"{path}: {name!r} of {item.get('id')!r}")
