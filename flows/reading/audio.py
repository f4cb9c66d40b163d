"""Audio files as they come with a corpus, to samples; what is broken is refused, never patched."""

import hashlib
from typing import cast

import numpy as np
from numpy.typing import NDArray

from catalog.codecs import Decoded, by_channel, decode_file, to_int16
from synth import wav
from synth.errors import YuliaoError
from synth.wav import Signal

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".sph", ".m4a")
_FLAC_MD5 = slice(26, 42)  # where STREAMINFO keeps the MD5 of the samples: https://www.rfc-editor.org/rfc/rfc9639#section-8.2
_AAC_FRAME_SAMPLES = 1024


class UnreadableAudio(YuliaoError):
    """Audio that is empty, cut short, corrupt or of another form than declared."""


def decode(data: bytes, name: str) -> tuple[NDArray[np.int16], int]:
    """The bytes of a mono file to int16 [samples] and the sample rate in Hz; see `decode_signal`.

    Raises:
        UnreadableAudio: as there, or more than one channel.
    """
    signal, rate_hz = decode_signal(data, name)
    if signal.ndim != 1:
        raise UnreadableAudio(f"{name}: {len(signal)} channels where mono is declared")
    return cast(NDArray[np.int16], signal), rate_hz


def decode_signal(data: bytes, name: str, *, fine: bool = False) -> tuple[Signal, int]:
    """The bytes of a wav, flac, ogg, mp3, NIST SPHERE or m4a file to [samples] or [channels, samples] and the sample rate in Hz.

    Files of 16 bits keep their samples to the last bit, as int16. With `fine`, all others give float32 at a full scale of 1;
    otherwise they are rounded to the nearest step of int16 and clipped.

    Raises:
        UnreadableAudio: nothing in it, not audio, cut short, NaN or infinity; the text begins with `name`.
    """
    if not data:
        raise UnreadableAudio(f"{name}: empty file")
    try:
        canonical, rate_hz = wav.decode_signal(data)
        if canonical.dtype == np.int16 and canonical.shape[-1]:
            return canonical, rate_hz  # in place
    except ValueError:
        pass
    _refuse_shorten(data, name)
    try:
        decoded = decode_file(data)
    except ValueError as error:
        raise UnreadableAudio(f"{name}: {error}") from error
    _refuse_cut_short(decoded, data, name)
    if not len(decoded.samples):
        raise UnreadableAudio(f"{name}: no samples in it")
    rate_hz = decoded.sample_rate_hz
    if rate_hz <= 0:
        raise UnreadableAudio(f"{name}: a sample rate of {rate_hz} Hz")
    signal = by_channel(decoded.samples)
    if signal.dtype == np.int16:
        return cast(NDArray[np.int16], signal), rate_hz
    if not np.isfinite(signal).all():
        raise UnreadableAudio(f"{name}: NaN or infinity among its samples")
    return signal.astype(np.float32) if fine else to_int16(signal), rate_hz


def _refuse_cut_short(decoded: Decoded, data: bytes, name: str) -> None:
    """Decoders take what is there, some without a word."""
    samples, missing_bytes = decoded.samples, _missing_wav_bytes(data)
    missing = max(decoded.declared_samples, _sphere_samples(data)) - len(samples)
    # What an AAC encoder put before and behind is counted by some.
    if missing_bytes or missing > (2 * _AAC_FRAME_SAMPLES if decoded.container == "MP4" else 0):
        lack = f"{missing_bytes} bytes" if missing_bytes else f"{missing} of {missing + len(samples)} samples"
        raise UnreadableAudio(f"{name}: cut short, {lack} missing")
    if decoded.container == "FLAC" and samples.dtype == np.int16:
        expected = data[_FLAC_MD5]
        if any(expected) and hashlib.md5(samples.astype("<i2", copy=False).tobytes()).digest() != expected:
            raise UnreadableAudio(f"{name}: corrupt, its samples do not give the MD5 in its header")


def _refuse_shorten(data: bytes, name: str) -> None:
    if "shorten" in _sphere_header(data):
        raise UnreadableAudio(f"{name}: SPHERE compressed by shorten, which cannot be read; unpack it with `sph2pipe -p` first")


def _sphere_samples(data: bytes) -> int:
    """What the header of a NIST SPHERE file says of its length, in samples of each channel; 0 for other files."""
    for line in _sphere_header(data).splitlines():
        fields = line.split()
        if fields[:2] == ["sample_count", "-i"] and len(fields) == 3 and fields[2].isdigit():
            return int(fields[2])
    return 0


def _sphere_header(data: bytes) -> str:
    if not data.startswith(b"NIST_1A\n"):
        return ""
    size = data[8:16].strip()
    return data[: int(size) if size.isdigit() and int(size) <= 1 << 16 else 1024].decode("ascii", "replace")


def _missing_wav_bytes(data: bytes) -> int:
    """How many bytes the data chunk of a RIFF file lacks: libsndfile takes what is there without a word."""
    if data[:4] != b"RIFF":
        return 0
    offset = 12
    while offset + 8 <= len(data):
        size = int.from_bytes(data[offset + 4 : offset + 8], "little")
        if data[offset : offset + 4] == b"data":
            # Programs that write to a pipe leave 0xFFFFFFFF here, for "until the end".
            return 0 if size == 0xFFFFFFFF else max(0, offset + 8 + size - len(data))
        offset += 8 + size + size % 2
    return 0
