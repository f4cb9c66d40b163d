"""What a user says of a corpus of their own, and how rows of tables and manifests become recordings."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from catalog.manifests import Licence
from catalog.names import check_name
from flows.adapter import AudioFile, Corpus, Metadata, Recording, Sound, Take, Utterance
from flows.recordings.staging import IngestError

SPLITS = {
    "all": "train",
    "train": "train",
    "training": "train",
    "dev": "validation",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "eval": "test",
}
# Names under which tables and manifests have what is wanted; the first that a row has counts.
ID = ("id", "utterance_id", "utt_id", "utt", "key")
AUDIO = ("audio", "audio_filepath", "audio_path", "path", "file", "filename", "wav")
SPEAKER = ("speaker_id", "speaker", "spk", "client_id")
TEXT = ("text", "transcript", "transcription", "sentence")
GENDER = ("gender", "sex")
SPLIT = ("split", "subset")
START = ("start_s", "start", "offset")
END = ("end_s", "end")
DURATION = ("duration_s", "duration")
_GENDERS = {"f": "female", "female": "female", "女": "female", "m": "male", "male": "male", "男": "male"}

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Own:
    """A corpus that no adapter knows. `pattern` is for the form `folder`."""

    name: str
    sample_rate_hz: int  # audio of other rates is brought to it
    kind: Literal["speech", "noise", "rir"] = "speech"
    language: str = "und"
    licence: str = "unknown"
    citation: str = ""
    pattern: str = "{speaker}/{id}.wav"


def described(own: Own, form: str, **found_by: Any) -> Corpus:
    """An adapter of what the user says; `found_by` are the fields of `Corpus` that say how rows are found.

    Raises:
        IngestError: a name that is none, or a sample rate that is no multiple of 100 Hz.
    """
    check_name(own.name, "dataset")
    if own.sample_rate_hz <= 0 or own.sample_rate_hz % 100:
        raise IngestError(f"a sample rate of {own.sample_rate_hz} Hz: give a multiple of 100")
    return Corpus(
        name=own.name,
        title=f"{own.name}, {form}",
        kind=own.kind,
        language=own.language,
        licence=Licence(name=own.licence, notes="as given at ingest"),
        citation=own.citation,
        homepage="",
        sample_rate_hz=own.sample_rate_hz,
        resampled=True,
        splits=SPLITS,
        normalise=str.strip,
        normalisation="none",
        **found_by,
    )


def recording(own: Own, row: Row, identity: str, split: str) -> Recording:
    """The recording that a row tells of; `identity` and `split` are for rows that do not say them."""
    name = text_of(row, ID) or identity
    session = text_of(row, ("recording_id",)) or name
    official = (text_of(row, SPLIT) or split).lower()
    if own.kind == "speech":
        gender = _GENDERS.get((text_of(row, GENDER) or "").lower(), "unknown")
        return Utterance(name, text_of(row, SPEAKER) or "", session, official, text_of(row, TEXT), gender)
    usual = "noise" if own.kind == "noise" else "recorded"
    return Sound(name, text_of(row, ("category",)) or usual, session, official, text_of(row, ("room_id", "room")))


def take(own: Own, row: Row, identity: str, split: str, where: str) -> Take:
    """As `recording`, with its place in the file: all of it where the row names no start.

    Raises:
        IngestError: times that are no numbers; the text begins with `where`.
    """
    start = text_of(row, START)
    if start is None:
        return Take(recording(own, row, identity, split))
    start_s, end_s = seconds(start, where), None
    if (end := text_of(row, END)) is not None:
        end_s = seconds(end, where)
    elif (duration := text_of(row, DURATION)) is not None:
        end_s = start_s + seconds(duration, where)
    return Take(recording(own, row, identity, split), start_s, end_s)


def seconds(value: object, where: str) -> float:
    """A time. Raises IngestError, beginning with `where`, for what is none."""
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        raise IngestError(f"{where}: {value!r} is no number of seconds")
    return found


def text_of(row: Row, names: Sequence[str]) -> str | None:
    """The first of these columns that the row has something in."""
    for name in names:
        value = row.get(name)
        if isinstance(value, str | int | float) and str(value).strip():
            return str(value).strip()
    return None


def audio_file(beside: Path, name: str, takes: Sequence[Take]) -> AudioFile:
    """A file that a manifest in folder `beside` names: relative to that folder, or else to the current one."""
    try:
        path = next((path for path in (beside / name, Path(name)) if path.is_file()), None)
        if path is not None:
            return AudioFile(name, path.read_bytes(), tuple(takes))
    except OSError as error:
        return AudioFile(name, b"", tuple(takes), problem=f"cannot be read ({error.strerror})")
    except ValueError:  # a null byte in its name
        pass
    return AudioFile(name, b"", tuple(takes), problem="is no file")


def identity_of(path: str) -> str:
    """The id of what has none: its path without suffix."""
    return "-".join(part for part in PurePosixPath(path).with_suffix("").parts if part not in ("/", "..", "."))


def split_in(name: str) -> str:
    """The split that a file's or folder's name tells, as in `aishell_cuts_dev.jsonl.gz`; "all" where it tells none."""
    words = name.lower().replace("-", "_").replace(".", "_").split("_")
    return next((word for word in reversed(words) if word in SPLITS), "all")


def named(patterns: Sequence[str]) -> dict[str, Callable[[str, Metadata], None]]:
    """Files of these names may be given as sources; the form's own reader reads them."""
    return dict.fromkeys(patterns, _read_elsewhere)


def _read_elsewhere(text: str, metadata: Metadata) -> None:
    pass
