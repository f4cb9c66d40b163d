"""Utterances cut at their pauses: speakers take turns piece by piece, and the pieces overlap by what is asked of the mixture.

One number moves all pieces of a mixture. From 0 to 1 it says how far each is moved into the one before it, up to as far as it
goes; from 1 to 2 how far they are moved on from there to where they lie most densely. Offsets follow it without jumps, so that
every ratio between those at its ends is met, and found by bisection.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np

from synth.draws import Draws
from synth.groups import Groups, Supply
from synth.levels import FRAMES_PER_S, Energies, frame_samples
from synth.overlap_spec import SparseOverlap
from synth.pairing import Pool
from synth.pauses import stretches
from synth.pieces import Floats, Ints, Pieces, Placement, overlap_ratios
from synth.talks import LEAST_CUT_S, drawn_ranks, source_matrix

_BITS = 30
_ONE = 1 << _BITS  # the number that moves the pieces is an integer, so that offsets are the same on every machine
_SHRINK = 0.002  # a mixture that came out too long is made anew with so much less speech than would do
_SPARE = 1.3  # so much more speech is at hand than fills a mixture where two speak at a time, since of three all may
_FULL = 0.95  # of a mixture: less is filled further, if it takes no more
_MOST_ATTEMPTS = 8  # than so many

_Cut = Callable[[int], list[tuple[int, int]]]  # from an utterance to starts and lengths of its stretches


@dataclass(frozen=True)
class _Sessions:
    """Pieces of mixtures in the order in which they take turns; arrays are int64 [mixtures, most pieces], 0 where none is left.

    Attributes:
        stem: from 0.
        source: utterance of the pool.
        start: first sample of the piece in it.
        length: samples.
    """

    stem: Ints
    source: Ints
    start: Ints
    length: Ints

    def of(self, mixtures: Ints) -> "_Sessions":
        """Those of some mixtures."""
        return _Sessions(*(getattr(self, field.name)[mixtures] for field in fields(self)))

    def pieces(self, offsets: Ints) -> Pieces:
        """With the offsets that they were given, int64 [mixtures, most pieces]."""
        mixture, slot = np.nonzero(self.length)
        at = mixture, slot
        return Pieces.of(mixture, self.stem[at] + 1, self.source[at], self.start[at], self.length[at], offsets[at])


def place_sparse(
    overlap: SparseOverlap,
    seconds: float | None,
    groups: Groups,
    pool: Pool,
    supply: Supply,
    energies: Energies,
    sample_rate_hz: int,
    draws: Draws,
) -> Placement:
    """Pieces of each source between its pauses, the sources taking turns in an order drawn for the mixture.

    The ratio drawn is met to a sample or two where the pieces can be moved so. The most that is tried is two or more at a time,
    those with most left to say first; where that is not enough, it is what the mixture gets.

    Args:
        overlap: what is asked; ratios over the whole mixture, by `synth.pieces.overlap_ratios`.
        seconds: length of every mixture, which is filled with further utterances, and with silence where the next piece would
            have to be cut to less than half a second. None: each source says its one utterance.
        groups: the sources.
        pool: the utterances.
        supply: further utterances of a speaker.
        energies: of the 10 ms frames of the pool's utterances.
        sample_rate_hz: of all of them.
        draws: of the split.
    """
    firsts = source_matrix(groups)
    mixtures = np.arange(len(firsts))
    ranks = drawn_ranks("turn order", firsts, draws)
    asked = overlap.ratio.values(draws.uniform("overlap_ratio 0", mixtures.astype(np.uint64)))
    own_pause = round(overlap.own_pause_s * sample_rate_hz)
    cut = _cutter(overlap, pool, energies, sample_rate_hz)
    n_src = np.count_nonzero(firsts >= 0, axis=1)
    if seconds is None:
        said = _say(groups, pool, supply, cut, np.zeros(len(firsts)))
        sessions = _sessions(said, ranks)
        pieces = sessions.pieces(_offsets(sessions, asked, own_pause))
        num_samples = np.zeros(len(firsts), dtype=np.int64)
        np.maximum.at(num_samples, pieces.mixture, pieces.stop)
    else:
        total, least = round(seconds * sample_rate_hz), round(LEAST_CUT_S * sample_rate_hz)
        shares = total * (1 + asked * (n_src > 1)) / n_src
        spare = shares * np.where(n_src > 2, _SPARE, 1.0)
        said = _say(groups, pool, supply, cut, spare)
        pieces = _fill(said, ranks, asked, own_pause, shares, spare, total, least)
        num_samples = np.full(len(firsts), total, dtype=np.int64)
    return Placement(pieces, num_samples, n_src, asked, np.ones(len(firsts), dtype=np.int32))


def _cutter(overlap: SparseOverlap, pool: Pool, energies: Energies, sample_rate_hz: int) -> _Cut:
    """What cuts utterances, each once."""
    frame = frame_samples(sample_rate_hz)
    least_pause = round(overlap.least_pause_s * FRAMES_PER_S)
    known: dict[int, list[tuple[int, int]]] = {}

    def cut(utterance: int) -> list[tuple[int, int]]:
        if utterance not in known:
            found = stretches(energies.of(utterance), least_pause)
            ends = np.minimum(found.end * frame, pool.lengths[utterance])
            starts = found.begin * frame
            known[utterance] = list(zip(starts.tolist(), (ends - starts).tolist(), strict=True))
        return known[utterance]

    return cut


def _say(groups: Groups, pool: Pool, supply: Supply, cut: _Cut, shares: Floats) -> Pieces:
    """What each source says: pieces at offsets that count its own speech alone, up to its share, and at least one utterance.

    Args:
        shares: samples of speech of each source of a mixture, float64 [mixtures].
    """
    rows: list[tuple[int, int, int, int, int, int]] = []
    for mixture, stem, first in zip(groups.mixture.tolist(), groups.stem.tolist(), groups.utterance.tolist(), strict=True):
        utterance, said = first, 0
        while True:
            for start, length in cut(utterance):
                rows.append((mixture, stem, utterance, start, length, said))
                said += length
            if said >= shares[mixture]:
                break
            utterance = supply.next(int(pool.speakers[first]))
    return Pieces.of(*np.array(rows, dtype=np.int64).T)


def _sessions(said: Pieces, ranks: Ints) -> _Sessions:
    """Turns piece by piece: the first of each source in their order, the second of each, and so on."""
    number = _numbered(said.mixture * (int(said.stem.max()) + 1) + said.stem)
    order = np.lexsort((ranks[said.mixture, said.stem - 1], number, said.mixture))
    said = said.taken(order)
    slot = _numbered(said.mixture)
    sessions = _Sessions(*np.zeros((4, len(ranks), int(slot.max()) + 1), dtype=np.int64))
    at = said.mixture, slot
    sessions.stem[at], sessions.source[at], sessions.start[at], sessions.length[at] = (
        said.stem - 1,
        said.source,
        said.start,
        said.length,
    )
    return sessions


def _numbered(groups: Ints) -> Ints:
    """0, 1, ... for the elements of each group; those of a group stand side by side."""
    begins = np.flatnonzero(np.diff(groups, prepend=-1))
    return np.arange(len(groups)) - np.repeat(begins, np.diff(np.append(begins, len(groups))))


def _fill(
    said: Pieces, ranks: Ints, asked: Floats, own_pause: int, shares: Floats, spare: Floats, total: int, least: int
) -> Pieces:
    """As much of what is said as there is time for: pieces of mixtures that take no more than `total` samples.

    How long a mixture comes out is not known before its pieces are placed, so that more and less speech is tried: `shares` first,
    never as much as `spare`, which is what was said.
    """
    found: list[tuple[Ints, ...]] = []
    found_at = np.full(len(ranks), -1)  # the attempt whose pieces a mixture gets
    most_that_fits, least_too_much = np.zeros(len(ranks)), spare.copy()
    going, attempt, shares = np.arange(len(ranks)), 0, shares.copy()
    while len(going):
        row = np.full(len(ranks), -1)
        row[going] = np.arange(len(going))
        kept = _shortened(said.taken(row[said.mixture] >= 0), shares, least)
        sessions = _sessions(replace(kept, mixture=row[kept.mixture]), ranks[going])
        offsets = _offsets(sessions, asked[going], own_pause)
        taken = (offsets + sessions.length).max(axis=1)
        fits = taken <= total
        fitting = going[fits]
        pieces = sessions.of(np.flatnonzero(fits)).pieces(offsets[fits])
        mixture = fitting[pieces.mixture]
        found.append(
            (mixture, pieces.stem, pieces.source, pieces.start, pieces.length, pieces.offset, np.full(len(mixture), attempt))
        )
        found_at[fitting], most_that_fits[fitting] = attempt, shares[fitting]
        least_too_much[going[~fits]] = shares[going[~fits]]
        between = (most_that_fits[going] + least_too_much[going]) / 2
        shares[going] = np.where(found_at[going] >= 0, between, shares[going] * total / taken * (1 - _SHRINK))
        attempt += 1
        full = fits & (taken >= _FULL * total)
        settled = (least_too_much[going] - most_that_fits[going] < least // 4) | (attempt >= _MOST_ATTEMPTS)
        going = going[~full & ((found_at[going] < 0) | ~settled)]
    *columns, of_attempt = (np.concatenate(column) for column in zip(*found, strict=True))
    return Pieces.of(*(column[of_attempt == found_at[columns[0]]] for column in columns))


def _shortened(said: Pieces, shares: Floats, least: int) -> Pieces:
    """So much of what each source says as its share is; what would be cut to less than `least` is left out, if it is not all."""
    room = np.ceil(shares[said.mixture]).astype(np.int64) - said.offset
    length = np.minimum(said.length, room)
    kept = (length == said.length) | (length >= least) | (said.offset == 0)
    return replace(said, length=length).taken(kept)


def _offsets(sessions: _Sessions, asked: Floats, own_pause: int) -> Ints:
    """Offsets that come as near as can be to the ratios asked, int64 [mixtures, most pieces]."""
    nested = _moved(sessions, np.full(len(asked), _ONE), own_pause)
    reach = overlap_ratios(sessions.pieces(nested), len(asked))
    beyond = np.flatnonzero(reach < asked)
    best = nested.copy()
    for mixture in beyond:
        stems, lengths = sessions.stem[mixture], sessions.length[mixture]
        lanes = range(2, len(np.unique(stems[lengths > 0])) + 1)
        tried = np.array([nested[mixture], *(_dense(stems, lengths, count, own_pause) for count in lanes)])
        ratios = overlap_ratios(sessions.of(np.full(len(tried), mixture)).pieces(tried), len(tried))
        best[mixture], reach[mixture] = tried[np.argmax(ratios)], ratios.max()
    dense = best.copy()
    denser = (dense != nested).any(axis=1)

    low = np.where(denser, _ONE, 0)
    high = low + _ONE
    speech = sessions.length.sum(axis=1)
    error = np.abs(reach - asked) * speech  # samples that should be shared or not, or somewhat more
    going = np.flatnonzero((error > 1) & (reach > asked))
    while len(going):
        middle = (low[going] + high[going]) // 2
        some = sessions.of(going)
        offsets = _between(_moved(some, np.minimum(middle, _ONE), own_pause), dense[going], np.maximum(middle - _ONE, 0))
        ratios = overlap_ratios(some.pieces(offsets), len(going))
        off = np.abs(ratios - asked[going]) * speech[going]
        better = off < error[going]
        best[going[better]], error[going[better]] = offsets[better], off[better]
        less = ratios < asked[going]
        low[going[less]], high[going[~less]] = middle[less], middle[~less]
        going = going[(error[going] > 1) & (high[going] - low[going] > 1)]
    first = np.where(sessions.length > 0, best, best.max(initial=0)).min(axis=1)
    offsets = best - first[:, None]
    return np.where(sessions.length > 0, offsets, 0)


def _moved(sessions: _Sessions, share: Ints, own_pause: int) -> Ints:
    """Offsets where each piece is moved into the one before it: by `share / _ONE` of the shorter of the two.

    What that comes to is rounded along the mixture, not piece by piece: as the share grows, pieces move one at a time.
    """
    mixtures, slots = sessions.length.shape
    shorter = np.zeros_like(sessions.length)
    shorter[:, 1:] = np.minimum(sessions.length[:, 1:], sessions.length[:, :-1])
    shorter[:, 1:][sessions.stem[:, 1:] == sessions.stem[:, :-1]] = 0
    shift = np.diff((np.cumsum(shorter, axis=1) * share[:, None]) >> _BITS, axis=1, prepend=0)
    offsets = np.empty_like(sessions.length)
    free = np.zeros((mixtures, int(sessions.stem.max()) + 1), dtype=np.int64)  # from where on each source may speak
    end = np.zeros(mixtures, dtype=np.int64)
    rows = np.arange(mixtures)
    for slot in range(slots):
        stem = sessions.stem[:, slot]
        offsets[:, slot] = np.maximum(end - shift[:, slot], free[rows, stem])
        end = offsets[:, slot] + sessions.length[:, slot]
        free[rows, stem] = end + own_pause
    return offsets


def _between(one: Ints, other: Ints, share: Ints) -> Ints:
    """Offsets `share / _ONE` of the way from one to the other. Two pieces as far apart in both as they must be stay so."""
    offsets: Ints = one + (((other - one) * share[:, None]) >> _BITS)
    return offsets


def _dense(stems: Ints, lengths: Ints, lanes: int, own_pause: int) -> Ints:
    """Offsets of one mixture's pieces, as many at a time as there are lanes: whoever has most left to say comes first."""
    waiting = [np.flatnonzero((stems == stem) & (lengths > 0))[::-1].tolist() for stem in range(int(stems.max()) + 1)]
    left = [int(lengths[slots].sum()) for slots in waiting]
    free = [0] * len(waiting)
    ends = [0] * lanes
    offsets = np.zeros_like(lengths)
    while any(waiting):
        lane = ends.index(min(ends))
        begins = {stem: max(free[stem], ends[lane]) for stem, slots in enumerate(waiting) if slots}
        stem = min(begins, key=lambda stem: (begins[stem], -left[stem], stem))
        slot = waiting[stem].pop()
        offsets[slot] = begins[stem]
        ends[lane] = begins[stem] + int(lengths[slot])
        free[stem] = ends[lane] + own_pause
        left[stem] -= int(lengths[slot])
    return offsets
