"""What yuliao must know of a corpus to ingest it: declared facts, and how its paths and metadata files are to be read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from catalog.manifests import Licence


@dataclass(frozen=True)
class Archive:
    """An archive as its makers publish it."""

    file: str
    size_bytes: int
    md5: str


@dataclass(frozen=True)
class Utterance:
    """What the path of an audio file says."""

    id: str
    speaker_id: str
    recording_id: str  # what was recorded in one go: utterances of one recording share its room and microphone
    official_split: str


@dataclass
class Metadata:
    """What the metadata files of a corpus say, gathered from all of them."""

    texts: dict[str, str] = field(default_factory=dict)  # utterance id -> text as it stands there
    genders: dict[str, str] = field(default_factory=dict)  # speaker id -> female | male
    not_understood: list[str] = field(default_factory=list)  # lines


@dataclass(frozen=True)
class Corpus:
    """An adapter: a module in `flows/corpora` declares one as `CORPUS`."""

    name: str
    title: str
    language: str
    licence: Licence
    citation: str
    homepage: str
    sample_rate_hz: int
    archives: tuple[Archive, ...]
    splits: Mapping[str, str]  # official split -> train | validation | test
    utterance: Callable[[str], Utterance | None]  # by the path of a member; None where it is no utterance
    # By pattern of the file name: adds what is in the file's text. Metadata must lie outside nested archives.
    metadata: Mapping[str, Callable[[str, Metadata], None]]
    normalise: Callable[[str], str]  # text as it stands there -> text
    normalisation: str  # the same in words, for the report
    known_overlaps: tuple[str, ...] = ()  # what stands in two official splits


def transcript_lines(text: str, metadata: Metadata) -> None:
    """Lines of an utterance id, one space, and the text, which may hold further spaces; a line without text says nothing."""
    for line in text.splitlines():
        utterance, _, words = line.strip().partition(" ")
        if words.strip():
            metadata.texts.setdefault(utterance, words.strip())
