"""Where an answer stands in its context: what a corpus says of it, checked, and repaired by rule where it is wrong."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

Position = Literal["given", "guess", "found", "moved", "loose", "number", "none"]

_SERIAL_ZERO = date(1899, 12, 30)  # day 0 of spreadsheets
_DECIMAL = re.compile(r"\d{1,15}\.\d{1,15}")  # a number that was written out as text
_SERIALS = range(1, 80_000)  # up to 2119
NEAR = 10  # code points by which a start may be wrong and still be meant


@dataclass(frozen=True)
class Located:
    """An answer: `context[start:start + len(text)] == text`, unless `position` is `none` and `start` -1.

    `position` says by which rule it was found:

    - `given`: the corpus says where, and there it stands;
    - `found`: the corpus does not say where, and it stands in the context once;
    - `guess`: it stands there more than once, and the corpus has not said which is meant; the first is taken;
    - `moved`: it stands within `NEAR` code points of where the corpus says;
    - `loose`: it stands there but for punctuation, spaces and width; the context's own wording is taken;
    - `number`: a spreadsheet had made a number of it; the wording of the context is taken.
    """

    text: str
    start: int
    position: Position


def occurrences(context: str, text: str) -> list[int]:
    """Every start of `text` in `context`, overlapping ones too; none of an empty text."""
    found, start = [], context.find(text) if text else -1
    while start >= 0:
        found.append(start)
        start = context.find(text, start + 1)
    return found


def locate(context: str, answer: str | int | float, start: int | None, *, first_only: bool = False) -> Located:
    """Find an answer.

    Args:
        context: the text it was taken from.
        answer: as the corpus has it.
        start: code points before it; None or negative where the corpus does not know.
        first_only: the corpus always gives the first occurrence, so that its start means nothing where there are several.
    """
    if isinstance(answer, int | float):
        return _from_number(context, answer)
    if not answer:
        return Located("", -1, "none")
    starts = occurrences(context, answer)
    if start is not None and start in starts:
        return Located(answer, start, "guess" if first_only and len(starts) > 1 else "given")
    if starts and start is not None and start >= 0:
        nearest = min(starts, key=lambda at: abs(at - start))
        if abs(nearest - start) <= NEAR:
            return Located(answer, nearest, "moved")
    if starts:
        return Located(answer, starts[0], "found" if len(starts) == 1 else "guess")
    if _DECIMAL.fullmatch(answer):
        as_number = _from_number(context, float(answer))
        if as_number.position == "number":
            return as_number
    return _loosely(context, answer) or Located(answer, -1, "none")


def _from_number(context: str, number: float) -> Located:
    for wording in _wordings(number):
        # Not inside a longer number: 147 is not in 1470.
        found = re.search(rf"(?<![\d.]){re.escape(wording)}(?!\.?\d)", context)
        if found:
            return Located(wording, found.start(), "number")
    return Located(str(number), -1, "none")


def _wordings(number: float) -> list[str]:
    """How the cell may have read: the number, a share, or a date that a spreadsheet keeps as its number of days."""
    whole = int(number) if number == number and abs(number) < 1e15 and number == int(number) else None
    if whole is None:
        if number != number or abs(number) >= 1e15:
            return []
        percent = round(number * 100, 6)
        return [repr(number), f"{percent:g}%", f"{percent:g}％"]
    plain = [str(whole), f"{whole:,}", f"{whole}.0", f"{whole * 100}%", f"{whole * 100}％"]
    if whole not in _SERIALS:
        return plain
    day = _SERIAL_ZERO + timedelta(days=whole)
    y, m, d = day.year, day.month, day.day
    dates = [f"{y}年{m}月{d}日", f"{y}年{m:02}月{d:02}日", f"{y}-{m:02}-{d:02}", f"{y}-{m}-{d}", f"{y}/{m}/{d}", f"{y}.{m}.{d}"]
    return [*plain, *dates, f"{y}年{m}月", f"{m}月{d}日"]


def _loosely(context: str, answer: str) -> Located | None:
    """Letters and digits compared alone, each at its own width, and cut out of the context from the first to the last."""
    wanted = "".join(character for _, character in _letters(answer))
    if not wanted:
        return None
    letters = _letters(context)
    first = "".join(character for _, character in letters).find(wanted)
    if first < 0:
        return None
    start, end = letters[first][0], letters[first + len(wanted) - 1][0] + 1
    return Located(context[start:end], start, "loose")


def _letters(text: str) -> list[tuple[int, str]]:
    return [(k, _narrow(character)) for k, character in enumerate(text) if unicodedata.category(character)[0] in "LNM"]


def _narrow(character: str) -> str:
    """A full-width letter or digit as an ASCII one: one for one, in contrast to NFKC."""
    return chr(ord(character) - 0xFEE0) if "！" <= character <= "～" else character
