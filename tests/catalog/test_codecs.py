"""Stored audio that is no canonical WAV: decoded to the last bit, whole and in part, and kept for the next time."""

import io
import threading

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from catalog.codecs import decode_stored, encode_flac
from catalog.recent import Recent
from synth import wav

RATE_HZ = 16_000


def noise(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(seed).integers(-32768, 32768, shape).astype(np.int16)


@given(st.integers(1, 9000), st.integers(1, 8), st.sampled_from([8000, 16_000, 44_100, 48_000]))
def test_flac_gives_back_every_sample(length: int, channels: int, rate_hz: int) -> None:
    """Of any length, of one channel and of eight; the same bytes each time."""
    samples = noise(length, (length,) if channels == 1 else (channels, length))
    data = encode_flac(samples, rate_hz)
    found, found_hz = decode_stored(data)
    assert found_hz == rate_hz
    assert found.dtype == np.int16
    assert np.array_equal(found, samples)
    assert encode_flac(samples, rate_hz) == data


@given(st.integers(1, 20_000), st.integers(0, 25_000), st.integers(1, 9000))
def test_a_span_of_flac_is_that_of_the_whole(length: int, start: int, wanted: int) -> None:
    """Wherever it begins; what lies behind the end is left out."""
    samples = noise(3, (length,))
    found, _ = decode_stored(encode_flac(samples, RATE_HZ), lambda rate_hz: (start, wanted))
    assert np.array_equal(found, samples[start : start + wanted])


def test_what_cannot_be_read_from_the_middle_is_read_whole() -> None:
    """MP3 and Vorbis decode otherwise from there; the caller cuts."""
    for container in ("OGG", "MP3"):
        data = io.BytesIO()
        soundfile.write(data, noise(1, (9000,)) // 8, RATE_HZ, format=container)
        whole, _ = decode_stored(data.getvalue())
        part, _ = decode_stored(data.getvalue(), lambda rate_hz: (100, 200))
        assert np.array_equal(whole, part)


def test_canonical_wavs_are_read_in_place() -> None:
    data = wav.encode(noise(1, (500,)), RATE_HZ)
    samples, _ = decode_stored(memoryview(data))
    assert np.shares_memory(samples, np.frombuffer(data, np.uint8))


@given(st.binary(max_size=200))
def test_bytes_that_are_no_audio_are_a_value_error(data: bytes) -> None:
    """Also behind the first bytes of every container that is known."""
    for begin in (b"", b"RIFF", b"fLaC", b"OggS", b"ID3", b"NIST_1A\n   1024\n", b"\0\0\0\x1cftypM4A "):
        with pytest.raises(ValueError, match=r"."):
            decode_stored(begin + data)


def test_recent_samples_are_decoded_once_and_take_no_more_than_they_may() -> None:
    """Those used last stay; what alone is too large is given, not kept; nobody can change what others get."""
    decoded: list[str] = []

    def get(key: str, length: int = 100) -> np.ndarray:
        def decode() -> np.ndarray:
            decoded.append(key)
            return np.full(length, len(decoded), np.int16)

        return recent.get(key, decode)

    recent = Recent(600)  # three of 100 samples
    for key in "abcab":
        get(key)
    assert decoded == ["a", "b", "c"]
    get("d")  # c was used longest ago
    for key in "abd":
        assert get(key)[0] == decoded.index(key) + 1
    assert decoded == ["a", "b", "c", "d"]
    get("c")
    assert decoded == ["a", "b", "c", "d", "c"]
    get("large", 1000)
    get("large", 1000)
    assert decoded[-2:] == ["large", "large"]
    with pytest.raises(ValueError, match="read-only"):
        get("c")[0] = 1


def test_threads_share_what_is_kept() -> None:
    recent, wrong = Recent(2000), []

    def work(seed: int) -> None:
        for key in np.random.default_rng(seed).integers(0, 20, 2000).tolist():
            samples = recent.get(str(key), lambda key=key: np.full(100, key, np.int16))
            if not (samples == key).all():
                wrong.append(key)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
