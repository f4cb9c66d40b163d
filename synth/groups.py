"""Who meets whom where `synth.pairing` has no say: any number of sources, and utterances beyond the first of a source."""

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.draws import Draws
from synth.pairing import Pool

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Groups:
    """The first utterance of each source of each mixture; int64 [sources of all mixtures], sorted by mixture, then stem.

    Attributes:
        mixture: number of the mixture.
        stem: k of s_k, from 1.
        utterance: of the pool.
    """

    mixture: Ints
    stem: Ints
    utterance: Ints


class Supply:
    """More utterances of a speaker: always one that was used least so far, in an order drawn by key.

    Args:
        pool: the utterances.
        used: how often each is used already, int64 [utterances].
        draws: of the split.
    """

    def __init__(self, pool: Pool, used: Ints, draws: Draws) -> None:
        self._waiting: list[list[tuple[int, int, int]]] = [[] for _ in range(int(pool.speakers.max(initial=-1)) + 1)]
        rank = np.empty(len(pool.keys), dtype=np.int64)
        rank[draws.order("supply", pool.keys)] = np.arange(len(pool.keys))
        for utterance, speaker in enumerate(pool.speakers.tolist()):
            self._waiting[speaker].append((int(used[utterance]), int(rank[utterance]), utterance))
        for waiting in self._waiting:
            heapq.heapify(waiting)

    def next(self, speaker: int) -> int:
        """An utterance of the pool; counted as used."""
        uses, rank, utterance = self._waiting[speaker][0]
        heapq.heapreplace(self._waiting[speaker], (uses + 1, rank, utterance))
        return utterance
