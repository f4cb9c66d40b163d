"""Audio in a folder or archive, by a pattern of its paths as `{split}/{speaker}/{id}.wav`; texts beside it, ending in `.txt`."""

import re
from functools import partial
from pathlib import PurePosixPath

from flows.adapter import Corpus, Recording
from flows.generic.own import SPLITS, Own, described, recording
from flows.recordings.staging import IngestError

FIELDS = ("id", "speaker", "recording", "split", "category", "room")
_COLUMNS = {"speaker": "speaker_id", "recording": "recording_id"}


def corpus(own: Own) -> Corpus:
    """An adapter for files whose path ends as `own.pattern` says.

    A field in braces stands for a part of a path without "/". With a speaker, the id of a row is `speaker-id`, because speakers
    often have files of the same names.

    Raises:
        IngestError: the pattern has no `{id}`, an unknown field, or one twice.
    """
    pattern = PurePosixPath(own.pattern)
    audio, text = _expression(own.pattern), _expression(str(pattern.with_suffix(".txt")))
    transcript = partial(_transcript, own, text) if own.kind == "speech" else None
    return described(own, f"a folder by {own.pattern}", identify=partial(_identify, own, audio), transcript=transcript)


def _expression(pattern: str) -> re.Pattern[str]:
    pieces = re.split(r"\{([^{}]*)\}", pattern)
    fields = pieces[1::2]
    for field in fields:
        if field not in FIELDS:
            raise IngestError(f"pattern {pattern!r}: no field {{{field}}}; there are {', '.join(FIELDS)}")
    if "id" not in fields or len(set(fields)) < len(fields):
        raise IngestError(f"pattern {pattern!r}: it needs {{id}}, and each field once")
    expression = "".join(re.escape(piece) if k % 2 == 0 else f"(?P<{piece}>[^/]+)" for k, piece in enumerate(pieces))
    return re.compile(f"(?:.*/)?{expression}")


def _identify(own: Own, expression: re.Pattern[str], path: str) -> Recording | None:
    match = expression.fullmatch(path)
    if match is None or PurePosixPath(path).name.startswith("."):
        return None
    row = {_COLUMNS.get(field, field): value for field, value in match.groupdict().items()}
    if "speaker" in match.groupdict():
        row["id"] = f"{match['speaker']}-{match['id']}"
    found = recording(own, row, row["id"], "all")
    return found if found.official_split in SPLITS else None


def _transcript(own: Own, expression: re.Pattern[str], path: str) -> str | None:
    found = _identify(own, expression, path)
    return None if found is None else found.id
