"""Words of Chinese text as spans of code points. Traditional text is folded to simplified characters first, one for one."""

import logging
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from synth.errors import YuliaoError
from synth.text.convert import Span
from synth.text.opencc import convert_text

ENGINES = ("jieba", "rjieba")
_SURROGATE = re.compile("[\ud800-\udfff]")

Segment = Callable[[str], list[Span]]


class EngineMissing(YuliaoError):
    """An engine that is not installed."""


def segmenter(engine: str, cache: Path) -> Segment:
    """A function from a text to the spans of its tokens, which tile it from the first to the last character.

    Args:
        engine: one of `ENGINES`.
        cache: a folder of one's own in which jieba keeps its dictionary as it is loaded fastest; made where there is none.

    Raises:
        EngineMissing: `rjieba` is not installed.
    """
    cut = _jieba(cache).cut if engine == "jieba" else _rjieba()

    def segment(text: str) -> list[Span]:
        spans, start = [], 0
        for token in cut(fold(text)):
            spans.append((start, start + len(token)))
            start += len(token)
        return spans

    return segment


def fold(text: str) -> str:
    """Simplified characters, one for each; half a surrogate pair, which engines refuse, as U+FFFD."""
    folded = convert_text(text, "t2s")
    return _SURROGATE.sub("\ufffd", folded if len(folded) == len(text) else text)


def words(cache: Path) -> dict[str, int]:
    """jieba's own dictionary: simplified words and how often they were seen."""
    tokenizer = _jieba(cache)
    tokenizer.initialize()
    return {word: count for word, count in tokenizer.FREQ.items() if count}


def share_on_edges(spans: Iterable[Span], tokens: Sequence[Span]) -> tuple[int, int]:
    """(those of `spans` that begin and end at edges of tokens, all of them)."""
    edges = {0, *(end for _, end in tokens)}
    answers = list(spans)
    return sum(start in edges and end in edges for start, end in answers), len(answers)


@cache
def _jieba(cache: Path) -> Any:
    # jieba's own default is one file in the system's folder for temporary files, which belongs to whoever came first.
    import jieba

    jieba.setLogLevel(logging.WARNING)
    cache.mkdir(parents=True, exist_ok=True)
    tokenizer = jieba.Tokenizer()
    tokenizer.tmp_dir = str(cache)
    return tokenizer


def _rjieba() -> Callable[[str], list[str]]:
    try:
        import rjieba
    except ImportError:
        raise EngineMissing("rjieba is not installed: pip install 'yuliao[rjieba]', or take the engine jieba") from None
    cut: Callable[[str], list[str]] = rjieba.cut
    return cut
