"""Rooms are drawn as the spec asks, by key alone; simulated, they have the same bits each time and leave no trace."""

import dataclasses
import hashlib
import subprocess
import sys
from typing import Any

import numpy as np
import pyroomacoustics
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from synth.draws import Draws
from synth.errors import PlanError
from synth.rooms.absorption import needed_order, sabine_absorption
from synth.rooms.rirs import direct_delay
from synth.rooms.shoeboxes import LEAD_SAMPLES, Room, RoomSpec, bank_rooms, draw_room, simulate

DRAWS = Draws(7, "set", "train")
SMALL = Room(0, (3.0, 2.5, 2.4), 0.2, ((1.0, 1.2, 1.5), (2.2, 0.8, 1.6)), ((1.9, 1.9, 1.2), (1.95, 1.9, 1.2)), 12, False, 99)


def spec(**keys: Any) -> RoomSpec:
    return RoomSpec.model_validate(keys)


def digest(room: Room) -> str:
    return hashlib.sha256(simulate(room, 16_000).rirs.tobytes()).hexdigest()


def test_a_room_depends_on_its_key_alone() -> None:
    """Neither on the order in which rooms are drawn nor on how many there are; other seeds and splits give other rooms."""
    bank = bank_rooms(spec(), DRAWS, 20)
    assert [draw_room(spec(), DRAWS, number) for number in reversed(range(20))] == bank[::-1]
    assert bank_rooms(spec(), Draws(7, "set", "train"), 5) == bank[:5]
    assert len({(room.size_m, room.rt60_s, room.sources_m, room.seed) for room in bank}) == 20
    for other in (Draws(8, "set", "train"), Draws(7, "other", "train"), Draws(7, "set", "test")):
        assert draw_room(spec(), other, 0) != bank[0]


ARRAYS: list[dict[str, Any]] = [
    {"geometry": "single"},
    {"geometry": "linear", "microphones": 4, "spacing_m": 0.05},
    {"geometry": "circular", "microphones": 6, "radius_m": 0.1},
    {"geometry": "explicit", "positions_m": [[0, 0, 0], [0.1, 0, 0.05], [0, -0.2, 0]]},
]


@settings(max_examples=30, deadline=None)
@given(
    array=st.sampled_from(ARRAYS),
    sources=st.integers(1, 4),
    distance=st.sampled_from([None, {"uniform": [0.8, 1.5]}]),
    number=st.integers(0, 2**40),
)
def test_rooms_keep_what_the_spec_asks(array: dict[str, Any], sources: int, distance: Any, number: int) -> None:
    """Ranges, least distances, and the shape of the array however it is turned."""
    asked = spec(array=array, sources=sources, source_distance_m=distance, size_m=[{"uniform": [4, 7]}, {"uniform": [4, 6]}, 3])
    room = draw_room(asked, DRAWS, number)
    assert 4 <= room.size_m[0] <= 7 and 4 <= room.size_m[1] <= 6 and room.size_m[2] == 3
    assert 0.2 <= room.rt60_s <= 0.6
    assert room.max_order == needed_order(room.size_m, room.rt60_s)
    placed, microphones = np.array(room.sources_m), np.array(room.microphones_m)
    assert len(placed) == sources
    for positions in (placed, microphones):
        assert (positions >= 0.3 - 1e-5).all() and (positions <= np.array(room.size_m) - 0.3 + 1e-5).all()
    assert np.linalg.norm(placed[:, None] - microphones, axis=2).min() >= 0.5 - 1e-5
    apart = np.linalg.norm(placed[:, None] - placed, axis=2) + np.eye(sources)
    assert apart.min() >= 0.5 - 1e-5
    offsets = np.array(asked.array.offsets_m())
    np.testing.assert_allclose(
        np.linalg.norm(microphones[:, None] - microphones, axis=2),
        np.linalg.norm(offsets[:, None] - offsets, axis=2),
        atol=1e-5,
    )
    if distance:
        centre = microphones[0, :2] if array["geometry"] == "explicit" else microphones[:, :2].mean(axis=0)
        away = np.linalg.norm(placed[:, :2] - centre, axis=1)
        assert (away >= 0.8 - 1e-5).all() and (away <= 1.5 + 1e-5).all()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"rt60_s": 0.1}, r"RT60 of 0\.1 s is impossible in 8 x 8 x 4 m, the largest room.*0\.161 s \(Sabine\)"),
        ({"rt60_s": {"uniform": [0.2, 2.0]}}, r"RT60 of 2 s in 3 x 3 x 2\.5 m, the smallest.*order 357, above 150.*ray_tracing"),
        ({"source_height_m": {"uniform": [1.5, 2.4]}}, r"source_height_m reaches from 1\.5 to 2\.4 m.*leaves 0\.3 to 2\.2 m"),
        ({"array_height_m": 0.1}, r"array_height_m reaches from 0\.1 to 0\.1 m"),
        ({"array": {"geometry": "linear", "microphones": 9, "spacing_m": 1}}, "no place for the linear array"),
        ({"sources": 30, "source_spacing_m": 2}, "no place for source .* 2 m from other sources"),
        ({"source_distance_m": 20}, "no place for source 0.*20 to 20 m from the array"),
    ],
)
def test_rooms_that_cannot_be_are_refused_before_anything_is_simulated(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanError, match=message) as refusal:
        bank_rooms(spec(**keys), DRAWS, 3)
    assert "\n" not in str(refusal.value)


def test_a_long_rt60_is_no_mistake_with_rays_or_a_given_order() -> None:
    long = {"rt60_s": 2.0}
    assert draw_room(spec(**long, ray_tracing=True), DRAWS, 0).max_order == 3
    assert draw_room(spec(**long, max_order=20), DRAWS, 0).max_order == 20


@pytest.mark.parametrize(
    "keys",
    [
        {"rt60_s": 0},
        {"rt60_s": {"uniform": [0.5, 0.2]}},
        {"size_m": [5, 4]},
        {"size_m": [5, -4, 3]},
        {"array": {"geometry": "square"}},
        {"array": {"geometry": "linear", "microphones": 1, "spacing_m": 0.1}},
        {"sources": 0},
        {"rt6_s": 0.3},
    ],
)
def test_specs_that_make_no_sense_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        spec(**keys)


def test_the_impossible_room_is_also_refused_by_the_simulation() -> None:
    with pytest.raises(PlanError, match=r"0\.05 s is impossible.*room 0"):
        simulate(dataclasses.replace(SMALL, rt60_s=0.05), 16_000)


def test_absorption_and_order_are_pyroomacoustics_own() -> None:
    for size, rt60 in (((6.0, 5.0, 3.0), 0.3), ((3.2, 7.1, 2.5), 0.7)):
        absorption, order = pyroomacoustics.inverse_sabine(rt60, size)
        assert sabine_absorption(size, rt60) == pytest.approx(absorption, rel=1e-12)
        assert needed_order(size, rt60) == order


@pytest.mark.parametrize("ray_tracing", [False, True])
def test_a_room_has_the_same_bits_whatever_was_simulated_before(ray_tracing: bool) -> None:
    """Also where the library was seeded or told to use more threads, and in a process of its own."""
    room = dataclasses.replace(SMALL, ray_tracing=ray_tracing, max_order=3 if ray_tracing else 12)
    expected = digest(room)
    simulate(dataclasses.replace(SMALL, number=1, seed=5), 16_000)
    pyroomacoustics.random.seed(1)
    threads = pyroomacoustics.constants.get("num_threads")
    pyroomacoustics.constants.set("num_threads", 2)
    pyroomacoustics.constants.set("c", 300.0)
    try:
        assert digest(room) == expected
    finally:
        pyroomacoustics.constants.set("num_threads", threads)
        pyroomacoustics.constants.set("c", 343.0)
    program = (
        f"import hashlib; from synth.rooms.shoeboxes import *; print(hashlib.sha256(simulate({room}, 16000).rirs).hexdigest())"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip() == expected


def test_the_seed_matters_to_rays_and_to_nothing_else() -> None:
    rays = dataclasses.replace(SMALL, ray_tracing=True, max_order=3)
    assert digest(rays) != digest(dataclasses.replace(rays, seed=5))
    assert digest(SMALL) == digest(dataclasses.replace(SMALL, seed=5))


@pytest.mark.parametrize("size_m", [SMALL.size_m, (-1.0, 2.0, 2.0)])
def test_the_state_of_generators_and_library_is_restored(size_m: Any) -> None:
    """Also where the simulation fails."""
    generator = pyroomacoustics.random.get_rng()
    np.random.seed(3)
    before = str(generator.bit_generator.state), str(np.random.get_state()), pyroomacoustics.constants.get("num_threads")
    try:
        simulate(dataclasses.replace(SMALL, size_m=size_m, ray_tracing=True, max_order=2), 16_000)
    except Exception:
        assert size_m != SMALL.size_m
    assert pyroomacoustics.random.get_rng() is generator
    after = str(generator.bit_generator.state), str(np.random.get_state()), pyroomacoustics.constants.get("num_threads")
    assert after == before


@pytest.mark.parametrize("rate", [8000, 16_000])
def test_what_is_told_about_the_rirs_is_true_of_them(rate: int) -> None:
    """Direct paths lie where geometry and the array itself say; T60 is near what was asked; all begin together."""
    asked = spec(array=ARRAYS[1], rt60_s={"uniform": [0.2, 0.35]}, size_m=[5, 4, 3])
    for number in range(3):
        room = draw_room(asked, DRAWS, number)
        heard = simulate(room, rate)
        assert heard.rirs.dtype == np.float32 and heard.rirs.shape[:2] == (2, 4)
        distances = np.linalg.norm(np.array(room.sources_m)[:, None] - np.array(room.microphones_m), axis=2)
        np.testing.assert_array_equal(heard.direct_delays_samples, np.rint(distances / 343 * rate) + LEAD_SAMPLES)
        found = np.stack([direct_delay(rir) for rir in heard.rirs])
        assert np.abs(found - heard.direct_delays_samples).max() <= 1
        assert heard.t60_s == pytest.approx(np.full((2, 4), room.rt60_s), rel=0.15)
        assert heard.t60_s.shape == heard.drr_db.shape == (2, 4)
        assert np.isfinite(heard.drr_db).all()


def test_nearer_sources_have_the_higher_direct_to_reverberant_ratio() -> None:
    near, far = (simulate(dataclasses.replace(SMALL, sources_m=((x, 1.9, 1.2),)), 16_000).drr_db[0, 0] for x in (1.4, 0.4))
    assert near > far + 3


def test_the_rirs_are_pyroomacoustics_own_for_the_fitted_absorption() -> None:
    """But for what image sources beyond the end would bring, which its high-pass filter carries back: below -50 dB."""
    room = dataclasses.replace(SMALL, max_order=needed_order(SMALL.size_m, SMALL.rt60_s))
    heard = simulate(room, 16_000)
    shoebox = pyroomacoustics.ShoeBox(
        room.size_m, fs=16_000, materials=pyroomacoustics.Material(heard.absorption), max_order=room.max_order
    )
    for source in room.sources_m:
        shoebox.add_source(source)
    shoebox.add_microphone_array(np.array(room.microphones_m).T)
    shoebox.compute_rir()
    for source, microphone in np.ndindex(2, 2):
        length = heard.rirs.shape[2] - 80  # there fractional delays of what is left out begin
        expected = shoebox.rir[microphone][source][:length]
        error = heard.rirs[source, microphone, :length] - expected
        assert np.linalg.norm(error) < 0.003 * np.linalg.norm(expected)
        assert not np.allclose(shoebox.rir[microphone][source][length - 400 : length], 0, atol=1e-4)


def test_flat_and_long_rooms_have_the_rt60_asked_too() -> None:
    """Sabine's formula alone misses it by a third."""
    for size in ([8, 6, 2.5], [8, 3, 2.6]):
        room = draw_room(spec(size_m=size, rt60_s=0.35), DRAWS, 0)
        heard = simulate(room, 16_000)
        assert heard.t60_s.mean() == pytest.approx(0.35, rel=0.1)
        assert heard.absorption > 1.15 * sabine_absorption(room.size_m, 0.35)
