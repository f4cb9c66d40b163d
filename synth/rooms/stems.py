"""A stem in its room: its dry pieces summed up, heard through a RIR, and measured."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.levels.frames import frame_samples
from synth.levels.loudness import MEASURES
from synth.noise.render import fade
from synth.rooms.images import Response, image

Floats = NDArray[np.float64]

_FULL_SCALE = 32768.0


@dataclass(frozen=True)
class DryPiece:
    """A piece of a recording, as `synth.pieces` has it.

    Attributes:
        samples: gives the recording, int16 [samples]; asked only where the piece is heard.
        start: first sample in the recording.
        length: samples.
        offset: sample of the mixture at which it begins.
        gain: linear.
        fade_in: samples over which it comes in.
        fade_out: samples over which it goes out.
    """

    samples: Callable[[], NDArray[np.int16]]
    start: int
    length: int
    offset: int
    gain: float
    fade_in: int = 0
    fade_out: int = 0


def dry_stem(pieces: Sequence[DryPiece], begin: int, end: int) -> Floats:
    """Samples `begin` to `end` of the sum of `gain * fade * sample` over the pieces, not rounded; float64 [samples]."""
    dry = np.zeros(end - begin)
    for piece in pieces:
        first, last = max(begin, piece.offset), min(end, piece.offset + piece.length)
        if first >= last:
            continue
        source = piece.start - piece.offset
        sounding = piece.samples()[source + first : source + last].astype(np.float64)
        sounding *= piece.gain
        at, full = first - piece.offset, piece.length - piece.fade_out  # where the part begins in its piece; where that goes out
        rising, falling = max(piece.fade_in - at, 0), max(full - at, 0)
        if rising:
            sounding[:rising] *= fade(piece.fade_in)[at : at + len(sounding)]
        if falling < len(sounding):
            sounding[falling:] *= fade(piece.fade_out)[::-1][at + falling - full : at + len(sounding) - full]
        dry[first - begin : last - begin] += sounding
    return dry


def stem_image(pieces: Sequence[DryPiece], response: Response, num_samples: int, begin: int, length: int) -> Floats:
    """Samples `begin` to `begin + length` of what the microphones hear of a stem, float64 [microphones, length].

    Only what they depend on is read. Any part has the bits of the whole; `np.rint` of it is what a row holds.

    Args:
        pieces: of the stem.
        response: of its place in the room, or for another target the part of it.
        num_samples: of the mixture: what is heard of a stem does not outlast it.
        begin: first sample wanted.
        length: samples wanted.
    """
    first, last = response.needed(begin, length, num_samples)
    return image(dry_stem(pieces, first, last), response, length, begin, first)


@dataclass(frozen=True)
class Heard:
    """A stem in its room, measured.

    Attributes:
        power: at microphone 0, by a measure, as a mean square in the range of int16; 0 where the measure finds nothing.
        peaks: largest magnitude at any microphone in each 10 ms, float64 [frames]; the last frame may be partial.
    """

    power: float
    peaks: Floats


def hear(pieces: Sequence[DryPiece], response: Response, num_samples: int, measure: str, sample_rate_hz: int) -> Heard:
    """Measure the whole of a stem as it is heard.

    Args:
        pieces: of the stem.
        response: of its place in the room.
        num_samples: of the mixture.
        measure: one of `synth.levels.loudness.MEASURES`.
        sample_rate_hz: of the mixture.
    """
    return heard(stem_image(pieces, response, num_samples, 0, num_samples), measure, sample_rate_hz)


def heard(stem: Floats, measure: str, sample_rate_hz: int) -> Heard:
    """Measure a stem of [microphones, samples]."""
    power = _FULL_SCALE**2 * 10 ** (MEASURES[measure](stem[0], sample_rate_hz) / 10)
    begins = np.arange(0, stem.shape[1], frame_samples(sample_rate_hz))
    return Heard(float(power), np.maximum.reduceat(np.abs(stem), begins, axis=1).max(axis=0))


def peak_bound(stems: Sequence[Heard], gains: Sequence[float]) -> float:
    """A bound on the magnitude of the sum of stems, each with a further gain, at any microphone."""
    return float(np.sum([abs(gain) * stem.peaks for stem, gain in zip(stems, gains, strict=True)], axis=0).max())
