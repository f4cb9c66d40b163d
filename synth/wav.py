"""The canonical WAVs of this project: PCM16 behind a header of 44 bytes, float32 behind one of 56, channels interleaved.

Speech and mixtures are mono PCM16: `encode` and `decode`. Noises and RIRs may be others: `encode_signal` and `decode_signal`.
"""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HEADER_BYTES = 44
FORM = slice(8, 40)  # the bytes of a header that are the same for every length

Signal = NDArray[np.int16] | NDArray[np.float32]  # [samples], or [channels, samples]

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_FLOAT_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sII4sI")  # what is not PCM has a chunk "fact": samples of each channel
_FORM = struct.Struct("<4s4sIHHIIHH4s")
_PCM, _IEEE_FLOAT = 1, 3
_FORMS: dict[tuple[object, ...], tuple[np.dtype[np.int16] | np.dtype[np.float32], int]] = {
    (b"WAVE", b"fmt ", 16, _PCM, 16, b"data"): (np.dtype("<i2"), _HEADER.size),
    (b"WAVE", b"fmt ", 16, _IEEE_FLOAT, 32, b"fact"): (np.dtype("<f4"), _FLOAT_HEADER.size),
}


@dataclass(frozen=True)
class Form:
    """What a header says but for the length."""

    sample_rate_hz: int
    num_channels: int
    dtype: np.dtype[np.int16] | np.dtype[np.float32]
    header_bytes: int


def header(num_samples: int, sample_rate_hz: int, num_channels: int = 1) -> bytes:
    """The 44 bytes before `num_samples` samples (of each channel) of PCM16."""
    frame = 2 * num_channels
    size = frame * num_samples
    form = (_PCM, num_channels, sample_rate_hz, frame * sample_rate_hz, frame, 16)
    return _HEADER.pack(b"RIFF", size + 36, b"WAVE", b"fmt ", 16, *form, b"data", size)


def float_header(num_samples: int, sample_rate_hz: int, num_channels: int = 1) -> bytes:
    """The 56 bytes before `num_samples` samples (of each channel) of float32."""
    frame = 4 * num_channels
    size = frame * num_samples
    form = (_IEEE_FLOAT, num_channels, sample_rate_hz, frame * sample_rate_hz, frame, 32)
    return _FLOAT_HEADER.pack(b"RIFF", size + 48, b"WAVE", b"fmt ", 16, *form, b"fact", 4, num_samples, b"data", size)


def encode(samples: NDArray[np.int16], sample_rate_hz: int) -> bytes:
    """int16 [samples] to canonical WAV bytes."""
    return header(len(samples), sample_rate_hz) + samples.astype("<i2", copy=False).tobytes()


def encode_signal(signal: Signal, sample_rate_hz: int) -> bytes:
    """int16 or float32, [samples] or [channels, samples], to canonical WAV bytes.

    Raises:
        ValueError: samples of another type.
    """
    num_channels = 1 if signal.ndim == 1 else len(signal)
    if signal.dtype == np.int16:
        first, dtype = header(signal.shape[-1], sample_rate_hz, num_channels), "<i2"
    elif signal.dtype == np.float32:
        first, dtype = float_header(signal.shape[-1], sample_rate_hz, num_channels), "<f4"
    else:
        raise ValueError(f"samples of type {signal.dtype}: expected int16 or float32")
    interleaved = np.ascontiguousarray(signal.T, dtype)
    return b"".join((first, interleaved.data))  # without a copy in between


def decode(data: bytes | memoryview) -> NDArray[np.int16]:
    """Canonical WAV bytes to int16 [samples], without copying.

    Raises:
        ValueError: the bytes do not begin with the canonical header.
    """
    if len(data) < HEADER_BYTES or bytes(data[12:24]) != b"fmt \x10\x00\x00\x00\x01\x00\x01\x00" or bytes(data[36:40]) != b"data":
        raise ValueError("not a canonical WAV: expected mono PCM16 behind a header of 44 bytes")
    return np.frombuffer(data, dtype="<i2", offset=HEADER_BYTES)


def form(data: bytes) -> Form:
    """What bytes `FORM` of a canonical header say.

    Raises:
        ValueError: they are those of no canonical header.
    """
    if len(data) == _FORM.size:
        wave, fmt, size, code, num_channels, sample_rate_hz, bytes_per_s, frame, bits, chunk = _FORM.unpack(data)
        known = _FORMS.get((wave, fmt, size, code, bits, chunk))
        if known and frame == num_channels * bits // 8 > 0 and bytes_per_s == frame * sample_rate_hz:
            return Form(sample_rate_hz, num_channels, *known)
    raise ValueError("not a canonical WAV: expected PCM16 behind a header of 44 bytes, or float32 behind one of 56")


def decode_signal(data: bytes | memoryview) -> tuple[Signal, int]:
    """Canonical WAV bytes to int16 or float32 samples, [samples] or [channels, samples], without copying; and the rate in Hz.

    Raises:
        ValueError: the bytes do not begin with a canonical header, or do not end where it says.
    """
    found = form(bytes(data[FORM]))
    frame = found.dtype.itemsize * found.num_channels
    num_samples, rest = divmod(len(data) - found.header_bytes, frame)
    write = header if found.dtype == np.int16 else float_header
    if (
        rest
        or num_samples < 0
        or bytes(data[: found.header_bytes]) != write(num_samples, found.sample_rate_hz, found.num_channels)
    ):
        raise ValueError("not a canonical WAV: its header says another length")
    samples: Signal = np.frombuffer(data, found.dtype, offset=found.header_bytes)  # type: ignore[assignment]
    return samples if found.num_channels == 1 else samples.reshape(num_samples, found.num_channels).T, found.sample_rate_hz
