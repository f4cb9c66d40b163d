"""Pairing where a pool has few utterances: how often each pair is used, solved exactly as an integer programme.

In a small pool even use, distinct pairs and reachable ratios pull against each other, and exchanges between mixtures get stuck
where a solution exists. How often each pair is used is a vector x of whole numbers with linear constraints only: the uses of an
utterance, and for every ratio as many pairs that reach it as there are mixtures that ask for more. HiGHS solves that (through
`scipy.optimize.milp`), with random costs, so that of the many solutions none is preferred.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.draws import Draws

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_NODE_LIMIT = 500  # a limit on time would make the plan depend on the machine


@dataclass(frozen=True)
class _Programme:
    """Pairs (a, b) of utterances, by falling reach, and what is asked of them."""

    a: Ints
    b: Ints
    reach: Floats
    least_uses: Ints  # of each utterance
    most_uses: Ints
    needed: Ints  # of the first k + 1 pairs, counted with their uses: what the ratios above the reach of the next one need
    costs: Floats


@dataclass(frozen=True)
class Uses:
    """A solution: pairs (a, b) by falling reach, how often each is used, and how many ratios are drawn anew.

    Ratios above the largest reach are drawn anew in any case. The others, by falling size, lie in bands: band k ends before
    position `band_ends[k]`, and `drawn_anew[k]` of it are drawn anew.
    """

    a: Ints
    b: Ints
    reach: Floats
    counts: Ints
    band_ends: Ints
    drawn_anew: Ints


def solvable(pairs: int, mixtures: int) -> bool:
    """Whether the programme is solved in seconds, and worth it: exchanges find what is needed where there are pairs to spare."""
    return pairs <= 3_000 or (pairs <= 12_000 and 2 * mixtures > pairs)


def pair_uses(
    lengths: Ints,
    speakers: Ints,
    uses: tuple[Ints, Ints],
    ratios: Floats,
    lowest_ratio: float,
    most_uses_of_pair: int | None,
    draws: Draws,
) -> Uses | None:
    """How often to use each pair of utterances of different speakers.

    As few ratios as possible are drawn anew; then as many pairs as possible are used; then no pair much oftener than needed.

    Args:
        lengths: samples, int64 [utterances].
        speakers: a number for each speaker, int64 [utterances].
        uses: least and most uses of each utterance, int64 [utterances] each.
        ratios: asked of the mixtures, float64 [mixtures].
        lowest_ratio: that may be drawn; a pair that does not reach it serves no mixture.
        most_uses_of_pair: None for no limit.
        draws: for the random costs.

    Returns:
        None where the uses of the utterances cannot be had at all.
    """
    a, b = np.triu_indices(len(lengths), 1)
    reach = np.minimum(lengths[a], lengths[b]) / np.maximum(lengths[a], lengths[b])
    kept = np.flatnonzero((speakers[a] != speakers[b]) & (reach >= lowest_ratio))
    kept = kept[np.argsort(-reach[kept], kind="stable")]
    if not len(kept):
        return None
    a, b, reach = a[kept], b[kept], reach[kept]
    within = np.sort(ratios[ratios <= reach[0]])
    needed = len(within) - np.searchsorted(within, np.append(reach[1:], -1.0), side="right")
    costs = draws.uniform("cost of a pair", np.arange(len(kept), dtype=np.uint64))
    programme = _Programme(a, b, reach, *uses, needed, costs)
    found = _best(programme, len(ratios), most_uses_of_pair)
    return None if found is None else Uses(a, b, reach, found.counts, needed, found.drawn_anew)


@dataclass(frozen=True)
class _Solution:
    counts: Ints
    drawn_anew: Ints

    def merit(self) -> tuple[int, int]:
        """Fewer ratios drawn anew come first, then more pairs used."""
        return -int(self.drawn_anew.sum()), int(np.count_nonzero(self.counts))


def _best(programme: _Programme, mixtures: int, limit: int | None) -> _Solution | None:
    """The best solution, and of these one in which the most used pair is used little."""
    pairs = len(programme.a)
    even = -(-mixtures // pairs)
    most = mixtures if limit is None else min(limit, mixtures)
    caps = sorted({min(cap, most) for cap in (even, even + 1, 2 * even, 3 * even, 5 * even, 10 * even, most)})
    least = 1 if mixtures >= pairs else 0
    for cap in caps if least else caps[:1]:  # every pair used, or every mixture of another pair: nothing is better
        solution = _solve(programme, mixtures, least, cap, redraw=False)
        if solution is not None:
            return solution
    for redraw in (False, True):
        best = _solve(programme, mixtures, 0, most, redraw)
        if best is not None:
            tried = (_solve(programme, mixtures, 0, cap, redraw) for cap in caps)
            return next((found for found in tried if found is not None and found.merit() >= best.merit()), best)
    return None


def _solve(programme: _Programme, mixtures: int, least: int, most: int, redraw: bool) -> _Solution | None:
    """With each pair used from `least` to `most` times, and ratios drawn anew or not; None where there is no solution.

    Variables, for each of the P pairs: x, its uses; y, whether it is used; c, the uses of the pairs up to it; d, the ratios of
    its band that are drawn anew; e, those of the bands up to it.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array

    p = len(programme.a)
    k = np.arange(p)
    x, y, c, d, e = (k + block * p for block in range(5))
    one, minus = np.ones(p), -np.ones(p)

    def rows(count: int, *terms: tuple[Floats, Ints, Ints]) -> coo_array:
        values, at, variables = (np.concatenate(part) for part in zip(*terms, strict=True))
        return coo_array((values, (at, variables)), shape=(count, 5 * p)).tocsr()

    utterances = len(programme.least_uses)
    constraints = [
        LinearConstraint(
            rows(utterances, (one, programme.a, x), (one, programme.b, x)), programme.least_uses, programme.most_uses
        ),
        LinearConstraint(rows(p, (one, k, c), (minus[1:], k[1:], c[:-1]), (minus, k, x)), 0, 0),
        LinearConstraint(rows(p, (one, k, e), (minus[1:], k[1:], e[:-1]), (minus, k, d)), 0, 0),
        LinearConstraint(rows(p, (one, k, c), (one, k, e)), programme.needed, np.inf),
        LinearConstraint(rows(p, (one, k, x), (minus, k, y)), 0, np.inf),
    ]
    in_band = np.diff(programme.needed, prepend=0)
    zeros, total = np.zeros(p), np.full(p, mixtures)
    upper = np.concatenate([np.full(p, most), one, total, in_band if redraw else zeros, total])
    lower = np.concatenate([np.full(p, least), np.full(p, least), zeros, zeros, zeros])
    lower[c[-1]] = mixtures
    costs = np.concatenate([programme.costs, np.full(p, -10.0), zeros, np.full(p, 20.0 * p), zeros])
    found = milp(
        costs,
        constraints=constraints,
        bounds=Bounds(lower, upper),
        integrality=np.concatenate([one, one, zeros, one, zeros]),
        options={"node_limit": _NODE_LIMIT, "mip_rel_gap": 0.0 if redraw or least < most > 1 else 0.01},
    )
    if found.x is None:
        return None
    solution = np.rint(found.x).astype(np.int64)
    return _Solution(solution[x], solution[d])
