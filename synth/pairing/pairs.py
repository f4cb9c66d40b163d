"""Which utterances meet: two speakers in every pair, every utterance used as often as any other, and each pair's lengths such
that it reaches the overlap ratio asked of it.

Two utterances of `m <= M` samples reach an overlap ratio of at most `m / M`. So ratios and pairs are matched over the whole
split: a first arrangement bands utterances of like length around the tight ratios, then exchanges between two mixtures at a
time (partners or ratios; the number of uses of an utterance never changes) remove what is still wrong.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.draws import Draws
from synth.errors import PlanError
from synth.pairing.small_pools import Uses, pair_uses, solvable

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
# From the number of the draw (0 for the first) and the mixtures' numbers to ratios.
DrawRatios = Callable[[int, Ints], Floats]

_SAME_SPEAKER = 10.0  # dearer than two ratios out of reach (each 1 plus what is short of it)
_WRONG = 1e5  # a wrong pair outweighs any crowding
_LEAST_GAIN = 0.01  # less is rounding
_ROUNDS = 2000
_MOST_OFFERS = 30_000_000  # over all rounds: some seconds
_IDLE_ROUNDS = 200
_MOST_COMPARISONS = 5_000_000
_MOST_DRAWS = 10_000


@dataclass
class Pool:
    """The utterances of a split.

    Attributes:
        lengths: samples, int64 [utterances].
        speakers: a number for each speaker, int64 [utterances].
        keys: hashes of the ids, uint64 [utterances]: all that randomness depends on.
    """

    lengths: Ints
    speakers: Ints
    keys: NDArray[np.uint64]

    def pair_count(self) -> int:
        """Pairs of utterances of different speakers."""
        per_speaker = np.bincount(self.speakers)
        return int((len(self.lengths) ** 2 - (per_speaker**2).sum()) // 2)

    def shares_that_reach(self, ratios: Sequence[float]) -> list[float]:
        """Share of the pairs of different speakers that can overlap by each of `ratios`."""
        everyone = np.sort(self.lengths)
        by_speaker = np.lexsort((self.lengths, self.speakers))
        begins = np.flatnonzero(np.diff(self.speakers[by_speaker], prepend=-1))
        groups = np.split(self.lengths[by_speaker], begins[1:])
        pairs = self.pair_count()
        return [(_reaching(everyone, ratio) - sum(_reaching(group, ratio) for group in groups)) / pairs for ratio in ratios]

    def reach(self, a: Ints, b: Ints) -> Floats:
        """Largest overlap ratio that utterances `a` and `b` can have."""
        x, y = self.lengths[a], self.lengths[b]
        return np.minimum(x, y) / np.maximum(x, y)


@dataclass
class Pairs:
    """The outcome: utterances `a` and `b` of each mixture, the ratio asked of it, and how often that was drawn."""

    a: Ints
    b: Ints
    ratios: Floats
    draw_counts: NDArray[np.int32]


def pair_up(
    pool: Pool,
    mixtures: int,
    draws: Draws,
    draw_ratios: DrawRatios,
    lowest_ratio: float = 0.0,
    most_uses_of_pair: int | None = None,
) -> Pairs:
    """Arrange `mixtures` pairs of the pool's utterances.

    A pair comes again only when the others that reach are spent, and a ratio is drawn anew only where it cannot be reached: in a
    pool of few pairs that is solved exactly, in a large one exchanges find it.

    Args:
        pool: the utterances.
        mixtures: how many pairs.
        draws: of the split.
        draw_ratios: gives the ratios asked of the mixtures.
        lowest_ratio: that `draw_ratios` may give.
        most_uses_of_pair: None for no limit. In a large pool only aimed at.

    Raises:
        PlanError: fewer than two speakers, or no pair reaches any ratio that may be drawn.
    """
    if len(np.unique(pool.speakers)) < 2:
        raise PlanError("the pool has utterances of fewer than 2 speakers, and a mixture needs 2")
    items = np.arange(mixtures, dtype=np.int64)
    ratios = draw_ratios(0, items)
    if solvable(pool.pair_count(), mixtures):
        small = _solve_small(pool, ratios, lowest_ratio, most_uses_of_pair, draws)
        if small is not None:
            _draw_anew(pool, small, draw_ratios)
            return small
    pairs = Pairs(*_first_arrangement(pool, ratios, draws), ratios, np.ones(mixtures, dtype=np.int32))
    _exchange_at_random(pool, pairs, draws)
    _exchange_exhaustively(pool, pairs)
    _draw_anew(pool, pairs, draw_ratios)
    return pairs


def uses(pool: Pool, mixtures: int, draws: Draws) -> Ints:
    """How often each utterance is used, int64 [utterances]: the counts differ by at most one.

    Unless one speaker has so many utterances that even use would need them twice in a mixture: then that speaker stands in
    every mixture, and use is even among their utterances and among all others.
    """
    everyone = np.arange(len(pool.lengths))
    order = draws.order("uses", pool.keys)
    base, rest = divmod(2 * mixtures, len(everyone))
    per_speaker = np.bincount(pool.speakers)
    room = mixtures - base * per_speaker
    speakers_in_order = pool.speakers[order]
    eligible = order[_rank_within(speakers_in_order) < room[speakers_in_order]]
    if room.min() >= 0 and len(eligible) >= rest:
        result = np.full(len(everyone), base, dtype=np.int64)
        result[eligible[:rest]] += 1
        return result
    often = int(np.argmax(per_speaker))
    result = np.zeros(len(everyone), dtype=np.int64)
    for group in (order[speakers_in_order == often], order[speakers_in_order != often]):
        base, rest = divmod(mixtures, len(group))
        result[group] = base
        result[group[:rest]] += 1
    return result


def _reaching(lengths: Ints, ratio: float) -> int:
    """Pairs of ascending `lengths` whose shorter is at least `ratio` of the longer."""
    shortest = np.searchsorted(lengths, lengths * ratio)
    return int((np.arange(len(lengths)) - shortest).sum())


def _solve_small(pool: Pool, ratios: Floats, lowest_ratio: float, most_uses_of_pair: int | None, draws: Draws) -> Pairs | None:
    """The exact solution for a pool of few pairs; None where there is none. Ratios to be drawn anew are left as they are."""
    by_key = np.argsort(pool.keys)  # so that the order of the rows does not matter
    lengths, speakers = pool.lengths[by_key], pool.speakers[by_key]
    for bounds in (_even_bounds(speakers, len(ratios)), _bounds_beside_one_speaker(speakers, len(ratios))):
        solved = pair_uses(lengths, speakers, bounds, ratios, lowest_ratio, most_uses_of_pair, draws)
        if solved is not None:
            pair_of_item = _deal(solved, ratios, draws)
            a, b = by_key[solved.a[pair_of_item]], by_key[solved.b[pair_of_item]]
            return Pairs(a, b, ratios, np.ones(len(ratios), dtype=np.int32))
    return None


def _even_bounds(speakers: Ints, mixtures: int) -> tuple[Ints, Ints]:
    base, rest = divmod(2 * mixtures, len(speakers))
    least = np.full(len(speakers), base, dtype=np.int64)
    return least, least + (rest > 0)


def _bounds_beside_one_speaker(speakers: Ints, mixtures: int) -> tuple[Ints, Ints]:
    """One speaker in every mixture, with even use among their utterances and among all others."""
    often = speakers == np.argmax(np.bincount(speakers))
    groups = np.where(often, np.count_nonzero(often), np.count_nonzero(~often))
    return mixtures // groups, -(-mixtures // groups)


def _deal(solved: Uses, ratios: Floats, draws: Draws) -> Ints:
    """A pair for each mixture, at random among those that reach its ratio and are left: highest ratios first.

    Mixtures whose ratio is to be drawn anew take what is left at the end.
    """
    items = np.arange(len(ratios), dtype=np.uint64)
    falling = np.lexsort((draws.bits("ties", items), -ratios))
    within = falling[ratios[falling] <= solved.reach[0]]
    anew = np.zeros(len(within), dtype=bool)
    begin = 0
    for end, count in zip(solved.band_ends, solved.drawn_anew, strict=True):
        if count:
            band = np.arange(begin, end)
            anew[band[np.argsort(draws.bits("drawn anew", within[band].astype(np.uint64)))[:count]]] = True
        begin = end
    chance = draws.uniform("pair of a mixture", items)
    result = np.empty(len(ratios), dtype=np.int64)
    left: list[int] = []
    opened = 0
    for item in within[~anew].tolist():
        while opened < len(solved.reach) and solved.reach[opened] >= ratios[item]:
            left += [opened] * int(solved.counts[opened])
            opened += 1
        at = int(chance[item] * len(left))
        result[item], left[at] = left[at], left[-1]
        left.pop()
    for pair in range(opened, len(solved.reach)):
        left += [pair] * int(solved.counts[pair])
    result[np.concatenate([falling[ratios[falling] > solved.reach[0]], within[anew]])] = left
    return result


def _rank_within(groups: Ints) -> Ints:
    """For each position, how many earlier positions hold the same group."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    begins = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    ranks = np.empty(len(groups), dtype=np.int64)
    ranks[order] = np.arange(len(groups)) - np.repeat(begins, np.diff(np.r_[begins, len(groups)]))
    return ranks


def _first_arrangement(pool: Pool, ratios: Floats, draws: Draws) -> tuple[Ints, Ints]:
    """Pairs that mostly reach their ratio: tight ratios get neighbours in a list of utterances sorted by length.

    Mixtures are taken in bands of like ratio. Each band gets a random share of the utterances, sorted by the logarithm of
    their length plus noise as wide as the band's ratio allows, so that neighbours differ in length by as much as they may.
    """
    mixtures = len(ratios)
    tokens = np.repeat(np.arange(len(pool.lengths), dtype=np.int64), uses(pool, mixtures, draws))
    token_keys = pool.keys[tokens] + (_rank_within(tokens).astype(np.uint64) << np.uint64(32))
    shuffled = draws.order("tokens", token_keys)
    tokens, token_keys = tokens[shuffled], token_keys[shuffled]
    by_ratio = np.lexsort((draws.bits("ties", np.arange(mixtures, dtype=np.uint64)), -ratios))
    log_lengths = np.log(pool.lengths[tokens])
    noise = draws.uniform("band noise", token_keys) - 0.5
    width = -np.log(np.clip(ratios[by_ratio], 1e-3, 1))
    band = np.repeat(np.arange(mixtures) // _band_size(mixtures), 2)
    # A band's first mixture has its highest ratio, the narrowest width.
    width_of_band = width[:: _band_size(mixtures)]
    order = np.lexsort((log_lengths + noise * width_of_band[band], band))
    arranged = tokens[order]
    a, b = np.empty(mixtures, dtype=np.int64), np.empty(mixtures, dtype=np.int64)
    a[by_ratio], b[by_ratio] = arranged[0::2], arranged[1::2]
    return a, b


def _band_size(mixtures: int) -> int:
    return max(32, mixtures // 64)


def _wrongness(pool: Pool, a: Ints, b: Ints, ratios: Floats) -> Floats:
    """0 where the pair serves; more the further it is from serving."""
    short = np.maximum(ratios - pool.reach(a, b), 0)
    return np.where(pool.speakers[a] == pool.speakers[b], _SAME_SPEAKER, np.where(short > 0, 1 + short, 0.0))


class _Crowd:
    """How often each pair is used, and what an exchange does to the sum of n * (n - 1) / 2 over all pairs.

    Attributes:
        of_pairs: how often that of each mixture is used.
    """

    def __init__(self, pool: Pool, pairs: Pairs) -> None:
        self._size = len(pool.lengths)
        self.keys, where, self.counts = np.unique(self.key(pairs.a, pairs.b), return_inverse=True, return_counts=True)
        self.of_pairs = self.counts[where]

    def key(self, a: Ints, b: Ints) -> Ints:
        return np.minimum(a, b) * self._size + np.maximum(a, b)

    def count(self, keys: Ints) -> Ints:
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        counts: Ints = np.where(self.keys[at] == keys, self.counts[at], 0)
        return counts

    def cost(self) -> float:
        return float((self.counts * (self.counts - 1) // 2).sum())

    def change(self, old: tuple[Ints, Ints], new: tuple[Ints, Ints]) -> Ints:
        """Of replacing two pairs by two others, for each exchange by itself."""
        saved = self.count(old[0]) + self.count(old[1]) - 2 - (old[0] == old[1])
        spent = [self.count(key) - (key == old[0]) - (key == old[1]) for key in new]
        change: Ints = spent[0] + spent[1] + (new[0] == new[1]) - saved
        return change


@dataclass
class _Exchange:
    """The best exchange found for each of some couples of mixtures: what they become, and by how much the cost falls."""

    gain: Floats
    a: tuple[Ints, Ints]
    b: tuple[Ints, Ints]
    ratios: tuple[Floats, Floats]


def _best_exchange(pool: Pool, pairs: Pairs, crowd: _Crowd, i: Ints, j: Ints) -> _Exchange:
    """Of the ways to share out four utterances and two ratios over mixtures `i` and `j`, the cheapest."""
    ai, bi, aj, bj = pairs.a[i], pairs.b[i], pairs.a[j], pairs.b[j]
    ri, rj = pairs.ratios[i], pairs.ratios[j]
    old_keys = crowd.key(ai, bi), crowd.key(aj, bj)
    old_cost = _wrongness(pool, ai, bi, ri) + _wrongness(pool, aj, bj, rj)
    best = _Exchange(np.full(len(i), -np.inf), (ai, aj), (bi, bj), (ri, rj))
    options = [((ai, bi), (aj, bj)), ((ai, bj), (aj, bi)), ((ai, aj), (bi, bj))]
    for number, (first, second) in enumerate(options):
        change = (
            np.zeros(len(i)) if number == 0 else crowd.change(old_keys, (crowd.key(*first), crowd.key(*second))).astype(float)
        )
        for one, other in ((ri, rj), (rj, ri)):
            if number == 0 and one is ri:
                continue  # that is how it stands
            gain = _WRONG * (old_cost - _wrongness(pool, *first, one) - _wrongness(pool, *second, other)) - change
            better = gain > best.gain
            best = _Exchange(
                np.where(better, gain, best.gain),
                (np.where(better, first[0], best.a[0]), np.where(better, second[0], best.a[1])),
                (np.where(better, first[1], best.b[0]), np.where(better, second[1], best.b[1])),
                (np.where(better, one, best.ratios[0]), np.where(better, other, best.ratios[1])),
            )
    return best


def _carry_out(pairs: Pairs, i: Ints, j: Ints, exchange: _Exchange, chosen: NDArray[np.bool_]) -> None:
    for items, side in ((i[chosen], 0), (j[chosen], 1)):
        pairs.a[items] = exchange.a[side][chosen]
        pairs.b[items] = exchange.b[side][chosen]
        pairs.ratios[items] = exchange.ratios[side][chosen]


def _exchange_at_random(pool: Pool, pairs: Pairs, draws: Draws) -> None:
    """Rounds in which every mixture that could be better is offered a partner drawn at random.

    Exchanges that change nothing in sum are carried out as well: they move the trouble to where it can be mended.
    """
    items = np.arange(len(pairs.a), dtype=np.uint64)
    lowest, idle = np.inf, 0
    for round_number in range(min(_ROUNDS, _MOST_OFFERS // len(pairs.a))):
        crowd = _Crowd(pool, pairs)
        wrong = _wrongness(pool, pairs.a, pairs.b, pairs.ratios)
        wanting = (wrong > 0) | (crowd.of_pairs > 1)
        cost = _WRONG * wrong.sum() + crowd.cost()
        lowest, idle = (cost, 0) if cost < lowest else (lowest, idle + 1)
        if not wanting.any() or idle > _IDLE_ROUNDS:
            return
        i, j = _couples(draws.order(f"exchange {round_number}", items), wanting)
        exchange = _best_exchange(pool, pairs, crowd, i, j)
        _carry_out(pairs, i, j, exchange, exchange.gain >= 0)


def _couples(order: Ints, wanting: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Disjoint couples (i, j) with every i wanting: the wanting ones in random order, each with the next of the others."""
    first, others = order[wanting[order]], order[~wanting[order]]
    if len(first) <= len(others):
        return first, others[: len(first)]
    queue = np.r_[first[: len(others)], first[len(others) :]]
    left = queue[len(others) :]
    half = len(left) // 2
    return np.r_[queue[: len(others)], left[:half]], np.r_[others, left[half : 2 * half]]


def _exchange_exhaustively(pool: Pool, pairs: Pairs) -> None:
    """Offer each mixture that could still be better every other mixture, until no exchange helps."""
    everything = np.arange(len(pairs.a), dtype=np.int64)
    helped = True
    while helped:
        helped = False
        crowd = _Crowd(pool, pairs)
        wrong = _wrongness(pool, pairs.a, pairs.b, pairs.ratios) > 0
        repeated = (crowd.of_pairs > 1) & (pairs.ratios <= _reach_of_unused(pool, crowd))
        if len(pairs.a) * np.count_nonzero(repeated) > _MOST_COMPARISONS:
            repeated[:] = False
        for item in np.flatnonzero(wrong | repeated):
            exchange = _best_exchange(pool, pairs, crowd, np.full(len(everything), item), everything)
            exchange.gain[item] = -np.inf
            best = everything == np.argmax(exchange.gain)
            if exchange.gain[best][0] > _LEAST_GAIN:
                _carry_out(pairs, np.full(len(everything), item), everything, exchange, best)
                crowd = _Crowd(pool, pairs)
                helped = True


def _reach_of_unused(pool: Pool, crowd: _Crowd) -> float:
    """The largest ratio that a pair not used so far reaches; 0 where all are used."""
    if pool.pair_count() > _MOST_COMPARISONS:
        return 1.0  # a pool as large as that is never spent
    a, b = np.triu_indices(len(pool.lengths), 1)
    unused = (pool.speakers[a] != pool.speakers[b]) & (crowd.count(crowd.key(a, b)) == 0)
    return float(pool.reach(a[unused], b[unused]).max(initial=0.0))


def _draw_anew(pool: Pool, pairs: Pairs, draw_ratios: DrawRatios) -> None:
    reach = pool.reach(pairs.a, pairs.b)
    for attempt in range(1, _MOST_DRAWS):
        short = np.flatnonzero(pairs.ratios > reach)
        if not len(short):
            return
        pairs.ratios[short] = draw_ratios(attempt, short)
        pairs.draw_counts[short] += 1
    worst = pairs.ratios[short[0]]
    raise PlanError(
        f"no two utterances of different speakers that are left reach an overlap ratio of {worst:.3f} "
        f"(here the shorter has {reach[short[0]]:.3f} of the longer's length): ask for lower ratios (--set overlap.ratio=...)"
    )
