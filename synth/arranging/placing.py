"""Where the sources of each mixture lie: full overlap, partial overlap, fixed lengths. Turns are in `synth.overlap.turns`."""

import numpy as np
from numpy.typing import NDArray

from synth.arranging.meeting import Meeting
from synth.distributions import Distribution
from synth.draws import Draws
from synth.errors import PlanError
from synth.levels.frames import frame_samples
from synth.overlap.joining import Joiner, Train, cut_to_share, share, shared_samples
from synth.overlap.spec import FixedLength
from synth.pairing.groups import Groups, Supply
from synth.pairing.pairs import Pool
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
        pieces = _filled(spec, spec.length, groups, num_samples[groups.mixture], pool, supply, draws)
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
    shared = shared_samples(meeting.ratios, lengths)
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
                shared[item] = shared_samples(drawn, lengths[:, this])[0]
        used.add(key)
    zeros = np.zeros_like(shared)
    offsets = np.where(second_first, np.stack([lengths[1] - shared, zeros]), np.stack([zeros, lengths[0] - shared]))
    groups = meeting.groups
    flat = [array.T.ravel() for array in (sources, np.zeros_like(sources), lengths, offsets)]
    pieces = Pieces.of(groups.mixture, groups.stem, *flat)
    return Placement(pieces, lengths.sum(axis=0) - shared, meeting.n_src, meeting.ratios, meeting.draw_counts)


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
    """Two sources that share the asked part of the mixture, or of what they say, where that is too short for it."""
    groups, mixtures = meeting.groups, len(meeting.n_src)
    total = round(length.seconds * spec.sample_rate_hz)
    second_first = (draws.bits("order", np.arange(mixtures, dtype=np.uint64)) & np.uint64(1)).astype(bool)
    pairs = groups.utterance.reshape(-1, 2)
    in_order = np.where(second_first[:, np.newaxis], pairs[:, ::-1], pairs)  # the earlier source of each mixture, the later one
    lengths, shared = cut_to_share(np.minimum(pool.lengths[in_order], total), meeting.ratios, total)
    rows: list[tuple[int, ...]] = []
    joined = np.zeros(mixtures, dtype=bool)
    if length.join:
        joiner = Joiner(length, pool, supply, draws, spec.sample_rate_hz)
        like = (total + np.rint(meeting.ratios * total).astype(np.int64)) // 2
        for mixture in np.flatnonzero((lengths < like[:, np.newaxis]).any(axis=1)).tolist():
            stems = [2, 1] if second_first[mixture] else [1, 2]
            earlier, later = (
                Train(joiner, mixture << 8 | stem, [utterance])
                for stem, utterance in zip(stems, in_order[mixture].tolist(), strict=True)
            )
            joined[mixture] = True
            for stem, cuts in zip(stems, share(earlier, later, float(meeting.ratios[mixture]), total), strict=True):
                rows += [(mixture, stem, *cut) for cut in cuts]
    single = ~joined[groups.mixture]
    is_later = ((groups.stem == 2) ^ second_first[groups.mixture]).astype(np.int64)
    offsets = np.where(is_later, (lengths[:, 0] - shared)[groups.mixture], 0)
    singles = [groups.mixture, groups.stem, groups.utterance, lengths[groups.mixture, is_later], offsets]
    further = np.array(rows, dtype=np.int64).reshape(-1, 5).T
    places, stems_of, sources, taken, begins = (
        np.concatenate([column[single], more]) for column, more in zip(singles, further, strict=True)
    )
    starts = _starts(places, stems_of, pool.lengths[sources] - taken, spec.sample_rate_hz, draws)
    pieces = Pieces.of(places, stems_of, sources, starts, taken, begins)
    num_samples = np.full(mixtures, total, dtype=np.int64)
    return Placement(pieces, num_samples, meeting.n_src, meeting.ratios, meeting.draw_counts)


def _starts(mixture: Ints, stem: Ints, rest: Ints, sample_rate_hz: int, draws: Draws) -> Ints:
    """Where pieces begin in their utterances, of which `rest` is left out: drawn by lot, a multiple of 10 ms."""
    frame = frame_samples(sample_rate_hz)
    keys = mixture.astype(np.uint64) << np.uint64(8) | stem.astype(np.uint64)
    starts: Ints = (draws.uniform("start", keys) * (rest // frame + 1)).astype(np.int64) * frame
    return starts


def _filled(
    spec: SeparationSpec, length: FixedLength, groups: Groups, lengths: Ints, pool: Pool, supply: Supply, draws: Draws
) -> Pieces:
    """Sources of `lengths`: longer utterances cut at a place drawn by lot, shorter ones followed by silence, or by more
    utterances of the speaker, the last of them cut."""
    taken = np.minimum(pool.lengths[groups.utterance], lengths)
    starts = _starts(groups.mixture, groups.stem, pool.lengths[groups.utterance] - taken, spec.sample_rate_hz, draws)
    columns = [groups.mixture, groups.stem, groups.utterance, starts, taken, np.zeros_like(taken)]
    if length.join:
        joiner = Joiner(length, pool, supply, draws, spec.sample_rate_hz)
        further: list[tuple[int, ...]] = []
        for at in np.flatnonzero(taken < lengths).tolist():
            mixture, stem = int(groups.mixture[at]), int(groups.stem[at])
            train = Train(joiner, mixture << 8 | stem, [int(groups.utterance[at])])
            cuts = train.up_to(int(lengths[at]))[1:]
            further += [(mixture, stem, utterance, 0, samples, begin) for utterance, samples, begin in cuts]
        if further:
            added = np.array(further, dtype=np.int64).T
            columns = [np.concatenate([column, more]) for column, more in zip(columns, added, strict=True)]
    return Pieces.of(*columns)
