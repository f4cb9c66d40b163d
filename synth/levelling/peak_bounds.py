"""A bound on the magnitude of every sample of a mixture, from the peaks of 10 ms frames: no audio is read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from synth.levelling.gains import FULL_SCALE
from synth.levels.frames import Peaks
from synth.pieces import Pieces

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_FRAMES_AT_ONCE = 500_000  # so that memory does not grow with the set, and is used again


@dataclass(frozen=True)
class Part:
    """Pieces of one table of recordings, with what is known of their peaks.

    Attributes:
        pieces: sorted by mixture.
        gains: theirs.
        frames: the peaks of their recordings' frames.
        peaks: of the pieces at these gains, float64 [pieces].
    """

    pieces: Pieces
    gains: Floats
    frames: Peaks
    peaks: Floats

    @staticmethod
    def of(pieces: Pieces, gains: Floats, frames: Peaks, frame: int) -> "Part":
        """With the peaks that the frames tell."""
        return Part(pieces, gains, frames, gains * frames.of_pieces(pieces.source, pieces.start, pieces.length, frame))


def headroom(n_stems: Ints) -> Floats:
    """Largest magnitude that a mixture of so many stems may have before rounding, which adds half a step for each."""
    ceiling: Floats = FULL_SCALE - 1 - n_stems / 2
    return ceiling


def peak_bounds(parts: Sequence[Part], num_samples: Ints, n_stems: Ints, frame: int) -> Floats:
    """A bound on the peak of each mixture, float64 [mixtures]: the sum of the pieces' peaks, and where that is too much, frame by
    frame."""
    mixtures, most = len(num_samples), headroom(n_stems)
    alone = np.zeros(mixtures)
    bounds = np.zeros(mixtures)
    for part in parts:
        np.maximum.at(alone, part.pieces.mixture, part.peaks)
        # Pieces of one stem follow each other, so that the largest counts; noises sound together.
        for stem in np.unique(part.pieces.stem):
            of_stem = part.pieces.stem == stem
            where, values = part.pieces.mixture[of_stem], part.peaks[of_stem]
            if stem:
                largest = np.zeros(mixtures)
                np.maximum.at(largest, where, values)
                bounds += largest
            else:
                bounds += np.bincount(where, weights=values, minlength=mixtures)
    much = np.flatnonzero(bounds > most)
    blocks = np.cumsum(num_samples[much] // frame) // _FRAMES_AT_ONCE
    for block in np.split(much, np.flatnonzero(np.diff(blocks)) + 1):
        if len(block):
            by_frame = _bounds_by_frame([_of_mixtures(part, block) for part in parts], most[block], frame)
            bounds[block] = np.minimum(bounds[block], np.maximum(alone[block], by_frame))
    return bounds


def _bounds_by_frame(parts: Sequence[Part], most: Floats, frame: int) -> Floats:
    """Bounds on the sums of pieces: frame by frame where those that sound come to more than `most`, float64 [mixtures]."""
    low, high, bounds = _too_much(parts, most, frame)
    cells = high - low
    firsts = np.cumsum(cells) - cells
    total = np.zeros(int(cells.sum()))
    for part in parts:
        turn = _turns(part.pieces)
        for stem in np.unique(part.pieces.stem):
            of_stem = part.pieces.stem == stem
            turns = int(turn[of_stem].max()) + 1
            # Turn by turn, since two pieces may touch the same cell. Those of speech follow each other, noises sound together.
            heard = total if turns == 1 or not stem else np.zeros(len(total))
            for number in range(turns):
                these = np.flatnonzero(of_stem & (turn == number))
                mixture = part.pieces.mixture[these]
                at, spans, loudness = _cells(part, these, low[mixture], high[mixture], firsts[mixture], frame)
                if len(loudness) == len(total) and heard is total:  # all there are, in order: that is the rule, and quicker
                    total += loudness
                    continue
                where = np.arange(len(loudness)) + np.repeat(at - np.cumsum(spans) + spans, spans)
                heard[where] = heard[where] + loudness if heard is total else np.maximum(heard[where], loudness)
            if heard is not total:
                total += heard
    several = np.flatnonzero(cells)
    bounds[several] = np.maximum(bounds[several], np.maximum.reduceat(total, firsts[several]))
    return bounds


def _of_mixtures(part: Part, block: Ints) -> Part:
    """The pieces of some mixtures (ascending), which are numbered anew."""
    begins = np.searchsorted(part.pieces.mixture, block)
    counts = np.searchsorted(part.pieces.mixture, block, side="right") - begins
    inside = np.arange(counts.sum()) + np.repeat(begins - np.cumsum(counts) + counts, counts)
    pieces = replace(part.pieces.taken(inside), mixture=np.repeat(np.arange(len(block)), counts))
    return Part(pieces, part.gains[inside], part.frames, part.peaks[inside])


def _too_much(parts: Sequence[Part], most: Floats, frame: int) -> tuple[Ints, Ints, Floats]:
    """From which cell of 10 ms up to which one the pieces that may sound together have peaks of more than `most` in sum; and the
    largest sum elsewhere, where several sound. [mixtures] each."""
    mixture, first, last, peaks = (
        np.concatenate(values)
        for values in zip(
            *(
                (part.pieces.mixture, part.pieces.offset // frame, (part.pieces.stop - 1) // frame + 1, part.peaks)
                for part in parts
            ),
            strict=True,
        )
    )
    mixture, at = np.concatenate([mixture, mixture]), np.concatenate([first, last])
    order = np.lexsort((at, mixture))
    mixture, at = mixture[order], at[order]
    change = np.ceil(peaks).astype(np.int64)  # whole numbers, whose running sum is exact
    loud = np.cumsum(np.concatenate([change, -change])[order])
    count = np.cumsum(np.repeat([1, -1], len(peaks))[order])
    # Each mixture ends with nothing that sounds, so that what lies between two mixtures is neither.
    together = (count > 1) & (np.append(at[1:], 0) > at)
    much = together & (loud > most[mixture])
    elsewhere = np.zeros(len(most))
    np.maximum.at(elsewhere, mixture[together & ~much], loud[together & ~much])
    low, high = np.full(len(most), np.iinfo(np.int64).max), np.zeros(len(most), dtype=np.int64)
    where = np.flatnonzero(much)
    np.minimum.at(low, mixture[where], at[where])
    np.maximum.at(high, mixture[where], at[where + 1])
    return np.minimum(low, high), high, elsewhere


def _turns(pieces: Pieces) -> Ints:
    """The number of each piece in its stem."""
    begins = np.flatnonzero((np.diff(pieces.mixture, prepend=-1) != 0) | (np.diff(pieces.stem, prepend=-1) != 0))
    turns: Ints = np.arange(len(pieces)) - np.repeat(begins, np.diff(np.append(begins, len(pieces))))
    return turns


def _cells(part: Part, these: NDArray[np.intp], low: Ints, high: Ints, firsts: Ints, frame: int) -> tuple[Ints, Ints, Floats]:
    """The cells that pieces touch between `low` and `high`: where they begin, how many of each piece, and bounds on magnitudes.

    A frame of a piece that begins within a cell straddles two, so that a cell hears frames t and t - 1.

    Args:
        part: the pieces, of which `these` are meant: one of a mixture at most.
        low: the first cell that is wanted of their mixtures.
        high: the one after the last.
        firsts: where the cells of their mixtures begin.
    """
    cell = part.pieces.offset[these] // frame
    begin = np.maximum(low - cell, 0)
    spans = np.minimum((part.pieces.stop[these] - 1) // frame + 1, high) - cell - begin
    touching = spans > 0
    these, cell, begin, spans = these[touching], cell[touching], begin[touching], spans[touching]
    at = firsts[touching] + np.maximum(cell - low[touching], 0)
    pieces = part.pieces.taken(these)
    first = pieces.start // frame
    last = first - (-pieces.length // frame) - 1
    heard = part.frames.frames(pieces.source, first + begin - 1, first + begin + spans, first, last)
    own = np.ones(len(heard), dtype=bool)
    own[np.cumsum(spans + 1) - spans - 1] = False  # that is the frame before
    loudest = heard[own]
    straddles = pieces.offset % frame > 0
    if straddles.any():
        np.maximum(loudest, heard[:-1][own[1:]] * np.repeat(straddles, spans), out=loudest)
    loudness = np.repeat(part.gains[these], spans)
    loudness *= loudest
    return at, spans, loudness
