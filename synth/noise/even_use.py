"""Things handed out one after another, such that none is used more than once oftener than another."""

import numpy as np
from numpy.typing import NDArray

from synth.draws import Draws, mix
from synth.errors import PlanError

Ints = NDArray[np.int64]


def hand_out(keys: NDArray[np.uint64], counts: Ints, draws: Draws, draw: str) -> Ints:
    """`counts[i]` different things for each receiver i, int64 [sum of counts]: positions in `keys`, receiver by receiver.

    Everything is handed out once, in an order drawn by key, before anything is handed out again in another order.

    Args:
        keys: hashes of the things' names, all that randomness depends on.
        counts: how many things each receiver takes.
        draws: of the split.
        draw: what to call the draw.

    Raises:
        PlanError: somebody takes more than there are.
    """
    if counts.max(initial=0) > len(keys):
        raise PlanError(f"{counts.max()} different ones are wanted at once, and there are {len(keys)}")
    total = int(counts.sum())
    if not total:
        return np.zeros(0, dtype=np.int64)
    rounds = np.arange(-(-total // len(keys)), dtype=np.uint64)
    bits = draws.bits(draw, mix(keys) + rounds[:, np.newaxis])
    order = np.argsort(bits, axis=1)
    ends = np.cumsum(counts)
    begins = ends - counts
    # Who takes the last of one round and the first of the next shall not take the same twice.
    for receiver in np.flatnonzero((counts > 1) & (begins // len(keys) < (ends - 1) // len(keys))):
        one = int(begins[receiver]) // len(keys)
        taken = np.isin(order[one + 1], order[one, begins[receiver] - one * len(keys) :])
        order[one + 1] = np.concatenate([order[one + 1, ~taken], order[one + 1, taken]])
    return order.ravel()[:total]
