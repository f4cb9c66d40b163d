"""Lengths and overlap: what is asked is what the written samples have, and the report says where it is not."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.errors import PlanError
from synth.plan.split import plan_split

RATE_HZ = 8000
FRAME = 80


def _plan(make_utterances: Any, spec: Any, check_row: Any, **pool: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    utterances = make_utterances(**{"speakers": 6, "each": 6, "level": (300, 5000), "seconds": (0.3, 2.5), **pool})
    plan = plan_split(spec, "train", utterances.table, utterances.load)
    rows = plan.table.to_pylist()
    for row in rows:
        check_row(row, utterances.load)
        row["whole"] = [len(utterances.audio[one]) for one in row["source_ids"]]
    return rows, plan.report


def _spoken(row: dict[str, Any]) -> int:
    said = np.zeros(row["num_samples"], dtype=bool)
    for begin, length in zip(row["offsets_samples"], row["lengths_samples"], strict=True):
        said[begin : begin + length] = True
    return np.count_nonzero(said)


def _off_samples(row: dict[str, Any]) -> float:
    """By how many samples of overlap a row misses its ratio."""
    return abs(row["overlap_ratio"] - row["overlap_ratio_asked"]) * _spoken(row)


@pytest.mark.parametrize("n_src", [1, 2, 3, 5])
def test_min_and_max(make_utterances: Any, make_spec: Any, check_row: Any, n_src: int) -> None:
    for row in _plan(make_utterances, make_spec(25, n_src=n_src), check_row)[0]:
        assert row["num_samples"] == min(row["whole"])
        assert row["lengths_samples"] == [row["num_samples"]] * n_src
        assert row["offsets_samples"] == [0] * n_src
        assert row["overlap_ratio"] == (1.0 if n_src > 1 else 0.0)
    for row in _plan(make_utterances, make_spec(25, n_src=n_src, length="max"), check_row)[0]:
        assert row["num_samples"] == max(row["whole"])
        assert row["lengths_samples"] == row["whole"]
        assert row["overlap_ratio_asked"] is None


@settings(max_examples=20)
@given(
    st.floats(0.1, 9.0), st.integers(1, 4), st.booleans(), st.sampled_from([0.0, 0.2, {"uniform": [0, 0.6]}]), st.integers(0, 99)
)
def test_full_of_a_fixed_length(
    make_utterances: Any, make_spec: Any, check_row: Any, seconds: float, n_src: int, join: bool, pause_s: Any, seed: int
) -> None:
    """Cut where longer; filled with silence or, joined, to within a pause and half a second."""
    length = {"seconds": seconds, "join": join, "pause_s": pause_s}
    spec = make_spec(10, n_src=n_src, length=length, seed=seed, levels={"level_db": {"uniform": [-40, -30]}})
    longest_pause = spec.length.pause_s.support()[1]
    for row in _plan(make_utterances, spec, check_row, seed=seed)[0]:
        total = round(seconds * RATE_HZ)
        assert row["num_samples"] == total
        for k in range(1, n_src + 1):
            these = [at for at, stem in enumerate(row["stem_numbers"]) if stem == k]
            begins, lengths, whole = (np.array(row[name])[these] for name in ("offsets_samples", "lengths_samples", "whole"))
            assert begins[0] == 0
            assert (lengths[:-1] == whole[:-1]).all()
            assert (begins[1:] - (begins + lengths)[:-1] <= longest_pause * RATE_HZ + 1).all()
            if join:
                assert total - (begins + lengths)[-1] <= (longest_pause + 0.5) * RATE_HZ + 1
                assert ((lengths == whole) | (lengths >= 0.5 * RATE_HZ))[1:].all()
            else:
                assert lengths.tolist() == np.minimum(whole, total).tolist()


def test_what_is_cut_is_cut_anywhere(make_utterances: Any, make_spec: Any, check_row: Any) -> None:
    rows, _ = _plan(make_utterances, make_spec(100, length={"seconds": 0.5}), check_row, seconds=(1.0, 2.0))
    assert all(start % FRAME == 0 for row in rows for start in row["starts_samples"])
    where = [start / (whole - 4000) for row in rows for start, whole in zip(row["starts_samples"], row["whole"], strict=True)]
    assert 0.4 < np.mean(where) < 0.6
    assert max(where) > 0.95


@settings(max_examples=20)
@given(
    st.sampled_from([2, 3, 4, 5, {"choice": [1, 2, 3]}]),
    st.sampled_from(
        [
            0.05,
            0.3,
            {"uniform": [0.1, 0.9]},
            {"choice": [0.2, 0.4]},
            {"normal": {"mean": 0.3, "std": 0.2, "min": 0.1, "max": 0.6}},
        ]
    ),
    st.integers(0, 99),
)
def test_partial_overlap_of_whole_utterances_is_met_within_a_frame(
    make_utterances: Any, make_spec: Any, check_row: Any, n_src: Any, ratio: Any, seed: int
) -> None:
    spec = make_spec(20, {"mode": "partial", "ratio": ratio}, n_src=n_src, seed=seed)
    rows, report = _plan(make_utterances, spec, check_row, seed=seed, seconds=(0.5, 1.5))
    for row in rows:
        assert row["lengths_samples"] == row["whole"]
        assert _spoken(row) == row["num_samples"]
        if len(row["genders"]) == 1:
            assert row["overlap_ratio_asked"] is None
        else:
            assert _off_samples(row) <= FRAME
    assert report["overlap_ratios_not_reached"] == 0
    assert report["overlap_ratios_drawn_anew"] == sum(row["overlap_ratio_draws"] > 1 for row in rows)


def test_high_ratios_of_three_and_more_are_met_by_groups_made_for_them(
    make_utterances: Any, make_spec: Any, check_row: Any
) -> None:
    spec = make_spec(150, {"mode": "partial", "ratio": {"uniform": [0.7, 0.9]}}, n_src=3)
    rows, report = _plan(make_utterances, spec, check_row, each=20)
    assert report["overlap_ratios_not_reached"] == 0
    assert max(_off_samples(row) for row in rows) <= 2
    assert 0.78 < np.mean([row["overlap_ratio_asked"] for row in rows]) < 0.82
    with pytest.raises(PlanError, match="have no sources that reach an overlap ratio of 1"):
        _plan(make_utterances, make_spec(150, {"mode": "partial", "ratio": 1.0}, n_src=3), check_row)


@settings(max_examples=12)
@given(
    st.floats(0.2, 9.0),
    st.booleans(),
    st.sampled_from([0.02, 0.5, 1.0, {"uniform": [0.1, 0.99]}]),
    st.sampled_from([0.0, 0.2, {"uniform": [0, 0.8]}]),
    st.integers(0, 99),
)
def test_partial_overlap_of_a_fixed_length_is_met_to_the_sample(
    make_utterances: Any, make_spec: Any, check_row: Any, seconds: float, join: bool, ratio: Any, pause_s: Any, seed: int
) -> None:
    """Too short a source, pauses of either, an end too short to keep: any ratio, with or without further utterances."""
    length = {"seconds": seconds, "join": join, "pause_s": pause_s}
    spec = make_spec(12, {"mode": "partial", "ratio": ratio}, length=length, seed=seed)
    rows, report = _plan(make_utterances, spec, check_row, seed=seed)
    for row in rows:
        assert row["num_samples"] == round(seconds * RATE_HZ)
        assert _off_samples(row) <= 4
        if join and len(row["gains"]) > 2:
            lengths, whole = np.array(row["lengths_samples"]), np.array(row["whole"])
            assert ((lengths == whole) | (lengths >= min(0.5 * RATE_HZ, whole.min()))).all()
    assert report["overlap_ratios_not_reached"] == 0


def test_joining_fills_what_single_utterances_leave_silent(make_utterances: Any, make_spec: Any, check_row: Any) -> None:
    spoken = {}
    for join in (False, True):
        for ratio in (0.3, 1.0):
            spec = make_spec(40, {"mode": "partial", "ratio": ratio}, length={"seconds": 6, "join": join})
            rows, _ = _plan(make_utterances, spec, check_row, seconds=(0.5, 2.0))
            spoken[join, ratio] = np.mean([_spoken(row) / row["num_samples"] for row in rows])
    assert spoken[False, 0.3] < 0.5
    assert spoken[True, 0.3] > 0.85
    assert spoken[True, 1.0] > 0.75


def test_the_report_counts_ratios_that_are_not_reached(make_utterances: Any, make_spec: Any, check_row: Any) -> None:
    """One piece of either of very different lengths cannot overlap by four fifths."""
    spec = make_spec(30, {"mode": "sparse", "ratio": 0.8, "least_pause_s": 60})
    rows, report = _plan(make_utterances, spec, check_row, seconds=(0.3, 3.0))
    missed = sum(_off_samples(row) > FRAME for row in rows)
    assert report["overlap_ratios_not_reached"] == missed > 5
    assert "overlap_ratios_not_reached" not in _plan(make_utterances, make_spec(10, "sequential"), check_row)[1]


@pytest.mark.parametrize(
    ("overlap", "seconds", "n_src"),
    [
        ({"mode": "sequential", "pause_s": 0.1}, 1.11, 2),
        ({"mode": "sequential", "pause_s": {"uniform": [0, 0.3]}}, 4, {"choice": [1, 5]}),
        ({"mode": "conversation", "pause_s": 0.5}, 3.0, 3),
        ({"mode": "conversation"}, 30, 4),
        ({"mode": "sparse"}, 1.0, 2),
        ({"mode": "sparse", "ratio": 0.0}, 2.5, 5),
        ({"mode": "sparse"}, 30, 3),
    ],
)
def test_sessions_of_the_least_length_and_of_long_ones(
    make_utterances: Any, make_spec: Any, check_row: Any, overlap: Any, seconds: float, n_src: Any
) -> None:
    """Everybody is heard, as `check_row` sees, in the length that the spec just accepts."""
    spec = make_spec(25, overlap, n_src=n_src, length={"seconds": seconds})
    rows, report = _plan(make_utterances, spec, check_row, pause=0.001)
    for row in rows:
        assert row["num_samples"] == round(seconds * RATE_HZ)
        if overlap["mode"] == "sequential":
            assert row["overlap_ratio"] == 0
    if overlap["mode"] == "sparse":
        assert report["overlap_ratios_not_reached"] == sum(_off_samples(row) > FRAME for row in rows)
