"""Canonical WAVs: libsndfile reads what is written, and damage is refused."""

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from synth import wav


def signal(num_channels: int, num_samples: int, dtype: str) -> wav.Signal:
    random = np.random.default_rng(num_samples)
    shape = (num_samples,) if num_channels == 1 else (num_channels, num_samples)
    if dtype == "int16":
        return random.integers(-32768, 32768, shape).astype(np.int16)
    return random.standard_normal(shape).astype(np.float32)


@given(st.integers(1, 16), st.integers(0, 50), st.sampled_from([8000, 16_000, 44_100]), st.sampled_from(["int16", "float32"]))
def test_round_trip_and_libsndfile(num_channels: int, num_samples: int, rate_hz: int, dtype: str) -> None:
    """Samples, shape and rate come back, here and in soundfile."""
    samples = signal(num_channels, num_samples, dtype)
    data = wav.encode_signal(samples, rate_hz)
    decoded, decoded_rate_hz = wav.decode_signal(data)
    assert decoded_rate_hz == rate_hz
    assert decoded.dtype == samples.dtype
    np.testing.assert_array_equal(decoded, samples)
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        assert (file.samplerate, file.channels, file.frames) == (rate_hz, num_channels, num_samples)
        assert file.subtype == {"int16": "PCM_16", "float32": "FLOAT"}[dtype]
        np.testing.assert_array_equal(file.read(dtype=dtype, always_2d=True).T, samples.reshape(num_channels, num_samples))


def test_mono_int16_is_what_encode_writes() -> None:
    samples = np.arange(-50, 50, dtype=np.int16)
    data = wav.encode_signal(samples, 16_000)
    assert data == wav.encode(samples, 16_000)
    np.testing.assert_array_equal(wav.decode(data), samples)


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_a_cut_or_changed_header_or_length_is_refused(dtype: str) -> None:
    """Whatever byte of the header it is."""
    data = wav.encode_signal(signal(2, 10, dtype), 16_000)
    header_bytes = len(data) - 20 * np.dtype(dtype).itemsize
    for cut in range(len(data)):
        with pytest.raises(ValueError, match="not a canonical WAV"):
            wav.decode_signal(data[:cut])
    for place in range(header_bytes):
        changed = bytearray(data)
        changed[place] ^= 1
        with pytest.raises(ValueError, match="not a canonical WAV"):
            wav.decode_signal(bytes(changed))


def test_other_types_are_refused() -> None:
    with pytest.raises(ValueError, match="float64"):
        wav.encode_signal(np.zeros(3), 16_000)  # type: ignore[arg-type]
