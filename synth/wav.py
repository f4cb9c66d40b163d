"""The canonical WAV of this project: PCM16, mono, a header of 44 bytes, samples right behind it."""

import struct

import numpy as np
from numpy.typing import NDArray

HEADER_BYTES = 44
_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")


def header(num_samples: int, sample_rate_hz: int) -> bytes:
    """The 44 bytes before `num_samples` samples of mono PCM16."""
    data_bytes = 2 * num_samples
    return _HEADER.pack(
        b"RIFF", data_bytes + 36, b"WAVE", b"fmt ", 16, 1, 1, sample_rate_hz, 2 * sample_rate_hz, 2, 16, b"data", data_bytes
    )


def encode(samples: NDArray[np.int16], sample_rate_hz: int) -> bytes:
    """int16 [samples] to canonical WAV bytes."""
    return header(len(samples), sample_rate_hz) + samples.astype("<i2", copy=False).tobytes()


def decode(data: bytes | memoryview) -> NDArray[np.int16]:
    """Canonical WAV bytes to int16 [samples], without copying.

    Raises:
        ValueError: the bytes do not begin with the canonical header.
    """
    if len(data) < HEADER_BYTES or bytes(data[12:24]) != b"fmt \x10\x00\x00\x00\x01\x00\x01\x00" or bytes(data[36:40]) != b"data":
        raise ValueError("not a canonical WAV: expected mono PCM16 behind a header of 44 bytes")
    return np.frombuffer(data, dtype="<i2", offset=HEADER_BYTES)
