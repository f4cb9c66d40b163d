"""Speakers to splits."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.errors import PlanError
from synth.splits import draw_split

SPLITS = ("train", "validation", "test")
SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}


def _draw(speakers: list[str], **changes: object) -> dict[str, str]:
    settings = {"proportions": SHARES, "seed": 0, "dataset": "d", "least": 2, **changes}
    wanted = settings.pop("wanted", SPLITS)
    numbers = draw_split(speakers, wanted, **settings)  # type: ignore[arg-type]
    return dict(zip(speakers, (wanted[number] for number in numbers), strict=True))  # type: ignore[index]


@given(st.integers(6, 300), st.integers(0, 5))
def test_every_split_has_its_least_and_shares_are_kept(count: int, seed: int) -> None:
    counts = Counter(_draw([f"s{k}" for k in range(count)], seed=seed).values())
    assert sum(counts.values()) == count
    assert min(counts[split] for split in SPLITS) >= 2
    if count >= 40:
        assert all(abs(counts[split] - SHARES[split] * count) <= 1.5 for split in SPLITS)


def test_the_draw_depends_on_the_speakers_and_not_on_their_order() -> None:
    speakers = [f"s{k}" for k in range(50)]
    assert _draw(speakers) == _draw(speakers[::-1])
    assert _draw(speakers) != _draw(speakers, seed=1)


def test_eight_speakers_give_four_two_two() -> None:
    assert Counter(_draw([f"s{k}" for k in range(8)]).values()) == {"train": 4, "validation": 2, "test": 2}


def test_too_few_speakers_are_refused_with_numbers() -> None:
    with pytest.raises(PlanError, match=r"5 speakers are too few for the splits train, validation, test: .* needs 6"):
        _draw([f"s{k}" for k in range(5)])
