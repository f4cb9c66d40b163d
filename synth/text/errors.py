"""Errors such as speech recognition makes, put into clean text. A text's errors depend on it and the seed alone."""

import re
from bisect import bisect, bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import log
from random import Random

from synth.draws import hash_text
from synth.text.characters import HAN
from synth.text.confusions import Choice, Confusions
from synth.text.convert import Span
from synth.text.edits import Edit, apply
from synth.text.spec import ErrorRates

FILLERS = "的了是呃嗯啊那就有"  # what recognisers put in
LONGEST_WORD = 3
REACH = 12  # characters within which a class finds one that it fits


class _Kept:
    """Spans that no error touches, merged and in order, so that one look finds them in texts of any length."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted(spans):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)

    def touch(self, start: int, end: int) -> bool:
        """Whether `start < end` has a character with one of them in common."""
        before = bisect_left(self._starts, end)
        return before > 0 and self._ends[before - 1] > start


@dataclass(frozen=True)
class Errors:
    """How texts are made wrong.

    Args:
        rates: errors per Han character, by class. Where the class that was drawn does not fit a character, one of the next
            is taken; where it fits none of these, there is no error, so that realised rates are a little lower.
        words: for `word` errors, by `confusions.homophone_words`.
        is_word: whether a span of a text is a word of it, asked of the few places where a `word` error would stand.
        protect: no error touches what this matches.
        min_gap: characters between two errors.
    """

    rates: ErrorRates
    confusions: Confusions
    words: Mapping[str, Choice] = field(default_factory=dict)
    is_word: Callable[[str, Span], bool] = lambda text, span: True
    protect: re.Pattern[str] | None = None
    min_gap: int = 1
    _kinds: Sequence[str] = field(init=False, repr=False)
    _sums: Sequence[float] = field(init=False, repr=False)
    _log_none: float = field(init=False, repr=False)  # of the chance that a character stays

    def __post_init__(self) -> None:
        rates = {kind: rate for kind, rate in self.rates.model_dump().items() if rate > 0}
        sums = list(accumulate(rates.values()))
        object.__setattr__(self, "_kinds", list(rates))
        object.__setattr__(self, "_sums", sums)
        object.__setattr__(self, "_log_none", log(1 - sums[-1]))

    def put_in(self, text: str, seed: int, protected: Iterable[Span] = ()) -> tuple[str, list[Edit]]:
        """The wrong text and its edits, of which there may be none.

        Args:
            protected: further spans that no error touches.
        """
        draw = Random(hash_text(f"{seed}\0{text}")).random
        found = self.protect.finditer(text) if self.protect is not None else ()
        kept = _Kept([*protected, *(match.span() for match in found)])
        changes: list[tuple[int, int, str, str]] = []
        position, free = -1, 0
        while True:
            # From one error to the next: as many characters as a coin of this chance stays on its side.
            position += 1 + int(log(1.0 - draw()) / self._log_none)
            if position >= len(text):
                return apply(text, changes)
            u, choice = draw() * self._sums[-1], draw()
            if position < free or not HAN.match(text, position) or kept.touch(position, position + 1):
                continue
            kind = self._kinds[min(bisect(self._sums, u), len(self._kinds) - 1)]
            for at in range(position, min(position + REACH, len(text))):
                change = self._change(text, at, kind, choice) if HAN.match(text, at) else None
                if change is not None and not kept.touch(at, max(change[1], at + 1)):
                    changes.append(change)
                    position = max(change[1] - 1, at)
                    free = position + 1 + self.min_gap
                    break

    def _change(self, text: str, at: int, kind: str, u: float) -> tuple[int, int, str, str] | None:
        character = text[at]
        if kind == "deletion":
            return at, at + 1, "", kind
        if kind == "duplication":
            return at, at, character, kind
        if kind == "insertion":
            return at, at, FILLERS[int(u * len(FILLERS))], kind
        if kind == "word":
            for length in range(LONGEST_WORD, 1, -1):
                words = self.words.get(text[at : at + length])
                if words is not None and self.is_word(text, (at, at + length)):
                    return at, at + length, words.pick(u), kind
            return None
        other = self.confusions.pick(kind, character, u)
        return None if other is None else (at, at + 1, other, kind)
