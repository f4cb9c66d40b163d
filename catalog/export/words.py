"""The words of utterances and their times, from a file of forced alignments: NIST's CTM, with ids of utterances for files."""

import os
import sys
from array import array
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path

from catalog.errors import CatalogError, near_matches

_PAUSE = "<eps>"  # Kaldi's word for a silence
_BEHIND_ALL_S = 1e9
_IDS_TO_SHOW = 1000  # comparing with all those of a corpus would take long


@dataclass
class Words:
    """Those of an utterance; times in seconds from its begin."""

    _begins_s: "array[float]" = field(default_factory=lambda: array("d"))
    _ends_s: "array[float]" = field(default_factory=lambda: array("d"))
    _words: list[str] = field(default_factory=list)

    def add(self, begin_s: float, end_s: float, word: str) -> None:
        """One more, in any order. Corpora have millions of words, and not many different ones."""
        self._begins_s.append(begin_s)
        self._ends_s.append(end_s)
        self._words.append(sys.intern(word))

    def in_order(self) -> list[tuple[float, float, str]]:
        """(begin, end, word), by begin."""
        return sorted(zip(self._begins_s, self._ends_s, self._words, strict=True))


def read_words(path: str | os.PathLike[str], utterance_ids: Set[str]) -> dict[str, Words]:
    """The words of those of the utterances that a file knows; of one that has nothing but Kaldi's `<eps>`, none.

    Args:
        path: lines of `<utterance id> <channel> <begin in s> <duration in s> <word> [<confidence>]` in UTF-8, in any order. Empty
            lines and those that begin with `;;` are passed over; channel and confidence are not used.
        utterance_ids: which are wanted.

    Raises:
        CatalogError: a file that cannot be read, a line that is none of CTM, or a file that knows none of the utterances.
    """
    found: dict[str, Words] = {}
    others: dict[str, None] = {}
    for utterance_id, begin_s, end_s, word in _entries(Path(path)):
        if utterance_id in utterance_ids:
            words = found.setdefault(utterance_id, Words())
            if word != _PAUSE:
                words.add(begin_s, end_s, word)
        elif len(others) < _IDS_TO_SHOW:
            others[utterance_id] = None
    if utterance_ids and not found:
        wanted = min(utterance_ids)
        raise CatalogError(
            f"{path} has words of none of the {len(utterance_ids):,} utterances, such as {wanted!r}: "
            f"its first column is to be the id of an utterance as the corpus has it{near_matches(wanted, others)}"
        )
    return found


def _entries(path: Path) -> Iterator[tuple[str, float, float, str]]:
    """(utterance id, begin in s, end in s, word) of each line."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    columns = line.decode("utf-8-sig" if number == 1 else "utf-8").split()
                    if columns and not columns[0].startswith(";;"):
                        yield _entry(columns)
                except UnicodeDecodeError as error:
                    raise CatalogError(f"{path}:{number} is not UTF-8: convert the file, as with iconv -t UTF-8") from error
                except _NoEntry as error:
                    raise CatalogError(
                        f"{path}:{number} is no line of CTM, <utterance id> <channel> <begin s> <duration s> <word> "
                        f"[<confidence>]: {error}"
                    ) from error
    except OSError as error:
        raise CatalogError(f"cannot read the words in {path}: {error.strerror}") from error


class _NoEntry(Exception):
    """What is wrong with a line."""


def _entry(columns: list[str]) -> tuple[str, float, float, str]:
    if len(columns) not in (5, 6):
        raise _NoEntry(f"it has {len(columns)} columns")
    begin_s, duration_s = _time("begin", columns[2]), _time("duration", columns[3])
    if len(columns) == 6 and columns[5] != "NA":
        _number("confidence", columns[5])
    return columns[0], begin_s, begin_s + duration_s, columns[4]


def _time(what: str, text: str) -> float:
    value = _number(what, text)
    if not 0 <= value < _BEHIND_ALL_S:
        raise _NoEntry(f"its {what} {text!r} is no time from 0 s on")
    return value


def _number(what: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _NoEntry(f"its {what} {text!r} is no number") from None
