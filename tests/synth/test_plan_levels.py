"""Levels by four measures: asked, told, and measured on the written samples."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.errors import PlanError
from synth.levels.loudness import MEASURES
from synth.plan.split import plan_split
from synth.render import Loads, render

RATE_HZ = 8000
MODES: list[dict[str, Any]] = [
    {"overlap": "full"},
    {"overlap": "full", "length": {"seconds": 4, "join": True}},
    {"overlap": "partial", "n_src": 3},
    {"overlap": "sequential", "length": {"seconds": 8}, "n_src": 3},
    {"overlap": {"mode": "sparse", "ratio": 0.3}, "length": {"seconds": 8}},
    {"overlap": "conversation", "length": {"seconds": 12}, "n_src": 3},
]


@settings(max_examples=16)
@given(
    st.sampled_from(sorted(MEASURES)),
    st.sampled_from(MODES),
    st.sampled_from([None, -35.0, {"uniform": [-45, -25]}]),
    st.sampled_from([0.0, {"uniform": [-10, 10]}, {"choice": [-20, 20]}]),
    st.integers(0, 99),
)
def test_what_is_asked_is_what_the_samples_have(
    make_utterances: Any,
    make_spec: Any,
    check_row: Any,
    measure: str,
    mode: dict[str, Any],
    level_db: Any,
    sir_db: Any,
    seed: int,
) -> None:
    """`check_row` measures every piece of the stems that were written, and compares it with what the row tells."""
    levels = {"measure": measure, "sir_db": sir_db, **({} if level_db is None else {"level_db": level_db})}
    pool = make_utterances(speakers=5, each=4, seed=seed, level=(100, 6000), seconds=(0.6, 2.0), pause=0.05)
    plan = plan_split(make_spec(8, seed=seed, levels=levels, **mode), "train", pool.table, pool.load)
    for row in plan.table.to_pylist():
        measured = check_row(row, pool.load)
        assert row["level_measure"] == measure
        assert [measured[0] - other for other in measured[1:]] == pytest.approx(row["sir_db_asked"], abs=0.1)
        if level_db is not None:
            assert measured[0] - row["clip_gain_db"] == pytest.approx(row["level_db_asked"], abs=0.1)
        else:
            assert row["level_db_asked"] is None
            assert min(row["gains"]) >= 10 ** (row["clip_gain_db"] / 20) - 1e-8


@settings(max_examples=8)
@given(st.sampled_from(MODES), st.sampled_from([-50.0, -40.0, None]), st.integers(0, 99))
def test_what_is_told_is_true_where_rounding_makes_frames_active(
    make_utterances: Any, make_spec: Any, check_row: Any, mode: dict[str, Any], level_db: float | None, seed: int
) -> None:
    """Pauses lie 40 dB below the bursts, where active frames begin; the lower the level, the more of them rounding moves."""
    levels = {} if level_db is None else {"level_db": level_db}
    pool = make_utterances(speakers=5, each=4, seed=seed, level=(100, 6000), seconds=(0.6, 2.0), pause=0.01)
    for row in plan_split(make_spec(8, seed=seed, levels=levels, **mode), "train", pool.table, pool.load).table.to_pylist():
        check_row(row, pool.load)


@pytest.mark.parametrize("level_db", [None, -30.0])
def test_loudness_of_faint_sources_is_that_at_their_gain(
    make_utterances: Any, make_spec: Any, check_row: Any, level_db: float | None
) -> None:
    """What lies below the gate of -70 LUFS in the corpus lies above it once it is raised, and is heard then."""
    pool = make_utterances(seed=1, level=(15, 60), seconds=(0.6, 2.0), pause=0.1)
    levels = {"measure": "lufs", **({} if level_db is None else {"level_db": level_db})}
    for row in plan_split(make_spec(20, levels=levels), "train", pool.table, pool.load).table.to_pylist():
        measured = check_row(row, pool.load)
        assert [measured[0] - other for other in measured[1:]] == pytest.approx(row["sir_db_asked"], abs=0.1)


def test_loudness_is_that_of_pyloudnorm(make_utterances: Any, make_spec: Any) -> None:
    """BS.1770 of every piece as written, by another implementation."""
    from pyloudnorm import Meter

    pool = make_utterances(speakers=5, each=6, level=(500, 3000), seconds=(0.6, 3.0))
    spec = make_spec(30, "partial", levels={"measure": "lufs", "level_db": {"uniform": [-33, -25]}})
    meter = Meter(RATE_HZ)
    for row in plan_split(spec, "train", pool.table, pool.load).table.to_pylist():
        signals = render(row, Loads(pool.load))
        loudness = [
            meter.integrated_loudness(signals[f"s{k}"][begin : begin + length].astype(np.float64) / 32768)
            for k, begin, length in zip(row["stem_numbers"], row["offsets_samples"], row["lengths_samples"], strict=True)
        ]
        assert loudness[0] == pytest.approx(row["level_db"], abs=0.05)
        assert loudness[0] - loudness[1] == pytest.approx(row["sir_db"][0], abs=0.05)
        assert row["clip_gain_db"] == 0
        assert loudness[0] == pytest.approx(row["level_db_asked"], abs=0.1)


@pytest.mark.parametrize("mode", MODES)
def test_loud_material_never_clips_and_keeps_its_ratios(
    make_utterances: Any, make_spec: Any, check_row: Any, mode: dict[str, Any]
) -> None:
    pool = make_utterances(speakers=5, each=5, level=(12_000, 30_000), seconds=(0.6, 2.0))
    for levels in ({}, {"level_db": 0.0}, {"measure": "mean_power", "level_db": -3, "sir_db": -20}):
        plan = plan_split(make_spec(20, levels=levels, **mode), "train", pool.table, pool.load)
        rows = plan.table.to_pylist()
        lowered = [row for row in rows if row["clip_gain_db"] < 0]
        assert plan.report["clip_gain_applied"] == len(lowered) > 5
        for row in rows:
            measured = check_row(row, pool.load)
            assert [measured[0] - other for other in measured[1:]] == pytest.approx(row["sir_db_asked"], abs=0.1)
            mixture = render(row, Loads(pool.load))["mixture"].astype(np.int32)
            assert -32768 <= mixture.min() <= mixture.max() <= 32767
        # Lowered by no more than frames could justify: the bound of 10 ms frames lies within a few dB of the sample that counts.
        peaks = [np.abs(render(row, Loads(pool.load))["mixture"].astype(np.int32)).max() for row in lowered]
        assert 20 * np.log10(min(peaks) / 32768) > -9


def test_a_faint_piece_of_a_loud_utterance_does_not_bring_its_mixture_down(make_utterances: Any, make_spec: Any) -> None:
    """Raised to its level by 20 dB, the piece stays quiet, whatever is said elsewhere in its utterance."""
    pool = make_utterances(speakers=4, each=6, level=(6000, 9000), seconds=(2.0, 3.0), pause=0.1)
    spec = make_spec(40, "full", length={"seconds": 0.3}, levels={"level_db": -30})
    rows = plan_split(spec, "train", pool.table, pool.load).table.to_pylist()
    assert [row["clip_gain_db"] for row in rows] == [0.0] * 40
    assert max(row["peak_bound_dbfs"] for row in rows) < -3


def test_pieces_of_one_source_are_equally_loud(make_utterances: Any, make_spec: Any) -> None:
    pool = make_utterances(speakers=3, each=8, level=(200, 8000), seconds=(0.6, 1.5))
    spec = make_spec(10, "conversation", n_src=3, length={"seconds": 15})
    for row in plan_split(spec, "train", pool.table, pool.load).table.to_pylist():
        signals = render(row, Loads(pool.load))
        levels: dict[int, list[float]] = {}
        for k, begin, length in zip(row["stem_numbers"], row["offsets_samples"], row["lengths_samples"], strict=True):
            piece = signals[f"s{k}"][begin : begin + length]
            levels.setdefault(k, []).append(MEASURES["active_rms"](piece, RATE_HZ))
        assert len(row["gains"]) > 6
        assert all(max(of_one) - min(of_one) < 0.1 for of_one in levels.values())


def test_what_a_measure_cannot_tell_is_refused_by_name(make_utterances: Any, make_spec: Any) -> None:
    """BS.1770 hears nothing below -70 LUFS."""
    pool = make_utterances(level=(9, 10), pause=0.9)
    assert plan_split(make_spec(10), "train", pool.table, pool.load).table.num_rows == 10
    with pytest.raises(PlanError, match=r"S\d\dW\d\d\d has no level by lufs .* levels.measure active_rms") as caught:
        plan_split(make_spec(10, levels={"measure": "lufs"}), "train", pool.table, pool.load)
    assert "\n" not in str(caught.value)
