"""What a spec may ask to be drawn."""

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from synth.distributions import Distribution

PARSE = TypeAdapter(Distribution).validate_python
U = (np.arange(10_000) + 0.5) / 10_000


@pytest.mark.parametrize(
    ("asked", "low", "high", "mean"),
    [
        (3, 3, 3, 3),
        ({"fixed": -1.5}, -1.5, -1.5, -1.5),
        ({"uniform": [-5, 5]}, -5, 5, 0),
        ({"choice": [0, 5, 10, 15]}, 0, 15, 7.5),
        ({"normal": {"mean": 0, "std": 3, "min": -6, "max": 6}}, -6, 6, 0),
        ({"normal": {"mean": 10, "std": 1, "min": 0, "max": 10}}, 0, 10, 10 - np.sqrt(2 / np.pi)),
    ],
)
def test_values_have_the_range_and_the_mean_asked_for(asked: object, low: float, high: float, mean: float) -> None:
    distribution = PARSE(asked)
    values = distribution.values(U)
    assert distribution.support() == (low, high)
    assert low <= values.min() <= values.max() <= high
    assert values.mean() == pytest.approx(mean, abs=0.01)


def test_a_choice_is_even() -> None:
    values, counts = np.unique(PARSE({"choice": [0, 5, 10]}).values(U), return_counts=True)
    assert values.tolist() == [0, 5, 10]
    assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"uniform": [5, -5]}, "turned round"),
        ({"unifrom": [-5, 5]}, "expected a number or one of fixed, uniform, choice, normal"),
        ("loud", "expected a number"),
        (True, "expected a number"),
        ({"choice": []}, "at least 1"),
        ({"normal": {"mean": 0, "std": 0, "min": -1, "max": 1}}, "greater than 0"),
        ({"normal": {"mean": 0, "std": 1, "min": 1, "max": -1}}, "must lie below"),
        ({"fixed": float("nan")}, "finite"),
        ({"uniform": [0, float("inf")]}, "finite"),
    ],
)
def test_nonsense_is_refused(asked: object, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        PARSE(asked)
