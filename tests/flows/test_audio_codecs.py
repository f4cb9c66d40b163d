"""Audio of every codec, by its content; whatever is broken comes out as our own error."""

import io

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from flows.reading.audio import UnreadableAudio, decode, decode_signal


def m4a(samples: NDArray[np.float32], rate_hz: int = 16_000) -> bytes:
    """[channels, samples] as AAC in an MPEG-4 file."""
    data = io.BytesIO()
    layout = "mono" if len(samples) == 1 else "stereo"
    with av.open(data, "w", format="ipod") as container:
        stream = container.add_stream("aac", rate=rate_hz, layout=layout)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
        frame.sample_rate = rate_hz
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return data.getvalue()


def tones(channels: int = 1, seconds: float = 1.0) -> NDArray[np.float32]:
    times = np.arange(int(16_000 * seconds)) / 16_000
    return np.stack([0.3 * np.sin(2 * np.pi * 440 * (1 + k) * times) for k in range(channels)]).astype(np.float32)


def test_aac_is_decoded() -> None:
    """By its content, whatever it is called: the tone is there, at its level, after the encoder's run-up."""
    samples, rate_hz = decode(m4a(tones()), "a.m4a")
    assert rate_hz == 16_000
    assert samples.dtype == np.int16
    assert 16_000 <= len(samples) <= 16_000 + 3 * 1024
    spectrum = np.abs(np.fft.rfft(samples[4000:12_000]))
    assert abs(int(spectrum.argmax()) * 2 - 440) <= 2
    assert np.std(samples[4000:12_000]) == pytest.approx(0.3 / np.sqrt(2) * 32768, rel=0.05)
    signal, _ = decode_signal(m4a(tones(2)), "a.m4a")
    assert signal.shape[0] == 2


def test_aac_that_is_cut_short_or_damaged_is_refused() -> None:
    data = m4a(tones(seconds=4.0))
    for broken in (
        data[:20],
        data[:1000],
        data[: len(data) // 2],
        data[: len(data) // 2] + bytes(300) + data[len(data) // 2 + 300 :],
    ):
        with pytest.raises(UnreadableAudio, match=r"^a\.m4a: (not readable|cut short)"):
            decode(broken, "a.m4a")


@pytest.mark.parametrize("file_format", ["WAV", "FLAC", "NIST", "OGG", "MP3"])
def test_formats_by_content(file_format: str) -> None:
    """Those without loss to the last bit."""
    samples = np.rint(tones()[0] * 32767).astype(np.int16)
    data = io.BytesIO()
    soundfile.write(data, samples, 16_000, format=file_format, **({} if file_format in ("OGG", "MP3") else {"subtype": "PCM_16"}))
    found, rate_hz = decode(data.getvalue(), "a")
    assert rate_hz == 16_000
    if file_format in ("OGG", "MP3"):
        assert abs(len(found) - len(samples)) < 3000
    else:
        assert np.array_equal(found, samples)


def test_sphere_that_is_cut_short_or_shortened_is_refused() -> None:
    """libsndfile takes what is there; shorten is what LDC's older corpora are packed with."""
    data = io.BytesIO()
    soundfile.write(data, np.rint(tones()[0] * 32767).astype(np.int16), 16_000, format="NIST", subtype="PCM_16")
    whole = data.getvalue()
    with pytest.raises(UnreadableAudio, match=r"a\.sph: cut short, 1000 of 16000 samples missing"):
        decode(whole[:-2000], "a.sph")
    packed = whole.replace(b"sample_coding -s3 pcm\n", b"sample_coding -s26 pcm,embedded-shorten-v2.00\n", 1)
    with pytest.raises(UnreadableAudio, match=r"a\.sph: SPHERE compressed by shorten.*sph2pipe"):
        decode(packed, "a.sph")


def test_channels_stay_together_and_fine_steps_stay_fine() -> None:
    """Room impulse responses: 24 bits and float keep what 16 bits would lose; noises are rounded."""
    quiet = tones(4) * 1e-5
    for subtype in ("PCM_24", "FLOAT"):
        data = io.BytesIO()
        soundfile.write(data, quiet.T, 16_000, format="WAV", subtype=subtype)
        fine, _ = decode_signal(data.getvalue(), "a.wav", fine=True)
        assert fine.dtype == np.float32
        assert fine.shape == (4, 16_000)
        assert np.allclose(fine, quiet, atol=2**-23)
        rounded, _ = decode_signal(data.getvalue(), "a.wav")
        assert rounded.dtype == np.int16
    with pytest.raises(UnreadableAudio, match="4 channels where mono is declared"):
        decode(data.getvalue(), "a.wav")


def test_a_header_that_promises_too_much_is_refused() -> None:
    """Before anything of that size is allocated."""
    data = io.BytesIO()
    soundfile.write(data, np.zeros(100, np.int16), 16_000, format="FLAC")
    broken = bytearray(data.getvalue())
    broken[21:26] = bytes([broken[21] | 0x0F, 0xFF, 0xFF, 0xFF, 0xFF])  # total samples of STREAMINFO: 2**36 - 1
    with pytest.raises(UnreadableAudio):
        decode(bytes(broken), "a.flac")


def seeds() -> dict[str, bytes]:
    found = {"m4a": m4a(tones(seconds=0.3))}
    for file_format, subtype in (
        ("WAV", "PCM_16"),
        ("WAV", "PCM_24"),
        ("FLAC", "PCM_16"),
        ("NIST", "PCM_16"),
        ("OGG", None),
        ("MP3", None),
    ):
        data = io.BytesIO()
        soundfile.write(data, tones(seconds=0.3)[0], 16_000, format=file_format, subtype=subtype)
        found[f"{file_format} {subtype}"] = data.getvalue()
    return found


SEEDS = seeds()
EDITS = st.lists(
    st.tuples(
        st.sampled_from(["set", "cut", "insert"]),
        st.floats(0, 1) | st.floats(0, 0.01),
        st.integers(1, 400),
        st.binary(max_size=24),
    ),
    min_size=1,
    max_size=4,
)


@given(st.sampled_from(sorted(SEEDS)), EDITS)
@settings(max_examples=1500, database=None)
def test_whatever_is_done_to_an_audio_file_only_our_own_error_comes_out(
    name: str, edits: list[tuple[str, float, int, bytes]]
) -> None:
    """Or samples: never another error, never more than the bytes can hold."""
    broken = bytearray(SEEDS[name])
    for what, place, length, new in edits:
        at = int(place * len(broken))
        if what == "set":
            broken[at : at + len(new)] = new
        elif what == "cut":
            del broken[at : at + length]
        else:
            broken[at:at] = new
    try:
        signal, rate_hz = decode_signal(bytes(broken), "a", fine=True)
    except UnreadableAudio as error:
        assert str(error).startswith("a: ")
        assert "\n" not in str(error)
    else:
        assert signal.size > 0
        assert rate_hz > 0
