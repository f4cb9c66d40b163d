"""Block-wise convolution: exact, of any length, and with blocks of lengths that FFTs are fast for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.fft import next_fast_len
from scipy.signal import fftconvolve

from synth.rooms.convolution import Filter


@given(taps=st.integers(1, 100_000))
def test_blocks_are_four_times_the_response_rounded_up_to_what_ffts_are_fast_for(taps: int) -> None:
    """Told by the step, which is a block less a response: as scipy has it, without its being imported where rooms are heard."""
    response = np.zeros((1, taps))
    response[0, 0] = 1
    assert Filter(response).step + taps - 1 == next_fast_len(max(4 * taps, 1024), real=True)


@pytest.mark.parametrize("microphones", [1, 2, 3])
@pytest.mark.parametrize(("taps", "samples"), [(1, 1), (300, 5000), (3000, 70_000), (5000, 60)])
def test_it_is_the_convolution(microphones: int, taps: int, samples: int) -> None:
    """To what is left of float64, at each microphone, up to where it has ended."""
    random = np.random.default_rng(taps)
    response = random.standard_normal((microphones, taps))
    signal = (random.standard_normal(samples) * 3000).astype(np.int16)
    heard = Filter(response)(signal, samples + taps + 9)
    exact = [fftconvolve(signal.astype(np.float64), channel) for channel in response]
    np.testing.assert_allclose(heard[:, : samples + taps - 1], exact, rtol=0, atol=1e-9 * np.abs(exact).max())
    np.testing.assert_allclose(heard[:, samples + taps - 1 :], 0, atol=1e-9 * np.abs(exact).max())
