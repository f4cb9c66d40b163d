"""Stems in rooms: summed, faded, heard; any part like the whole, and nothing read that is not heard."""

import dataclasses
import platform
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from synth.levels.loudness import MEASURES
from synth.noise.render import render_noise_into
from synth.rooms.images import image, prepare
from synth.rooms.stems import DryPiece, dry_stem, hear, peak_bound, stem_image

RATE_HZ = 16_000
RECORDINGS = {name: (np.random.default_rng(k).standard_normal(20_000) * 3000).astype(np.int16) for k, name in enumerate("ab")}
RIR = np.random.default_rng(9).standard_normal((2, 1500)) * 10 ** (-3 * np.arange(1500) / 1500)
RIR[:, 60] = 8
RESPONSE = prepare(RIR, RATE_HZ)
NUM_SAMPLES = 40_000


def piece(name: str, start: int, length: int, offset: int, gain: float = 1.0, fade_in: int = 0, fade_out: int = 0) -> DryPiece:
    return DryPiece(lambda: RECORDINGS[name], start, length, offset, gain, fade_in, fade_out)


PIECES = [
    piece("a", 160, 9000, 500, 0.7),
    piece("b", 0, 12_000, 9400, 1.3, 800, 300),
    piece("a", 0, 20_000, 21_100, 0.2, 0, 20_000),
]


def test_a_dry_stem_is_the_noise_stem_before_it_is_rounded() -> None:
    """Within half a step for each piece that sounds: with the same fades in the same places."""
    row = {
        "noise_ids": ["a", "b", "a"],
        "noise_starts_samples": [each.start for each in PIECES],
        "noise_lengths_samples": [each.length for each in PIECES],
        "noise_offsets_samples": [each.offset for each in PIECES],
        "noise_fade_ins_samples": [each.fade_in for each in PIECES],
        "noise_fade_outs_samples": [each.fade_out for each in PIECES],
        "noise_gains": [each.gain for each in PIECES],
    }
    rounded = np.empty(NUM_SAMPLES, dtype=np.int16)
    render_noise_into(row, RECORDINGS.__getitem__, rounded)
    assert np.abs(dry_stem(PIECES, 0, NUM_SAMPLES) - rounded).max() <= 1.0 + 1e-9


@settings(max_examples=40)
@given(begin=st.integers(0, NUM_SAMPLES - 1), length=st.integers(0, NUM_SAMPLES))
def test_a_part_of_a_stem_has_the_bits_of_the_whole(begin: int, length: int) -> None:
    length = min(length, NUM_SAMPLES - begin)
    whole = image(dry_stem(PIECES, 0, NUM_SAMPLES), RESPONSE, NUM_SAMPLES)
    np.testing.assert_array_equal(stem_image(PIECES, RESPONSE, NUM_SAMPLES, begin, length), whole[:, begin : begin + length])


def test_recordings_that_are_not_heard_are_not_read() -> None:
    def unread() -> NDArray[np.int16]:
        raise AssertionError("read")

    far = DryPiece(unread, 0, 1000, 30_000, 1.0)
    part = stem_image([*PIECES[:1], far], RESPONSE, NUM_SAMPLES, 2000, 1000)
    np.testing.assert_array_equal(part, stem_image(PIECES[:1], RESPONSE, NUM_SAMPLES, 2000, 1000))


@pytest.mark.parametrize("measure", ["active_rms", "mean_power", "p56", "lufs"])
def test_a_stem_is_measured_at_microphone_0_as_it_is_heard(measure: str) -> None:
    whole = stem_image(PIECES, RESPONSE, NUM_SAMPLES, 0, NUM_SAMPLES)
    heard = hear(PIECES, RESPONSE, NUM_SAMPLES, measure, RATE_HZ)
    assert 10 * np.log10(heard.power / 32768**2) == pytest.approx(MEASURES[measure](whole[0], RATE_HZ))
    assert hear([], RESPONSE, NUM_SAMPLES, measure, RATE_HZ).power == 0


@settings(max_examples=20)
@given(first=st.floats(0, 3), second=st.floats(0, 3), num_samples=st.integers(1, 25_000))
def test_peaks_of_frames_bound_the_sum_of_stems(first: float, second: float, num_samples: int) -> None:
    """At every microphone; and one stem by itself is bounded by its peak."""
    stems = [[each] for each in PIECES[:2]]
    images = [stem_image(stem, RESPONSE, num_samples, 0, num_samples) for stem in stems]
    measured = [hear(stem, RESPONSE, num_samples, "mean_power", RATE_HZ) for stem in stems]
    assert np.abs(first * images[0] + second * images[1]).max() <= peak_bound(measured, [first, second]) * (1 + 1e-12)
    assert peak_bound(measured[:1], [first]) == pytest.approx(first * np.abs(images[0]).max())
    assert len(measured[0].peaks) == -(-num_samples // 160)


def test_levels_that_are_asked_are_those_of_the_stems_as_written() -> None:
    """Gains from what was measured give the SIR asked, recomputed from rounded stems, within 0.1 dB."""
    stems = [[each] for each in PIECES[:2]]
    measured = [hear(stem, RESPONSE, NUM_SAMPLES, "active_rms", RATE_HZ) for stem in stems]
    gain = np.sqrt(measured[0].power / measured[1].power) * 10 ** (-4 / 20)
    scaled = [stems[0], [dataclasses.replace(stems[1][0], gain=gain * stems[1][0].gain)]]
    written = [np.rint(stem_image(stem, RESPONSE, NUM_SAMPLES, 0, NUM_SAMPLES))[0].astype(np.int16) for stem in scaled]
    levels = [MEASURES["active_rms"](stem, RATE_HZ) for stem in written]
    assert levels[0] - levels[1] == pytest.approx(4, abs=0.1)


HEARD_OFTEN = """
import resource, sys
import numpy as np
from synth.rooms.images import prepare
from synth.rooms.stems import DryPiece, hear
random = np.random.default_rng(0)
rir, samples = random.standard_normal((1, 8000)), (random.standard_normal(70_000) * 1000).astype(np.int16)
response = prepare(rir, 16_000)
def faults(times):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        hear([DryPiece(lambda: samples, 0, 70_000, 9000, 1.0)], response, 100_000, "active_rms", 16_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults(3)
print(faults(20), "scipy" in sys.modules)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="how memory is kept is the C library's")
def test_hearing_takes_no_new_memory_and_does_not_wait_for_scipy() -> None:
    """Pages newly taken were a sixth of a build's time: some 10,000 for 20 stems of 800 kB, unless what is freed is kept."""
    done = subprocess.run([sys.executable, "-c", HEARD_OFTEN], capture_output=True, text=True, check=True)
    faults, scipy = done.stdout.split()
    assert int(faults) < 200
    assert scipy == "False"
