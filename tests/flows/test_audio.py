"""Audio files to samples; what is broken is refused."""

import io
import os
import signal

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from flows.reading.audio import UnreadableAudio, decode

RATE_HZ = 16_000


def tone(num_samples: int = 8000) -> NDArray[np.int16]:
    wave = np.sin(np.arange(num_samples) * 0.05) * 12_000 + np.random.default_rng(0).normal(0, 300, num_samples)
    return np.rint(wave).astype(np.int16)


def encoded(samples: NDArray[np.generic], file_format: str, subtype: str | None = None) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE_HZ, format=file_format, subtype=subtype)
    return file.getvalue()


@pytest.mark.parametrize("file_format", ["WAV", "FLAC"])
def test_16_bit_files_keep_every_sample(file_format: str) -> None:
    """Bit for bit, the extremes included."""
    samples = tone()
    samples[:2] = [-32768, 32767]
    decoded, rate_hz = decode(encoded(samples, file_format, "PCM_16"), "a")
    assert rate_hz == RATE_HZ
    assert decoded.dtype == np.int16
    np.testing.assert_array_equal(decoded, samples)


@pytest.mark.parametrize(("file_format", "subtype"), [("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")])
def test_lossy_files_decode(file_format: str, subtype: str) -> None:
    """To about what was encoded."""
    samples = tone(16_000)
    decoded, rate_hz = decode(encoded(samples, file_format, subtype), "a")
    assert rate_hz == RATE_HZ
    assert abs(len(decoded) - len(samples)) < 3000
    assert 0.8 < np.std(decoded.astype(float)) / np.std(samples.astype(float)) < 1.2


def test_float_files_are_rounded_and_clipped() -> None:
    """Not floored, which is what libsndfile does."""
    file = encoded(np.array([0.0, 0.6 / 32768, -0.6 / 32768, 1.5, -1.5], dtype=np.float32), "WAV", "FLOAT")
    assert decode(file, "a")[0].tolist() == [0, 1, -1, 32767, -32768]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused(bad: float) -> None:
    """They would become arbitrary integers."""
    with pytest.raises(UnreadableAudio, match=r"^x/a\.wav: NaN or infinity"):
        decode(encoded(np.array([0.1, bad, 0.1], dtype=np.float32), "WAV", "FLOAT"), "x/a.wav")


@pytest.mark.parametrize("data", [b"", b"RIFF", b"not audio at all" * 100, b"fLaC" + bytes(60)])
def test_what_is_no_audio_is_refused(data: bytes) -> None:
    """In one line that begins with the member's name."""
    with pytest.raises(UnreadableAudio, match=r"^x/a\.wav: ") as caught:
        decode(data, "x/a.wav")
    assert "\n" not in str(caught.value)


def test_a_file_without_samples_is_refused() -> None:
    """A header alone is no utterance."""
    with pytest.raises(UnreadableAudio, match="no samples"):
        decode(encoded(np.zeros(0, dtype=np.int16), "WAV"), "a")


def test_stereo_is_refused() -> None:
    """A channel is never chosen in silence."""
    with pytest.raises(UnreadableAudio, match="2 channels where mono"):
        decode(encoded(np.zeros((100, 2), dtype=np.int16), "WAV"), "a")


@pytest.mark.parametrize("file_format", ["WAV", "FLAC"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_a_file_cut_short_is_refused(file_format: str, part: float) -> None:
    """libsndfile itself reads what is there of a WAV without a word."""
    whole = encoded(tone(40_000), file_format, "PCM_16")
    with pytest.raises(UnreadableAudio):
        decode(whole[: int(len(whole) * part)], "a")


def test_a_corrupt_flac_is_refused() -> None:
    """Wherever the wrong byte is: the header holds the MD5 of the samples."""
    whole = bytearray(encoded(tone(40_000), "FLAC", "PCM_16"))
    for position in range(200, len(whole), len(whole) // 17):
        broken = whole.copy()
        broken[position] ^= 0x55
        with pytest.raises(UnreadableAudio):
            decode(bytes(broken), "a")


def test_a_wav_written_to_a_pipe_is_read() -> None:
    """Its data chunk says 0xFFFFFFFF, for "until the end"."""
    samples = tone()
    data = bytearray(encoded(samples, "WAV", "PCM_16"))
    at = data.index(b"data")
    data[at + 4 : at + 8] = b"\xff\xff\xff\xff"
    np.testing.assert_array_equal(decode(bytes(data), "a")[0], samples)


def test_an_interrupt_in_the_middle_of_a_file_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """libsndfile reads through callbacks: what is raised there is swallowed, and the file would count as broken."""
    data = encoded(tone(), "FLAC", "PCM_16")

    class Interrupted(io.BytesIO):
        def readinto(self, buffer: object) -> int:
            os.kill(os.getpid(), signal.SIGINT)
            return super().readinto(buffer)  # type: ignore[arg-type]

        def read(self, size: int | None = -1) -> bytes:
            os.kill(os.getpid(), signal.SIGINT)
            return super().read(size)

    monkeypatch.setattr("catalog.codecs.io.BytesIO", Interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite in the background inherits that it is ignored
    try:
        with pytest.raises(KeyboardInterrupt):
            decode(data, "a")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
