"""Sound without an end: recordings joined to circles, each cross-faded into the next, and pieces of any length cut from them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Tracks:
    """Circles of recordings, one after another; the last place of a circle is joined to its first.

    Attributes:
        first: the first place of each circle, int64 [tracks].
        count: how many places it has, int64 [tracks].
        around: samples once around it, int64 [tracks].
        recording: what lies at each place, int64 [places].
        length: of that recording in samples, int64 [places].
        begin: where it begins on the circle, int64 [places].
        seam: samples of it that the next place shares: at most half of either, int64 [places].
    """

    first: Ints
    count: Ints
    around: Ints
    recording: Ints
    length: Ints
    begin: Ints
    seam: Ints


@dataclass(frozen=True)
class Cuts:
    """Pieces that fill spans without a hole; int64 [pieces], ordered by span and then by offset.

    Attributes:
        span: which of the spans.
        recording, start, length, offset, fade_in, fade_out: as in `synth.pieces.Pieces`; offsets count from the span's begin.
    """

    span: Ints
    recording: Ints
    start: Ints
    length: Ints
    offset: Ints
    fade_in: Ints
    fade_out: Ints


def join(recordings: Ints, lengths: Ints, counts: Ints, fade: int) -> Tracks:
    """Circles of `counts[i]` recordings each, in the order given, cross-faded over `fade` samples, or less where one is short."""
    ends = np.cumsum(counts)
    first = ends - counts
    following = np.arange(1, len(recordings) + 1)
    following[ends - 1] = first
    seam = np.minimum(np.minimum(fade, lengths // 2), lengths[following] // 2)
    steps = lengths - seam
    walked = np.cumsum(steps)
    begin = walked - steps
    around = walked[ends - 1] - begin[first]
    return Tracks(first, counts, around, recordings, lengths, begin - np.repeat(begin[first], counts), seam)


def cut(tracks: Tracks, track: Ints, place: Ints, start: Ints, length: Ints) -> Cuts:
    """For each span, as many places of its circle as it takes.

    Args:
        tracks: the circles.
        track: the circle of each span, int64 [spans].
        place: where the span begins; one of the circle's places.
        start: first sample of the recording there, before its seam.
        length: of the span in samples.
    """
    count, around = tracks.count[track], tracks.around[track]
    origin = tracks.begin[place] + start
    # Of the places counted on and on around the circle, the last is the first one to stop at or after the end of the span.
    # Stops are counted from that of the place before the first, so that those of one round lie in 1..around.
    before = tracks.seam[tracks.first + tracks.count - 1]
    stops = tracks.begin + tracks.length - np.repeat(before, tracks.count)
    base = np.cumsum(tracks.around) - tracks.around
    turns, rest = np.divmod(origin + length - before[track] - 1, around)
    found = np.searchsorted(stops + np.repeat(base, tracks.count), base[track] + rest + 1)
    further = np.maximum(turns * count + found - place, 0)
    return _pieces(tracks, track, place, start, length, further + 1)


def _pieces(tracks: Tracks, track: Ints, place: Ints, start: Ints, length: Ints, pieces: Ints) -> Cuts:
    ends = np.cumsum(pieces)
    span = np.repeat(np.arange(len(pieces)), pieces)
    number = np.arange(len(span)) - np.repeat(ends - pieces, pieces)
    first, count = tracks.first[track][span], tracks.count[track][span]
    turn, within = np.divmod(place[span] - first + number, count)
    at = first + within
    is_first, is_last = number == 0, number == pieces[span] - 1
    origin = (tracks.begin[place] + start)[span]
    offset = np.where(is_first, 0, turn * tracks.around[track][span] + tracks.begin[at] - origin)
    begin = np.where(is_first, start[span], 0)
    return Cuts(
        span,
        recording=tracks.recording[at],
        start=begin,
        length=np.where(is_last, length[span] - offset, tracks.length[at] - begin),
        offset=offset,
        fade_in=np.where(is_first, 0, tracks.seam[first + (within - 1) % count]),
        fade_out=np.where(is_last, 0, tracks.seam[at]),
    )
