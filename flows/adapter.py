"""What yuliao must know of a corpus of sound to ingest it: declared facts, and how its paths and metadata files are to be read.

All of an adapter pickles, because worker processes are given it: its functions stand at the top of their module, or are
`functools.partial` of such.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from catalog.manifests import Licence


@dataclass(frozen=True)
class Archive:
    """A file as its makers publish it: an archive, or one that stands for itself.

    With `parts` the makers publish it in pieces, which end to end are the file; it is never joined on disk. Size
    and checksums of whole and parts are compared where they are known.
    """

    file: str
    size_bytes: int | None = None
    md5: str = ""
    sha256: str = ""
    parts: "tuple[Archive, ...]" = ()
    urls: tuple[str, ...] = ()  # whole addresses, in order, for a file that does not lie with the corpus's mirrors

    @property
    def pieces(self) -> "tuple[Archive, ...]":
        """The files that are there to be fetched: its parts, or itself."""
        return self.parts or (self,)


@dataclass(frozen=True)
class Access:
    """What a user must do before the makers give the files out."""

    agreement: str  # one sentence: where to ask, and what is given
    # What "{key}" in a mirror stands for is taken from this environment variable, or is the password that netrc has for its host.
    # Mirrors without "{key}" are asked where netrc has a login for them; an archive's own addresses are open to all.
    key_variable: str = ""


@dataclass(frozen=True)
class Utterance:
    """A row of kind `speech`: what the path of an audio file says."""

    id: str
    speaker_id: str
    recording_id: str  # what was recorded in one go: utterances of one recording share its room and microphone
    official_split: str
    text: str | None = None  # where the path or a manifest says it, as it stands there; `Metadata.texts` goes before
    gender: str = "unknown"  # female | male | unknown; `Metadata.genders` goes before


@dataclass(frozen=True)
class Sound:
    """A row of kind `noise` or `rir`: what the path of an audio file says."""

    id: str
    category: str  # noise: noise | music | speech; rir: simulated | recorded
    recording_id: str
    official_split: str
    room_id: str | None = None  # of a room impulse response, where the corpus says it


Recording = Utterance | Sound


@dataclass(frozen=True)
class Take:
    """What is cut out of an audio file: all of it, unless said otherwise."""

    recording: Recording
    start_s: float = 0.0
    end_s: float | None = None


@dataclass(frozen=True)
class AudioFile:
    """An audio file as it was read, and the recordings in it."""

    path: str  # as the report names it
    # Its bytes; or, of what is large, what gives them and how many: a worker calls it, so that it must pickle.
    data: bytes | Callable[[], bytes]
    takes: tuple[Take, ...]
    problem: str = ""  # why there is nothing to decode: it is left out, and the report says so
    size_bytes: int = 0


@dataclass
class Metadata:
    """What the metadata files of a corpus say, gathered from all of them."""

    texts: dict[str, str] = field(default_factory=dict)  # utterance id -> text as it stands there
    genders: dict[str, str] = field(default_factory=dict)  # speaker id -> female | male
    facts: dict[str, str] = field(default_factory=dict)  # what else `settle` wants to know; keys are the adapter's own
    not_understood: list[str] = field(default_factory=list)  # lines

    def update(self, other: "Metadata") -> None:
        """Take over what another one says; where both say something, this one stays."""
        for name in ("texts", "genders", "facts"):
            mine = getattr(self, name)
            setattr(self, name, getattr(other, name) | mine)
        self.not_understood += other.not_understood


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """An adapter: a module in `flows/corpora` declares one as `CORPUS`.

    Its recordings are found in one of two ways:

    - `identify`: for each file in the archives or folders, those in nested archives included, by its path.
    - `read`: by a function of its own over the sources, for manifests that name files, or parts of files.
    """

    name: str
    title: str
    kind: Literal["speech", "noise", "rir"] = "speech"
    language: str  # BCP 47; "und" where there is none or many
    hours: float | None = None  # as its makers say
    num_channels: int = 1  # of its recordings, where `hours` count these once: for estimates of its size
    licence: Licence
    citation: str
    homepage: str

    archives: tuple[Archive, ...] = ()
    mirrors: tuple[str, ...] = ()  # in order of trial: "https://host/path/{file}", with "{key}" where a key is asked for
    access: Access | None = None  # None: anybody may fetch it
    recalled: tuple[
        str, ...
    ] = ()  # declared facts that nobody has confirmed yet, a sentence each: a first ingest is to look at them

    splits: Mapping[str, str]  # official split -> train | validation | test
    # Official split -> rows of the whole corpus, where known; those with text where the corpus has texts.
    rows: Mapping[str, int] = field(default_factory=dict)
    known_overlaps: tuple[str, ...] = ()  # columns whose values stand in two official splits
    shares_recordings_with: tuple[str, ...] = ()  # other corpora that hold some of the same recordings, sample for sample

    sample_rate_hz: int  # of the version
    resampled: bool = False  # audio of other rates is brought to it; otherwise it is left out as not being of the corpus

    # By the path of a file; None where it is no recording.
    identify: Callable[[str], Recording | None] | None = None
    read: Callable[[Sequence[Path], Metadata], Iterator[AudioFile]] | None = None

    # By pattern of the file name: adds what is in the file's text, wherever in the sources it lies.
    metadata: Mapping[str, Callable[[str, Metadata], None]] = field(default_factory=dict)
    # By the path of a text file that holds the text of one utterance and nothing else: the id of that utterance.
    transcript: Callable[[str], str | None] | None = None
    # What a recording is once all metadata are read: its split or speaker may stand there. None leaves it out.
    settle: Callable[[Recording, Metadata], Recording | None] | None = None
    normalise: Callable[[str], str] = str  # text as it stands there -> text
    normalisation: str = "none"  # the same in words, for the report


def transcript_lines(text: str, metadata: Metadata) -> None:
    """Lines of an utterance id, one space, and the text, which may hold further spaces; a line without text says nothing."""
    for line in text.splitlines():
        utterance, _, words = line.strip().partition(" ")
        if words.strip():
            metadata.texts.setdefault(utterance, words.strip())
