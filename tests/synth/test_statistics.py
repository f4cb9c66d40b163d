"""What a card says of a plan."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.plan import plan_split
from synth.spec import SeparationSpec
from synth.statistics import histogram, plan_statistics


@given(st.lists(st.integers(-50, 50), min_size=1), st.sampled_from([0.1, 1.0, 3.0]))
def test_every_value_is_counted_in_the_bin_that_begins_at_or_below_it(multiples: list[int], step: float) -> None:
    values = np.array(multiples) * step
    found = histogram(values, step)
    assert sum(found["counts"]) == len(values)
    counted = {round(found["first"] + k * step, 6): count for k, count in enumerate(found["counts"]) if count}
    assert counted == {round(value * step, 6): multiples.count(value) for value in set(multiples)}


def test_a_plan_is_counted(make_utterances: Any) -> None:
    pool = make_utterances()
    spec = SeparationSpec(
        name="set",
        kind="separation",
        corpus="c",
        sample_rate_hz=8000,
        splits={"train": {"mixtures": 100}},
        overlap={"mode": "partial"},
    )
    statistics = plan_statistics(plan_split(spec, "train", pool.table, pool.load).table)
    for measure in ("length_s", "sir_db", "overlap_ratio", "peak_bound_dbfs"):
        assert sum(statistics[measure]["counts"]) == 100
    assert statistics["sir_db"]["first"] == -5
    assert statistics["overlap_ratio"]["first"] == pytest.approx(0.1)
    assert statistics["uses_of_an_utterance"] == {"least": 5, "mean": 5.0, "most": 5}
    assert statistics["uses_of_a_speaker"] == {"least": 50, "mean": 50.0, "most": 50}
