"""A table of audio files: CSV, TSV or JSONL, one row for each utterance; NeMo's manifests are such."""

import csv
import json
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path

from flows.adapter import AudioFile, Corpus, Metadata
from flows.generic.own import AUDIO, Own, Row, audio_file, described, identity_of, named, split_in, take, text_of
from flows.recordings.staging import IngestError

PATTERNS = ("*.csv", "*.tsv", "*.jsonl")


def corpus(own: Own) -> Corpus:
    """An adapter for tables; a row names its file relative to the table's folder."""
    return described(own, "a table", read=partial(_read, own), metadata=named(PATTERNS))


def _read(own: Own, sources: Sequence[Path], metadata: Metadata) -> Iterator[AudioFile]:
    for source in sources:
        tables = sorted(path for pattern in PATTERNS for path in source.glob(pattern)) if source.is_dir() else [source]
        if not tables:
            raise IngestError(f"{source}: no table in it; give a folder with files {', '.join(PATTERNS)}, or such a file")
        for path in tables:
            for audio, rows in groupby(_rows(path), key=lambda row: row[1]):
                takes = [take(own, row, identity_of(audio), split_in(path.name), f"{path}:{number}") for number, _, row in rows]
                yield audio_file(path.parent, audio, takes)


def _rows(path: Path) -> Iterator[tuple[int, str, Row]]:
    """Line number, audio file and row."""
    for number, row in _parsed(path):
        audio = text_of(row, AUDIO)
        if audio is None:
            raise IngestError(
                f"{path}:{number}: no audio file in this row; call its column {', '.join(AUDIO[:-1])} or {AUDIO[-1]}"
            )
        yield number, audio, row


def _parsed(path: Path) -> Iterator[tuple[int, Row]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix == ".jsonl":
                for number, line in enumerate(file, start=1):
                    if line.strip():
                        yield number, _parsed_line(path, number, line)
            else:
                reader = csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ",", strict=True)
                for row in reader:
                    yield reader.line_num, row
    except OSError as error:
        raise IngestError(f"{path}: cannot be read ({error.strerror})") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise IngestError(f"{path}: no table in UTF-8 ({error})") from error


def _parsed_line(path: Path, number: int, line: str) -> Row:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise IngestError(f"{path}:{number}: no JSON ({error})") from error
    if not isinstance(row, dict):
        raise IngestError(f"{path}:{number}: not an object of names and values")
    return row
