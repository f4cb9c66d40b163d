"""Images and targets line up with the dry signal, any part has the bits of the whole, and less than all of it is needed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from synth.draws import Draws
from synth.errors import PlanError
from synth.rooms.images import Responses, Target, image, prepare
from synth.rooms.rirs import convolve, direct_delay
from synth.rooms.shoeboxes import RoomSpec, draw_room, simulate

RATE_HZ = 16_000
TARGETS: list[Target] = ["reverberant", "early", "direct", "anechoic"]


def rir(microphones: int = 2, taps: int = 3000, seed: int = 0) -> NDArray[np.float64]:
    """Direct paths at 150, 157, ... and behind them noise that falls by 60 dB."""
    decay = 0.05 * np.random.default_rng(seed).standard_normal((microphones, taps)) * 10 ** (-3 * np.arange(taps) / taps)
    for microphone, channel in enumerate(decay):
        channel[: 150 + 7 * microphone] = 0
        channel[150 + 7 * microphone] = 0.4
    return decay


def speech(samples: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal(samples) * 3000


RIR = rir()
DRY = np.concatenate([np.zeros(9000), speech(12_000), np.zeros(15_000), speech(4000, seed=1)])
WHOLE = {target: image(DRY, prepare(RIR, RATE_HZ, target), len(DRY)) for target in TARGETS}


@settings(max_examples=60)
@given(begin=st.integers(0, 40_000), length=st.integers(0, 30_000), target=st.sampled_from(TARGETS))
def test_a_part_made_of_what_it_needs_has_the_bits_of_the_whole(begin: int, length: int, target: Target) -> None:
    response = prepare(RIR, RATE_HZ, target)
    length = min(length, len(DRY) - begin)
    first, last = response.needed(begin, length, len(DRY))
    part = image(DRY[first:last], response, length, begin, dry_begin=first)
    np.testing.assert_array_equal(part, WHOLE[target][:, begin : begin + length])


def test_a_crop_needs_little_more_than_itself() -> None:
    """Not the minutes before it and behind it."""
    first, last = prepare(RIR, RATE_HZ).needed(3_000_000, RATE_HZ, 6_000_000)
    assert 3_000_000 - first <= 5 * RIR.shape[1]
    assert last - 3_016_000 <= 4 * RIR.shape[1]


def test_the_image_is_the_convolution_from_the_direct_path_on_with_a_direct_path_of_energy_1() -> None:
    """Of the rest of 80 samples about the peak as well."""
    heard = convolve(DRY, RIR, len(DRY), first=150)
    energy = np.sum(RIR[0, 110:191] ** 2)
    np.testing.assert_allclose(WHOLE["reverberant"], heard / np.sqrt(energy), rtol=0, atol=1e-6)


def test_the_anechoic_target_is_the_dry_signal() -> None:
    """At microphone 0 to a billionth; at the other one 7 samples later."""
    np.testing.assert_allclose(WHOLE["anechoic"][0], DRY, rtol=0, atol=1e-9 * np.abs(DRY).max())
    later = WHOLE["anechoic"][1, 7:]
    assert np.corrcoef(later, DRY[:-7])[0, 1] == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("number", range(4))
def test_targets_of_simulated_rooms_line_up_with_the_dry_signal(number: int, target: Target) -> None:
    """A click is heard loudest where it was made, within one sample, at the nearest microphones as well."""
    spec = RoomSpec.model_validate({"rt60_s": 0.2, "array": {"geometry": "linear", "microphones": 2, "spacing_m": 0.02}})
    rirs = simulate(draw_room(spec, Draws(0, "images", "train"), number), RATE_HZ).rirs
    click = np.zeros(6000)
    click[2000] = 10_000
    for of_source in rirs:
        heard = image(click, prepare(of_source, RATE_HZ, target), len(click))
        assert abs(int(direct_delay(heard[0])) - 2000) <= 1
        assert abs(int(direct_delay(heard[1])) - 2000) <= 2  # 2 cm are one sample more


def test_early_and_what_is_left_of_the_rir_sum_to_the_image() -> None:
    """As direct and what is left do: nothing is counted twice or shifted."""
    for target in ("early", "direct"):
        response = prepare(RIR, RATE_HZ, target)
        impulse = np.zeros(4000)
        impulse[1000] = 1.0
        part = image(impulse, response, 4000)
        whole = image(impulse, prepare(RIR, RATE_HZ), 4000)
        same = np.abs(part - whole) < 1e-9
        end = 1000 + {"early": 800, "direct": 40}[target]
        assert same[0, :end].all()
        np.testing.assert_allclose(part[0, end + 1 :], 0, atol=1e-9)
        rest = whole - part
        np.testing.assert_allclose(part + rest, whole, atol=1e-9)
        assert np.abs(rest[0, end + 1 :]).max() > 0


def test_silence_stays_silent_and_integers_are_taken() -> None:
    response = prepare(RIR, RATE_HZ)
    assert not image(np.zeros(50_000), response, 50_000).any()
    whole = np.rint(DRY).astype(np.int16)
    np.testing.assert_array_equal(image(whole, response, 20_000), image(whole.astype(np.float64), response, 20_000))


def test_what_is_no_impulse_response_is_refused() -> None:
    for bad, why in ((np.zeros((1, 100)), "no energy"), (np.full((1, 100), np.nan), "not finite")):
        with pytest.raises(PlanError, match=why):
            prepare(bad, RATE_HZ)


def test_rirs_are_made_ready_once() -> None:
    loaded: list[str] = []

    def load(rir_id: str) -> NDArray[np.float64]:
        loaded.append(rir_id)
        return RIR

    responses = Responses(load, RATE_HZ)
    assert responses("a") is responses("a")
    assert responses("a", "early") is not responses("a")
    responses("b")
    assert loaded == ["a", "a", "b"]


def test_rirs_that_were_used_last_are_kept_as_far_as_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long ones and many microphones do not fill the memory; the one in use is there even where it is too large."""
    loaded: list[str] = []

    def load(rir_id: str) -> NDArray[np.float64]:
        loaded.append(rir_id)
        return RIR

    monkeypatch.setattr("synth.rooms.images._PREPARED_BYTES", 2 * prepare(RIR, RATE_HZ).filter.nbytes)
    responses = Responses(load, RATE_HZ)
    for rir_id in "abacab":
        responses(rir_id)
    assert loaded == ["a", "b", "c", "b"]
    monkeypatch.setattr("synth.rooms.images._PREPARED_BYTES", 1)
    assert responses("d") is responses("d")
