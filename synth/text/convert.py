"""Script conversion that keeps spans: simplified to traditional characters and back, with every edge where it belongs.

Most configurations change no length, so spans stay. Those with phrases (`s2twp`, `tw2sp`) change the length of every fourteenth
context. There each clause with an edge in it is cut at its edges and the pieces converted: where they join to the conversion of
the clause, the edges are exact. Where they do not, a converter of our own, by OpenCC's tables, says what became of what.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise

from synth.errors import YuliaoError
from synth.text.opencc import Chain, Stage, convert_text, read_chain

# Every key is as long as its value in all tables of these: tested against OpenCC's files.
SAME_LENGTH = frozenset({"s2t", "s2tw", "s2hk", "t2s", "tw2s", "hk2s", "t2tw", "t2hk", "tw2t", "hk2t"})

_PUNCTUATION = "，。、；：！？…\n"
_BETWEEN = "\x1e"  # the record separator, which stands in no key

Span = tuple[int, int]  # start and end in code points, the end not included


class SpanError(YuliaoError):
    """A span that does not lie in its text."""


@dataclass(frozen=True)
class Converted:
    """A converted text, its spans in their order, and for each whether both of its edges are exact."""

    text: str
    spans: list[Span]
    exact: list[bool]


def convert(text: str, spans: Iterable[Span], configuration: str) -> Converted:
    """Convert `text` and say where its spans lie: `result.text[start:end]` is the span as it is converted in its context.

    Args:
        spans: (start, end) in code points of `text`; they may overlap and be empty, and come in any order.
        configuration: of OpenCC, such as `s2tw`, `tw2s`, `s2twp`, `tw2sp`.

    Returns:
        A span whose edge lies inside a phrase that was replaced as a whole is widened to that phrase, and not exact.

    Raises:
        SpanError: a span lies outside the text or ends before it starts.
        ConversionError: no such configuration.
    """
    asked = list(spans)
    for start, end in asked:
        if not 0 <= start <= end <= len(text):
            raise SpanError(f"span {start}..{end} does not lie in a text of {len(text)} code points")
    converted = convert_text(text, configuration)
    if configuration in SAME_LENGTH and len(converted) == len(text):
        return Converted(converted, asked, [True] * len(asked))
    return _by_cuts(converted, _cuts(text, converted, configuration, {edge for span in asked for edge in span}), asked)


def _cuts(text: str, converted: str, configuration: str, edges: set[int]) -> list[Span]:
    """Aligned positions (source, target), ascending: the ends of clauses that have an edge, and all edges that are exact."""
    fences = _fences(text, configuration, edges)
    clauses = _each(text, fences, configuration)
    if "".join(clauses) != converted:  # not with the tables there are: no key goes across the end of a clause
        fences, clauses = [0, len(text)], [converted]
    points = sorted(edges.union(fences))
    pieces = _each(text, points, configuration)
    cuts: list[Span] = [(0, 0)]
    first = target = 0
    for (begin, end), clause in zip(pairwise(fences), clauses, strict=True):
        last = bisect_left(points, end, first)
        own = pieces[first:last]
        if "".join(own) == clause:
            cuts += zip(points[first + 1 : last + 1], (target + at for at in accumulate(map(len, own))), strict=True)
        else:
            tracked, aligned = track(text[begin:end], configuration)
            if tracked == clause:
                cuts += [(begin + source, target + at) for source, at in aligned[1:-1]]
            cuts.append((end, target + len(clause)))
        first = last
        target += len(clause)
    return cuts


def _each(text: str, points: Sequence[int], configuration: str) -> list[str]:
    """What lies between the points, each piece converted by itself; in one call, which costs more than a piece."""
    pieces = [text[start:end] for start, end in pairwise(points)]
    converted = convert_text(_BETWEEN.join(pieces), configuration).split(_BETWEEN)
    return converted if len(converted) == len(pieces) else [convert_text(piece, configuration) for piece in pieces]


def _fences(text: str, configuration: str, edges: set[int]) -> list[int]:
    """Begin and end of the text and of each clause that has an edge, ascending."""
    ends = [0, *(match.end() for match in _clause_ends(configuration).finditer(text)), len(text)]
    found = {0, len(text)}
    for edge in edges:
        after = bisect_left(ends, edge)
        found.add(ends[after])
        if ends[after] != edge:
            found.add(ends[after - 1])
    return sorted(found)


@cache
def _clause_ends(configuration: str) -> re.Pattern[str]:
    """Punctuation that stands in no key of the configuration's tables, so that nothing is converted across it."""
    chain = read_chain(configuration)
    stages = (*chain.stages, *filter(None, (chain.normalisation, chain.segmentation)))
    known = {character for stage in stages for table in stage.tables for key in table for character in key}
    return re.compile(f"[{re.escape(''.join(sorted(set(_PUNCTUATION) - known)))}]" if set(_PUNCTUATION) - known else r"(?!)")


def _by_cuts(text: str, cuts: Sequence[Span], spans: Sequence[Span]) -> Converted:
    """Spans through aligned positions (source, target); an edge between two of them goes outwards."""
    known = dict(cuts)
    sources = list(known)
    moved, exact = [], []
    for start, end in spans:
        to_start, to_end = known.get(start), known.get(end)
        exact.append(to_start is not None and to_end is not None)
        if to_start is None:
            to_start = cuts[bisect_left(sources, start) - 1][1]
        moved.append((to_start, cuts[bisect_left(sources, end)][1] if to_end is None else to_end))
    return Converted(text, moved, exact)


def track(text: str, configuration: str) -> tuple[str, list[Span]]:
    """`text` converted by OpenCC's tables, and all positions (source, target) that belong together, ascending.

    The text is OpenCC's own, character for character. Inside a phrase that was replaced, positions belong together from both
    ends as far as it stayed the same, and in between where both have the same number of characters, none of which only moved.
    """
    chain = read_chain(configuration)
    normal = _pass(text, chain.normalisation)[0] if chain.normalisation else text
    targets: list[str] = []
    cuts: list[Span] = [(0, 0)]
    for start, end in _segments(normal, chain):
        converted, aligned = normal[start:end], [(k, k) for k in range(end - start + 1)]
        for stage in chain.stages:
            converted, further = _pass(converted, stage)
            aligned = _composed(aligned, further)
        begin = cuts[-1][1]
        cuts += [(start + source, begin + target) for source, target in aligned[1:]]
        targets.append(converted)
    return "".join(targets), cuts


def _segments(text: str, chain: Chain) -> list[Span]:
    """Forward maximum matching: each match is a segment, and so is each run of text between matches."""
    if chain.segmentation is None or not text:
        return [(0, len(text))] if text else []
    segments, begin, position = [], 0, 0
    for at, end, _ in _matches(text, chain.segmentation):
        if begin < at:
            segments.append((begin, at))
        segments.append((at, end))
        begin = position = end
    if max(begin, position) < len(text):
        segments.append((begin, len(text)))
    return segments


def _matches(text: str, stage: Stage) -> Iterable[tuple[int, int, str]]:
    """(start, end, replacement) of each match from left to right."""
    candidates, position = stage.candidates, 0
    while position < len(text):
        for length, table in candidates.get(text[position], ()):
            value = table.get(text[position : position + length])
            if value is not None:
                yield position, position + length, value
                position += length
                break
        else:
            position += 1


def _pass(text: str, stage: Stage) -> tuple[str, list[Span]]:
    """One stage over one segment: the text and its aligned positions."""
    pieces: list[str] = []
    cuts: list[Span] = [(0, 0)]
    done = target = 0
    for start, end, value in _matches(text, stage):
        pieces += (text[done:start], value)
        cuts += [(done + k, target + k) for k in range(1, start - done + 1)]
        target += start - done
        cuts += [(start + source, target + at) for source, at in _inside(text[start:end], value)]
        target += len(value)
        done = end
    pieces.append(text[done:])
    cuts += [(done + k, target + k) for k in range(1, len(text) - done + 1)]
    return "".join(pieces), cuts


def _inside(key: str, value: str) -> list[Span]:
    """Positions that belong together within a replaced phrase, its end included and its start not; both go strictly up.

    Where the phrase only grew or only shrank (肯亞 to 肯尼亞, 外部索引鍵 to 外鍵), nothing tells on which side of the edge the
    difference stands, so that edge is left out.
    """
    if len(key) == len(value) and not any(one != other and one in value for one, other in zip(key, value, strict=True)):
        return [(k, k) for k in range(1, len(key) + 1)]
    shorter = min(len(key), len(value))
    head = tail = 0
    while head < shorter and key[head] == value[head]:
        head += 1
    while tail < shorter - head and key[-1 - tail] == value[-1 - tail]:
        tail += 1
    unsure = len(key) != len(value) and head + tail == shorter
    first = [(k, k) for k in range(1, head + 1 - unsure)]
    last = [(len(key) - k, len(value) - k) for k in range(tail - unsure, 0, -1)]
    return [*first, *last, (len(key), len(value))]


def _composed(first: Sequence[Span], second: Sequence[Span]) -> list[Span]:
    """Positions that belong together through both stages."""
    onward = dict(second)
    return [(source, onward[middle]) for source, middle in first if middle in onward]
