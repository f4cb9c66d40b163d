"""Another sample rate: soxr at high quality, integers in and out."""

import numpy as np
from numpy.typing import NDArray


def resample(samples: NDArray[np.int16], from_hz: int, to_hz: int) -> NDArray[np.int16]:
    """int16 [samples] at `from_hz` to int16 at `to_hz`; unchanged where the rates are equal.

    The filter runs on float32 and the result is rounded once, to the nearest integer, and limited to the range of int16.
    """
    if from_hz == to_hz:
        return samples
    import soxr

    resampled: NDArray[np.float32] = soxr.resample(samples.astype(np.float32), from_hz, to_hz, quality="HQ")
    return np.clip(np.rint(resampled), -32768, 32767).astype(np.int16)
