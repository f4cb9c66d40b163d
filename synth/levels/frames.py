"""Levels from 10 ms frames: what ingest measures once per utterance, so that planning never needs audio."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Ints = NDArray[np.int64]

FRAMES_PER_S = 100
_ACTIVE_RANGE = 10_000  # 40 dB, as a ratio of energies
_FRAMES_AT_ONCE = 200_000


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


@dataclass(frozen=True)
class Frames:
    """The 10 ms frames of the utterances of a split, in place in the columns of their corpus.

    Attributes:
        energies: lists of int64, as `measure_frames` gives them, of all utterances of the corpus.
        peaks: lists of uint16.
        rows: which of them are the split's, in its order; int64 [utterances].
    """

    energies: pa.ChunkedArray
    peaks: pa.ChunkedArray
    rows: Ints


class _Lists:
    """Some lists of an Arrow column, without a copy."""

    def __init__(self, column: pa.ChunkedArray, rows: Ints) -> None:
        self.values = [chunk.values.to_numpy(zero_copy_only=True) for chunk in column.chunks]
        offsets = [chunk.offsets.to_numpy(zero_copy_only=True).astype(np.int64) for chunk in column.chunks]
        self.chunk = np.repeat(np.arange(len(offsets)), [len(chunk) - 1 for chunk in offsets])[rows]
        self.begin = np.concatenate([chunk[:-1] for chunk in offsets])[rows]
        self.count = np.concatenate([np.diff(chunk) for chunk in offsets])[rows]

    def of(self, row: int) -> NDArray[Any]:
        values: NDArray[Any] = self.values[self.chunk[row]]
        return values[self.begin[row] : self.begin[row] + self.count[row]]

    def by_chunk(self, rows: Ints, wanted: NDArray[np.bool_]) -> Iterator[tuple[NDArray[Any], NDArray[np.intp]]]:
        """The values of each chunk, with the positions in `rows` of those that lie in it and are wanted, ascending."""
        positions = np.flatnonzero(wanted)
        chunks = self.chunk[rows[positions]]
        positions = positions[np.argsort(chunks, kind="stable")]
        ends = np.cumsum(np.bincount(chunks, minlength=len(self.values)))
        for values, begin, end in zip(self.values, ends - np.diff(ends, prepend=0), ends, strict=True):
            if begin < end:
                yield values, positions[begin:end]


class Energies:
    """Frame energies of many utterances."""

    def __init__(self, frames: Frames) -> None:
        self._lists = _Lists(frames.energies, frames.rows)

    def of(self, utterance: int) -> Ints:
        """The frames of one utterance."""
        return self._lists.of(utterance)

    def totals(self, utterances: Ints, first_frames: Ints, counts: Ints) -> Ints:
        """Energy of `counts` frames from `first_frames` on of each of `utterances`, int64 [pieces]; of no frames 0."""
        totals = np.zeros(len(utterances), dtype=np.int64)
        begins = self._lists.begin[utterances] + first_frames
        for values, pieces in self._lists.by_chunk(utterances, counts > 0):
            # Every second segment lies between two pieces: it is empty where the pieces come from the end backwards.
            pieces = pieces[np.argsort(-begins[pieces], kind="stable")]
            edges = np.stack([begins[pieces], np.minimum(begins[pieces] + counts[pieces], len(values) - 1)], axis=1)
            at_end = (edges[:, 0] < edges[:, 1]) & (edges[:, 0] + counts[pieces] == len(values))  # the last was left out
            totals[pieces] = np.add.reduceat(values, edges.ravel())[::2] + np.where(at_end, values[-1], 0)
        return totals

    def active_powers(
        self, utterances: Ints, starts: Ints, lengths: Ints, frame: int, gains: NDArray[np.float64] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Active power of a piece of each of `utterances`: mean square of a sample over the piece's active frames.

        Active frames are 20 ms long, counted from the start of the piece, whole, and within 40 dB of the loudest of them.
        The sums are of integers, so the result is the same on every machine.

        Args:
            utterances: int64 [pieces].
            starts: first sample of each piece, a multiple of `frame`; int64 [pieces].
            lengths: samples of each piece; int64 [pieces].
            frame: samples in 10 ms.
            gains: at which the pieces are rounded, float64 [pieces]; None means 1.

        Returns:
            Powers before any gain, float64 [pieces], 0 for a piece that is silent or shorter than 20 ms. And doubts in dB,
            float64 [pieces]: by how much the level may change when the piece is scaled and rounded, since that may take frames
            that lie close to those 40 dB across.
        """
        powers, doubts_db = np.zeros(len(utterances)), np.zeros(len(utterances))
        begins = self._lists.begin[utterances] + starts // frame
        counts = lengths // (2 * frame)
        for values, pieces in self._lists.by_chunk(utterances, counts > 0):
            # Not too many frames at a time, so that memory does not grow with the set, and is that near the processor; nor too
            # many that lie between two pieces.
            pieces = pieces[np.argsort(begins[pieces], kind="stable")]
            passed = np.diff(begins[pieces], prepend=begins[pieces[0]]) // 2
            blocks = np.cumsum(np.maximum(counts[pieces], passed)) // _FRAMES_AT_ONCE
            for block in np.split(pieces, np.flatnonzero(np.diff(blocks)) + 1):
                at_gains = np.ones(len(block)) if gains is None else gains[block]
                powers[block], doubts_db[block] = _active_powers(values, begins[block], counts[block], at_gains, frame)
        return powers, doubts_db


def _active_powers(
    values: Ints, begins: Ints, counts: Ints, gains: NDArray[np.float64], frame: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Power and doubt of pieces of `counts` (> 0) frames of 20 ms from each of `begins` (ascending), each two values of 10 ms."""
    low, high = int(begins[0]), int((begins + 2 * counts).max())
    neighbours = values[low : high - 1] + values[low + 1 : high]  # of each 10 ms and the next
    firsts = np.cumsum(counts) - counts
    energies = neighbours[np.repeat(begins - low - 2 * firsts, counts) + np.arange(0, 2 * counts.sum(), 2)]
    loudest = np.maximum.reduceat(energies, firsts)
    # Integers: energy * 10,000 reaches loudest where energy reaches this.
    active = energies >= np.repeat(-(-loudest // _ACTIVE_RANGE), counts)
    active_counts = np.add.reduceat(active, firsts, dtype=np.int64)
    # Rounding changes the energy of a frame that lies at the threshold by a few parts in a thousand, or more where that is faint.
    threshold = loudest / _ACTIVE_RANGE
    margins = threshold * (0.005 + 0.15 / np.maximum(gains * np.sqrt(threshold / (2 * frame)), 0.15))
    near = (energies > np.repeat(threshold - margins, counts)) & (energies < np.repeat(threshold + margins, counts))
    near_counts = np.add.reduceat(near, firsts, dtype=np.int64)
    energies *= active
    powers = np.add.reduceat(energies, firsts) / active_counts / (2 * frame)
    return powers, 10 * np.log10(1 + near_counts / active_counts)


def active_power(samples: NDArray[np.int16], sample_rate_hz: int) -> float:
    """`Energies.active_powers` of one piece, straight from its samples, int16 [samples]: to check a written stem by its row."""
    length = 2 * frame_samples(sample_rate_hz)
    whole = len(samples) // length
    if not whole:
        return 0.0
    energies = (samples[: whole * length].astype(np.int64) ** 2).reshape(whole, length).sum(axis=1)
    active = energies[energies * _ACTIVE_RANGE >= energies.max()]
    return float(active.sum() / len(active) / length)


class Peaks:
    """Frame peaks of many utterances."""

    def __init__(self, frames: Frames) -> None:
        self._lists = _Lists(frames.peaks, frames.rows)

    def largest(self) -> NDArray[np.float64]:
        """The peak of each utterance; of one without frames 0."""
        result = np.zeros(len(self._lists.count))
        for values, rows in self._lists.by_chunk(np.arange(len(result)), self._lists.count > 0):
            # Between two lists that are wanted may lie others: every second segment is one of those.
            begins = self._lists.begin[rows]
            edges = np.stack([begins, np.minimum(begins + self._lists.count[rows], len(values) - 1)], axis=1).ravel()
            whole = np.maximum.reduceat(values, edges)[::2]
            at_end = begins + self._lists.count[rows] == len(values)  # there the last value was left out
            result[rows] = np.where(at_end, np.maximum(whole, values[-1]), whole)
        return result

    def of_pieces(self, utterances: Ints, starts: Ints, lengths: Ints, frame: int) -> NDArray[np.float64]:
        """The peak of a piece of each of `utterances`, float64 [pieces], over the frames that it touches.

        Args:
            utterances: int64 [pieces].
            starts: first sample of each piece, a multiple of `frame`; int64 [pieces].
            lengths: samples of each piece; int64 [pieces].
            frame: samples in 10 ms.
        """
        peaks = self.largest()[utterances]
        first, count = starts // frame, -(-lengths // frame)
        begins = self._lists.begin[utterances] + first
        for values, pieces in self._lists.by_chunk(utterances, count < self._lists.count[utterances]):
            # As in `Energies.totals`: from the end backwards, so that the segments between pieces are empty.
            pieces = pieces[np.argsort(-begins[pieces], kind="stable")]
            edges = np.stack([begins[pieces], begins[pieces] + count[pieces]], axis=1)
            at_end = edges[:, 1] == len(values)  # there the last frame is left out
            within = np.maximum.reduceat(values, np.minimum(edges, len(values) - 1).ravel())[::2]
            peaks[pieces] = np.where(at_end, np.maximum(within, values[-1]), within)
        return peaks

    def frames(self, utterances: Ints, begins: Ints, ends: Ints, firsts: Ints, lasts: Ints) -> NDArray[np.uint16]:
        """Frames `begins` to `ends` of each of `utterances`, one after another; one before `firsts` or behind `lasts` is as loud
        as its neighbour, and there are no more than that. All int64 [pieces]."""
        base = self._lists.begin[utterances]
        inner = base + np.maximum(begins, firsts), base + np.minimum(ends, lasts + 1)
        chunks = self._lists.chunk[utterances].tolist()
        parts: list[NDArray[np.uint16]] = []
        for chunk, begin, end, before, behind in zip(
            chunks, inner[0].tolist(), inner[1].tolist(), (begins < firsts).tolist(), (ends > lasts + 1).tolist(), strict=True
        ):
            values = self._lists.values[chunk]
            if before:
                parts.append(values[begin : begin + 1])
            parts.append(values[begin:end])
            if behind:
                parts.append(values[end - 1 : end])
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint16)
