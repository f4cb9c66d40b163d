"""A stem in its room: its dry pieces summed up, heard through a RIR, and measured."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.images import Response, image
from synth.noise_render import fade

Floats = NDArray[np.float64]


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
        sounding = piece.gain * piece.samples()[source + first : source + last].astype(np.float64)
        at = np.arange(first, last) - piece.offset
        if (rising := at < piece.fade_in).any():
            sounding[rising] *= fade(piece.fade_in)[at[rising]]
        if (falling := at >= piece.length - piece.fade_out).any():
            sounding[falling] *= fade(piece.fade_out)[::-1][at[falling] - (piece.length - piece.fade_out)]
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


def frame_peaks(heard: Floats, frame: int) -> Floats:
    """Largest magnitude at any microphone in each `frame` samples, float64 [frames]; the last frame may be partial.

    Stems are bounded together by the sum of theirs, times their gains.
    """
    loudest = np.abs(heard).max(axis=0)
    frames = -(-len(loudest) // frame)
    peaks: Floats = np.pad(loudest, (0, frames * frame - len(loudest))).reshape(frames, frame).max(axis=1)
    return peaks
