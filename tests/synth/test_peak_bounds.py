"""Bounds on the peak of a mixture, from the peaks of frames: true ones, and no looser than frames are."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from synth.levelling.peak_bounds import Part, headroom, peak_bounds
from synth.levels.frames import Frames, Peaks, measure_frames
from synth.pieces import NOISE, Pieces

RATE_HZ = 8000
FRAME = 80
Samples = NDArray[np.int16]
# Of each piece: stem, recording, start in frames, length (all behind the start if 0), pause before it or, of noise, offset; gain.
Piece = tuple[int, int, int, int, int, float]


def _peaks(audio: Sequence[Samples]) -> Peaks:
    """Of all but a first and a last utterance of the corpus, which are louder, in two chunks."""
    loudest = np.full(100, 32767, dtype=np.int16)
    lists = [measure_frames(samples, RATE_HZ)[1] for samples in (loudest, *audio, loudest)]
    column = pa.chunked_array([pa.array(lists[:2], pa.list_(pa.uint16())), pa.array(lists[2:], pa.list_(pa.uint16()))])
    return Peaks(Frames(column, column, np.arange(len(audio)) + 1))


def _pieces(rows: Sequence[Sequence[int]]) -> Pieces:
    """`mixture, stem, source, start, length, offset` each."""
    return Pieces.of(*np.array(rows, dtype=np.int64).reshape(-1, 6).T)


def _bounds(audio: Sequence[Samples], rows: Sequence[Sequence[int]], gains: Sequence[float], mixtures: int = 1) -> NDArray:
    """`gains` are of pieces in their order (mixture, stem, offset)."""
    pieces = _pieces(rows)
    num_samples = np.zeros(mixtures, dtype=np.int64)
    np.maximum.at(num_samples, pieces.mixture, pieces.stop)
    part = Part.of(pieces, np.array(gains, dtype=np.float64), _peaks(audio), FRAME)
    return peak_bounds([part], num_samples, np.full(mixtures, 2), FRAME)


def test_the_bound_knows_that_loud_frames_may_not_meet() -> None:
    loud_end = np.r_[np.zeros(400), np.full(400, 20_000)].astype(np.int16)
    audio = [loud_end, loud_end[::-1].copy()]
    both = [(0, 1, 0, 0, 800, 0), (0, 2, 1, 0, 800, 0)]
    assert _bounds(audio, both, [1, 1]).tolist() == [20_000]
    both[1] = (0, 2, 1, 0, 800, 410)
    assert _bounds(audio, both, [1, 1]).tolist() == [40_000]
    assert _bounds(audio, both, [1, 0.75]).tolist() == [35_000]


def test_a_piece_is_as_loud_as_it_is_and_not_as_the_rest_of_its_utterance() -> None:
    """Cut from a faint part and raised, it would bring down the whole mixture otherwise."""
    loud_end = np.r_[np.full(400, 100), np.full(400, 30_000)].astype(np.int16)
    piece = [(0, 1, 0, 0, 400, 0), (0, 2, 1, 0, 400, 100)]
    assert _bounds([loud_end, loud_end], piece, [100, 1]).tolist() == [10_100]
    assert _bounds([loud_end, loud_end], [(0, 1, 0, 0, 401, 0)], [100]).tolist() == [3_000_000]


def test_pieces_that_follow_each_other_are_not_added_up() -> None:
    loud = np.full(800, 20_000, dtype=np.int16)
    turns = [(0, 1, 0, 0, 800, 0), (0, 1, 1, 0, 800, 2000), (0, 2, 2, 0, 800, 1000), (0, 2, 3, 0, 800, 3000)]
    assert _bounds([loud] * 4, turns, [1] * 4).tolist() == [20_000]
    turns[1] = (0, 1, 1, 0, 800, 1799)  # by one sample
    assert _bounds([loud] * 4, turns, [1] * 4).tolist() == [40_000]


any_piece = st.tuples(
    st.sampled_from([NOISE, 1, 2, 3]),
    st.integers(0, 4),
    st.integers(0, 8),
    st.integers(0, 400),
    st.integers(0, 300),
    st.floats(0.01, 3),
)


@settings(max_examples=150)
@given(st.integers(0, 2**32 - 1), st.lists(st.lists(any_piece, min_size=1, max_size=8), min_size=1, max_size=4))
def test_no_sum_exceeds_its_bound_and_no_bound_the_sum_of_the_peaks(seed: int, mixtures: list[list[Piece]]) -> None:
    """Any number of stems, pieces of a stem one after another, noises at once, cut anywhere; speech and noise in two parts."""
    random = np.random.default_rng(seed)
    loudness = np.repeat(random.choice([30, 1000, 32767], size=(5, 12)), 100, axis=1)
    audio = [(random.uniform(-1, 1, 1200) * of_one).astype(np.int16)[: random.integers(700, 1200)] for of_one in loudness]
    rows, gains = [], []
    for mixture, pieces in enumerate(mixtures):
        stops = dict.fromkeys((1, 2, 3), 0)
        for stem, source, frames, length, pause, gain in sorted(pieces, key=lambda piece: piece[0]):
            start = frames * FRAME
            length = min(length or 1200, len(audio[source]) - start)
            offset = stops[stem] + pause if stem else pause
            if stem:
                stops[stem] = offset + length
            rows.append((mixture, stem, source, start, length, offset))
            gains.append(gain)
    pieces, of_piece = _pieces(rows), np.array(gains)[_order(rows)]
    num_samples = np.zeros(len(mixtures), dtype=np.int64)
    np.maximum.at(num_samples, pieces.mixture, pieces.stop)
    peaks, noise = _peaks(audio), pieces.stem == NOISE
    parts = [Part.of(pieces.taken(which), of_piece[which], peaks, FRAME) for which in (~noise, noise) if which.any()]
    bounds = peak_bounds(parts, num_samples, np.full(len(mixtures), 3), FRAME)
    alone = np.zeros(len(mixtures))
    totals = [np.zeros(length) for length in num_samples]
    for at in range(len(pieces)):
        mixture, start, length = int(pieces.mixture[at]), int(pieces.start[at]), int(pieces.length[at])
        heard = of_piece[at] * audio[pieces.source[at]][start : start + length].astype(np.float64)
        totals[mixture][pieces.offset[at] : pieces.stop[at]] += heard
        alone[mixture] += of_piece[at] * np.abs(audio[pieces.source[at]]).max()
    assert (np.array([np.abs(total).max() for total in totals]) <= bounds * (1 + 1e-12)).all()
    assert (bounds <= alone * (1 + 1e-12)).all()
    # Where it matters it is at most what the two frames that each piece has at any time add up to.
    loud = np.flatnonzero(bounds > headroom(np.full(len(mixtures), 3)))
    for mixture in loud:
        assert bounds[mixture] <= _by_frames(audio, pieces, of_piece, mixture, int(num_samples[mixture])) * (1 + 1e-12)


def _order(rows: Sequence[Sequence[int]]) -> NDArray[np.intp]:
    mixture, stem, _, _, _, offset = np.array(rows).T
    return np.lexsort((offset, stem, mixture))


def _by_frames(audio: Sequence[Samples], pieces: Pieces, gains: NDArray[np.float64], mixture: int, num_samples: int) -> float:
    """The largest sum, over cells of 10 ms, of the frames that each piece may have there, one of each stem of speech."""
    cells = np.zeros((4 + len(pieces), num_samples // FRAME + 2))
    for at in np.flatnonzero(pieces.mixture == mixture):
        peaks = measure_frames(audio[pieces.source[at]][pieces.start[at] :], RATE_HZ)[1]
        row = cells[pieces.stem[at] if pieces.stem[at] else 4 + at]
        for frame in range(-(-int(pieces.length[at]) // FRAME)):
            begin = int(pieces.offset[at]) + frame * FRAME
            for cell in {begin // FRAME, (begin + FRAME - 1) // FRAME}:
                row[cell] = max(row[cell], gains[at] * peaks[frame])
    return float(cells.sum(axis=0).max())
