"""Where the sources of each mixture lie: full overlap, partial overlap, fixed lengths. Turns are in `synth.turns`."""

import numpy as np
from numpy.typing import NDArray

from synth.distributions import Distribution
from synth.draws import Draws
from synth.errors import PlanError
from synth.groups import Groups, Supply
from synth.levels import frame_samples
from synth.meeting import Meeting
from synth.overlap_spec import LEAST_CUT_S, FixedLength
from synth.pairing import Pool
from synth.pieces import Pieces, Placement
from synth.spec import SeparationSpec

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_HALVINGS = 48


def place_full(spec: SeparationSpec, meeting: Meeting, pool: Pool, supply: Supply, draws: Draws) -> Placement:
    """All from the first sample on: cut to the shortest (`min`), as long as they are (`max`), or of the length asked for."""
    groups, mixtures = meeting.groups, len(meeting.n_src)
    lengths = pool.lengths[groups.utterance]
    zeros = np.zeros_like(lengths)
    if isinstance(spec.length, FixedLength):
        num_samples = np.full(mixtures, round(spec.length.seconds * spec.sample_rate_hz), dtype=np.int64)
        pieces = _filled(spec, spec.length, groups, num_samples[groups.mixture], zeros, pool, supply, draws)
        return Placement(pieces, num_samples, meeting.n_src, meeting.ratios, meeting.draw_counts)
    begins = np.cumsum(meeting.n_src) - meeting.n_src
    if spec.length == "max":
        num_samples = np.maximum.reduceat(lengths, begins)
    else:
        num_samples = np.minimum.reduceat(lengths, begins)
        lengths = num_samples[groups.mixture]
    pieces = Pieces.of(groups.mixture, groups.stem, groups.utterance, zeros, lengths, zeros)
    return Placement(pieces, num_samples, meeting.n_src, meeting.ratios, meeting.draw_counts)


def place_partial(
    spec: SeparationSpec, ratio: Distribution, meeting: Meeting, pool: Pool, supply: Supply, draws: Draws
) -> Placement:
    """Sources that share the part of the mixture which was asked of them."""
    if isinstance(spec.length, FixedLength):
        return _partial_of_length(spec, spec.length, meeting, pool, supply, draws)
    if spec.source_numbers() == (2,):
        return _partial_pairs(ratio, meeting, pool, draws)
    return _partial_groups(meeting, pool, draws)


def _partial_pairs(ratio: Distribution, meeting: Meeting, pool: Pool, draws: Draws) -> Placement:
    """Whole utterances, either first, such that they share the asked part: with `m + M` samples in all, an overlap ratio `r`
    means `r * (m + M) / (1 + r)` samples of overlap.

    Two mixtures of the same pair in the same order at the same offset would be one mixture twice: the later one is turned
    round, and if that exists as well, its ratio is drawn anew.
    """
    pairs = meeting.groups.utterance.reshape(-1, 2).T
    items = np.arange(pairs.shape[1], dtype=np.uint64)
    exchanged = (draws.bits("s1", items) & np.uint64(1)).astype(bool)
    sources = np.where(exchanged, pairs[::-1], pairs)
    lengths = pool.lengths[sources]
    second_first = (draws.bits("order", items) & np.uint64(1)).astype(bool)
    shared = _shared_samples(meeting.ratios, lengths)
    used: set[tuple[int, int, int]] = set()
    for item in _in_doubt(sources, pool):
        first, second = sources[::-1, item] if second_first[item] else sources[:, item]
        attempt = 0
        while (key := (int(first), int(second), int(shared[item]))) in used:
            if (key[1], key[0], key[2]) not in used:
                second_first[item] = not second_first[item]
                first, second = second, first
                continue
            attempt += 1
            if attempt > 1000:
                raise PlanError(
                    f"overlap.ratio leaves too few different mixtures: {len(items)} of {len(pool.lengths)} utterances would "
                    "repeat a pair in the same order at the same offset; ask for fewer, or for ratios that vary more"
                )
            this = slice(item, item + 1)
            drawn = ratio.values(draws.uniform(f"overlap_ratio again {attempt}", items[this]))
            if drawn[0] <= pool.reach(sources[0, this], sources[1, this])[0]:
                meeting.ratios[item] = drawn[0]
                meeting.draw_counts[item] += 1
                shared[item] = _shared_samples(drawn, lengths[:, this])[0]
        used.add(key)
    zeros = np.zeros_like(shared)
    offsets = np.where(second_first, np.stack([lengths[1] - shared, zeros]), np.stack([zeros, lengths[0] - shared]))
    groups = meeting.groups
    flat = [array.T.ravel() for array in (sources, np.zeros_like(sources), lengths, offsets)]
    pieces = Pieces.of(groups.mixture, groups.stem, *flat)
    return Placement(pieces, lengths.sum(axis=0) - shared, meeting.n_src, meeting.ratios, meeting.draw_counts)


def _shared_samples(ratios: Floats, lengths: Ints) -> Ints:
    shared: Ints = np.rint(ratios * lengths.sum(axis=0) / (1 + ratios)).astype(np.int64)
    return shared


def _in_doubt(sources: Ints, pool: Pool) -> list[int]:
    """Mixtures whose pair comes more than once."""
    key = sources.min(axis=0) * len(pool.lengths) + sources.max(axis=0)
    _, inverse, counts = np.unique(key, return_inverse=True, return_counts=True)
    return [int(item) for item in np.flatnonzero(counts[inverse] > 1)]


def _partial_groups(meeting: Meeting, pool: Pool, draws: Draws) -> Placement:
    """Whole utterances in an order drawn by lot, each moved towards the first by one factor such that the ratio is as asked.

    End to end nobody overlaps; with all at the start, the second longest is overlapped whole. Between the two the ratio changes
    without a jump, so that halving finds where it is the one asked for.
    """
    groups, mixtures = meeting.groups, len(meeting.n_src)
    keys = groups.mixture.astype(np.uint64) << np.uint64(8) | groups.stem.astype(np.uint64)
    order = np.lexsort((draws.bits("order", keys), groups.mixture))
    lengths = pool.lengths[groups.utterance[order]]
    begins = np.cumsum(meeting.n_src) - meeting.n_src
    ends = np.cumsum(lengths)
    apart = ends - lengths - np.repeat((ends - lengths)[begins], meeting.n_src)  # where each would begin, end to end
    low, high = np.zeros(mixtures), np.ones(mixtures)  # at `low` they overlap by as much as asked or more
    asked = np.where(np.isnan(meeting.ratios), 0.0, meeting.ratios)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        much = _ratios(np.rint(apart * middle[groups.mixture]), lengths, meeting.n_src, begins) >= asked
        low, high = np.where(much, middle, low), np.where(much, high, middle)
    low[asked == 0.0] = 1.0
    offsets = np.rint(apart * low[groups.mixture]).astype(np.int64)
    num_samples = np.maximum.reduceat(offsets + lengths, begins)
    pieces = Pieces.of(groups.mixture, groups.stem[order], groups.utterance[order], np.zeros_like(lengths), lengths, offsets)
    return Placement(pieces, num_samples, meeting.n_src, meeting.ratios, meeting.draw_counts)


def _ratios(offsets: Floats, lengths: Ints, n_src: Ints, begins: Ints) -> Floats:
    """Overlap ratios of mixtures without gaps whose pieces begin in this order."""
    stops = offsets + lengths
    total = np.maximum.reduceat(stops, begins)
    # What somebody has reached before a piece begins is shared by that piece up to there. Shared stretches join up, since pieces
    # begin in order: a sweep over the sources of all mixtures, side by side.
    reached, shared_to, shared = np.zeros(len(n_src)), np.zeros(len(n_src)), np.zeros(len(n_src))
    for k in range(int(n_src.max())):
        these = np.flatnonzero(n_src > k)
        at = begins[these] + k
        begin, stop = offsets[at], stops[at]
        end = np.minimum(stop, reached[these])
        shared[these] += np.maximum(end - np.maximum(begin, shared_to[these]), 0)
        shared_to[these] = np.maximum(shared_to[these], end)
        reached[these] = np.maximum(reached[these], stop)
    ratios: Floats = shared / total
    return ratios


def _partial_of_length(
    spec: SeparationSpec, length: FixedLength, meeting: Meeting, pool: Pool, supply: Supply, draws: Draws
) -> Placement:
    """Two sources of like length, from the beginning and up to the end, that share the asked part: `r * T` of `T` samples."""
    groups, mixtures = meeting.groups, len(meeting.n_src)
    total = round(length.seconds * spec.sample_rate_hz)
    shared = np.rint(meeting.ratios * total).astype(np.int64)
    second_first = (draws.bits("order", np.arange(mixtures, dtype=np.uint64)) & np.uint64(1)).astype(bool)
    earlier = (total + shared) // 2
    later = total + shared - earlier
    is_later = (groups.stem == 2) ^ second_first[groups.mixture]
    lengths = np.where(is_later, later[groups.mixture], earlier[groups.mixture])
    offsets = np.where(is_later, total - lengths, 0)
    num_samples = np.full(mixtures, total, dtype=np.int64)
    pieces = _filled(spec, length, groups, lengths, offsets, pool, supply, draws)
    return Placement(pieces, num_samples, meeting.n_src, meeting.ratios, meeting.draw_counts)


def _filled(
    spec: SeparationSpec,
    length: FixedLength,
    groups: Groups,
    lengths: Ints,
    offsets: Ints,
    pool: Pool,
    supply: Supply,
    draws: Draws,
) -> Pieces:
    """Sources of `lengths` from `offsets` on: longer utterances cut at a place drawn by lot, shorter ones followed by silence, or
    by more utterances of the speaker, the last of them cut."""
    frame = frame_samples(spec.sample_rate_hz)
    whole = pool.lengths[groups.utterance]
    taken = np.minimum(whole, lengths)
    keys = groups.mixture.astype(np.uint64) << np.uint64(8) | groups.stem.astype(np.uint64)
    starts = (draws.uniform("start", keys) * ((whole - taken) // frame + 1)).astype(np.int64) * frame
    columns = [groups.mixture, groups.stem, groups.utterance, starts, taken, offsets]
    if length.join:
        least = round(LEAST_CUT_S * spec.sample_rate_hz)
        further: list[tuple[int, ...]] = []
        for at in np.flatnonzero(taken < lengths).tolist():
            mixture, stem, speaker = int(groups.mixture[at]), int(groups.stem[at]), int(pool.speakers[groups.utterance[at]])
            filled, wanted, number = int(taken[at]), int(lengths[at]), 0
            while True:
                number += 1
                key = (keys[at : at + 1] << np.uint64(16)) + np.uint64(number)
                filled += round(length.pause_s.values(draws.uniform("pause", key))[0] * spec.sample_rate_hz)
                if wanted - filled < least:
                    break
                utterance = supply.next(speaker)
                samples = min(int(pool.lengths[utterance]), wanted - filled)
                further.append((mixture, stem, utterance, 0, samples, int(offsets[at]) + filled))
                filled += samples
        if further:
            added = np.array(further, dtype=np.int64).T
            columns = [np.concatenate([column, more]) for column, more in zip(columns, added, strict=True)]
    return Pieces.of(*columns)
