"""Parts and measures of impulse responses, and convolution: against numpy's, and bit for bit whatever part is asked for."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from synth.errors import PlanError
from synth.rooms.rirs import anechoic_rir, convolve, direct_delay, drr_db, split_rir, t60_s

RATE = 16_000


def decaying(t60: float, seconds: float, direct: int = 200, seed: int = 0, level: float = 0.1) -> NDArray[np.float32]:
    """A direct path of 1 and behind it noise that falls by 60 dB in t60."""
    times = np.arange(round(seconds * RATE)) / RATE
    rir = level * np.random.default_rng(seed).standard_normal(len(times)) * 10 ** (-3 * times / t60)
    rir = np.concatenate([np.zeros(direct), rir])
    rir[direct] = 1.0
    return rir.astype(np.float32)


def speech(samples: int, seed: int = 0) -> NDArray[np.int16]:
    return np.clip(np.random.default_rng(seed).standard_normal(samples) * 3000, -32768, 32767).astype(np.int16)


def test_the_direct_path_is_the_first_peak_of_half_the_largest() -> None:
    """Neither the lobes before it nor reflections that add up above it are taken for it; a negative one counts as well."""
    rir = np.zeros(500, dtype=np.float32)
    rir[98:103] = [-0.2, -0.6, -1.0, -0.6, 0.2]
    rir[300] = 1.5
    assert direct_delay(rir) == 100
    assert direct_delay(np.stack([rir, np.roll(rir, 7)])).tolist() == [100, 107]
    only = np.zeros(10, dtype=np.float32)
    only[9] = 1
    assert direct_delay(only) == 9


def test_parts_hold_what_lies_in_their_time_and_nothing_else() -> None:
    rir = np.stack([decaying(0.3, 0.5, direct=200), decaying(0.3, 0.5, direct=240)[:-40]])
    direct, early, full = split_rir(rir, RATE)
    assert full is rir
    for microphone, delay in enumerate((200, 240)):
        for part, begin, end in ((direct, delay - 40, delay + 40), (early, delay - 40, delay + 800)):
            np.testing.assert_array_equal(part[microphone, begin : end + 1], rir[microphone, begin : end + 1])
            assert not part[microphone, :begin].any() and not part[microphone, end + 1 :].any()


def test_signals_made_with_the_parts_line_up() -> None:
    """Their correlation with the dry signal peaks at the same delay, and at 0 where the direct path is taken out."""
    rir, dry = decaying(0.4, 0.4, direct=333), speech(8000)
    parts = [*split_rir(rir, RATE), anechoic_rir(rir, RATE)]
    for part in parts:
        for first, delay in ((0, 333), (int(direct_delay(rir)), 0)):
            heard = convolve(dry, part, 8000, first)[0]
            correlation = [float(heard[k : 7000 + k] @ dry[:7000].astype(np.float64)) for k in range(400)]
            assert int(np.argmax(correlation)) == delay


def test_the_anechoic_rir_gives_back_the_dry_signal() -> None:
    """To the sample, once rounded, where the direct path has the gain 1."""
    rir, dry = np.zeros(600, dtype=np.float32), speech(5000)
    rir[123], rir[400] = 1.0, 0.3
    heard = convolve(dry, anechoic_rir(rir, RATE), 5000, 123)
    np.testing.assert_array_equal(np.rint(heard[0]), dry)


def test_the_anechoic_rir_has_the_energy_and_the_sign_of_the_direct_path() -> None:
    rir = -decaying(0.3, 0.3)
    direct, _, _ = split_rir(rir, RATE)
    anechoic = anechoic_rir(rir, RATE)
    assert np.flatnonzero(anechoic).tolist() == [200]
    assert anechoic[200] == pytest.approx(-math.sqrt(float(np.sum(direct.astype(np.float64) ** 2))), rel=1e-6)


@pytest.mark.parametrize("t60", [0.15, 0.4, 1.0])
def test_t60_of_a_known_decay(t60: float) -> None:
    assert t60_s(decaying(t60, 1.5 * t60), RATE) == pytest.approx(t60, rel=0.06)


def test_t60_of_a_lone_direct_path_is_not_a_number() -> None:
    assert math.isnan(t60_s(anechoic_rir(decaying(0.3, 0.3), RATE), RATE))


def test_t60_of_a_decay_that_ends_in_noise_is_not_a_number() -> None:
    """The line through it would give seconds for a room of 0.3 s."""
    rir = decaying(0.3, 2.0)
    noisy = rir + (0.003 * np.random.default_rng(1).standard_normal(len(rir))).astype(np.float32)
    assert math.isnan(t60_s(noisy, RATE))
    assert t60_s(np.stack([rir, noisy]), RATE)[0] == pytest.approx(0.3, rel=0.06)


def test_drr_of_a_known_rir() -> None:
    """A direct path of 1 and a reflection of 0.1: 20 dB. Alone it is infinite."""
    rir = np.zeros(1000, dtype=np.float32)
    rir[50], rir[500] = 1.0, 0.1
    assert drr_db(rir, RATE) == pytest.approx(20, abs=1e-5)
    assert drr_db(np.stack([rir, 2 * rir]), RATE) == pytest.approx([20, 20], abs=1e-5)
    assert drr_db(rir[:400], RATE) == math.inf


@pytest.mark.parametrize("taps", [1, 2, 500, 1024, 5000])
@pytest.mark.parametrize("samples", [0, 1, 700, 20_011])
def test_convolution_is_numpys(taps: int, samples: int) -> None:
    """To a billionth of the largest sample; beyond the end of the convolution stand zeros."""
    rir = np.random.default_rng(taps).standard_normal((2, taps)).astype(np.float32)
    dry = speech(samples)
    heard = convolve(dry, rir, samples + taps + 300)
    for microphone in range(2):
        expected = np.zeros(samples + taps + 300)
        if samples:
            expected[: samples + taps - 1] = np.convolve(dry.astype(np.float64), rir[microphone].astype(np.float64))
        np.testing.assert_allclose(heard[microphone], expected, rtol=0, atol=1e-9 * max(1.0, np.abs(expected).max()))


@settings(max_examples=40, deadline=None)
@given(first=st.integers(0, 45_000), length=st.integers(0, 30_000), taps=st.sampled_from([7, 900, 4000]))
def test_a_part_has_the_bits_of_the_whole(first: int, length: int, taps: int) -> None:
    """Wherever it begins and ends, and so whatever blocks are computed at once."""
    rir, dry = decaying(0.2, 1.0)[:taps] + np.float32(0.01), speech(40_000)
    whole = convolve(dry, rir, 76_000)
    np.testing.assert_array_equal(convolve(dry, rir, length, first), whole[:, first : first + length])


def test_floats_are_taken_as_they_are() -> None:
    rir, dry = decaying(0.2, 0.2), speech(5000)
    np.testing.assert_array_equal(convolve(dry.astype(np.float64), rir, 5000), convolve(dry, rir, 5000))
    np.testing.assert_allclose(convolve(dry / 3, rir, 5000), convolve(dry, rir, 5000) / 3, atol=1e-7)


def test_a_microphone_has_the_same_bits_alone_and_in_an_array() -> None:
    rirs = np.stack([decaying(0.3, 0.3, seed=seed) for seed in range(4)])
    together = convolve(speech(30_000), rirs, 30_000)
    for microphone, rir in enumerate(rirs):
        np.testing.assert_array_equal(convolve(speech(30_000), rir, 30_000)[0], together[microphone])


@pytest.mark.parametrize(
    ("rir", "what"),
    [
        (np.zeros(100), "no energy at microphone 0"),
        (np.zeros(0), "no energy"),
        (np.array([[1.0, 0.5], [0.0, 0.0]]), "no energy at microphone 1"),
        (np.array([1.0, np.nan]), "not finite"),
        (np.array([1.0, np.inf]), "not finite"),
    ],
)
def test_what_is_no_impulse_response_is_refused(rir: NDArray[np.float64], what: str) -> None:
    for use in (
        direct_delay,
        lambda rir: split_rir(rir, RATE),
        lambda rir: anechoic_rir(rir, RATE),
        lambda rir: t60_s(rir, RATE),
        lambda rir: drr_db(rir, RATE),
        lambda rir: convolve(speech(10), rir, 10),
    ):
        with pytest.raises(PlanError, match=what):
            use(rir)
