"""Mixtures of two whose pool has changed: who lost a partner gets another, who became longer or shorter another place.

Mixtures that are as they were are not touched. Another partner is one used least so far, so that use stays as even as kept
mixtures let it. Ratio, order and levels are asked as they were of the mixture that is refilled, so that they stay distributed.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from synth.distributions import Distribution
from synth.draws import Draws
from synth.errors import PlanError
from synth.pairing.pairs import Pool

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LOST = -1
_MOST_DRAWS = 1000


@dataclass(frozen=True)
class Couples:
    """All mixtures of a split, each of two utterances.

    Attributes:
        sources: utterances of s1 and s2, numbers of the pool or `LOST`; int64 [mixtures, 2].
        second_first: whether s2 begins before s1; bool [mixtures].
        ratios: overlap ratio asked, float64 [mixtures]; NaN where none is.
        draw_counts: how often it was drawn, int32 [mixtures].
        shared: samples in which both lie, int64 [mixtures]; 0 where overlap is full.
    """

    sources: Ints
    second_first: Bools
    ratios: Floats
    draw_counts: NDArray[np.int32]
    shared: Ints


def refill(couples: Couples, changed: Bools, pool: Pool, meets: "Meets", ratio: Distribution | None, draws: Draws) -> Couples:
    """Give a partner to whoever lost theirs, and a place to those whose lengths changed.

    Args:
        couples: as they were.
        changed: those of other lengths than before, though nobody is lost; bool [mixtures].
        pool: the utterances there are now.
        meets: who may meet whom.
        ratio: of partial overlap; None where overlap is full.
        draws: of the split; ratios that cannot be kept are drawn anew from them.

    Raises:
        PlanError: nobody is left who could meet an utterance that lost its partner.
    """
    new = _Refill(couples, pool, meets, ratio, draws)
    for item in np.flatnonzero(changed).tolist():
        new.place_again(item)
    lost = np.flatnonzero((couples.sources == LOST).any(axis=1))
    # Who asks for most overlap has the fewest to choose from.
    for item in lost[np.argsort(-np.nan_to_num(couples.ratios[lost]), kind="stable")].tolist():
        new.fill(item)
    return new.couples


@dataclass(frozen=True)
class Meets:
    """Who may meet whom: two speakers; with `gender` same or different, of known genders only.

    Attributes:
        speakers: int64 [utterances].
        genders: of the speakers, object [utterances].
        gender: `any`, `same` or `different`.
    """

    speakers: Ints
    genders: NDArray[np.object_]
    gender: str

    def known(self) -> Bools:
        """Who may meet anybody, bool [utterances]."""
        return np.ones(len(self.speakers), dtype=bool) if self.gender == "any" else np.isin(self.genders, ["female", "male"])

    def partners(self, utterance: int) -> Bools:
        """Who may meet an utterance, bool [utterances]."""
        able: Bools = self.known() & (self.speakers != self.speakers[utterance])
        if self.gender != "any":
            able &= (self.genders == self.genders[utterance]) == (self.gender == "same")
        return able


class _Refill:
    def __init__(self, couples: Couples, pool: Pool, meets: Meets, ratio: Distribution | None, draws: Draws) -> None:
        self.couples = deepcopy(couples)
        self._pool, self._meets, self._ratio, self._draws = pool, meets, ratio, draws
        present = self.couples.sources[self.couples.sources != LOST]
        uses = np.bincount(present, minlength=len(pool.lengths))
        rank = np.argsort(draws.order("refill", pool.keys))  # among those used equally
        self._turns = uses * len(pool.lengths) + rank
        self._of_pair: dict[tuple[int, int], list[int]] = {}
        for item, (one, other) in enumerate(self.couples.sources.tolist()):
            if LOST not in (one, other):
                self._of_pair.setdefault((min(one, other), max(one, other)), []).append(item)

    def place_again(self, item: int) -> None:
        """Same partners, same order; the ratio is drawn anew where their lengths no longer reach it."""
        if self._ratio is None:
            return
        one, other = self.couples.sources[item].tolist()
        reach = self._pool.reach(np.array([one]), np.array([other]))[0]
        for attempt in range(_MOST_DRAWS):
            ratio = self._ratio_of(item, attempt)
            if ratio <= reach and not self._exists(item, one, other, self._shared(one, other, ratio)):
                self._set(item, one, other, ratio, attempt)
                return
        self.couples.shared[item] = self._pool.lengths[[one, other]].min()  # as much of it as there can be

    def fill(self, item: int) -> None:
        """Utterances for the sources that are lost."""
        lost = np.flatnonzero(self.couples.sources[item] == LOST)
        for attempt in range(_MOST_DRAWS if self._ratio is not None else 1):
            ratio = self._ratio_of(item, attempt)
            kept = int(self.couples.sources[item].max())
            partners = [kept] if len(lost) == 1 else islice(self._by_use(self._meets.known()), _MOST_DRAWS)
            for partner in partners:
                found = self._partner(item, partner, ratio)
                if found is not None:
                    pair = (found, partner) if lost[0] == 0 else (partner, found)
                    for utterance in (found, partner)[: len(lost)]:
                        self._use(utterance)
                    self._set(item, *pair, ratio, attempt)
                    return
        raise PlanError(
            "nobody is left who could meet an utterance whose partner is gone from the corpus: build the set anew, without "
            "--keep-from"
        )

    def _partner(self, item: int, utterance: int, ratio: float) -> int | None:
        """Who is used least of those who reach the ratio; whoever met that utterance before only where nobody else does."""
        able = self._meets.partners(utterance)
        if self._ratio is not None:
            able &= self._reach(utterance) >= ratio
        one, other = self.couples.sources.T
        met = np.concatenate([one[other == utterance], other[one == utterance]])
        strangers = able.copy()
        strangers[met[met != LOST]] = False
        if strangers.any():
            return next(self._by_use(strangers))
        for again in self._by_use(able):
            shared = self._shared(utterance, again, ratio)
            orders = ((utterance, again), (again, utterance))
            if not all(self._exists(item, *order, shared) for order in orders):
                return again
        return None

    def _by_use(self, able: Bools) -> Iterator[int]:
        """Those used least first, in an order drawn by key."""
        which = np.flatnonzero(able)
        if len(which):
            yield int(which[np.argmin(self._turns[which])])  # mostly all that is asked for
            yield from which[np.argsort(self._turns[which])][1:].tolist()

    def _use(self, utterance: int) -> None:
        self._turns[utterance] += len(self._turns)

    def _set(self, item: int, one: int, other: int, ratio: float, attempt: int) -> None:
        shared = self._shared(one, other, ratio)
        new = self.couples
        if self._exists(item, one, other, shared):  # the same two once more, the other way round
            if self._ratio is None:
                one, other = other, one
            else:
                new.second_first[item] = not new.second_first[item]
        new.sources[item] = one, other
        new.ratios[item] = ratio
        new.draw_counts[item] += attempt
        new.shared[item] = shared
        of_pair = self._of_pair.setdefault((min(one, other), max(one, other)), [])
        if item not in of_pair:
            of_pair.append(item)

    def _exists(self, item: int, one: int, other: int, shared: int) -> bool:
        """Whether another mixture has these two in that order at that offset."""
        new = self.couples
        first = other if new.second_first[item] else one
        for at in self._of_pair.get((min(one, other), max(one, other)), []):
            if at != item and new.shared[at] == shared and new.sources[at, int(new.second_first[at])] == first:
                return True
        return False

    def _ratio_of(self, item: int, attempt: int) -> float:
        """What was asked at first, then others."""
        if self._ratio is None or not attempt:
            return float(self.couples.ratios[item])
        at = np.array([item], dtype=np.uint64)
        return float(self._ratio.values(self._draws.uniform(f"overlap_ratio {attempt}", at))[0])

    def _reach(self, utterance: int) -> Floats:
        lengths, length = self._pool.lengths, self._pool.lengths[utterance]
        reach: Floats = np.minimum(lengths, length) / np.maximum(lengths, length)
        return reach

    def _shared(self, one: int, other: int, ratio: float) -> int:
        if self._ratio is None:
            return 0
        return round(ratio * int(self._pool.lengths[[one, other]].sum()) / (1 + ratio))
