"""What a spec asks of rooms: either of two sources, enough places, counts of all splits."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from synth.errors import SpecError
from synth.rooms.spec import RoomsSpec


def rooms(**keys: Any) -> RoomsSpec:
    return RoomsSpec.model_validate(keys)


ARRAY = {"geometry": "linear", "microphones": 4, "spacing_m": 0.05}


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({}, "give one of corpus and simulate"),
        ({"corpus": "rirs", "simulate": {}, "rooms": 3}, "give one of corpus and simulate"),
        ({"corpus": "rirs", "rooms": 3}, "leave rooms out"),
        ({"simulate": {}}, "rooms is missing"),
        ({"simulate": {}, "rooms": 3, "microphones": 2}, "leave microphones out"),
        ({"simulate": {"array": ARRAY}, "rooms": 3, "probability": 0.5}, "probability must be 1, not 0.5"),
        ({"corpus": "rirs", "microphones": 2, "probability": 0.5}, "probability must be 1, not 0.5"),
        ({"corpus": "rirs", "probability": 0}, "greater than 0"),
        ({"simulate": {}, "rooms": 0}, "greater than or equal to 1"),
        ({"simulate": {}, "rooms": {"training": 1}}, "training"),
        ({"simulate": {"rt_60": 1}, "rooms": 3}, "rt_60"),
    ],
)
def test_what_contradicts_itself_is_refused(keys: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        rooms(**keys)


def test_microphones_are_those_of_the_array_or_as_many_as_are_asked_of_the_corpus() -> None:
    assert rooms(simulate={"array": ARRAY}, rooms=3).num_microphones == 4
    assert rooms(simulate={}, rooms=3).num_microphones == 1
    assert rooms(corpus="rirs").num_microphones == 1
    assert rooms(corpus="rirs", microphones=8).num_microphones == 8


def test_a_room_has_a_place_for_each_source_and_for_the_noise() -> None:
    """As many as are needed where the spec does not say; fewer are refused, more are kept."""
    for noise, needed in ((False, 3), (True, 4)):
        asked = rooms(simulate={"rt60_s": 0.4}, rooms=3, noise=noise).simulated(3)
        assert asked is not None
        assert (asked.sources, asked.rt60_s.support()) == (needed, (0.4, 0.4))
    kept = rooms(simulate={"sources": 5}, rooms=3).simulated(3)
    assert kept is not None
    assert kept.sources == 5
    with pytest.raises(SpecError, match=r"rooms.simulate.sources is 2, but mixtures of 2 sources and noise need 3"):
        rooms(simulate={"sources": 2}, rooms=3, noise=True).simulated(2)
    assert rooms(corpus="rirs").simulated(2) is None


@given(count=st.integers(3, 10_000), train=st.floats(0.01, 0.98))
def test_one_number_is_shared_out_by_the_proportions(count: int, train: float) -> None:
    """All of it, in whole rooms, none without."""
    proportions = {"train": train, "validation": (1 - train) / 2, "test": (1 - train) / 2}
    counts = rooms(simulate={}, rooms=count).counts(proportions)
    assert list(counts) == list(proportions)
    assert sum(counts.values()) == count
    for split, rooms_of_split in counts.items():
        assert rooms_of_split >= 1
        assert rooms_of_split == 1 or abs(rooms_of_split - proportions[split] * count) <= 2


def test_counts_of_each_split_must_be_there() -> None:
    asked = rooms(simulate={}, rooms={"train": 5, "test": 2})
    assert asked.counts({"train": 0.8, "test": 0.1}) == {"train": 5, "test": 2}
    with pytest.raises(SpecError, match="rooms says nothing of validation"):
        asked.counts({"train": 0.8, "validation": 0.1})
    with pytest.raises(SpecError, match="rooms asks for 1, and the splits train, test need one each"):
        rooms(simulate={}, rooms=1).counts({"train": 0.8, "test": 0.1})


def test_the_most_sources_of_a_mixture_and_noise_have_places() -> None:
    asked = rooms(simulate={}, rooms=3, noise=True).simulated(32)
    assert asked is not None
    assert asked.sources == 33
