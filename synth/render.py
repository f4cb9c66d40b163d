"""From one row of a plan to signals: integers in, integers out, stems that sum to the mixture to the last bit."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Load = Callable[[str], NDArray[np.int16]]

# The columns by which a row is rendered.
NEEDED_TO_RENDER = frozenset(
    {"source_ids", "stem_numbers", "starts_samples", "lengths_samples", "offsets_samples", "gains", "num_samples"}
)


@dataclass(frozen=True)
class Loads:
    """From an id to what was recorded, at the plan's sample rate.

    Attributes:
        speech: utterances, int16 [samples].
    """

    speech: Load


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


def signals_of(row: dict[str, Any], wanted: Iterable[str] = ()) -> list[str]:
    """The signals to render of a row: `mixture` and the stems that sum to it, and those of the others wanted that it has."""
    stems = [f"s{k}" for k in range(1, max(row["stem_numbers"]) + 1)]
    base = ["mixture", *stems]
    return [*base, *(name for name in wanted if name not in base and name.split("_")[0] in ("mix", *stems))]


def render_into(row: dict[str, Any], loads: Loads, out: Mapping[str, NDArray[np.int16]], begin: int = 0) -> None:
    """Render one plan row, or the part of it that begins at sample `begin`, into buffers of the caller.

    Args:
        row: the plan row's columns `NEEDED_TO_RENDER`.
        loads: where its recordings are.
        out: for each of `signals_of(row)` a buffer, int16 [samples], all of the row's or as many as are wanted. The stems receive
            what sums into the mixture, zeros where nobody speaks.
        begin: the first sample wanted. Only what lies behind it is computed, and it is the same to the last bit.
    """
    mixture = out["mixture"]
    at = 0
    for k in range(1, max(row["stem_numbers"]) + 1):
        stem = out[f"s{k}"]
        written = 0  # the pieces of a stem stand in order, and do not overlap each other
        spans = []
        while at < len(row["stem_numbers"]) and row["stem_numbers"][at] == k:
            offset, gain = row["offsets_samples"][at], row["gains"][at]
            first = min(max(offset - begin, 0), len(stem))
            last = min(max(offset + row["lengths_samples"][at] - begin, first), len(stem))
            if last > first:
                stem[written:first] = 0
                source = row["starts_samples"][at] + begin + first - offset
                scale_into(loads.speech(row["source_ids"][at])[source : source + last - first], gain, stem[first:last])
                spans.append(slice(first, last))
                written = last
            at += 1
        stem[written:] = 0
        if k == 1:
            mixture[:] = stem
        else:
            for span in spans:
                mixture[span] += stem[span]


def render(row: dict[str, Any], loads: Loads) -> dict[str, NDArray[np.int16]]:
    """Render one plan row: `{"mixture", "s1", ..., "sN"}`, each int16 [num_samples]."""
    out = {name: np.empty(row["num_samples"], dtype=np.int16) for name in signals_of(row)}
    render_into(row, loads, out)
    return out
