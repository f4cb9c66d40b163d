"""What a card says of a plan."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from synth.plan.split import plan_split
from synth.rows.statistics import histogram, plan_statistics
from synth.spec import SeparationSpec


@given(st.lists(st.integers(-50, 50), min_size=1), st.sampled_from([0.1, 1.0, 3.0]))
def test_every_value_is_counted_in_the_bin_that_begins_at_or_below_it(multiples: list[int], step: float) -> None:
    values = np.array(multiples) * step
    found = histogram(values, step)
    assert sum(found["counts"]) == len(values)
    counted = {round(found["first"] + k * step, 6): count for k, count in enumerate(found["counts"]) if count}
    assert counted == {round(value * step, 6): multiples.count(value) for value in set(multiples)}


def _statistics(make_utterances: Any, **changes: Any) -> dict[str, Any]:
    pool = make_utterances()
    asked = {"name": "set", "kind": "separation", "corpus": "c", "sample_rate_hz": 8000, "overlap": {"mode": "partial"}}
    spec = SeparationSpec.model_validate({**asked, "splits": {"train": {"mixtures": 100}}, **changes})
    return plan_statistics(plan_split(spec, "train", pool.table, pool.load).table)


def test_a_plan_is_counted(make_utterances: Any) -> None:
    statistics = _statistics(make_utterances)
    for measure in ("length_s", "level_db", "sir_db", "overlap_ratio", "peak_bound_dbfs"):
        assert sum(statistics[measure]["counts"]) == 100
    assert statistics["n_src"] == {"first": 2, "step": 1, "counts": [100]}
    assert statistics["sir_db"]["first"] == -5
    assert statistics["overlap_ratio"]["first"] == pytest.approx(0.1)
    assert statistics["uses_of_an_utterance"] == {"least": 5, "mean": 5.0, "most": 5, "first": 5, "step": 1, "counts": [40]}
    assert statistics["uses_of_a_speaker"] == {"least": 50, "mean": 50.0, "most": 50, "first": 50, "step": 1, "counts": [4]}
    assert not statistics.keys() & {"snr_db", "t60_s", "drr_db", "uses_of_a_noise", "uses_of_a_rir"}
    assert yaml.safe_load(yaml.safe_dump(statistics)) == statistics


def test_one_source_has_no_sir_and_several_have_one_less_than_they_are(make_utterances: Any) -> None:
    alone = _statistics(make_utterances, n_src=1, overlap={"mode": "full"}, levels={"level_db": {"uniform": [-30, -20]}})
    assert "sir_db" not in alone
    assert alone["n_src"]["counts"] == [100]
    drawn = _statistics(make_utterances, n_src={"choice": [1, 2, 4]})
    one, two, none, four = drawn["n_src"]["counts"]
    assert (one + two + four, none) == (100, 0)
    assert sum(drawn["sir_db"]["counts"]) == two + 3 * four
    assert sum(drawn["overlap_ratio"]["counts"]) == 100


def test_nulls_and_what_has_no_level_are_left_out() -> None:
    plan = pa.table(
        {
            "num_samples": [8000, 16000, 8000],
            "sample_rate_hz": [8000] * 3,
            "speaker_ids": [["a"], ["b"], ["a"]],
            "source_ids": [["a1"], ["b1"], ["a2"]],
            "sir_db": pa.array([[], [], []], pa.list_(pa.float64())),
            "level_db": [-20.0, float("-inf"), float("nan")],
            "snr_db": pa.array([None, 5.5, None], pa.float64()),
            "t60_s": pa.array([[0.31, None], [], None], pa.list_(pa.float64())),
            "drr_db": pa.array([[], [], None], pa.list_(pa.float64())),
            "noise_ids": pa.array([[], ["n", "n", "m"], []], pa.list_(pa.string())),
            "rir_ids": pa.array([["r", "q"], [], None], pa.list_(pa.string())),
        }
    )
    assert plan_statistics(plan) == {
        "length_s": {"first": 1.0, "step": 1.0, "counts": [2, 1]},
        "n_src": {"first": 1, "step": 1, "counts": [3]},
        "level_db": {"first": -20.0, "step": 1.0, "counts": [1]},
        "snr_db": {"first": 5.0, "step": 1.0, "counts": [1]},
        "t60_s": {"first": 0.3, "step": 0.1, "counts": [1]},
        "uses_of_a_speaker": {"least": 1, "mean": 1.5, "most": 2, "first": 1, "step": 1, "counts": [1, 1]},
        "uses_of_an_utterance": {"least": 1, "mean": 1.0, "most": 1, "first": 1, "step": 1, "counts": [3]},
        "uses_of_a_noise": {"least": 1, "mean": 1.5, "most": 2, "first": 1, "step": 1, "counts": [1, 1]},
        "uses_of_a_rir": {"least": 1, "mean": 1.0, "most": 1, "first": 1, "step": 1, "counts": [2]},
    }


def test_uses_of_very_many_take_few_bins() -> None:
    plan = pa.table(
        {
            "num_samples": [8000],
            "sample_rate_hz": [8000],
            "speaker_ids": [[f"s{k}" for k in range(100) for _ in range(k + 1)]],
            "source_ids": [["u"]],
        }
    )
    found = plan_statistics(plan)["uses_of_a_speaker"]
    assert (found["least"], found["most"], found["step"]) == (1, 100, 5)
    assert sum(found["counts"]) == 100
    assert len(found["counts"]) == 21
