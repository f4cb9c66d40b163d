"""Whole numbers into buffers of signals, and a gain on the way."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# What signals are rendered into: int16 as rows hold them; float32 as they are read, divided by 32768, which is exact; float64 to
# be measured before a gain is known that brings them into the range of int16.
Buffer = NDArray[np.int16] | NDArray[np.float32] | NDArray[np.float64]

FULL_SCALE = np.array(1 / 32768, np.float32)  # an array without dimensions: numpy takes 0.2 us to make one of a scalar
_ZERO = np.array(0, np.float32)
_COARSE = 1.5 * 2.0**37  # next to it, float64 has steps of 1 / 32768
# Samples worked on at a time: few enough to stay in a core's own cache, enough to hide what a call costs.
_BLOCK = 16384


def put(whole: NDArray[Any], out: Buffer) -> None:
    """Whole numbers, of any type, into a buffer of their shape. The gains of plans leave room: int16 is not limited."""
    out[...] = whole
    if out.dtype == np.float32:
        np.multiply(out, FULL_SCALE, out=out)  # quicker than one multiplication of mixed types
        np.add(out, _ZERO, out=out)  # no -0.0, which integers do not have


def scale_into(samples: NDArray[np.int16], gain: float, out: Buffer) -> None:
    """`put` `rint(gain * samples)`, ties to even, of int16 [samples] into `out`, as long."""
    if gain == 1.0:
        put(samples, out)
        return
    to_float = out.dtype == np.float32
    product = np.empty(min(_BLOCK, len(samples)), dtype=np.float64)
    for begin in range(0, len(samples), _BLOCK):
        piece = samples[begin : begin + _BLOCK]
        block = product[: len(piece)]
        block[:] = piece  # converting by itself is twice as fast as a multiplication of mixed types
        if to_float:
            np.multiply(block, gain / 32768, out=block)
            np.add(block, _COARSE, out=block)  # rounds as `rint` would, to multiples of 1 / 32768, and never to -0.0
            np.subtract(block, _COARSE, out=block)
        else:
            np.multiply(block, gain, out=block)
            np.rint(block, out=block)
        out[begin : begin + _BLOCK] = block
