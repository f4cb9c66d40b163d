"""What stands in a text besides ordinary characters, counted and never taken out; and which script it is written in."""

import re
from collections import Counter
from functools import cache

from synth.text.opencc import convert_text

_CLASSES = {
    "nul": "\0",
    "control": "[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]",
    "line_break": "[\n\r\u2028\u2029]",
    "zero_width": "[\u200b-\u200f\u2060-\u2064\ufeff]",
    "no_break_space": "\u00a0",
    "ideographic_space": "\u3000",
    "astral": "[\U00010000-\U0010ffff]",
    "lone_surrogate": "[\ud800-\udfff]",
}
_ANY = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _CLASSES.items()))
_SURROGATE = re.compile("[\ud800-\udfff]")
HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f]")


def special_characters(text: str) -> Counter[str]:
    """How many there are of each class that is easily lost: control and zero-width characters, odd spaces, astral ones."""
    return Counter(match.lastgroup or "" for match in _ANY.finditer(text))


def has_lone_surrogate(text: str) -> bool:
    """Whether half of a UTF-16 pair stands in it by itself: no file in UTF-8 and no Arrow column can hold that."""
    return _SURROGATE.search(text) is not None


def script(text: str) -> str:
    """`Hant` or `Hans`, by the characters that only one of them writes so; `Zyyy` where there are none, or as many of each."""
    traditional = simplified = 0
    for character in HAN.findall(text):
        side = _side(character)
        traditional += side == "Hant"
        simplified += side == "Hans"
    if traditional == simplified:
        return "Zyyy"
    return "Hant" if traditional > simplified else "Hans"


@cache
def _side(character: str) -> str:
    if convert_text(character, "t2s") != character:
        return "Hant"
    return "Hans" if convert_text(character, "s2t") != character else ""
