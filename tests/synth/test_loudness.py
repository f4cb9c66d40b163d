"""The measures against hand-computed cases, the Recommendations written out, and pyloudnorm."""

import math
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from synth.levels.frames import active_power
from synth.levels.loudness import MEASURES, active_rms_dbfs, lufs, mean_power_dbfs, p56_dbov

RATE = 16_000
Ints = NDArray[np.int16]


def square(seconds: float, amplitude: int = 8192) -> Ints:
    """A square wave of 1 kHz: its mean square is amplitude**2."""
    return (np.where(np.arange(round(seconds * RATE)) // 8 % 2, -1, 1) * amplitude).astype(np.int16)


def silence(seconds: float) -> Ints:
    return np.zeros(round(seconds * RATE), dtype=np.int16)


def bursts(seed: int, seconds: float = 3.0, level: float = 2000, rate: int = RATE) -> Ints:
    """Noise whose level changes every 100 ms by up to 40 dB."""
    random = np.random.default_rng(seed)
    steps = np.repeat(10 ** random.uniform(-2, 0, math.ceil(seconds * 10)), math.ceil(rate / 10))[: round(seconds * rate)]
    return np.clip(random.standard_normal(len(steps)) * steps * level, -32768, 32767).astype(np.int16)


def p56_written_out(samples: Ints, rate: int, thresholds: NDArray[np.float64]) -> float:
    """Method B sample by sample, as the Recommendation has it, with interpolation between given thresholds (low to high)."""
    g = math.exp(-1 / (rate * 0.03))
    hangover = math.ceil(0.2 * rate)
    p = q = 0.0
    active, held = np.zeros(len(thresholds)), np.full(len(thresholds), hangover)
    for x in samples.astype(np.float64):
        p = g * p + (1 - g) * abs(x)
        q = g * q + (1 - g) * p
        above = q >= thresholds
        active += above | (held < hangover)
        held = np.where(above, 0, held + 1)
    energy = float(np.sum(samples.astype(np.float64) ** 2))
    levels = 10 * np.log10(energy / active[active > 0] / 32768**2)
    margins = levels - 20 * np.log10(thresholds[active > 0] / 32768)
    above = int(np.flatnonzero(margins <= 15.9)[0])
    share = (margins[above - 1] - 15.9) / (margins[above - 1] - margins[above])
    return float(levels[above - 1] + share * (levels[above] - levels[above - 1]))


def test_mean_power_and_active_rms_of_known_pieces() -> None:
    """A square wave of a quarter of full scale lies at -12.04 dB; over as much silence the mean power falls by 3.01 dB."""
    quarter = 20 * math.log10(0.25)
    half_silent = np.concatenate([square(1), silence(1)])
    assert mean_power_dbfs(square(1)) == pytest.approx(quarter, abs=1e-9)
    assert mean_power_dbfs(half_silent) == pytest.approx(quarter + 10 * math.log10(0.5), abs=1e-9)
    assert active_rms_dbfs(half_silent, RATE) == pytest.approx(quarter, abs=1e-9)


def test_active_rms_is_the_planners_measure() -> None:
    piece = bursts(3)
    expected = 10 * math.log10(active_power(piece, RATE) / 32768**2)
    assert active_rms_dbfs(piece, RATE) == pytest.approx(expected, abs=1e-12)
    assert active_rms_dbfs(piece.astype(np.float64), RATE) == active_rms_dbfs(piece, RATE)


def test_p56_of_speech_all_the_time_is_its_mean_power() -> None:
    """Only the few milliseconds in which the envelope rises are not active."""
    assert p56_dbov(square(4), RATE) == pytest.approx(-12.04, abs=0.05)


def test_p56_of_speech_half_of_the_time_leaves_out_the_silence_but_for_the_hangover() -> None:
    """The envelope falls from 0 dB to the threshold (-15.9 dB) as (1 + t/T) exp(-t/T): 3.52 time constants of 30 ms, 105.7 ms.

    Active are thus 5 s + 0.106 s + 0.2 s less the rise to -15.9 dB, 0.018 s: of 10 s 5.288 s.
    """
    half = np.concatenate([square(5), silence(5)])
    assert p56_dbov(half, RATE) == pytest.approx(-12.04 + 10 * math.log10(5 / 5.288), abs=0.02)
    assert mean_power_dbfs(half) == pytest.approx(-12.04 - 3.01, abs=0.01)


def test_p56_bridges_pauses_up_to_the_hangover() -> None:
    """Pauses of 0.2 s are active, so that their share counts; those of 1 s are left out but for 0.3 s each."""
    short = np.concatenate([np.concatenate([square(0.8), silence(0.2)]) for _ in range(8)])
    long = np.concatenate([np.concatenate([square(0.8), silence(1.0)]) for _ in range(8)])
    assert p56_dbov(short, RATE) == pytest.approx(mean_power_dbfs(short), abs=0.03)
    assert p56_dbov(long, RATE) == pytest.approx(-12.04 + 10 * math.log10(0.8 / 1.09), abs=0.05)


@pytest.mark.parametrize("seed", range(3))
def test_p56_is_the_recommendation_written_out(seed: int) -> None:
    """To 0.01 dB of it with thresholds 0.05 dB apart, and within its tolerance of 0.5 dB with its own, 6 dB apart."""
    piece = bursts(seed, 1.5, rate=8000)
    fine = 10 ** np.arange(0, 4.5, 0.05 / 20)
    assert p56_dbov(piece, 8000) == pytest.approx(p56_written_out(piece, 8000, fine), abs=0.01)
    assert p56_dbov(piece, 8000) == pytest.approx(p56_written_out(piece, 8000, 2.0 ** np.arange(15)), abs=0.5)


def test_p56_of_a_click_has_a_level() -> None:
    """No threshold lies 15.9 dB below its level: the highest one at which anything is active is taken."""
    click = silence(2)
    click[5000] = 20_000
    assert p56_dbov(click, RATE) == pytest.approx(10 * math.log10((20_000 / 32768) ** 2 / 3201), abs=1e-6)


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 44_100])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_lufs_agrees_with_pyloudnorm(rate: int, channels: int) -> None:
    import pyloudnorm

    for seconds in (0.4, 0.449, 0.451, 1.0, 3.33):
        piece = np.stack([bursts(seed, seconds, rate=rate) for seed in range(channels)])
        expected = pyloudnorm.Meter(rate).integrated_loudness(piece.T / 32768)
        assert lufs(piece, rate) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("samples", [1, 160, 4000, 6399])
def test_lufs_of_a_short_piece_is_that_of_one_block(samples: int) -> None:
    import pyloudnorm

    piece = square(1)[:samples]
    expected = pyloudnorm.Meter(RATE, block_size=samples / RATE).integrated_loudness(piece / 32768)
    assert lufs(piece, RATE) == pytest.approx(expected, abs=1e-6)


def test_lufs_of_the_calibration_tone() -> None:
    """A sine of 997 Hz at full scale in one channel has -3.01 LUFS (BS.1770-4, annex 1); pyloudnorm's filters give -3.05."""
    tone = np.rint(32767 * np.sin(2 * np.pi * 997 * np.arange(48_000 * 5) / 48_000)).astype(np.int16)
    assert lufs(tone, 48_000) == pytest.approx(-3.01, abs=0.05)


@pytest.mark.parametrize("name", MEASURES)
def test_silence_and_nothing_have_no_level(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert MEASURES[name](silence(1), RATE) == -math.inf
        assert MEASURES[name](silence(0), RATE) == -math.inf
        assert MEASURES[name](np.zeros((2, 100), dtype=np.int16), RATE) == -math.inf


@pytest.mark.parametrize("name", ["mean_power", "active_rms", "p56"])
def test_channels_are_averaged_by_power(name: str) -> None:
    """One channel twice has its own level; beside silence it loses 3.01 dB."""
    piece = bursts(1)
    alone = MEASURES[name](piece, RATE)
    assert MEASURES[name](np.stack([piece, piece]), RATE) == pytest.approx(alone, abs=1e-9)
    beside_silence = np.stack([piece, np.zeros_like(piece)])
    assert MEASURES[name](beside_silence, RATE) == pytest.approx(alone - 3.0103, abs=1e-4)


@pytest.mark.parametrize("name", MEASURES)
@settings(max_examples=15, deadline=None)
@given(gain=st.floats(0.02, 8.0), seed=st.integers(0, 1000))
def test_scaling_moves_each_measure_by_the_gain(name: str, gain: float, seed: int) -> None:
    """Where no gate flips: of two levels 20 dB apart, so that every frame is active and no block lies at a gate."""
    random = np.random.default_rng(seed)
    loud = np.repeat(random.choice([0.5, 1.0], 30), RATE // 10)
    piece = random.standard_normal(len(loud)) * loud * 1000
    moved = MEASURES[name](gain * piece, RATE) - MEASURES[name](piece, RATE)
    assert moved == pytest.approx(20 * math.log10(gain), abs=0.01)


@settings(max_examples=15, deadline=None)
@given(gain=st.floats(0.1, 10.0), seed=st.integers(0, 1000))
def test_p56_moves_with_the_gain_through_pauses(gain: float, seed: int) -> None:
    """Thresholds 6 dB apart would miss by tenths of a dB."""
    piece = bursts(seed).astype(np.float64)
    assert p56_dbov(gain * piece, RATE) - p56_dbov(piece, RATE) == pytest.approx(20 * math.log10(gain), abs=1e-6)


def test_bits_do_not_depend_on_the_threads_of_blas() -> None:
    """Levels become gains: one that changed with the number of workers or cores would change samples."""
    program = (
        "import numpy as np; from synth.levels.loudness import MEASURES;"
        "x = np.random.default_rng(0).standard_normal(200_000) * 900;"
        "print([measure(x, 16000).hex() for measure in MEASURES.values()])"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2")
    }
    assert len(outputs) == 1
