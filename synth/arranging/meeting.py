"""Which utterances meet in which mixture, and the overlap ratio asked of each: pairs by `pairing.pairs`, others by groups."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.distributions import Choice, Distribution
from synth.draws import Draws
from synth.errors import PlanError
from synth.overlap.spec import FullOverlap, PartialOverlap
from synth.pairing.groups import Groups, group_up, reach_of_groups
from synth.pairing.pairs import Pairs, Pool, pair_up
from synth.spec import SeparationSpec

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_MOST_DRAWS = 10_000


@dataclass
class Meeting:
    """Who meets whom.

    Attributes:
        groups: the first utterance of each source; numbers of the whole pool.
        n_src: sources of each mixture, int64 [mixtures].
        ratios: overlap ratio asked of each mixture, float64 [mixtures]; NaN where none is.
        draw_counts: how often it was drawn, int32 [mixtures].
    """

    groups: Groups
    n_src: Ints
    ratios: Floats
    draw_counts: NDArray[np.int32]


def meet(spec: SeparationSpec, pool: Pool, pools: list[tuple[Pool, Ints]], mixtures: int, draws: Draws) -> Meeting:
    """Arrange the mixtures of a split.

    Args:
        pool: all utterances.
        pools: within which speakers may meet, with their utterances' numbers in `pool` (`candidates.pools_that_meet`).
        mixtures: how many.
        draws: of the split.

    Raises:
        PlanError: the pools cannot give what is asked.
    """
    items = np.arange(mixtures, dtype=np.uint64)
    n_src = np.full(mixtures, spec.source_numbers()[-1], dtype=np.int64)
    if isinstance(spec.n_src, Choice):
        n_src = spec.n_src.values(draws.uniform("n_src", items)).astype(np.int64)
    shares = _shares([len(where) for _, where in pools], mixtures, draws)
    if spec.source_numbers() == (2,) and isinstance(spec.overlap, FullOverlap | PartialOverlap):
        parts = [_pairs(spec, part, share, draws) for (part, _), share in zip(pools, shares, strict=True)]
        a, b, ratios = np.zeros(mixtures, np.int64), np.zeros(mixtures, np.int64), np.zeros(mixtures)
        draw_counts = np.ones(mixtures, dtype=np.int32)
        for pairs, share, (_, where) in zip(parts, shares, pools, strict=True):
            a[share], b[share], ratios[share], draw_counts[share] = (
                where[pairs.a],
                where[pairs.b],
                pairs.ratios,
                pairs.draw_counts,
            )
        groups = Groups(np.repeat(items.astype(np.int64), 2), np.tile([1, 2], mixtures), np.stack([a, b], axis=1).ravel())
        return Meeting(groups, n_src, ratios, draw_counts)
    lowest = spec.overlap.ratio.support()[0] if isinstance(spec.overlap, PartialOverlap) else 0.0
    grouped = [
        (group_up(part, n_src[share], draws, lowest), share, where)
        for (part, where), share in zip(pools, shares, strict=True)
        if len(share)
    ]
    mixture = np.concatenate([share[found.mixture] for found, share, _ in grouped])
    stem = np.concatenate([found.stem for found, _, _ in grouped])
    utterance = np.concatenate([where[found.utterance] for found, _, where in grouped])
    order = np.lexsort((stem, mixture))
    groups = Groups(mixture[order], stem[order], utterance[order])
    ratios, draw_counts = np.full(mixtures, np.nan), np.ones(mixtures, dtype=np.int32)
    if isinstance(spec.overlap, PartialOverlap):
        ratios, draw_counts = _ratios_of_groups(spec.overlap.ratio, pool, groups, n_src, draws)
    return Meeting(groups, n_src, ratios, draw_counts)


def _shares(sizes: list[int], mixtures: int, draws: Draws) -> list[Ints]:
    """Which mixtures each pool makes: as many as it has utterances, in proportion."""
    if len(sizes) == 1:
        return [np.arange(mixtures, dtype=np.int64)]
    order = draws.order("pool", np.arange(mixtures, dtype=np.uint64))
    edges = np.rint(np.cumsum(sizes[:-1]) / sum(sizes) * mixtures).astype(np.int64)
    return [np.sort(part).astype(np.int64) for part in np.split(order, edges)]


def _pairs(spec: SeparationSpec, pool: Pool, items: Ints, draws: Draws) -> Pairs:
    overlap = spec.overlap
    if not len(items):
        none = np.zeros(0, dtype=np.int64)
        return Pairs(none, none, np.zeros(0), np.zeros(0, dtype=np.int32))
    if isinstance(overlap, PartialOverlap):
        ratio = overlap.ratio

        def draw_ratios(attempt: int, among: Ints) -> Floats:
            return ratio.values(draws.uniform(f"overlap_ratio {attempt}", items[among].astype(np.uint64)))

        if spec.seconds() is None:
            # A pair at one ratio makes two mixtures: either speaker first.
            orders = 2 * values if (values := ratio.distinct_values()) else None
            return pair_up(pool, len(items), draws, draw_ratios, ratio.support()[0], orders)
        pairs = pair_up(pool, len(items), draws, _anything)  # cut or filled, any two reach any ratio
        _oriented(pool, pairs, draws, None)
        pairs.ratios = draw_ratios(0, np.arange(len(items)))
        return pairs
    most = 2 if spec.seconds() is None else None  # cut anywhere, a pair makes many mixtures
    pairs = pair_up(pool, len(items), draws, _anything, most_uses_of_pair=most)
    pairs.ratios = np.full(len(items), np.nan if spec.length in ("max",) or spec.seconds() is not None else 1.0)
    _oriented(pool, pairs, draws, most)
    return pairs


def _anything(_: int, among: Ints) -> Floats:
    return np.zeros(len(among))  # anything can be cut to anything


def _oriented(pool: Pool, pairs: Pairs, draws: Draws, most: int | None) -> None:
    """Which of a pair is s1: drawn, and each time that a pair comes again, the other way round.

    Raises:
        PlanError: a pair comes more than `most` times.
    """
    both = np.stack([pairs.a, pairs.b])
    ordered = np.where(pool.keys[pairs.a] < pool.keys[pairs.b], both, both[::-1])
    pair = ordered[0] * len(pool.lengths) + ordered[1]
    order = np.argsort(pair, kind="stable")
    begins = np.flatnonzero(np.diff(pair[order], prepend=-1))
    uses = np.diff(np.append(begins, len(pair)))
    if most is not None and uses.max() > most:
        raise PlanError(
            f"no way was found to make {len(pairs.a)} fully overlapped mixtures and none of them twice: the pool's "
            f"{len(pool.lengths)} utterances make {pool.pair_count()} pairs of two speakers, in two orders each; ask for fewer"
        )
    seen_before = np.empty(len(pair), dtype=np.int64)
    seen_before[order] = np.arange(len(pair)) - np.repeat(begins, uses)
    exchanged = (draws.bits("s1", pool.keys[ordered[0]] ^ pool.keys[ordered[1]]) & np.uint64(1)).astype(bool) ^ (
        seen_before % 2 > 0
    )
    pairs.a, pairs.b = np.where(exchanged, ordered[::-1], ordered)


def _ratios_of_groups(
    ratio: Distribution, pool: Pool, groups: Groups, n_src: Ints, draws: Draws
) -> tuple[Floats, NDArray[np.int32]]:
    """A ratio for each mixture that its sources reach: the second longest over the longest.

    The highest ratios choose first, by lot among the mixtures that reach them and are left. Those left over draw anew.
    """
    reach = reach_of_groups(pool.lengths[groups.utterance], n_src)
    items = np.flatnonzero(n_src > 1)
    lowest = ratio.support()[0]
    if (short := np.count_nonzero(reach[items] < lowest)) > 0:
        raise PlanError(
            f"{short} of {len(items)} mixtures have no sources that reach an overlap ratio of {lowest:.3f}: ask for lower ratios "
            "(--set overlap.ratio=...)"
        )
    keys = items.astype(np.uint64)
    drawn = ratio.values(draws.uniform("overlap_ratio 0", keys))
    by_reach = items[np.argsort(-reach[items], kind="stable")]
    chance = draws.uniform("mixture of a ratio", keys)
    ratios, counts = np.full(len(n_src), np.nan), np.ones(len(n_src), dtype=np.int32)
    left: list[int] = []
    opened = 0
    for number in np.argsort(-drawn, kind="stable").tolist():
        while opened < len(by_reach) and reach[by_reach[opened]] >= drawn[number]:
            left.append(int(by_reach[opened]))
            opened += 1
        if left:
            at = int(chance[number] * len(left))
            ratios[left[at]] = drawn[number]
            left[at] = left[-1]
            left.pop()
    over = items[np.isnan(ratios[items])]
    for attempt in range(1, _MOST_DRAWS):
        if not len(over):
            break
        again = ratio.values(draws.uniform(f"overlap_ratio {attempt}", over.astype(np.uint64)))
        ratios[over] = np.where(again <= reach[over], again, lowest)  # which it will be if no draw ever fits
        counts[over] += 1
        over = over[again > reach[over]]
    return ratios, counts
