"""From one row of a plan to signals: integers in, integers out, stems that sum to the mixture to the last bit."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Load = Callable[[str], NDArray[np.int16]]

# Samples worked on at a time: few enough to stay in a core's own cache, enough to hide what a call costs.
_BLOCK = 16384


def scale_into(samples: NDArray[np.int16], gain: float, out: NDArray[np.int16]) -> None:
    """`rint(gain * samples)` into `out`, both int16 [samples]. The plan's gains leave room, so nothing is limited here."""
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


def render_into(
    row: dict[str, Any], load: Load, mixture: NDArray[np.int16], stems: Sequence[NDArray[np.int16]], begin: int = 0
) -> None:
    """Render one plan row, or the part of it that begins at sample `begin`, into buffers of the caller.

    Args:
        row: the plan row's `source_ids`, `starts_samples`, `lengths_samples`, `offsets_samples` and `gains`.
        load: from a source id to that utterance, int16 [samples], at the plan's sample rate.
        mixture: receives the sum of the stems; int16 [samples], all of the row's or as many as are wanted.
        stems: one buffer like it for each source; receives the source as it sums into the mixture, zeros where it does not speak.
        begin: the first sample wanted. Only what lies behind it is computed, and it is the same to the last bit.
    """
    for k, stem in enumerate(stems):
        source_id, gain = row["source_ids"][k], row["gains"][k]
        start, length, offset = row["starts_samples"][k], row["lengths_samples"][k], row["offsets_samples"][k]
        first = min(max(offset - begin, 0), len(stem))
        last = min(max(offset + length - begin, first), len(stem))
        stem[:first] = 0
        if last > first:
            source = start + begin + first - offset
            scale_into(load(source_id)[source : source + last - first], gain, stem[first:last])
        stem[last:] = 0
        if k == 0:
            mixture[:] = stem
        else:
            mixture[first:last] += stem[first:last]


def render(row: dict[str, Any], load: Load) -> dict[str, NDArray[np.int16]]:
    """Render one plan row: `{"mixture", "s1", ..., "sN"}`, each int16 [num_samples]."""
    stems = [np.empty(row["num_samples"], dtype=np.int16) for _ in row["source_ids"]]
    mixture = np.empty(row["num_samples"], dtype=np.int16)
    render_into(row, load, mixture, stems)
    return {"mixture": mixture, **{f"s{k}": stem for k, stem in enumerate(stems, start=1)}}
