"""Audio files as they come with a corpus, to samples; what is broken is refused, never patched."""

import hashlib
import io
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import numpy as np
import soundfile
from numpy.typing import NDArray

from synth import wav
from synth.errors import YuliaoError
from synth.wav import Signal

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".sph", ".m4a")
_FLAC_MD5 = slice(26, 42)  # where STREAMINFO keeps the MD5 of the samples: https://www.rfc-editor.org/rfc/rfc9639#section-8.2
_MOST_SAMPLES_PER_BYTE = 2000  # of digital silence in FLAC it is about 400
_MP4 = slice(4, 8)  # where the first box of an MPEG-4 file says that it is one
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
    samples, rate_hz = _mpeg4(data, name) if data[_MP4] == b"ftyp" else _by_libsndfile(data, name)
    if not len(samples):
        raise UnreadableAudio(f"{name}: no samples in it")
    if rate_hz <= 0:
        raise UnreadableAudio(f"{name}: a sample rate of {rate_hz} Hz")
    signal = samples[:, 0] if samples.shape[1] == 1 else samples.T
    if signal.dtype == np.int16:
        return cast(NDArray[np.int16], signal), rate_hz
    if not np.isfinite(signal).all():
        raise UnreadableAudio(f"{name}: NaN or infinity among its samples")
    if fine:
        return signal.astype(np.float32), rate_hz
    return np.clip(np.rint(signal * 32768), -32768, 32767).astype(np.int16), rate_hz


def _by_libsndfile(data: bytes, name: str) -> tuple[NDArray[np.int16] | NDArray[np.float64], int]:
    """[samples, channels]"""
    _refuse_shorten(data, name)
    try:
        with _interrupted_afterwards(), soundfile.SoundFile(io.BytesIO(data)) as file:
            rate_hz, frames, subtype, container = file.samplerate, file.frames, file.subtype, file.format
            if frames * file.channels > _MOST_SAMPLES_PER_BYTE * len(data):
                raise UnreadableAudio(f"{name}: says that it holds {frames} samples, more than {len(data)} bytes can")
            samples = file.read(dtype="int16" if subtype == "PCM_16" else "float64", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, ValueError, TypeError) as error:
        raise UnreadableAudio(f"{name}: not readable as audio ({' '.join(str(error).split())})") from error
    missing_bytes = _missing_wav_bytes(data)
    frames = max(frames, _sphere_samples(data))
    if len(samples) < frames or missing_bytes:
        lack = f"{missing_bytes} bytes" if missing_bytes else f"{frames - len(samples)} of {frames} samples"
        raise UnreadableAudio(f"{name}: cut short, {lack} missing")
    if container == "FLAC" and samples.dtype == np.int16:
        expected = data[_FLAC_MD5]
        if any(expected) and hashlib.md5(samples.astype("<i2", copy=False).tobytes()).digest() != expected:
            raise UnreadableAudio(f"{name}: corrupt, its samples do not give the MD5 in its header")
    return samples, rate_hz


@contextmanager
def _interrupted_afterwards() -> Iterator[None]:
    """Ctrl-C waits for the end of the block. No KeyboardInterrupt comes out of the callbacks through which libsndfile reads: it
    would be lost, and the file count as a broken one."""
    if threading.current_thread() is not threading.main_thread():  # interrupts are raised in the main thread only
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            signal.raise_signal(signal.SIGINT)


def _mpeg4(data: bytes, name: str) -> tuple[NDArray[np.float64], int]:
    """[samples, channels] of the first audio stream."""
    import av

    blocks: list[NDArray[np.float64]] = []
    try:
        with av.open(io.BytesIO(data), "r", metadata_errors="replace") as container:
            stream = container.streams.audio[0]
            rate_hz = int(stream.codec_context.sample_rate)
            resampler = av.AudioResampler(format="dblp")
            for frame in container.decode(stream):
                blocks += [block.to_ndarray().T.astype(np.float64) for block in resampler.resample(frame)]
            declared_s = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
    except (av.error.FFmpegError, IndexError, ValueError, OSError, EOFError) as error:
        raise UnreadableAudio(f"{name}: not readable as audio ({' '.join(str(error).split())})") from error
    samples = np.concatenate(blocks) if blocks else np.zeros((0, 1))
    missing = round(declared_s * rate_hz) - len(samples)
    if missing > 2 * _AAC_FRAME_SAMPLES:  # what the encoder put before and behind is counted by some
        raise UnreadableAudio(f"{name}: cut short, {missing} samples missing")
    return samples, rate_hz


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
