"""What a row keeps of a recording: a WAV, a FLAC, or the file that it came in."""

from typing import Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from catalog.codecs import FLAC_MOST_CHANNELS, encode_flac
from synth import wav
from synth.wav import Signal

Encoding = Literal["wav", "flac", "source"]
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)

# How files begin, for the suffix of what is kept as it came.
_MAGIC = (
    (0, b"RIFF", "wav"),
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (0, b"NIST_1A", "sph"),
    (4, b"ftyp", "m4a"),
    (0, b"ID3", "mp3"),
    (0, b"\xff", "mp3"),
)


def encoded(signal: Signal, sample_rate_hz: int, encoding: Encoding, file: bytes | None) -> tuple[bytes, str]:
    """The bytes to be kept of int16 or float32, [samples] or [channels, samples], and their form: wav, flac, m4a...

    What cannot be kept as asked for is kept as WAV: float32, and as FLAC more than 8 channels.

    Args:
        signal: what was decoded.
        sample_rate_hz: its own.
        encoding: what was asked for.
        file: what it was decoded from; None where it is not all of a file, or was resampled.
    """
    if signal.dtype != np.int16:
        return wav.encode_signal(signal, sample_rate_hz), "wav"
    if encoding == "flac" and (signal.ndim == 1 or len(signal) <= FLAC_MOST_CHANNELS):
        return encode_flac(cast(NDArray[np.int16], signal), sample_rate_hz), "flac"
    if file is not None:
        if _is_canonical(file, signal, sample_rate_hz):
            return file, "wav"
        if encoding == "source" and not _begins_as_canonical(file):
            return file, _form_of(file)
    return wav.encode_signal(signal, sample_rate_hz), "wav"


def _is_canonical(file: bytes, signal: Signal, sample_rate_hz: int) -> bool:
    num_channels = 1 if signal.ndim == 1 else len(signal)
    header = wav.header(signal.shape[-1], sample_rate_hz, num_channels)
    return file.startswith(header) and len(file) == wav.HEADER_BYTES + signal.nbytes


def _begins_as_canonical(file: bytes) -> bool:
    """Readers go by the header alone: a WAV that has more behind its samples, or floats, would be read as what it is not."""
    try:
        wav.form(file[wav.FORM])
    except ValueError:
        return False
    return True


def _form_of(file: bytes) -> str:
    return next((form for at, magic, form in _MAGIC if file.startswith(magic, at)), "audio")
