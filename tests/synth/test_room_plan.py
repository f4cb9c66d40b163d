"""Mixtures in rooms: rooms used evenly, a place of its own for each stem, the same whatever the order of the RIRs."""

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.draws import Draws
from synth.errors import PlanError
from synth.rooms.assigning import NO_RIR, RoomPlacement, assign_rirs
from synth.rooms.spec import RoomsSpec

DRAWS = Draws(3, "set", "train")


def table(rooms: list[int], **changed: Any) -> pa.Table:
    """RIRs of rooms that have so many of them."""
    ids = [f"m{room}-{k}" for room, size in enumerate(rooms) for k in range(size)]
    names = [f"m{room}" for room, size in enumerate(rooms) for _ in range(size)]
    return pa.table({"id": ids, "room_id": pa.array(names, pa.string()), "recording_id": ids, **changed})


def assign(rirs: pa.Table, n_src: list[int], noisy: bool = False, **keys: Any) -> RoomPlacement:
    spec = RoomsSpec.model_validate({"corpus": "rirs", **keys})
    return assign_rirs(spec, rirs, np.array(n_src, dtype=np.int64), np.full(len(n_src), noisy), DRAWS)


@given(
    rooms=st.lists(st.integers(3, 6), min_size=1, max_size=8),
    n_src=st.lists(st.integers(1, 2), min_size=1, max_size=60),
    noisy=st.booleans(),
    probability=st.sampled_from([0.4, 1.0]),
)
def test_each_stem_has_a_place_of_its_own_in_the_room_of_its_mixture(
    rooms: list[int], n_src: list[int], noisy: bool, probability: float
) -> None:
    """And each room is used as often as any other, within one."""
    rirs = table(rooms)
    placed = assign(rirs, n_src, noisy, noise=True, probability=probability)
    names = rirs["room_id"].to_pylist()
    for mixture, sources in enumerate(n_src):
        taken = [*placed.rirs[mixture, :sources].tolist(), *([int(placed.noise_rirs[mixture])] if noisy else [])]
        assert (placed.rirs[mixture, sources:] == NO_RIR).all()
        if placed.in_room[mixture]:
            assert len(set(taken)) == len(taken)
            assert {names[rir] for rir in taken} == {placed.room_ids[mixture]}
        else:
            assert set(taken) == {NO_RIR}
            assert placed.room_ids[mixture] is None
    uses = Counter(room for room in placed.room_ids if room)
    assert max(uses.values(), default=0) - min((uses[name] for name in set(names)), default=0) <= 1
    assert placed.report["mixtures_in_rooms"] == placed.in_room.sum()


def test_the_order_of_the_rirs_changes_nothing() -> None:
    rirs = table([3, 4, 5, 2])
    other = rirs.take(pa.array(np.random.default_rng(0).permutation(len(rirs))))
    one, two = (assign(each, [2] * 50) for each in (rirs, other))
    assert one.room_ids == two.room_ids
    ids, other_ids = np.array(rirs["id"].to_pylist()), np.array(other["id"].to_pylist())
    np.testing.assert_array_equal(ids[one.rirs], other_ids[two.rirs])


def test_the_share_of_mixtures_in_rooms_is_that_asked_and_a_larger_one_takes_the_same_and_more() -> None:
    half, most = (assign(table([2] * 10), [2] * 4000, probability=share).in_room for share in (0.5, 0.9))
    assert half.mean() == pytest.approx(0.5, abs=0.03)
    assert (most | ~half).all()


def test_sources_take_all_places_alike() -> None:
    """No place of a room belongs to s1."""
    placed = assign(table([4]), [2] * 4000)
    for stem in placed.rirs.T:
        assert np.bincount(stem, minlength=4) == pytest.approx(1000, abs=120)


def test_rirs_without_a_room_are_of_one_by_their_recording() -> None:
    rirs = table([4, 4], room_id=pa.nulls(8, pa.string()), recording_id=["a"] * 4 + ["b"] * 4)
    placed = assign(rirs, [2] * 10)
    assert set(placed.room_ids) == {"a", "b"}
    assert all((row < 4).all() or (row >= 4).all() for row in placed.rirs)


def test_rirs_of_rooms_with_one_each_are_taken_from_several_and_the_report_says_so() -> None:
    placed = assign(table([1] * 5), [2] * 40)
    assert placed.in_room.all()
    assert set(placed.room_ids) == {None}
    assert all(len(set(row)) == 2 for row in placed.rirs.tolist())
    assert set(placed.rirs.ravel().tolist()) == set(range(5))
    assert placed.report["rirs_of_a_mixture"] == "of different rooms: none has the 2 that a mixture needs"


def test_rooms_with_too_few_rirs_are_left_out_and_counted() -> None:
    placed = assign(table([1, 3, 1, 2]), [2] * 10)
    assert set(placed.room_ids) == {"m1", "m3"}
    assert placed.report["rooms_too_small"] == 2


def test_more_stems_than_rirs_are_refused() -> None:
    with pytest.raises(
        PlanError, match="a mixture in a room needs 3 RIRs, one for each source and the noise, but this split has 2"
    ):
        assign(table([2]), [2], noisy=True, noise=True)


def test_measures_go_to_the_stems_of_the_rirs() -> None:
    placed = assign(table([3]), [2, 1], noisy=True, noise=True)
    stems, noise = placed.of_stems(np.array([0.1, 0.2, 0.3]))
    expected = np.where(placed.rirs == NO_RIR, np.nan, (placed.rirs + 1) / 10)
    np.testing.assert_allclose(stems, expected)
    np.testing.assert_allclose(noise, (placed.noise_rirs + 1) / 10)
