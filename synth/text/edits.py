"""What was done to a text, as a list that can be taken back to the last character."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from synth.errors import YuliaoError

ALIGNED_AT_MOST = 250_000  # pairs of characters: 500 by 500, which takes under a second at worst


class EditError(YuliaoError):
    """Edits that do not belong to the text."""


@dataclass(frozen=True, slots=True)
class Edit:
    """`right[start:end] == correct` became `wrong[wrong_start:wrong_end] == wrong`; one of the two may be empty."""

    start: int
    end: int
    wrong_start: int
    wrong_end: int
    correct: str
    wrong: str
    kind: str


def apply(right: str, changes: Iterable[tuple[int, int, str, str]]) -> tuple[str, list[Edit]]:
    """Make a wrong text of a right one.

    Args:
        changes: (start, end, replacement, kind) in code points of `right`, in their order and apart.

    Raises:
        EditError: changes that overlap, are out of order or lie outside the text.
    """
    pieces: list[str] = []
    edits: list[Edit] = []
    done = length = 0
    for start, end, wrong, kind in changes:
        if not done <= start <= end <= len(right):
            raise EditError(f"a change at {start}..{end} overlaps the one before it or lies outside {len(right)} code points")
        pieces += (right[done:start], wrong)
        begin = length + start - done
        length = begin + len(wrong)
        done = end
        edits.append(Edit(start, end, begin, length, right[start:end], wrong, kind))
    pieces.append(right[done:])
    return "".join(pieces), edits


def invert(wrong: str, edits: Sequence[Edit]) -> str:
    """The right text again. Raises EditError where the edits are not those of `wrong`."""
    pieces: list[str] = []
    done = 0
    for edit in edits:
        if edit.wrong_start < done or wrong[edit.wrong_start : edit.wrong_end] != edit.wrong:
            raise EditError(f"at {edit.wrong_start} the text does not read {edit.wrong!r}: these are edits of another one")
        pieces += (wrong[done : edit.wrong_start], edit.correct)
        done = edit.wrong_end
    pieces.append(wrong[done:])
    return "".join(pieces)


def difference(wrong: str, right: str, kind: str = "") -> list[Edit]:
    """Edits from `right` to `wrong`: character by character where both are of one length, else by longest common parts.

    Aligned is what lies between the common beginning and the common end, which takes at least the product of its two lengths.
    Where that is over `ALIGNED_AT_MOST`, all of it is one edit.
    """
    if len(wrong) == len(right):
        changes = [(k, k + 1, wrong[k], kind) for k in range(len(right)) if wrong[k] != right[k]]
        return apply(right, changes)[1]
    begin, end = _common(right, wrong)
    one, other = right[begin : len(right) - end], wrong[begin : len(wrong) - end]
    if len(one) * len(other) > ALIGNED_AT_MOST:
        return apply(right, [(begin, begin + len(one), other, kind)])[1]
    from difflib import SequenceMatcher

    found = SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    return apply(right, [(begin + a, begin + b, other[c:d], kind) for tag, a, b, c, d in found if tag != "equal"])[1]


def _common(one: str, other: str) -> tuple[int, int]:
    """Lengths of the common beginning and of the common end after it."""
    shorter = min(len(one), len(other))
    begin = next((k for k in range(shorter) if one[k] != other[k]), shorter)
    end = next((k for k in range(shorter - begin) if one[-1 - k] != other[-1 - k]), shorter - begin)
    return begin, end
