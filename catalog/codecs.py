"""Audio files to samples, and samples to FLAC: wav, flac, ogg, mp3 and NIST SPHERE by libsndfile, MPEG-4 (AAC, ALAC) by PyAV.

Ingest measures what these functions give, and reading gives it again out of the bytes that a version keeps. Both libraries are
imported where they are used: most versions hold canonical WAVs, which need neither.
"""

import io
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth import wav
from synth.wav import Signal

_MP4 = slice(4, 8)  # where the first box of an MPEG-4 file says that it is one
FLAC_MOST_CHANNELS = 8  # https://www.rfc-editor.org/rfc/rfc9639#section-9.1.3
_MOST_SAMPLES_PER_BYTE = 2000  # of digital silence in FLAC it is about 400

Span = Callable[[int], tuple[int, int]]  # from the sample rate in Hz to the first sample and how many


@dataclass(frozen=True)
class Decoded:
    """What is in an audio file."""

    samples: NDArray[Any]  # [samples, channels]; int16 of files of 16 bits, otherwise floats at a full scale of 1
    sample_rate_hz: int
    declared_samples: int  # of each channel, as the file says; 0 where it does not
    container: str  # as libsndfile calls it; MP4


def decode_stored(data: bytes | memoryview, span: Span | None = None) -> tuple[Signal, int]:
    """The audio of a row to int16 or float32, [samples] or [channels, samples], and the sample rate in Hz.

    Canonical WAVs are read in place. Whatever else has more than 16 bits is rounded to int16, as ingest does.

    Args:
        data: a canonical WAV, or the bytes of a file that `ingest --encoding flac|source` keeps.
        span: read only this; of files that cannot be read from the middle to the last bit, all is given nevertheless.

    Raises:
        ValueError: nothing that can be decoded.
    """
    try:
        return wav.decode_signal(data)
    except ValueError:
        decoded = decode_file(bytes(data), span)
    return to_int16(by_channel(decoded.samples)), decoded.sample_rate_hz


def by_channel(samples: NDArray[Any]) -> NDArray[Any]:
    """[samples, channels] to [samples] where there is one channel, otherwise to [channels, samples]."""
    return samples[:, 0] if samples.shape[1] == 1 else samples.T


def to_int16(signal: NDArray[Any]) -> NDArray[np.int16]:
    """Floats to the nearest step of int16, clipped; int16 as it is."""
    if signal.dtype == np.int16:
        return signal
    rounded: NDArray[np.int16] = np.clip(np.rint(signal * 32768), -32768, 32767).astype(np.int16)
    return rounded


def decode_file(data: bytes, span: Span | None = None) -> Decoded:
    """The samples that can be had of a file, told apart by its content: of one that is cut short, fewer than declared.

    Raises:
        ValueError: no audio; it declares more samples than its bytes can hold.
    """
    return _mpeg4(data) if data[_MP4] == b"ftyp" else _by_libsndfile(data, span)


def _by_libsndfile(data: bytes, span: Span | None) -> Decoded:
    import soundfile

    try:
        with _interrupted_afterwards(), soundfile.SoundFile(io.BytesIO(data)) as file:
            rate_hz, declared, container = file.samplerate, file.frames, file.format
            if declared * file.channels > _MOST_SAMPLES_PER_BYTE * len(data):
                raise ValueError(f"it says that it holds {declared} samples, more than {len(data)} bytes can")
            length = -1
            if span is not None and container == "FLAC":
                start, length = span(rate_hz)
                file.seek(min(start, declared))
            samples = file.read(length, dtype="int16" if file.subtype == "PCM_16" else "float64", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, TypeError) as error:
        raise ValueError(f"not readable as audio ({' '.join(str(error).split())})") from error
    return Decoded(samples, rate_hz, declared, container)


def encode_flac(signal: NDArray[np.int16], sample_rate_hz: int) -> bytes:
    """int16, [samples] or [channels, samples], to the bytes of a FLAC file; `FLAC_MOST_CHANNELS` at most."""
    import soundfile

    file = io.BytesIO()
    with _interrupted_afterwards():
        soundfile.write(file, signal.T, sample_rate_hz, format="FLAC", subtype="PCM_16")
    return file.getvalue()


@contextmanager
def _interrupted_afterwards() -> Iterator[None]:
    """Ctrl-C waits for the end of the block. No KeyboardInterrupt comes out of the callbacks through which libsndfile reads and
    writes: it would be lost, and the file count as a broken one."""
    before = signal.getsignal(signal.SIGINT)
    # Interrupts are raised in the main thread only, and a handler that is not Python's could not be put back.
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield
        return
    came: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            signal.raise_signal(signal.SIGINT)


def _mpeg4(data: bytes) -> Decoded:
    """The first audio stream."""
    import av

    blocks: list[NDArray[Any]] = []
    try:
        with av.open(io.BytesIO(data), "r", metadata_errors="replace") as container:
            stream = container.streams.audio[0]
            rate_hz = int(stream.codec_context.sample_rate)
            to_floats = av.AudioResampler(format="fltp")  # what AAC decodes to: passed through
            for frame in container.decode(stream):
                blocks += [block.to_ndarray() for block in to_floats.resample(frame)]
            declared_s = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
    except (av.error.FFmpegError, IndexError, ValueError, OSError, EOFError) as error:
        raise ValueError(f"not readable as audio ({' '.join(str(error).split())})") from error
    samples = np.concatenate(blocks, axis=1).T if blocks else np.zeros((0, 1), np.float32)
    return Decoded(samples, rate_hz, round(declared_s * rate_hz), "MP4")


def decoder_versions() -> dict[str, str]:
    """What decodes, for the manifest: libraries and what they are built on."""
    import av
    import soundfile

    return {
        "soundfile": soundfile.__version__,
        "libsndfile": soundfile.__libsndfile_version__,
        "av": av.__version__,
        "libavcodec": ".".join(map(str, av.library_versions["libavcodec"])),
    }
