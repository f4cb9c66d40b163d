"""Every transform does what it is told, again and again, and leaves no trace; chains are drawn by key and survive JSON."""

import json
import math
import random
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from synth.degradations.chains import (
    DegradationSpec,
    Step,
    apply_degradations,
    check_degradations,
    degraded_length,
    draw_degradations,
)
from synth.degradations.telephony import compand, lost_packets
from synth.degradations.transforms import TRANSFORMS
from synth.draws import Draws
from synth.errors import PlanError

RATE = 16_000
DRAWS = Draws(3, "set", "train")
CHANGES_LENGTH = {"speed", "TimeStretch"}


def spec(*steps: dict[str, Any]) -> DegradationSpec:
    return DegradationSpec.model_validate({"steps": steps})


def items(count: int) -> NDArray[np.uint64]:
    return np.arange(count, dtype=np.uint64)


def drawn(transform: str, item: int = 0, **parameters: Any) -> list[Step]:
    """The steps of one item for one transform."""
    return draw_degradations(spec({"transform": transform, "parameters": parameters}), DRAWS, items(item + 1))[item]


def speech(samples: int = 16_000, seed: int = 0) -> NDArray[np.int16]:
    """Noise with pauses."""
    generator = np.random.default_rng(seed)
    loud = np.repeat(generator.uniform(0, 1, samples // 800 + 1), 800)[:samples]
    return np.clip(generator.standard_normal(samples) * 6000 * loud, -32768, 32767).astype(np.int16)


def tone(hz: float, samples: int = 16_000, amplitude: float = 8000) -> NDArray[np.int16]:
    return np.rint(amplitude * np.sin(2 * np.pi * hz * np.arange(samples) / RATE)).astype(np.int16)


def level_db(samples: Any) -> float:
    """Of the middle half, where filters have settled."""
    middle = np.asarray(samples, dtype=np.float64)[len(samples) // 4 : -len(samples) // 4]
    return float(10 * np.log10(np.mean(middle**2)))


def applied(samples: NDArray[np.int16], transform: str, **values: float) -> NDArray[Any]:
    return apply_degradations(samples, RATE, [{"transform": transform, **values}])


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_transform_gives_the_same_bits_again_and_leaves_global_generators_alone(name: str) -> None:
    """For several drawn steps, whatever the generators of Python and numpy were seeded with."""
    for item in range(3):
        steps = drawn(name, item)
        results = []
        for seed in (1, 2):
            random.seed(seed)
            np.random.seed(seed)
            before = random.getstate(), str(np.random.get_state())
            results.append(apply_degradations(speech(), RATE, steps))
            assert (random.getstate(), str(np.random.get_state())) == before
        np.testing.assert_array_equal(*results)
        assert results[0].dtype == np.int16


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("samples", [0, 1, 2, 37, 1601])
def test_the_length_is_the_one_foretold(name: str, samples: int) -> None:
    """All but speed and TimeStretch keep it; these divide it by their rate. No piece is too short."""
    for item in range(3):
        steps = drawn(name, item)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # librosa's, of short pieces
            result = apply_degradations(speech(samples), RATE, steps)
        assert len(result) == degraded_length(samples, steps)
        if name not in CHANGES_LENGTH:
            assert len(result) == samples
    assert spec({"transform": name}).keeps_length() == (name not in CHANGES_LENGTH)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_every_transform_changes_a_piece_and_keeps_silence_silent(name: str) -> None:
    parameters = {"loss_rate": 0.4} if name == "packet_loss" else {}
    steps = drawn(name, 1, **parameters)
    result = apply_degradations(speech(), RATE, steps)
    assert result.shape != speech().shape or (result != speech()).any()
    silent = apply_degradations(np.zeros(16_000, dtype=np.int16), RATE, steps)
    assert np.abs(silent.astype(np.int64)).max() <= 9  # A-law has no 0, but 8, which resampling overshoots


@pytest.mark.parametrize("name", TRANSFORMS)
def test_every_transform_takes_several_microphones_and_floats(name: str) -> None:
    """Float64 goes in and out in the range of int16, and beyond it without being cut."""
    array = np.stack([speech(8000, seed) for seed in range(4)])
    steps = drawn(name)
    whole, real = apply_degradations(array, RATE, steps), apply_degradations(array.astype(np.float64), RATE, steps)
    assert whole.shape == real.shape == (4, degraded_length(8000, steps))
    assert real.dtype == np.float64
    np.testing.assert_array_equal(np.clip(np.rint(real), -32768, 32767), whole)


@pytest.mark.parametrize("name", ["TimeStretch", "speed", "PitchShift"])
@pytest.mark.parametrize("end", ["low", "high"])
def test_the_ends_of_what_may_be_asked_are_repeatable_too(name: str, end: str) -> None:
    """Beyond them the stretcher draws from a generator of its own."""
    (parameter, limits), *_ = TRANSFORMS[name].parameters.items()
    steps = drawn(name, **{parameter: getattr(limits, end)})
    np.testing.assert_array_equal(*(apply_degradations(speech(40_000), RATE, steps) for _ in range(2)))


def test_another_process_gives_the_same_bits() -> None:
    chain = spec(*({"transform": name} for name in TRANSFORMS))
    steps = draw_degradations(chain, DRAWS, items(1))[0]
    expected = int(
        np.sum(apply_degradations(tone(440), RATE, steps).astype(np.int64) * np.arange(degraded_length(16_000, steps)))
    )
    program = (
        "import numpy as np, json, sys; from synth.degradations.chains import *;"
        "tone = np.rint(8000 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)).astype(np.int16);"
        "heard = apply_degradations(tone, 16000, json.loads(sys.argv[1])).astype(np.int64);"
        "print(int(np.sum(heard * np.arange(len(heard)))))"
    )
    done = subprocess.run([sys.executable, "-c", program, json.dumps(steps)], capture_output=True, text=True, check=True)
    assert int(done.stdout) == expected


def test_steps_survive_json_and_are_drawn_by_key_alone() -> None:
    """Neither the other items nor their order change the chain of an item; other seeds do."""
    chain = spec(*({"transform": name, "probability": 0.5} for name in TRANSFORMS))
    steps = draw_degradations(chain, DRAWS, items(50))
    assert json.loads(json.dumps(steps)) == steps
    assert draw_degradations(chain, DRAWS, items(50)[::-1]) == steps[::-1]
    assert draw_degradations(chain, DRAWS, items(50)[7:9]) == steps[7:9]
    assert draw_degradations(chain, Draws(4, "set", "train"), items(50)) != steps
    assert draw_degradations(spec(), DRAWS, items(3)) == [[], [], []]


def test_a_step_is_taken_as_often_as_asked() -> None:
    chain = spec({"transform": "Gain", "probability": 0.3}, {"transform": "Gain", "probability": 0})
    taken = [len(steps) for steps in draw_degradations(chain, DRAWS, items(5000))]
    assert max(taken) == 1
    assert np.mean(taken) == pytest.approx(0.3, abs=0.025)


@settings(max_examples=30, deadline=None)
@given(name=st.sampled_from(sorted(TRANSFORMS)), item=st.integers(0, 2**64 - 1))
def test_values_lie_where_they_may(name: str, item: int) -> None:
    (step,) = draw_degradations(spec({"transform": name}), DRAWS, np.array([item], dtype=np.uint64))[0:1][0]
    for parameter, limits in TRANSFORMS[name].parameters.items():
        assert limits.low <= step[parameter] <= limits.high
        assert isinstance(step[parameter], int if limits.whole else float)


def test_the_same_transform_twice_is_drawn_twice() -> None:
    first, second = draw_degradations(spec({"transform": "Gain"}, {"transform": "Gain"}), DRAWS, items(1))[0]
    assert first["gain_db"] != second["gain_db"]


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"transform": "LowPass"}, "unknown transform 'LowPass'; did you mean 'LowPassFilter'"),
        ({"transform": "Mp3Compression"}, "unknown transform"),
        ({"transform": "Gain", "parameters": {"gain": 3}}, "no parameter 'gain'; did you mean 'gain_db'"),
        ({"transform": "TimeStretch", "parameters": {"rate": 0.4}}, "rate of TimeStretch lies in 0.5 to 2; asked 0.4"),
        ({"transform": "Gain", "probability": 1.5}, "less than or equal to 1"),
        ({"transform": "packet_loss", "parameters": {"loss_rate": {"uniform": [0.3, 0.1]}}}, "turned round"),
    ],
)
def test_specs_that_make_no_sense_are_refused(step: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        spec(step)


def test_a_frequency_beyond_the_rate_is_refused_before_and_when_applied() -> None:
    chain = spec({"transform": "LowPassFilter", "parameters": {"cutoff_hz": {"uniform": [3000, 4000]}}})
    check_degradations(chain, 16_000)
    with pytest.raises(
        PlanError, match="cutoff_hz of LowPassFilter reaches 4000 Hz, but at 8000 Hz there is nothing from 4000 Hz on"
    ):
        check_degradations(chain, 8000)
    with pytest.raises(PlanError, match="reaches 5000 Hz"):
        apply_degradations(speech(), 8000, [{"transform": "HighPassFilter", "cutoff_hz": 5000.0, "order": 2}])


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([{"transform": "Gian"}], "unknown transform 'Gian' in the steps of a row; did you mean 'Gain'"),
        ([{"transform": "Gain"}], r"Gain has the values \[\] where \['gain_db'\] belong"),
        ([{"transform": "packet_loss", "loss_rate": 0.1, "burst_packets": 1.0}], "'seed'"),
    ],
)
def test_steps_that_nobody_drew_are_refused(steps: list[Step], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        apply_degradations(speech(), RATE, steps)


def test_what_is_not_finite_is_refused() -> None:
    with pytest.raises(PlanError, match="not finite"):
        apply_degradations(np.array([0.0, np.nan]), RATE, drawn("Gain"))


def test_without_steps_a_piece_is_as_it_was() -> None:
    piece = speech()
    assert apply_degradations(piece, RATE, []) is piece


@pytest.mark.parametrize(
    ("transform", "values", "kept_hz", "lost_hz"),
    [
        ("LowPassFilter", {"cutoff_hz": 1000.0, "order": 8}, 300, 4000),
        ("HighPassFilter", {"cutoff_hz": 1000.0, "order": 8}, 4000, 300),
        ("BandPassFilter", {"center_hz": 1000.0, "bandwidth_fraction": 0.5, "order": 4}, 1000, 4000),
        ("BandStopFilter", {"center_hz": 1000.0, "bandwidth_fraction": 0.8, "order": 4}, 5000, 1000),
        ("LowShelfFilter", {"center_hz": 1000.0, "gain_db": -30.0, "q": 0.9}, 7000, 100),
        ("HighShelfFilter", {"center_hz": 1000.0, "gain_db": -30.0, "q": 0.9}, 100, 7000),
        ("PeakingFilter", {"center_hz": 1000.0, "gain_db": -30.0, "q": 2.0}, 100, 1000),
        ("codec_mu_law", {}, 1000, 6000),
        ("codec_a_law", {}, 1000, 6000),
    ],
)
def test_filters_keep_and_take_what_they_should(transform: str, values: dict[str, float], kept_hz: int, lost_hz: int) -> None:
    assert level_db(applied(tone(kept_hz), transform, **values)) == pytest.approx(level_db(tone(kept_hz)), abs=1.0)
    assert level_db(1.0 + applied(tone(lost_hz), transform, **values)) < level_db(tone(lost_hz)) - 20


@pytest.mark.parametrize("rate", [8000, 12_000, 16_000])
def test_a_band_whose_edge_lies_at_half_of_the_rate_is_no_mistake(rate: int) -> None:
    steps = [{"transform": "BandPassFilter", "center_hz": rate / 3, "bandwidth_fraction": 1.0, "order": 4}]
    assert len(apply_degradations(speech(), rate, steps)) == 16_000


def test_other_transforms_do_what_their_values_say() -> None:
    piece = speech()
    np.testing.assert_array_equal(applied(piece, "Gain", gain_db=20 * math.log10(0.5)), np.rint(piece / 2).astype(np.int16))
    assert len(np.unique(applied(piece, "BitCrush", bits=4))) <= 2**4 + 2
    clipped = applied(piece, "ClippingDistortion", clipped_percent=20)
    assert np.mean((clipped == clipped.max()) | (clipped == clipped.min())) == pytest.approx(0.2, abs=0.02)
    noise = apply_degradations(piece.astype(np.float64), RATE, drawn("AddColorNoise", snr_db=10)) - piece
    assert 10 * np.log10(np.mean(piece.astype(np.float64) ** 2) / np.mean(noise**2)) == pytest.approx(10, abs=0.3)
    masked = applied(piece, "TimeMask", share=0.25, position=0.5)
    assert not masked[6500:9500].any() and (masked[:5999] == piece[:5999]).all()


def spectral_peak_hz(samples: NDArray[Any]) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * RATE / len(samples))


def test_speed_moves_pitch_and_tempo_stretch_the_tempo_and_shift_the_pitch() -> None:
    fast = applied(tone(1000, 32_000), "speed", rate=1.25)
    assert len(fast) == 25_600 and spectral_peak_hz(fast) == pytest.approx(1250, abs=2)
    stretched = applied(tone(1000, 32_000), "TimeStretch", rate=1.25)
    assert len(stretched) == 25_600 and spectral_peak_hz(stretched) == pytest.approx(1000, abs=5)
    shifted = applied(tone(1000, 32_000), "PitchShift", semitones=12.0)
    assert len(shifted) == 32_000 and spectral_peak_hz(shifted) == pytest.approx(2000, abs=10)


def test_packets_are_lost_as_often_and_in_bursts_as_long_as_asked() -> None:
    lost = lost_packets(60_000, 0.2, 3.0, seed=5)
    begins = np.count_nonzero(lost[1:] & ~lost[:-1])
    assert lost.mean() == pytest.approx(0.2, abs=0.01)
    assert lost.sum() / begins == pytest.approx(3.0, abs=0.1)
    np.testing.assert_array_equal(lost[:100], lost_packets(100, 0.2, 3.0, seed=5))
    assert not lost_packets(1000, 0.0, 1.0, seed=5).any()


def test_lost_packets_are_silent_and_the_others_untouched() -> None:
    piece = np.abs(speech()) + np.int16(1)
    heard = apply_degradations(piece, RATE, drawn("packet_loss", loss_rate=0.3))
    packets, before = heard.reshape(-1, 320), piece.reshape(-1, 320)
    silent = ~packets.any(axis=1)
    assert 0 < silent.sum() < 50
    np.testing.assert_array_equal(packets[~silent], before[~silent])


def test_g711_has_the_levels_of_the_recommendation() -> None:
    """255 of mu-law (0 has two codes), 256 of A-law; steps grow from 8 and 16 to 1024; the sign matters to nothing else."""
    values = np.arange(-32768, 32768).astype(np.int16)
    mu, a = compand(values, "mu"), compand(values, "a")
    assert len(np.unique(mu)) == 255 and len(np.unique(a)) == 256
    assert (mu.min(), mu.max(), a.min(), a.max()) == (-32124, 32124, -32256, 32256)
    for decoded, smallest in ((mu, 8), (a, 16)):
        steps = np.unique(np.diff(np.unique(decoded)))
        assert (steps.min(), steps.max()) == (smallest, 1024)
        np.testing.assert_array_equal(decoded, -decoded[::-1])
        np.testing.assert_array_equal(compand(decoded, "mu" if smallest == 8 else "a"), decoded)
    for given_, mu_decoded, a_decoded in (
        (0, 0, 8),
        (100, 104, 104),
        (1000, 988, 1008),
        (10_000, 9852, 9984),
        (-1000, -988, -1008),
    ):
        assert compand(np.array([given_], dtype=np.int16), "mu")[0] == mu_decoded
        assert compand(np.array([given_], dtype=np.int16), "a")[0] == a_decoded


def test_g711_agrees_with_python_where_python_still_has_it() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        audioop = pytest.importorskip("audioop")
    values = np.arange(-32768, 32768).astype("<i2")
    a = np.frombuffer(audioop.alaw2lin(audioop.lin2alaw(values.tobytes(), 2), 2), "<i2")
    mu = np.frombuffer(audioop.ulaw2lin(audioop.lin2ulaw(values.tobytes(), 2), 2), "<i2")
    np.testing.assert_array_equal(compand(values, "a"), a)
    np.testing.assert_array_equal(compand(values, "mu")[32768:], mu[32768:])  # of negative ones it rounds otherwise
