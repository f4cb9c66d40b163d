"""From floats to PCM16 as the published scripts have it. Full scale is 1."""

import numpy as np
from numpy.typing import NDArray


def as_soundfile(samples: NDArray[np.floating]) -> NDArray[np.int16]:
    """What `soundfile.write` puts into a WAV file of PCM16: int16 [samples].

    libsndfile 1.2 rounds to 32 bits, to the nearest, limits, and drops the lower 16: `floor(rint(x * 2**31) / 2**16)`. That is
    not `floor(x * 2**15)`: a value less than 2**-17 steps below a step is lifted onto it.
    """
    wide = np.rint(samples.astype(np.float64) * 2.0**31)
    return (np.clip(wide, -(2.0**31), 2.0**31 - 1).astype(np.int64) >> 16).astype(np.int16)


def as_matlab(samples: NDArray[np.float64]) -> NDArray[np.int16]:
    """What MATLAB's old `wavwrite` made of samples within full scale: the nearest step, ties to even. int16 [samples]."""
    return np.round(samples * 2.0**15).astype(np.int16)
