"""PCM16 as soundfile and MATLAB write it."""

import io
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from synth.recipes.quantise import as_matlab, as_soundfile

STEPS = np.arange(-32768, 32768) / 32768


def written(samples):
    """int16 [samples] that soundfile reads back from a WAV it wrote."""
    file = io.BytesIO()
    soundfile.write(file, samples, 16_000, format="WAV")
    file.seek(0)
    return soundfile.read(file, dtype="int16")[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_steps_their_neighbours_and_halves_are_as_soundfile_writes_them(dtype):
    """A value just below a step is where rounding to 32 bits shows."""
    steps = STEPS.astype(dtype)
    around = [steps, np.nextafter(steps, dtype(-2)), np.nextafter(steps, dtype(2)), steps + dtype(2**-16), steps - dtype(2**-33)]
    for samples in around:
        np.testing.assert_array_equal(as_soundfile(samples), written(samples))


@given(arrays(np.float64, 64, elements=st.floats(-4, 4)), st.sampled_from([np.float32, np.float64]))
def test_any_value_is_as_soundfile_writes_it(samples, dtype):
    np.testing.assert_array_equal(as_soundfile(samples.astype(dtype)), written(samples.astype(dtype)))


def test_it_is_not_the_floor():
    """A recipe that took floor(x * 2**15) would differ here by one step."""
    sample = np.array([-0.0001220704580191522], np.float32)
    assert as_soundfile(sample) == written(sample) == [-4]
    assert np.floor(sample * 32768) == [-5]


@given(st.lists(st.floats(-0.9, 0.9), min_size=1, max_size=32))
def test_matlab_rounds_to_the_nearest_step(samples):
    expected = [int((Decimal(x) * 32768).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)) for x in samples]
    assert as_matlab(np.array(samples)).tolist() == expected
