"""What must be known of a text corpus: declared facts, and how its files are read."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Literal

from catalog.manifests import Licence
from flows.adapter import Access, Archive
from synth.errors import YuliaoError

NAMED_AT_MOST = 200  # refused rows, so that a corpus that is broken throughout does not swell its manifest
NO_ID = "an id that is neither text nor a whole number"
HALF_A_PAIR = "half of a surrogate pair, which UTF-8 cannot hold"

Row = dict[str, Any]


class TextError(YuliaoError):
    """A file of text that is damaged, of another encoding or of another form."""


class FormError(TextError):
    """A file that can be read and is not of the form that the corpus has."""


@dataclass
class Notes:
    """What was met in one file: counts, and the rows that were refused with the reason."""

    counts: Counter[str] = field(default_factory=Counter)
    refused: list[dict[str, str]] = field(default_factory=list)

    def refuse(self, where: str, reason: str) -> None:
        """Leave a row out, and say so. Lone surrogates of `where` are escaped: the manifest is UTF-8."""
        self.counts["refused"] += 1
        self.counts[f"refused: {reason}"] += 1
        if len(self.refused) < NAMED_AT_MOST:
            escaped = where.encode(errors="backslashreplace").decode()
            self.refused.append({"where": escaped, "reason": reason})


def row_id(given: Any, place: str) -> str | None:
    """The id of a row: as given, or its place where none is given (null, empty); None for what can be no id.

    Args:
        given: text or a whole number.
        place: file and line, or file and number.
    """
    if given is None or given == "":
        return place
    if isinstance(given, bool) or not isinstance(given, str | int):
        return None
    return str(given) if str(given).strip() else place


@dataclass(frozen=True)
class TextFile:
    """A file of a corpus, whole."""

    path: str  # for people: where it lies
    data: bytes
    below: str = ""  # its path below the source that it was found in; its name where that is all there is

    @property
    def place(self) -> str:
        """What rows without an id are named by: the same wherever the source lies."""
        return self.below or PurePosixPath(self.path).name


@dataclass(frozen=True)
class TextCorpus:
    """An adapter: a module in `flows/text/corpora` declares one as `CORPUS`."""

    name: str
    title: str
    kind: Literal["mrc", "csc", "ner", "pairs", "cls"]
    language: str  # of its texts; "zh" where each text is to tell its script
    licence: Licence
    citation: str
    homepage: str
    files: Mapping[
        str, str
    ]  # by pattern of a file's name, or path where it has a "/": its official split; the first that matches
    splits: Mapping[str, str]  # official split -> train | validation | test
    read: Callable[[TextFile, Notes], Iterator[Row]]  # rows with the columns of the kind that the file tells, `source_id` for one
    labels: tuple[str, ...] = ()  # of the kinds that have them, in the order of their numbers
    # Where its makers publish a split in several forms with the same ids: which form is read (the least) and which left aside.
    rank_of_form: Callable[[TextFile], int] | None = None
    joined: tuple[str, ...] = ()  # official splits whose files are read as one, since one holds the labels of the other
    known_overlaps: tuple[str, ...] = ()  # what stands in two official splits
    recalled: tuple[str, ...] = ()  # declared facts that nobody has confirmed yet, a sentence each: a first ingest looks at them
    archives: tuple[Archive, ...] = ()  # the files as their makers publish them, where they can be fetched
    mirrors: tuple[str, ...] = ()  # in order of trial: "https://host/path/{file}"
    access: Access | None = None  # None: anybody may fetch them

    @property
    def by_hand(self) -> str:
        """How a user comes by files that have no address."""
        asked = self.access.agreement if self.access else f"get its files from {self.homepage}"
        names = ", ".join(self.files)
        return (
            f"{self.name} has no address from which it could be fetched: {asked}; they are known by these names: {names}; "
            f"go on with `yuliao ingest {self.name} --from FOLDER`"
        )
