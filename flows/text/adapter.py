"""What must be known of a text corpus: declared facts, and how its files are read."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from catalog.manifests import Licence
from flows.adapter import Access, Archive
from synth.errors import YuliaoError

NAMED_AT_MOST = 200  # refused rows, so that a corpus that is broken throughout does not swell its manifest
HALF_A_PAIR = "half of a surrogate pair, which UTF-8 cannot hold"

Row = dict[str, Any]


class TextError(YuliaoError):
    """A file of text that is damaged, of another encoding or of another form."""


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


@dataclass(frozen=True)
class TextFile:
    """A file of a corpus, whole."""

    path: str
    data: bytes


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
    joined: tuple[str, ...] = ()  # official splits whose files are read as one, since one holds the labels of the other
    known_overlaps: tuple[str, ...] = ()  # what stands in two official splits
    archives: tuple[Archive, ...] = ()  # the files as their makers publish them, where they can be fetched
    mirrors: tuple[str, ...] = ()  # in order of trial: "https://host/path/{file}"
    access: Access | None = None  # None: anybody may fetch them
