"""Utterances cut at their pauses: speakers take turns piece by piece, and the pieces overlap by what is asked of the mixture."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from synth.draws import Draws
from synth.levels.frames import FRAMES_PER_S, Energies, frame_samples
from synth.overlap.nesting import Sessions, offsets_for, reach_in_order
from synth.overlap.pauses import stretches
from synth.overlap.spec import LEAST_CUT_S, SparseOverlap
from synth.overlap.talks import drawn_ranks, source_matrix
from synth.pairing.groups import Groups, Supply
from synth.pairing.pairs import Pool
from synth.pieces import Floats, Ints, Pieces, Placement

_SHRINK = 0.002  # a mixture that came out too long is made anew with so much less speech than would do
_SPARE = 1.3  # so much more speech is at hand than fills a mixture where two speak at a time, since of three all may
_FULL = 0.95  # of a mixture: less is filled further, if it takes no more
_MOST_ATTEMPTS = 8  # than so many

_Cut = Callable[[int], list[tuple[int, int]]]  # from an utterance to starts and lengths of its stretches


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

    The ratios drawn go to mixtures that reach them. One is met to a sample or two where the pieces can be moved so: the most that
    is tried is two or more at a time, those with most left to say first. Where that is not enough, it is what the mixture gets.

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
    ranks = drawn_ranks("turn order", firsts, draws)
    own_pause = round(overlap.own_pause_s * sample_rate_hz)
    cut = _cutter(overlap, pool, energies, sample_rate_hz)
    n_src = np.count_nonzero(firsts >= 0, axis=1)
    drawn = overlap.ratio.values(draws.uniform("overlap_ratio 0", np.arange(len(firsts), dtype=np.uint64)))
    asked = np.where(n_src > 1, drawn, np.nan)
    if seconds is None:
        said = _say(groups, pool, supply, cut, np.zeros(len(firsts)))
        sessions = _sessions(said, ranks)
        asked = _matched(asked, reach_in_order(sessions, own_pause), draws)
        pieces = sessions.pieces(offsets_for(sessions, asked, own_pause))
        num_samples = np.zeros(len(firsts), dtype=np.int64)
        np.maximum.at(num_samples, pieces.mixture, pieces.stop)
    else:
        total, least = round(seconds * sample_rate_hz), round(LEAST_CUT_S * sample_rate_hz)
        shares = total * (1 + np.nan_to_num(asked)) / n_src
        spare = shares * np.where(n_src > 2, _SPARE, 1.0)
        said = _say(groups, pool, supply, cut, spare)
        pieces = _fill(said, ranks, asked, own_pause, shares, spare, total, least)
        num_samples = np.full(len(firsts), total, dtype=np.int64)
    return Placement(pieces, num_samples, n_src, asked, np.ones(len(firsts), dtype=np.int32))


def _matched(drawn: Floats, reach: Floats, draws: Draws) -> Floats:
    """The ratios drawn, each for a mixture that reaches it as far as there are such: the highest choose first, by lot."""
    concerned = np.flatnonzero(~np.isnan(drawn))
    by_reach = concerned[np.argsort(-reach[concerned], kind="stable")].tolist()
    chance = draws.uniform("mixture of a ratio", concerned.astype(np.uint64))
    matched = drawn.copy()
    left: list[int] = []
    opened = 0
    for number in np.argsort(-drawn[concerned], kind="stable").tolist():
        ratio = drawn[concerned[number]]
        while opened < len(by_reach) and (not left or reach[by_reach[opened]] >= ratio):
            left.append(by_reach[opened])
            opened += 1
        at = int(chance[number] * len(left))
        matched[left[at]] = ratio
        left[at] = left[-1]
        left.pop()
    return matched


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


def _sessions(said: Pieces, ranks: Ints) -> Sessions:
    """Turns piece by piece: the first of each source in their order, the second of each, and so on."""
    number = _numbered(said.mixture * (int(said.stem.max()) + 1) + said.stem)
    order = np.lexsort((ranks[said.mixture, said.stem - 1], number, said.mixture))
    said = said.taken(order)
    slot = _numbered(said.mixture)
    sessions = Sessions(*np.zeros((4, len(ranks), int(slot.max()) + 1), dtype=np.int64))
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
        offsets = offsets_for(sessions, asked[going], own_pause)
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
