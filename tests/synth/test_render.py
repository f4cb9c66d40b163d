"""Rendering: a pure function of a plan row and its sources."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from synth import wav
from synth.levels.scaling import scale_into
from synth.render import Loads, render, render_into
from synth.resample import resample


@given(st.integers(1, 40_000), st.floats(0.001, 1.0), st.integers(0, 2**32 - 1))
def test_scaling_is_the_formula_of_the_docs_whatever_the_length(length: int, gain: float, seed: int) -> None:
    samples = np.random.default_rng(seed).integers(-32768, 32768, length).astype(np.int16)
    out = np.empty_like(samples)
    scale_into(samples, gain, out)
    assert (out == np.rint(gain * samples.astype(np.float64))).all()


def test_buffers_are_written_from_end_to_end() -> None:
    """They are used again for the next row, so nothing of the last may stay."""
    row = {
        "source_ids": ["a", "b"],
        "speaker_ids": ["a", "b"],
        "stem_numbers": [1, 2],
        "starts_samples": [1, 0],
        "lengths_samples": [3, 4],
        "offsets_samples": [0, 2],
        "gains": [1.0, 0.5],
        "num_samples": 6,
    }
    audio = {"a": np.array([9, 1, 2, 3, 9], dtype=np.int16), "b": np.array([10, 20, 30, 40], dtype=np.int16)}
    mixture, *stems = (np.full(6, 77, dtype=np.int16) for _ in range(3))
    render_into(row, Loads(audio.__getitem__), {"mixture": mixture, "s1": stems[0], "s2": stems[1]})
    assert stems[0].tolist() == [1, 2, 3, 0, 0, 0]
    assert stems[1].tolist() == [0, 0, 5, 10, 15, 20]
    assert mixture.tolist() == [1, 2, 8, 10, 15, 20]
    assert {name: signal.tolist() for name, signal in render(row, Loads(audio.__getitem__)).items()} == {
        "mixture": mixture.tolist(),
        "s1": stems[0].tolist(),
        "s2": stems[1].tolist(),
    }


@given(st.integers(0, 300), st.sampled_from([8000, 16000, 44100]), st.integers(0, 2**32 - 1))
def test_wav_bytes_come_back_and_are_read_by_others(length: int, rate_hz: int, seed: int) -> None:
    import io

    import soundfile

    samples = np.random.default_rng(seed).integers(-32768, 32768, length).astype(np.int16)
    data = wav.encode(samples, rate_hz)
    assert len(data) == wav.HEADER_BYTES + 2 * length
    assert (wav.decode(data) == samples).all()
    assert (wav.decode(memoryview(data)) == samples).all()
    theirs, their_rate_hz = soundfile.read(io.BytesIO(data), dtype="int16")
    assert their_rate_hz == rate_hz
    assert (theirs == samples).all()


def test_resampling_keeps_what_lies_in_the_new_band_and_removes_the_rest() -> None:
    t = np.arange(16_000) / 16_000
    kept = np.rint(10_000 * np.sin(2 * np.pi * 1000 * t)).astype(np.int16)
    lost = np.rint(10_000 * np.sin(2 * np.pi * 6000 * t)).astype(np.int16)
    assert resample(kept, 16_000, 16_000) is kept
    assert len(resample(kept, 16_000, 8_000)) == 8_000
    error = resample(kept, 16_000, 8_000)[500:-500].astype(int) - kept[::2][500:-500]
    assert np.abs(error).max() <= 3
    assert np.abs(resample(lost, 16_000, 8_000)[500:-500]).max() <= 3


def test_resampling_limits_what_overshoots() -> None:
    square = np.where(np.arange(8000) % 100 < 50, 32767, -32768).astype(np.int16)
    assert resample(square, 16_000, 8_000).dtype == np.int16
    assert resample(square, 16_000, 8_000)[10:20].min() > 30_000  # no wrapping round


@given(st.integers(0, 2**32 - 1), st.floats(1e-5, 4.0))
def test_floats_are_the_integers_divided_by_32768_to_the_last_bit(seed: int, gain: float) -> None:
    """0.0 included: what integers hold has no -0.0."""
    samples = np.random.default_rng(seed).integers(-8000, 8000, 20_000).astype(np.int16)
    samples[:3] = [0, 1, -1]
    integers, floats = np.empty(len(samples), np.int16), np.empty(len(samples), np.float32)
    scale_into(samples, gain, integers)
    scale_into(samples, gain, floats)
    assert (integers == np.rint(gain * samples)).all()
    assert floats.tobytes() == (integers / np.float32(32768)).tobytes()
