"""How much the walls of a shoebox absorb, so that it has the reverberation time that is asked."""

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from synth.rooms.rirs import decay_line

SPEED_OF_SOUND_M_S = 343.0
_BINS_PER_S = 1000
_HALVINGS = 16

Floats = NDArray[np.floating]


def shortest_rt60_s(size_m: tuple[float, float, float]) -> float:
    """RT60 of a shoebox whose walls reflect nothing, by Sabine's formula: no setting of its walls gives a shorter one."""
    volume = math.prod(size_m)
    surface = 2 * sum(a * b for a, b in itertools.combinations(size_m, 2))
    return 24 * math.log(10) * volume / (SPEED_OF_SOUND_M_S * surface)


def sabine_absorption(size_m: tuple[float, float, float], rt60_s: float) -> float:
    """Share of energy that the walls absorb, by Sabine's formula."""
    return min(1.0, shortest_rt60_s(size_m) / rt60_s)


def needed_order(size_m: tuple[float, float, float], rt60_s: float) -> int:
    """Order of image sources that reach everything a sound meets within RT60, as `pyroomacoustics.inverse_sabine` counts."""
    reach = min(a * b / math.hypot(a, b) for a, b in itertools.combinations(size_m, 2))
    return math.ceil(SPEED_OF_SOUND_M_S * rt60_s / reach - 1)


class Decay:
    """Energy of image sources by time of arrival and number of reflections: the decay of a room for any absorption of its walls.

    Sabine's formula takes for granted that sound comes from everywhere alike; a flat room or a long one decays up to 40 % more
    slowly. Image sources tell what a room does: one of order n at distance d brings (1 - absorption)**n / d**2.
    """

    def __init__(self, distances_m: list[Floats], orders: list[NDArray[np.integer]]) -> None:
        """Of each source: distances of its image sources from a microphone and their orders, both [images], in any order."""
        width = max(int(each.max()) for each in orders) + 1
        arrivals = [((each - each.min()) * (_BINS_PER_S / SPEED_OF_SOUND_M_S)).astype(np.int64) for each in distances_m]
        bins = max(int(each.max()) for each in arrivals) + 1
        energies = np.zeros(bins * width)
        for arrival, order, distance in zip(arrivals, orders, distances_m, strict=True):
            weights = 1 / distance.astype(np.float64) ** 2
            energies += np.bincount(arrival * width + order, weights, minlength=bins * width)
        self._energies = energies.reshape(bins, width)

    def t60_s(self, absorption: float) -> float:
        """T30 of the decay; infinite where it does not fall by 35 dB in time, 0 where it falls at once."""
        # Not by `@`, whose bits depend on how many threads BLAS has.
        energies = np.einsum("tn,n->t", self._energies, (1 - absorption) ** np.arange(self._energies.shape[1]))
        return float(np.nan_to_num(decay_line(energies, _BINS_PER_S)[0], nan=0.0, posinf=np.inf))

    def absorption(self, rt60_s: float) -> float:
        """The absorption that gives RT60, or the nearest to it in 0.001 to 0.999, by halving."""
        low, high = 0.001, 0.999
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.t60_s(middle) > rt60_s else (low, middle)
        return (low + high) / 2
