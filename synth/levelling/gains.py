"""From levels asked to gains: the level of each piece, and the gain that each takes."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.arranging.candidates import QUIETEST_RMS
from synth.errors import PlanError
from synth.levels.frames import Energies, frame_samples
from synth.levels.loudness import MEASURES
from synth.levels.scaling import scale_into
from synth.pieces import Pieces
from synth.render import Load

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

FULL_SCALE = 32768.0
_LOWEST_RMS = 250.0  # of a stem: -42 dBFS
_FAINT_RMS = 249.0  # what is raised to the lowest is not faint, though rounding of its gain leaves it below
_MOST_DOUBT_DB = 0.02
_GAIN_DECIMALS = 9  # the last bits of a logarithm differ between processors; a plan does not


@dataclass(frozen=True)
class Levels:
    """How loud pieces are before any gain.

    Attributes:
        powers: by the measure asked for, as a mean square of samples in the range of int16; float64 [pieces].
        doubts_db: how far rounding may move them.
    """

    powers: Floats
    doubts_db: Floats

    def taken(self, which: NDArray[np.intp]) -> "Levels":
        """Those of some pieces."""
        return Levels(self.powers[which], self.doubts_db[which])


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
    # Of faint ones the gate of BS.1770 at -70 LUFS passes blocks at one gain that it does not at another.
    doubts_db = np.where((measure == "lufs") & (powers < _FAINT_RMS**2), np.inf, 0.0)
    return Levels(powers[number], doubts_db[number])


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
    in_doubt = ((levels.doubts_db > _MOST_DOUBT_DB) | (powers < _FAINT_RMS**2)) & (gains != np.floor(gains))
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
