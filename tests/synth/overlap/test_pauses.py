"""Utterances are cut where they pause, and nowhere else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.overlap.pauses import onset, stretches

LOUD, FAINT, SILENT = 10**8, 10**5, 10**3  # 0, -30 and -50 dB


def frames(*runs: tuple[int, int]) -> np.ndarray:
    """Energies: runs of so many frames at a level."""
    return np.concatenate([np.full(count, level) for count, level in runs])


@pytest.mark.parametrize(
    ("energies", "found"),
    [
        (frames((50, LOUD)), [(0, 50)]),
        (frames((30, SILENT), (50, LOUD), (40, SILENT)), [(30, 80)]),
        (frames((50, LOUD), (20, SILENT), (60, LOUD)), [(0, 50), (70, 130)]),
        (frames((50, LOUD), (19, SILENT), (60, LOUD)), [(0, 129)]),
        (frames((50, LOUD), (30, FAINT), (60, LOUD)), [(0, 140)]),
        (frames((50, LOUD), (20, SILENT), (15, FAINT), (20, SILENT), (60, LOUD)), [(0, 50), (105, 165)]),
        (frames((50, LOUD), (25, SILENT), (2, LOUD), (25, SILENT)), [(0, 50), (70, 82)]),
        (frames((20, SILENT), (1, LOUD)), [(15, 21)]),
        (frames((1, LOUD)), [(0, 1)]),
    ],
    ids=["none", "ends", "pause", "short pause", "faint", "breath", "short word", "last frame", "one frame"],
)
def test_stretches(energies: np.ndarray, found: list[tuple[int, int]]) -> None:
    cut = stretches(energies, 20)
    assert list(zip(cut.begin.tolist(), cut.end.tolist(), strict=True)) == found


@given(
    st.lists(st.sampled_from([LOUD, FAINT, SILENT, 0]), min_size=1, max_size=30).filter(lambda x: LOUD in x), st.integers(10, 40)
)
def test_stretches_hold_all_loud_frames_and_stand_apart(levels: list[int], least_pause: int) -> None:
    energies = np.repeat(levels, 7)
    cut = stretches(energies, least_pause)
    inside = np.zeros(len(energies), dtype=bool)
    for begin, end in zip(cut.begin, cut.end, strict=True):
        assert not inside[begin:end].any()
        inside[begin:end] = True
    assert inside[energies == LOUD].all()
    assert (cut.begin[1:] >= cut.end[:-1]).all()


def test_speech_begins_50_ms_before_its_first_loud_frame() -> None:
    assert onset(frames((30, SILENT), (20, FAINT), (50, LOUD))) == 45
    assert onset(frames((50, LOUD))) == 0
