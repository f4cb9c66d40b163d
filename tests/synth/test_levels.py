"""Levels from frames agree with levels from samples."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from synth.levels import Energies, Frames, Peaks, active_power, measure_frames

RATE_HZ = 8000
FRAME = 80


@given(arrays(np.int16, st.integers(0, 500), elements=st.integers(-32768, 32767)))
def test_frames_are_exact_integers(samples: np.ndarray) -> None:
    energies, peaks = measure_frames(samples, RATE_HZ)
    blocks = [samples[at : at + FRAME].astype(object) for at in range(0, len(samples), FRAME)]
    assert energies.tolist() == [sum(x * x for x in block) for block in blocks]
    assert peaks.tolist() == [max(abs(x) for x in block) for block in blocks]


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(0, 20), st.integers(0, 3000))
def test_active_power_of_a_piece_is_that_of_its_samples(seed: int, count: int, start_frame: int, length: int) -> None:
    """Whatever the chunks of the column and the cut, planning from frames gives what the written samples give."""
    random = np.random.default_rng(seed)
    audio = [
        (random.standard_normal(5000) * random.choice([0, 1, 30, 3000], 50).repeat(100)).astype(np.int16) for _ in range(count)
    ]
    column = pa.chunked_array([pa.array([measure_frames(samples, RATE_HZ)[0]], pa.list_(pa.int64())) for samples in audio])
    pieces = [samples[start_frame * FRAME :][:length] for samples in audio]
    frames = Frames(column, column, np.arange(count))
    powers, _ = Energies(frames).active_powers(
        np.arange(count), np.full(count, start_frame * FRAME), np.array([len(piece) for piece in pieces]), FRAME
    )
    assert powers.tolist() == pytest.approx([active_power(piece, RATE_HZ) for piece in pieces], rel=1e-12)


def test_active_frames_are_those_within_40_db_of_the_loudest() -> None:
    loud, faint, lost = (np.full(160, level, dtype=np.int16) for level in (10_000, 101, 99))
    assert active_power(loud, RATE_HZ) == 10_000**2
    assert active_power(np.concatenate([loud, faint]), RATE_HZ) == (10_000**2 + 101**2) / 2
    assert active_power(np.concatenate([loud, lost]), RATE_HZ) == 10_000**2
    assert active_power(np.zeros(160, dtype=np.int16), RATE_HZ) == 0
    assert active_power(loud[:159], RATE_HZ) == 0


@settings(max_examples=200)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 1000),
    st.integers(1, 1000),
    st.integers(0, 999),
    st.booleans(),
    st.floats(0.01, 3),
)
def test_no_sum_exceeds_its_peak_bound(seed: int, first: int, second: int, offset: int, turned: bool, gain: float) -> None:
    random = np.random.default_rng(seed)
    audio = [random.integers(-32768, 32768, length).astype(np.int16) for length in (first, second)]
    gains, offsets = [1.0, gain], [0, min(offset, first - 1)]
    if turned:
        offsets = [min(offset, second - 1), 0]
    total = np.zeros(max(at + length for at, length in zip(offsets, (first, second), strict=True)))
    for samples, g, at in zip(audio, gains, offsets, strict=True):
        total[at : at + len(samples)] += g * samples
    peaks = _peaks(audio)
    alone = (np.array(gains) * peaks.largest()).max()
    bound = max(alone, _bound(peaks, [first, second], offsets, gains))
    assert np.abs(total).max() <= bound * (1 + 1e-12)
    assert bound <= np.dot(gains, peaks.largest()) * (1 + 1e-12)


def _peaks(audio: list[np.ndarray]) -> Peaks:
    """Of all but a first and a last utterance of the corpus, which are louder."""
    loudest = np.full(100, 32767, dtype=np.int16)
    lists = [measure_frames(samples, RATE_HZ)[1] for samples in (loudest, *audio, loudest)]
    column = pa.chunked_array([pa.array(lists[:2], pa.list_(pa.uint16())), pa.array(lists[2:], pa.list_(pa.uint16()))])
    return Peaks(Frames(column, column, np.arange(len(audio)) + 1))


def _bound(peaks: Peaks, lengths: list[int], offsets: list[int], gains: list[float], starts: tuple[int, int] = (0, 0)) -> float:
    columns = [np.array(x)[:, None] for x in ([0, 1], starts, lengths, offsets, gains)]
    return float(peaks.bounds(*columns, FRAME)[0])


def test_the_bound_knows_that_loud_frames_may_not_meet() -> None:
    loud_end = np.r_[np.zeros(400), np.full(400, 20_000)].astype(np.int16)
    peaks = _peaks([loud_end, loud_end[::-1]])
    assert peaks.largest().tolist() == [20_000, 20_000]
    assert _bound(peaks, [800, 800], [0, 0], [1, 1]) == 20_000
    assert _bound(peaks, [800, 800], [0, 410], [1, 1]) == 40_000
    assert _bound(peaks, [800, 800], [0, 410], [1, 0.5]) == 30_000
    assert _bound(peaks, [400, 400], [0, 0], [1, 1], starts=(0, 400)) == 0
