"""Offsets in UTF-16 units, as JavaScript, Java and C# count: an astral character is two."""

import re
from bisect import bisect_left

_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


class Units:
    """A text whose offsets in code points are to be told in UTF-16 units."""

    def __init__(self, text: str) -> None:
        self._astral = [match.start() for match in _ASTRAL.finditer(text)]

    def before(self, offset: int) -> int:
        """How many units stand before `offset` code points."""
        return offset + bisect_left(self._astral, offset)
