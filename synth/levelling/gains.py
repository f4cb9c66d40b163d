"""From levels asked to gains: the level of each piece, the gain that each takes, and one gain where a sum could clip."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.arranging.candidates import QUIETEST_RMS
from synth.errors import PlanError
from synth.levels.frames import Energies, Peaks, frame_samples
from synth.levels.loudness import MEASURES
from synth.levels.scaling import scale_into
from synth.pieces import Pieces
from synth.render import Load

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

FULL_SCALE = 32768.0
_LOWEST_RMS = 250.0  # of a stem: -42 dBFS
_MOST_DOUBT_DB = 0.02
_GAIN_DECIMALS = 9  # the last bits of a logarithm differ between processors; a plan does not
_FRAMES_AT_ONCE = 500_000  # so that memory does not grow with the set, and is used again


@dataclass(frozen=True)
class Levels:
    """How loud pieces are before any gain.

    Attributes:
        powers: by the measure asked for, as a mean square of samples in the range of int16; float64 [pieces].
        doubts_db: how far rounding may move them.
    """

    powers: Floats
    doubts_db: Floats


def active_levels(pieces: Pieces, lengths: Ints, energies: Energies, whole: Levels, sample_rate_hz: int) -> tuple[Pieces, Levels]:
    """Active levels of pieces: those of whole utterances and, where cut, from their frames.

    A piece that is silent (a long pause opens the utterance) is moved to the loudest part of its utterance.

    Args:
        lengths: of whole utterances, int64 [utterances].
        whole: levels of whole utterances.
    """
    frame = frame_samples(sample_rate_hz)
    powers, doubts_db = whole.powers[pieces.source], whole.doubts_db[pieces.source]
    starts = pieces.start.copy()
    cut = np.flatnonzero(pieces.length < lengths[pieces.source])
    powers[cut], doubts_db[cut] = energies.active_powers(pieces.source[cut], starts[cut], pieces.length[cut], frame)
    for at in cut[powers[cut] < QUIETEST_RMS**2]:
        loudest = int(np.argmax(energies.of(pieces.source[at])[: lengths[pieces.source[at]] // frame]))
        latest = (lengths[pieces.source[at]] - pieces.length[at]) // frame
        starts[at] = min(max(loudest - pieces.length[at] // frame // 2, 0), latest) * frame
        this = slice(at, at + 1)
        powers[this], doubts_db[this] = energies.active_powers(pieces.source[this], starts[this], pieces.length[this], frame)
    return replace(pieces, start=starts), Levels(powers, doubts_db)


def measured_levels(measure: str, pieces: Pieces, ids: pa.ChunkedArray, load: Load, sample_rate_hz: int) -> Levels:
    """Levels by a measure that frames do not tell, from samples; each cut of an utterance once.

    Raises:
        PlanError: a piece in which the measure finds nothing: too short or too quiet for it.
    """
    cuts = np.stack([pieces.source, pieces.start, pieces.length])
    distinct, number = np.unique(cuts, axis=1, return_inverse=True)
    powers = np.empty(distinct.shape[1])
    for at, (source, start, length) in enumerate(distinct.T.tolist()):
        name = ids[source].as_py()
        level_db = MEASURES[measure](load(name)[start : start + length], sample_rate_hz)
        if not np.isfinite(level_db):
            raise PlanError(
                f"{name} has no level by {measure} in {length / sample_rate_hz:.2f} s from {start / sample_rate_hz:.2f} s on: "
                "they are too short or too quiet for that measure; ask for longer mixtures or levels.measure active_rms"
            )
        powers[at] = FULL_SCALE**2 * 10 ** (level_db / 10)
    return Levels(powers[number], np.zeros(len(number)))


def gains_for(pieces: Pieces, powers: Floats, relative_db: Floats, level_db: Floats | None) -> Floats:
    """Gains [pieces] that bring each piece to its level.

    Args:
        powers: of the pieces as they are.
        relative_db: level asked of each piece against s1.
        level_db: level asked of s1 of each mixture, or None: then no piece is lowered, so that rounding costs nothing. Where one
            would be so quiet that rounding still moved frames across the 40 dB that make them active, all are raised.
    """
    rms = np.sqrt(powers)
    relative = 10 ** (relative_db / 20)
    begins = np.flatnonzero(np.diff(pieces.mixture, prepend=-1))
    counts = np.diff(np.append(begins, len(pieces)))
    if level_db is not None:
        absolute: Floats = relative / rms * np.repeat(FULL_SCALE * 10 ** (level_db / 20), counts)
        return absolute
    common = np.maximum.reduceat(rms / relative, begins)  # of s1, such that the lowest gain is 1
    quietest = np.minimum.reduceat(relative, begins) * common
    common *= np.maximum(1.0, _LOWEST_RMS / quietest)
    gains: Floats = relative / rms * np.repeat(common, counts)
    return np.where(np.abs(gains - 1) < 1e-12, 1.0, gains)


def rounded_down(gains: Floats) -> Floats:
    """Gains as plans hold them, no higher than they were."""
    rounded: Floats = np.floor(gains * 10**_GAIN_DECIMALS) / 10**_GAIN_DECIMALS
    return rounded


def rounded_at(levels: Levels, pieces: Pieces, gains: Floats, energies: Energies, frame: int) -> Levels:
    """Active levels with doubts as they are at some gains: rounding takes more frames of a lowered piece across the threshold."""
    doubts_db, lowered = levels.doubts_db.copy(), np.flatnonzero(gains < 1)
    of_lowered = pieces.taken(lowered)
    _, doubts_db[lowered] = energies.active_powers(of_lowered.source, of_lowered.start, of_lowered.length, frame, gains[lowered])
    return replace(levels, doubts_db=doubts_db)


def settle(
    measure: str,
    pieces: Pieces,
    levels: Levels,
    gains: Floats,
    dry: NDArray[np.bool_],
    ids: pa.ChunkedArray,
    load: Load,
    sample_rate_hz: int,
) -> Floats:
    """Powers of pieces as they will be written, float64 [pieces]: those that rounding may change by more than a row may be wrong
    are measured, of those that are `dry`, bool [pieces].

    Raises:
        PlanError: rounding leaves nothing of a piece.
    """
    powers = gains**2 * levels.powers
    in_doubt = ((levels.doubts_db > _MOST_DOUBT_DB) | (powers < _LOWEST_RMS**2)) & (gains != np.floor(gains))
    for at in np.flatnonzero(in_doubt & dry):
        name = ids[int(pieces.source[at])].as_py()
        samples = load(name)[pieces.start[at] : pieces.start[at] + pieces.length[at]]
        written = np.empty_like(samples)
        scale_into(samples, gains[at], written)
        powers[at] = FULL_SCALE**2 * 10 ** (MEASURES[measure](written, sample_rate_hz) / 10)
        if not powers[at]:
            raise PlanError(
                f"{name} would be rounded to silence beside a source that is so much louder: ask for levels closer to each other "
                "(--set levels.sir_db=...)"
            )
    return powers


def stem_powers(pieces: Pieces, powers: Floats, stems: int, mixtures: int) -> Floats:
    """Powers of the stems [mixtures, stems], NaN where absent: the mean over the samples of their pieces."""
    at = pieces.mixture * stems + pieces.stem - 1
    samples = np.bincount(at, weights=pieces.length, minlength=mixtures * stems)
    with np.errstate(invalid="ignore"):
        means = np.bincount(at, weights=powers * pieces.length, minlength=mixtures * stems) / samples
    return means.reshape(mixtures, stems)


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
