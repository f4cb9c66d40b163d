"""Entities of a text as spans and as one tag for each character, BIO or BMES, and back."""

from collections.abc import Iterable, Sequence
from typing import Literal

from synth.text.convert import SpanError

Scheme = Literal["BIO", "BMES"]
Entity = tuple[int, int, str]  # start, end (not included), label
_PREFIXES = {"BIO": "BI", "BMES": "BMES"}


def tag_names(labels: Iterable[str], scheme: Scheme) -> list[str]:
    """All tags in the order of their numbers: O first."""
    return ["O", *(f"{prefix}-{label}" for label in labels for prefix in _PREFIXES[scheme])]


def tags(length: int, entities: Iterable[Entity], scheme: Scheme) -> list[str]:
    """One tag for each of `length` characters.

    Raises:
        SpanError: entities overlap, are empty or lie outside.
    """
    found = ["O"] * length
    for start, end, label in entities:
        if not 0 <= start < end <= length or any(tag != "O" for tag in found[start:end]):
            raise SpanError(f"entity {start}..{end} ({label}) overlaps another one or does not lie in {length} characters")
        for k in range(start, end):
            first, last = k == start, k == end - 1
            if scheme == "BIO":
                prefix = "B" if first else "I"
            else:
                prefix = "S" if first and last else "B" if first else "E" if last else "M"
            found[k] = f"{prefix}-{label}"
    return found


def entities(found: Sequence[str]) -> list[Entity]:
    """Entities of tags in BIO, BMES or BIOES. One that begins in its middle, as damaged files have it, begins there."""
    result: list[Entity] = []
    open_: tuple[int, str] | None = None
    for k, tag in enumerate([*found, "O"]):
        prefix, _, label = tag.partition("-")
        goes_on = open_ is not None and prefix in ("I", "M", "E") and label == open_[1]
        if open_ is not None and not goes_on:
            result.append((open_[0], k, open_[1]))
            open_ = None
        if open_ is None and prefix != "O":
            open_ = k, label
        if open_ is not None and prefix in ("E", "S"):
            result.append((open_[0], k + 1, open_[1]))
            open_ = None
    return result
