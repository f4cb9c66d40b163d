"""Who meets whom where `synth.pairing` has no say: any number of sources, and utterances beyond the first of a source."""

import heapq
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from synth.draws import Draws, hashes
from synth.errors import PlanError
from synth.pairing import Pool

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


def group_up(pool: Pool, n_src: Ints, draws: Draws) -> Groups:
    """Arrange groups of `n_src` utterances of as many different speakers.

    Every utterance is used as often as any other or once oftener, but that no speaker stands twice in a mixture. The same group
    comes again only where exchanges find no way round it.

    Args:
        pool: the utterances.
        n_src: sources of each mixture, int64 [mixtures].
        draws: of the split.

    Raises:
        PlanError: fewer speakers than sources.
    """
    speakers = len(np.unique(pool.speakers))
    if speakers < n_src.max():
        raise PlanError(f"the pool has utterances of {speakers} speakers, and a mixture needs {n_src.max()}")
    mixture = np.repeat(np.arange(len(n_src)), n_src)
    stem = np.arange(len(mixture)) - np.repeat(np.cumsum(n_src) - n_src, n_src) + 1
    utterance = np.empty(len(mixture), dtype=np.int64)
    items = np.arange(len(n_src), dtype=np.uint64)
    # Dealt column by column, mixtures with most sources first, and each speaker's utterances in one run: a run is no longer than
    # a column, so that it never meets itself.
    largest_first = np.lexsort((draws.bits("deal", items), -n_src))
    rank = np.empty(len(n_src), dtype=np.int64)
    rank[largest_first] = np.arange(len(n_src))
    places = np.lexsort((rank[mixture], stem))
    utterance[places] = _runs(pool, n_src, draws)
    _shuffle(pool, n_src, mixture, utterance, draws)
    return Groups(mixture, stem, utterance)


def _runs(pool: Pool, n_src: Ints, draws: Draws) -> Ints:
    """The utterances as often as they are used, those of a speaker in one run, the longest runs first."""
    uses = _even_uses(pool, n_src, draws)
    runs = np.bincount(pool.speakers, weights=uses).astype(np.int64)
    speaker_keys = np.zeros(len(runs), dtype=np.uint64)
    np.bitwise_xor.at(speaker_keys, pool.speakers, pool.keys)
    speaker_rank = np.empty(len(runs), dtype=np.int64)
    speaker_rank[np.lexsort((draws.bits("speakers", speaker_keys), -runs))] = np.arange(len(runs))
    tokens = np.repeat(np.arange(len(pool.lengths)), uses)
    token_keys = hashes("token", pool.keys[tokens]) + _numbered(tokens).astype(np.uint64)
    return tokens[np.lexsort((draws.bits("tokens", token_keys), speaker_rank[pool.speakers[tokens]]))]


def _numbered(tokens: Ints) -> Ints:
    """0, 1, ... for the repetitions of each token; equal ones stand side by side."""
    begins = np.flatnonzero(np.diff(tokens, prepend=-1))
    return np.arange(len(tokens)) - np.repeat(begins, np.diff(np.append(begins, len(tokens))))


def _even_uses(pool: Pool, n_src: Ints, draws: Draws) -> Ints:
    """How often each utterance is used: evenly, except that nobody can stand in more mixtures than there are.

    Those with so many utterances that they would stand in every mixture, and the rest, are each used evenly.
    """
    slots = np.array([np.count_nonzero(n_src >= k) for k in range(1, n_src.max() + 1)])
    order = draws.order("uses", pool.keys)
    utterances = np.bincount(pool.speakers)
    uses = np.zeros(len(pool.keys), dtype=np.int64)
    left, most = slots.sum(), len(n_src)
    everywhere: list[int] = []
    rest = np.ones(len(utterances), dtype=bool)
    while True:
        free = utterances[rest].sum()
        crowded = np.flatnonzero(rest & (utterances * left > most * free)) if free else np.zeros(0, dtype=np.int64)
        if not len(crowded):
            break
        speaker = int(crowded[np.argmax(utterances[crowded])])
        everywhere.append(speaker)
        rest[speaker] = False
        left -= most
    for speaker in everywhere:
        _spread(uses, order[pool.speakers[order] == speaker], most)
    among = order[rest[pool.speakers[order]]]
    if len(among):
        _spread_within(uses, among, left, pool.speakers, most)
    return uses


def _spread(uses: Ints, among: Ints, total: int) -> None:
    base, rest = divmod(int(total), len(among))
    uses[among] = base
    uses[among[:rest]] += 1


def _spread_within(uses: Ints, among: Ints, total: int, speakers: Ints, most: int) -> None:
    """Evenly, the odd ones to utterances of speakers who have room for one more."""
    base, rest = divmod(int(total), len(among))
    uses[among] = base
    room = most - np.bincount(speakers[among], weights=uses[among], minlength=speakers.max() + 1).astype(np.int64)
    for utterance in among.tolist():
        if not rest:
            break
        if room[speakers[utterance]] > 0:
            uses[utterance] += 1
            room[speakers[utterance]] -= 1
            rest -= 1


def _shuffle(pool: Pool, n_src: Ints, mixture: Ints, utterance: Ints, draws: Draws) -> None:
    """Exchange utterances between mixtures, in place, while no speaker comes to stand twice in one."""
    begins = np.cumsum(n_src) - n_src
    items = np.arange(len(n_src), dtype=np.uint64)
    width = int(n_src.max())
    members = begins[:, np.newaxis] + np.minimum(np.arange(width), n_src[:, np.newaxis] - 1)  # the last is repeated
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
