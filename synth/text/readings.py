"""How characters are read, in pinyin or zhuyin: by the word they stand in, and in Taiwan as in Taiwan."""

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Literal

from synth.text.convert import Span
from synth.text.tokens import fold

Form = Literal["pinyin", "zhuyin"]

# Where Taiwan reads otherwise than the mainland, whose readings pypinyin has. Words before characters.
TAIWAN: Mapping[str, str] = MappingProxyType(
    {
        "法國": "ㄈㄚˋ ㄍㄨㄛˊ",
        "人質": "ㄖㄣˊ ㄓˋ",
        "垃": "ㄌㄜˋ",
        "圾": "ㄙㄜˋ",
        "企": "ㄑㄧˋ",
        "質": "ㄓˊ",
        "期": "ㄑㄧˊ",
        "微": "ㄨㄟˊ",
        "危": "ㄨㄟˊ",
        "擊": "ㄐㄧˊ",
        "息": "ㄒㄧˊ",
        "夕": "ㄒㄧˋ",
        "惜": "ㄒㄧˊ",
        "昔": "ㄒㄧˊ",
        "究": "ㄐㄧㄡˋ",
        "識": "ㄕˋ",
        "攜": "ㄒㄧ",
        "帆": "ㄈㄢˊ",
        "跌": "ㄉㄧㄝˊ",
        "績": "ㄐㄧ",
        "跡": "ㄐㄧ",
        "暫": "ㄓㄢˋ",
        "蝸": "ㄍㄨㄚ",
        "叔": "ㄕㄨˊ",
        "淑": "ㄕㄨˊ",
        "突": "ㄊㄨˊ",
        "綜": "ㄗㄨㄥˋ",
        "髮": "ㄈㄚˇ",
        "諷": "ㄈㄥˋ",
        "亞": "ㄧㄚˇ",
        "菌": "ㄐㄩㄣˋ",
    }
)
_INITIALS = tuple("ㄅㄆㄇㄈㄉㄊㄋㄌㄍㄎㄏㄐㄑㄒㄓㄔㄕㄖㄗㄘㄙ")
_TONES = "ˊˇˋ˙"


def readings(text: str, tokens: Iterable[Span], form: Form, table: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """The reading of each character, "" where it has none: `["yín", "háng"]` or `["ㄧㄣˊ", "ㄏㄤˊ"]`.

    Args:
        tokens: spans that tile the text; a character is read as in its word where pypinyin knows the word.
        table: readings in zhuyin that go first, by character or word (separated by spaces), such as `TAIWAN`. The longest entry
            within a token wins. For pinyin they are written in pinyin; one that is no syllable of pypinyin's goes unheeded there.
    """
    folded = fold(text)
    longest = max(map(len, table), default=0)
    found: list[str] = []
    for start, end in tokens:
        syllables = _word(folded[start:end]) or [_character(character) for character in folded[start:end]]
        own = _own(text[start:end], table, longest)
        if form == "pinyin":
            found += [_pinyin().get(said or "", syllable) for said, syllable in zip(own, syllables, strict=True)]
        else:
            found += [said or _zhuyin(syllable) for said, syllable in zip(own, syllables, strict=True)]
    return found


def _own(word: str, table: Mapping[str, str], longest: int) -> list[str | None]:
    """What the table says of each character, the longest entry first; None where it says nothing."""
    found: list[str | None] = []
    while len(found) < len(word):
        k = len(found)
        for end in range(min(k + longest, len(word)), k, -1):
            said = table.get(word[k:end], "").split()
            if len(said) == end - k:
                found += said
                break
        else:
            found.append(None)
    return found


def character_reading(character: str, table: Mapping[str, str] = MappingProxyType({})) -> str:
    """The commonest reading of one character, in zhuyin; "" where it has none."""
    return table.get(character) or _zhuyin(_character(fold(character)))


def split_tone(zhuyin: str) -> tuple[str, str]:
    """(syllable, tone mark): the first tone has none."""
    syllable = zhuyin.strip(_TONES)
    return syllable, zhuyin.replace(syllable, "", 1)


def split_initial(syllable: str) -> tuple[str, str]:
    """(initial, rest) of a zhuyin syllable without tone; the initial is "" where it begins with a vowel."""
    return (syllable[0], syllable[1:]) if syllable.startswith(_INITIALS) else ("", syllable)


@cache
def _character(character: str) -> str:
    from pypinyin.constants import PINYIN_DICT

    said: str = PINYIN_DICT.get(ord(character), "")
    return said.split(",")[0]


def _word(word: str) -> list[str] | None:
    if len(word) < 2:
        return None
    from pypinyin.constants import PHRASES_DICT

    said = PHRASES_DICT.get(word)
    return [syllable[0] for syllable in said] if said and len(said) == len(word) else None


@cache
def _zhuyin(pinyin: str) -> str:
    if not pinyin:
        return ""
    from pypinyin import Style
    from pypinyin.style import convert

    written: str = convert(pinyin, Style.BOPOMOFO, True)
    return written


@cache
def _pinyin() -> Mapping[str, str]:
    """The syllables of pypinyin by their zhuyin."""
    from pypinyin.constants import PINYIN_DICT

    found: dict[str, str] = {}
    for said in PINYIN_DICT.values():
        for syllable in said.split(","):
            zhuyin = _zhuyin(syllable)
            if len(syllable) > len(found.get(zhuyin, "")):  # ㄣˇ is ěn, and not the interjection ň
                found[zhuyin] = syllable
    found.pop("", None)
    return found
