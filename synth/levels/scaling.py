"""A gain on integers."""

import numpy as np
from numpy.typing import NDArray

# Samples worked on at a time: few enough to stay in a core's own cache, enough to hide what a call costs.
_BLOCK = 16384


def scale_into(samples: NDArray[np.int16], gain: float, out: NDArray[np.int16] | NDArray[np.float64]) -> None:
    """`rint(gain * samples)` of int16 [samples] into `out`, as long. The gains of plans leave room: int16 is not limited."""
    if gain == 1.0:
        out[:] = samples
        return
    product = np.empty(min(_BLOCK, len(samples)), dtype=np.float64)
    for begin in range(0, len(samples), _BLOCK):
        piece = samples[begin : begin + _BLOCK]
        block = product[: len(piece)]
        block[:] = piece  # converting by itself is twice as fast as a multiplication of mixed types
        np.multiply(block, gain, out=block)
        np.rint(block, out=block)
        out[begin : begin + _BLOCK] = block  # exact: whole numbers within int16
