"""Levels from 10 ms frames: what ingest measures once per utterance, so that planning never needs audio."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

FRAMES_PER_S = 100
_ACTIVE_RANGE = 10_000  # 40 dB, as a ratio of energies


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


class Frames:
    """Frame values (energies or peaks) of many utterances, read in place from an Arrow column of lists."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        self._values = [chunk.values.to_numpy(zero_copy_only=True) for chunk in column.chunks]
        offsets = [chunk.offsets.to_numpy(zero_copy_only=True).astype(np.int64) for chunk in column.chunks]
        self._chunk = np.repeat(np.arange(len(offsets)), [len(chunk) - 1 for chunk in offsets])
        self._begin = np.concatenate([chunk[:-1] for chunk in offsets]) if offsets else np.empty(0, dtype=np.int64)
        self._end = np.concatenate([chunk[1:] for chunk in offsets]) if offsets else np.empty(0, dtype=np.int64)

    def of(self, utterance: int) -> NDArray[Any]:
        """The frames of one utterance."""
        values: NDArray[Any] = self._values[self._chunk[utterance]]
        return values[self._begin[utterance] : self._end[utterance]]

    def largest(self) -> NDArray[Any]:
        """The largest value of each utterance, 0 where it has no frames."""
        return np.array([self.of(k).max(initial=0) for k in range(len(self._begin))])

    def active_powers(
        self, utterances: NDArray[np.int64], starts: NDArray[np.int64], lengths: NDArray[np.int64], frame: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Active power of a piece of each of `utterances`: mean square of a sample over the piece's active frames.

        Active frames are 20 ms long, counted from the start of the piece, whole, and within 40 dB of the loudest of them.
        The sums are of integers, so the result is the same on every machine.

        Args:
            utterances: int64 [pieces].
            starts: first sample of each piece, a multiple of `frame`; int64 [pieces].
            lengths: samples of each piece; int64 [pieces].
            frame: samples in 10 ms.

        Returns:
            Powers, float64 [pieces], 0 for a piece that is silent or shorter than 20 ms. And doubts in dB, float64 [pieces]:
            by how much the level may change when the piece is scaled and rounded, since that may take frames that lie close
            to those 40 dB across.
        """
        powers, doubts_db = np.zeros(len(utterances)), np.zeros(len(utterances))
        begins = self._begin[utterances] + starts // frame
        counts = lengths // (2 * frame)
        chunks = self._chunk[utterances]
        for number, values in enumerate(self._values):
            pieces = np.flatnonzero((chunks == number) & (counts > 0))
            # A few million frames at a time, so that memory does not grow with the set.
            blocks = np.cumsum(counts[pieces]) // 2_000_000
            for block in np.split(pieces, np.flatnonzero(np.diff(blocks)) + 1):
                if len(block):
                    powers[block], doubts_db[block] = _active_powers(values, begins[block], counts[block], frame)
        return powers, doubts_db


def _active_powers(
    values: NDArray[np.int64], begins: NDArray[np.int64], counts: NDArray[np.int64], frame: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Power and doubt of pieces of `counts` (> 0) frames of 20 ms from each of `begins`, each frame two values of 10 ms."""
    firsts = np.cumsum(counts) - counts
    at = np.repeat(begins - 2 * firsts, counts) + 2 * np.arange(counts.sum())
    energies = values[at] + values[at + 1]
    loudest = np.maximum.reduceat(energies, firsts)
    excess = energies * _ACTIVE_RANGE - np.repeat(loudest, counts)
    active = excess >= 0
    active_counts = np.add.reduceat(active.astype(np.int64), firsts)
    powers = np.add.reduceat(np.where(active, energies, 0), firsts) / active_counts / (2 * frame)
    # Rounding changes the energy of a frame that lies at the threshold by a few parts in a thousand, or more where that is faint.
    threshold_rms = np.sqrt(loudest / _ACTIVE_RANGE / (2 * frame))
    margins = loudest * (0.005 + 0.15 / np.maximum(threshold_rms, 0.15))
    near = np.add.reduceat((np.abs(excess) < np.repeat(margins, counts)).astype(np.int64), firsts)
    return powers, 10 * np.log10(1 + near / active_counts)


def active_power(samples: NDArray[np.int16], sample_rate_hz: int) -> float:
    """`Frames.active_powers` of one piece, straight from its samples, int16 [samples]: to check a written stem by its row."""
    length = 2 * frame_samples(sample_rate_hz)
    whole = len(samples) // length
    if not whole:
        return 0.0
    energies = (samples[: whole * length].astype(np.int64) ** 2).reshape(whole, length).sum(axis=1)
    active = energies[energies * _ACTIVE_RANGE >= energies.max()]
    return float(active.sum() / len(active) / length)


def peak_bound(
    peaks: tuple[NDArray[np.uint16], NDArray[np.uint16]], gains: tuple[float, float], offsets: tuple[int, int], frame: int
) -> float:
    """A bound on the magnitude of the sum of two sources, from their frame peaks.

    Args:
        peaks: of the 10 ms frames of each source from its first sample.
        gains: linear.
        offsets: sample of the mixture at which each source begins; one of them is 0.
        frame: samples in 10 ms.
    """
    (first, second), (gain, other_gain) = (peaks, gains) if offsets[0] == 0 else (peaks[::-1], gains[::-1])
    whole, part = divmod(max(offsets), frame)
    bound = np.zeros(max(len(first), whole + len(second) + 1))
    bound[: len(first)] = gain * first
    # A source that begins within a frame of the mixture's grid lies, frame by frame, over two frames of the grid.
    late = np.zeros(len(second) + 1)
    late[:-1] = second
    if part:
        late[1:] = np.maximum(late[1:], second)
    bound[whole : whole + len(late)] += other_gain * late
    return float(bound.max())
