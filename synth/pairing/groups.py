"""Who meets whom where `synth.pairing.pairs` has no say: any number of sources, and utterances beyond the first of a source."""

import heapq
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from synth.draws import Draws, hashes
from synth.errors import PlanError
from synth.pairing.pairs import Pool

_ROUNDS = 40  # of exchanges: by then nothing is left of the order in which groups were dealt
_MOST_ROUNDS = 400  # while a group stands there twice

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
        self._pool, self._used, self._draws = pool, used, draws

    @cached_property
    def _waiting(self) -> list[list[tuple[int, int, int]]]:
        """Of each speaker, a heap of (uses, place in the order, utterance)."""
        waiting: list[list[tuple[int, int, int]]] = [[] for _ in range(int(self._pool.speakers.max(initial=-1)) + 1)]
        rank = np.empty(len(self._pool.keys), dtype=np.int64)
        rank[self._draws.order("supply", self._pool.keys)] = np.arange(len(self._pool.keys))
        for utterance, speaker in enumerate(self._pool.speakers.tolist()):
            waiting[speaker].append((int(self._used[utterance]), int(rank[utterance]), utterance))
        for of_speaker in waiting:
            heapq.heapify(of_speaker)
        return waiting

    def next(self, speaker: int) -> int:
        """An utterance of the pool; counted as used."""
        uses, rank, utterance = self._waiting[speaker][0]
        heapq.heapreplace(self._waiting[speaker], (uses + 1, rank, utterance))
        return utterance

    def take_back(self, utterance: int) -> None:
        """What `next` gave, unused."""
        waiting = self._waiting[int(self._pool.speakers[utterance])]
        at = next(place for place, (_, _, waits) in enumerate(waiting) if waits == utterance)
        uses, rank, _ = waiting[at]
        waiting[at] = (uses - 1, rank, utterance)
        heapq.heapify(waiting)


def group_up(pool: Pool, n_src: Ints, draws: Draws, lowest_ratio: float = 0.0) -> Groups:
    """Arrange groups of `n_src` utterances of as many different speakers.

    Every utterance is used as often as any other or once oftener, but that no speaker stands twice in a mixture. The same group
    comes again only where exchanges find no way round it; so does one whose lengths do not reach `lowest_ratio`.

    Args:
        pool: the utterances.
        n_src: sources of each mixture, int64 [mixtures].
        draws: of the split.
        lowest_ratio: overlap ratio that several sources shall be able to have.

    Raises:
        PlanError: fewer speakers than sources.
    """
    speakers = len(np.unique(pool.speakers))
    if speakers < n_src.max():
        raise PlanError(f"the pool has utterances of {speakers} speakers, and a mixture needs {n_src.max()}")
    mixture = np.repeat(np.arange(len(n_src)), n_src)
    stem = np.arange(len(mixture)) - np.repeat(np.cumsum(n_src) - n_src, n_src) + 1
    utterance = _dealt(pool, n_src, draws)
    _shuffle(pool, n_src, mixture, utterance, draws)
    _even_out(pool, n_src, utterance, lowest_ratio, draws)
    # Who speaks much was dealt to the first columns and may have stayed there: which of a mixture is s1 is drawn at last.
    stems = draws.bits("stem", mixture.astype(np.uint64) << np.uint64(8) | stem.astype(np.uint64))
    return Groups(mixture, stem, utterance[np.lexsort((stems, mixture))])


def _dealt(pool: Pool, n_src: Ints, draws: Draws) -> Ints:
    """Utterances as often as they are used, such that no speaker is in a mixture twice: each mixture takes those speakers who
    have most left to say, which works out if any arrangement does (Gale and Ryser, 1957)."""
    uses = _even_uses(pool, n_src, draws)
    tokens = np.repeat(np.arange(len(pool.lengths)), uses)
    token_keys = hashes("token", pool.keys[tokens]) + _numbered(tokens).astype(np.uint64)
    tokens = tokens[np.argsort(draws.bits("tokens", token_keys), kind="stable")]
    said: list[list[int]] = [[] for _ in range(int(pool.speakers.max()) + 1)]
    for utterance, speaker in zip(tokens.tolist(), pool.speakers[tokens].tolist(), strict=True):
        said[speaker].append(utterance)
    waiting = [
        (-len(said[speaker]), place, speaker) for place, speaker in enumerate(_speakers_by_lot(pool, draws)) if said[speaker]
    ]
    heapq.heapify(waiting)
    dealt: list[int] = []
    for count in n_src.tolist():
        chosen = [heapq.heappop(waiting) for _ in range(count)]
        for left, place, speaker in chosen:
            dealt.append(said[speaker].pop())
            if left < -1:
                heapq.heappush(waiting, (left + 1, place, speaker))
    return np.array(dealt, dtype=np.int64)


def _speakers_by_lot(pool: Pool, draws: Draws) -> list[int]:
    """All speakers, in an order that depends on their utterances and not on the order of these."""
    keys = np.zeros(int(pool.speakers.max()) + 1, dtype=np.uint64)
    np.bitwise_xor.at(keys, pool.speakers, pool.keys)
    order: list[int] = draws.order("speakers", keys).tolist()
    return order


def _numbered(tokens: Ints) -> Ints:
    """0, 1, ... for the repetitions of each token; equal ones stand side by side."""
    begins = np.flatnonzero(np.diff(tokens, prepend=-1))
    return np.arange(len(tokens)) - np.repeat(begins, np.diff(np.append(begins, len(tokens))))


def _even_uses(pool: Pool, n_src: Ints, draws: Draws) -> Ints:
    """How often each utterance is used: evenly, as far as different speakers can meet.

    Any k speakers together stand in mixtures of n sources no oftener than min(n, k) times each. Those of whom even use would ask
    more (with k = 1, somebody with more utterances than there are mixtures) are as often there as they can be, and use is
    even among their utterances, and among all others.
    """
    most = np.array([np.minimum(n_src, k).sum() for k in range(int(n_src.max()) + 1)])
    utterances = np.bincount(pool.speakers)
    by_lot = np.array(_speakers_by_lot(pool, draws))
    order = by_lot[np.argsort(-utterances[by_lot], kind="stable")]
    most = np.append(most, np.full(max(len(order) + 1 - len(most), 0), most[-1]))[: len(order) + 1]
    uses = np.zeros(len(pool.keys), dtype=np.int64)
    by_speaker = draws.order("uses", pool.keys)
    by_speaker = by_speaker[np.argsort(pool.speakers[by_speaker], kind="stable")]
    begins = np.cumsum(utterances) - utterances
    done = 0
    while done < len(order):
        limits = most[done + 1 :] - most[done]
        together = np.cumsum(utterances[order[done:]])
        level = limits / together
        count = len(level) - int(np.argmin(level[::-1]))
        crowded = order[done : done + count]
        for speaker, share in zip(crowded.tolist(), _shared_out(utterances[crowded], limits[:count]).tolist(), strict=True):
            own = by_speaker[begins[speaker] : begins[speaker] + utterances[speaker]]
            each, odd = divmod(share, len(own))
            uses[own] = each
            uses[own[:odd]] += 1
        done += count
    return uses


def _shared_out(utterances: Ints, limits: Ints) -> Ints:
    """`limits[-1]` in all, shared out among speakers in proportion to their utterances, rounded so that no k of them get more
    than `limits[k - 1]`."""
    total, weight = int(limits[-1]), int(utterances.sum())
    shares, rest = np.divmod(total * utterances, weight)
    left = total - int(shares.sum())
    if (np.cumsum(np.sort(shares + (rest > 0))[::-1]) <= limits)[:-1].all():  # as in all but small or crowded pools
        shares[np.flatnonzero(rest > 0)[:left]] += 1
        return shares
    for speaker in np.flatnonzero(rest > 0).tolist():
        if not left:
            break
        shares[speaker] += 1
        if (np.cumsum(np.sort(shares)[::-1]) > limits).any():
            shares[speaker] -= 1
        else:
            left -= 1
    return shares


def _shuffle(pool: Pool, n_src: Ints, mixture: Ints, utterance: Ints, draws: Draws) -> None:
    """Exchange utterances between mixtures, in place, while no speaker comes to stand twice in one."""
    begins, members = _members(n_src)
    items = np.arange(len(n_src), dtype=np.uint64)
    for round_number in range(_MOST_ROUNDS):
        if round_number >= _ROUNDS and not (again := _repeated(utterance, members)).any():
            return
        order = draws.order(f"exchange {round_number}", items)
        half = len(order) // 2
        first, second = order[:half], order[half : 2 * half]
        if round_number >= _ROUNDS:
            concerned = again[first] | again[second]
            first, second = first[concerned], second[concerned]
        place = (draws.uniform(f"place {round_number}", items) * n_src).astype(np.int64)
        one, other = begins[first] + place[first], begins[second] + place[second]
        fits = _fits(pool, utterance, members[first], one, utterance[other]) & _fits(
            pool, utterance, members[second], other, utterance[one]
        )
        one, other = one[fits], other[fits]
        utterance[one], utterance[other] = utterance[other], utterance[one]


def _members(n_src: Ints) -> tuple[Ints, Ints]:
    """Where the sources of each mixture begin and stand: int64 [mixtures] and [mixtures, most sources], the last one repeated."""
    begins = np.cumsum(n_src) - n_src
    return begins, begins[:, np.newaxis] + np.minimum(np.arange(int(n_src.max())), n_src[:, np.newaxis] - 1)


def reach_of_groups(lengths: Ints, n_src: Ints) -> NDArray[np.float64]:
    """Largest overlap ratio of whole utterances of `lengths`, mixture by mixture: the second longest over the longest; float64
    [mixtures], 1 where there is one source."""
    _, members = _members(n_src)
    ordered = np.sort(np.where(np.arange(members.shape[1]) < n_src[:, np.newaxis], lengths[members], 0), axis=1)
    reach: NDArray[np.float64] = np.where(n_src > 1, ordered[:, -2:][:, 0] / ordered[:, -1], 1.0)
    return reach


def _even_out(pool: Pool, n_src: Ints, utterance: Ints, lowest_ratio: float, draws: Draws) -> None:
    """Exchange utterances of mixtures that do not reach a ratio with those of others, in place, as long as that helps."""
    begins, members = _members(n_src)
    items = np.arange(len(n_src), dtype=np.uint64)
    for round_number in range(_MOST_ROUNDS):
        reach = reach_of_groups(pool.lengths[utterance], n_src)
        short = np.flatnonzero(reach < lowest_ratio)
        if not len(short):
            return
        order = draws.order(f"even out {round_number}", items)
        partners = order[~np.isin(order, short)][: len(short)]
        short = short[: len(partners)]
        place = (draws.uniform(f"place of even out {round_number}", items) * n_src).astype(np.int64)
        one, other = begins[short] + place[short], begins[partners] + place[partners]
        fits = _fits(pool, utterance, members[short], one, utterance[other]) & _fits(
            pool, utterance, members[partners], other, utterance[one]
        )
        tried = utterance.copy()
        tried[one[fits]], tried[other[fits]] = utterance[other[fits]], utterance[one[fits]]
        then = reach_of_groups(pool.lengths[tried], n_src)
        better = fits & (then[short] > reach[short]) & (then[partners] >= lowest_ratio)
        one, other = one[better], other[better]
        utterance[one], utterance[other] = utterance[other], utterance[one]


def _fits(pool: Pool, utterance: Ints, members: Ints, place: Ints, incoming: Ints) -> NDArray[np.bool_]:
    """Whether the speakers of `incoming` stand nowhere in the mixtures but at `place`."""
    there = pool.speakers[utterance[members]] == pool.speakers[incoming][:, np.newaxis]
    fits: NDArray[np.bool_] = ~(there & (members != place[:, np.newaxis])).any(axis=1)
    return fits


def _repeated(utterance: Ints, members: Ints) -> NDArray[np.bool_]:
    """Mixtures of the same utterances as an earlier one."""
    _, first = np.unique(np.sort(utterance[members], axis=1), axis=0, return_index=True)
    again = np.ones(len(members), dtype=bool)
    again[first] = False
    return again
