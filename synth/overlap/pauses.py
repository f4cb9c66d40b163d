"""Where an utterance speaks and where it pauses, from the energies of its 10 ms frames."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_SILENT = 10_000  # 40 dB, as a ratio of energies: as frames count for the active level of a stem
_SPEECH = 100  # 20 dB: what stays further below the loudest frame is a breath or a knock, no speech to bring to a level
_SHORT_FRAMES = 10  # a shorter stretch takes in 50 ms of the pauses around it


@dataclass(frozen=True)
class Stretches:
    """Where an utterance speaks, in frames, int64 [stretches], one after another."""

    begin: Ints
    end: Ints


def stretches(energies: Ints, least_pause: int) -> Stretches:
    """An utterance without its pauses, and without what lies before its first and behind its last word.

    A pause is a run of at least `least_pause` frames that all lie more than 40 dB below the utterance's loudest. What stands
    between two pauses is a stretch, if one of its frames lies within 20 dB of the loudest; one below 100 ms takes in 50 ms on
    each side.

    Args:
        energies: of its frames, int64 [frames], not all 0.
        least_pause: frames, 10 or more.
    """
    loudest = int(energies.max())
    active = np.flatnonzero(energies * _SILENT >= loudest)
    breaks = np.flatnonzero(np.diff(active) > least_pause)
    begin, end = active[np.r_[0, breaks + 1]], active[np.r_[breaks, len(active) - 1]] + 1
    spoken = np.array([energies[b:e].max() * _SPEECH >= loudest for b, e in zip(begin, end, strict=True)])
    begin, end = begin[spoken], end[spoken]
    short = (end - begin < _SHORT_FRAMES) * (_SHORT_FRAMES // 2)
    begin, end = np.maximum(begin - short, 0), np.minimum(end + short, len(energies))
    return Stretches(begin.astype(np.int64), end.astype(np.int64))


def onset(energies: Ints) -> int:
    """The frame at which an utterance begins to speak: 50 ms before the first that lies within 20 dB of its loudest."""
    return max(int(np.argmax(energies * _SPEECH >= energies.max())) - 5, 0)
