"""Levels from frames agree with levels from samples."""

import tracemalloc

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from synth.levels.frames import Energies, Frames, active_power, measure_frames

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


def test_frames_between_pieces_far_apart_are_not_taken_along() -> None:
    """Some pieces of a corpus in one chunk cost what they are, and not what lies between them."""
    frames = 3_000_000
    column = pa.chunked_array([pa.ListArray.from_arrays(pa.array([0, frames], pa.int32()), pa.array(np.arange(frames)))])
    energies = Energies(Frames(column, column, np.zeros(1, dtype=np.int64)))
    starts = np.array([frames - 10, 0, frames // 2]) * 80
    tracemalloc.start()
    powers, _ = energies.active_powers(np.zeros(3, dtype=np.int64), starts, np.full(3, 320), 80)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 1_000_000
    # Four frames of 10 ms each, all active.
    assert powers.tolist() == [(4 * (frames - 10) + 6) / 320, 6 / 320, (4 * (frames // 2) + 6) / 320]
