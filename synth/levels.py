"""Levels from 10 ms frames: what ingest measures once per utterance, so that planning never needs audio."""

import numpy as np
from numpy.typing import NDArray

FRAMES_PER_S = 100


def frame_samples(sample_rate_hz: int) -> int:
    """Samples in a frame of 10 ms."""
    return sample_rate_hz // FRAMES_PER_S


def measure_frames(samples: NDArray[np.int16], sample_rate_hz: int) -> tuple[NDArray[np.int64], NDArray[np.uint16]]:
    """Energy (sum of squares) and peak (largest magnitude) of each 10 ms frame of int16 [samples]; the last may be partial.

    Integers, so that the result depends on no order of summation.
    """
    frame = frame_samples(sample_rate_hz)
    whole = len(samples) // frame
    wide = samples.astype(np.int32)
    body = wide[: whole * frame].reshape(whole, frame)
    # Squares reach 2**30, so a frame's sum needs 64 bits.
    energies = np.einsum("ij,ij->i", body, body, dtype=np.int64)
    peaks = np.abs(body).max(axis=1, initial=0)
    if len(samples) > whole * frame:
        rest = wide[whole * frame :]
        energies = np.append(energies, np.sum(rest.astype(np.int64) ** 2))
        peaks = np.append(peaks, np.abs(rest).max())
    return energies, peaks.astype(np.uint16)
