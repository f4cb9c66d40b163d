"""Audio files as they come with a corpus, to samples; what is broken is refused, never patched."""

import hashlib
import io

import numpy as np
import soundfile
from numpy.typing import NDArray

from synth.errors import YuliaoError

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
_FLAC_MD5 = slice(26, 42)  # where STREAMINFO keeps the MD5 of the samples: https://www.rfc-editor.org/rfc/rfc9639#section-8.2


class UnreadableAudio(YuliaoError):
    """Audio that is empty, cut short, corrupt or of another form than declared."""


def decode(data: bytes, name: str) -> tuple[NDArray[np.int16], int]:
    """The bytes of a mono wav, flac, ogg or mp3 file to int16 [samples] and the sample rate in Hz.

    16-bit files keep their samples to the last bit; all others are rounded to the nearest step and clipped.

    Raises:
        UnreadableAudio: nothing in it, not audio, cut short, more than one channel, NaN or infinity; the text begins with `name`.
    """
    if not data:
        raise UnreadableAudio(f"{name}: empty file")
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            rate, channels, frames, subtype, container = file.samplerate, file.channels, file.frames, file.subtype, file.format
            samples = file.read(dtype="int16" if subtype == "PCM_16" else "float64")
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise UnreadableAudio(f"{name}: not readable as audio ({' '.join(str(error).split())})") from error
    if channels != 1:
        raise UnreadableAudio(f"{name}: {channels} channels where mono is declared")
    missing_bytes = _missing_wav_bytes(data)
    if len(samples) < frames or missing_bytes:
        lack = f"{missing_bytes} bytes" if missing_bytes else f"{frames - len(samples)} of {frames} samples"
        raise UnreadableAudio(f"{name}: cut short, {lack} missing")
    if not len(samples):
        raise UnreadableAudio(f"{name}: no samples in it")
    if samples.dtype != np.int16:
        if not np.isfinite(samples).all():
            raise UnreadableAudio(f"{name}: NaN or infinity among its samples")
        samples = np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16)
    elif container == "FLAC":
        expected = data[_FLAC_MD5]
        if any(expected) and hashlib.md5(samples.astype("<i2", copy=False).tobytes()).digest() != expected:
            raise UnreadableAudio(f"{name}: corrupt, its samples do not give the MD5 in its header")
    return samples, rate


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
