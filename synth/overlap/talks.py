"""Turns of whole utterances: one after another, with pauses or overlapping, until all have spoken or the time is full."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.distributions import Distribution, Fixed
from synth.draws import Draws
from synth.levels.frames import Energies, frame_samples
from synth.overlap.pauses import onset
from synth.overlap.spec import LEAST_CUT_S, ConversationOverlap, SequentialOverlap
from synth.pairing.groups import Groups, Supply
from synth.pairing.pairs import Pool
from synth.pieces import Floats, Ints, Pieces, Placement

_ENDLESS = 2**60  # samples


@dataclass(frozen=True)
class _Rules:
    """How turns follow each other: times in samples."""

    pause: Distribution  # in seconds
    overlap: Distribution  # in seconds
    overlapped_turns: float
    in_order: bool  # round and round; otherwise somebody else is drawn each time
    total: int  # length of a mixture; `_ENDLESS` where each source has one turn
    longest_pause: int
    longest_turn: int
    least_cut: int
    sample_rate_hz: int


@dataclass
class _Talks:
    """How far all mixtures have come; arrays are int64 [mixtures], or [mixtures, most sources].

    Attributes:
        firsts: first utterance of each source, -1 where a mixture has no such source.
        first_lengths: its samples, 0 where there is none.
        rank: place of each source in the order of the mixture.
        spoken: whether a source had a turn, bool; true where there is none.
        stops: where the last turn of each source ends.
        last: the source that spoke last, -1 at the beginning.
        begin: of the last turn.
        end: of the last turn, and of all before it.
    """

    firsts: Ints
    first_lengths: Ints
    rank: Ints
    spoken: NDArray[np.bool_]
    stops: Ints
    last: Ints
    begin: Ints
    end: Ints

    def n_src(self, mixtures: Ints | slice = slice(None)) -> Ints:
        """Sources of each of some mixtures, or of all."""
        counts: Ints = np.count_nonzero(self.firsts[mixtures] >= 0, axis=1)
        return counts


def place_talks(
    overlap: SequentialOverlap | ConversationOverlap,
    seconds: float | None,
    groups: Groups,
    pool: Pool,
    supply: Supply,
    energies: Energies,
    sample_rate_hz: int,
    draws: Draws,
) -> Placement:
    """Turns of whole utterances; the first of each source is that of its group, further ones come from the supply.

    With `seconds` the turns go on until the mixture is full, and the last one is cut there; nothing is cut to less than half a
    second. Every source has a turn of its own, if the length allows half a second and the longest pause for each: where it would
    not come to one otherwise, the turns of others are cut. A turn that is cut begins with its first word.

    The turn of a source never begins before its last one ends, nor before the turn that it overlaps begins, nor ends before that
    one does: an overlap that is drawn longer is shortened to that.

    Args:
        overlap: how turns follow each other.
        seconds: length of every mixture; None means that each source has one turn.
        groups: the sources.
        pool: the utterances.
        supply: further utterances of a speaker.
        energies: of the 10 ms frames of the pool's utterances.
        sample_rate_hz: of all of them.
        draws: of the split. Each draw is keyed by the number of the mixture and that of the turn or the stem.
    """
    talks = _talks(groups, pool, draws)
    rules = _rules(overlap, seconds, pool, sample_rate_hz)
    going = np.arange(len(talks.last))
    taken: list[tuple[Ints, Ints, Ints, Ints, Ints, Ints]] = []
    turn = 0
    while True:
        going = going[~talks.spoken[going].all(axis=1)] if rules.total == _ENDLESS else going
        keys = _keys(going, turn)
        speaker = _next_speakers(talks, rules, going, turn, draws.uniform("next speaker", keys))
        offset, shared = _begins(talks, rules, going, speaker, turn, keys, draws)
        room = _limits(talks, rules, going, speaker) - offset
        first = ~talks.spoken[going, speaker]
        fits = (room >= rules.least_cut) | (first & (talks.first_lengths[going, speaker] <= room)) | (turn == 0)
        if not fits.any():
            break
        going, speaker, first = going[fits], speaker[fits], first[fits]
        offset, shared, room = offset[fits], shared[fits], room[fits]
        utterance = talks.firsts[going, speaker]
        for k in np.flatnonzero(~first):
            utterance[k] = supply.next(int(pool.speakers[utterance[k]]))
        start, length = _cut(utterance, room, pool, energies, frame_samples(sample_rate_hz))
        offset += np.maximum(shared - length, 0)
        taken.append((going, speaker + 1, utterance, start, length, offset))
        talks.spoken[going, speaker] = True
        talks.stops[going, speaker] = offset + length
        talks.last[going], talks.begin[going], talks.end[going] = speaker, offset, offset + length
        turn += 1
    mixtures = len(talks.last)
    num_samples = talks.end if seconds is None else np.full(mixtures, rules.total, dtype=np.int64)
    pieces = Pieces.of(*(np.concatenate(column) for column in zip(*taken, strict=True)))
    return Placement(pieces, num_samples, talks.n_src(), np.full(mixtures, np.nan), np.ones(mixtures, dtype=np.int32))


def source_matrix(groups: Groups) -> Ints:
    """First utterances of the sources, int64 [mixtures, most sources]; -1 where a mixture has no such source."""
    firsts = np.full((int(groups.mixture[-1]) + 1, int(groups.stem.max())), -1, dtype=np.int64)
    firsts[groups.mixture, groups.stem - 1] = groups.utterance
    return firsts


def drawn_ranks(draw: str, firsts: Ints, draws: Draws) -> Ints:
    """Place of each source in an order drawn for its mixture, from 0, int64 [mixtures, most sources]; those of none come last."""
    mixtures, sources = np.indices(firsts.shape)
    bits = draws.bits(draw, _keys(mixtures.ravel(), sources.ravel())).reshape(firsts.shape)
    order = np.lexsort((bits, firsts < 0), axis=1)
    ranks = np.empty_like(firsts)
    np.put_along_axis(ranks, order, sources, axis=1)
    return ranks


def _keys(mixtures: Ints, number: Ints | int) -> NDArray[np.uint64]:
    return ((mixtures << 32) | number).astype(np.uint64)


def _talks(groups: Groups, pool: Pool, draws: Draws) -> _Talks:
    firsts = source_matrix(groups)
    mixtures = len(firsts)
    return _Talks(
        firsts=firsts,
        first_lengths=np.where(firsts >= 0, pool.lengths[firsts], 0),
        rank=drawn_ranks("turn order", firsts, draws),
        spoken=firsts < 0,
        stops=np.zeros_like(firsts),
        last=np.full(mixtures, -1, dtype=np.int64),
        begin=np.zeros(mixtures, dtype=np.int64),
        end=np.zeros(mixtures, dtype=np.int64),
    )


def _rules(overlap: SequentialOverlap | ConversationOverlap, seconds: float | None, pool: Pool, sample_rate_hz: int) -> _Rules:
    return _Rules(
        pause=overlap.pause_s,
        overlap=overlap.overlap_s if isinstance(overlap, ConversationOverlap) else Fixed(fixed=0.0),
        overlapped_turns=overlap.overlapped_turns if isinstance(overlap, ConversationOverlap) else 0.0,
        in_order=isinstance(overlap, SequentialOverlap),
        total=_ENDLESS if seconds is None else round(seconds * sample_rate_hz),
        longest_pause=round(overlap.pause_s.support()[1] * sample_rate_hz) + 1,
        longest_turn=int(pool.lengths.max()),
        least_cut=round(LEAST_CUT_S * sample_rate_hz),
        sample_rate_hz=sample_rate_hz,
    )


def _reserves(talks: _Talks, rules: _Rules, going: Ints) -> Ints:
    """Samples that each source needs for its first turn, int64 [going, most sources]: a pause, and its utterance or a fair share.

    None for one that has spoken, and none where the mixture is too short for all.
    """
    n_src = talks.n_src(going)
    share = (rules.total - (n_src - 1) * rules.longest_pause) // n_src
    needed = rules.longest_pause + np.minimum(talks.first_lengths[going], share[:, None])
    reserves: Ints = np.where(talks.spoken[going] | (share < rules.least_cut)[:, None], 0, needed)
    return reserves


def _next_speakers(talks: _Talks, rules: _Rules, going: Ints, turn: int, chance: Floats) -> Ints:
    """Who takes the next turn: whoever is next in order, or one of the others at random.

    Of those who did not speak so far, once there is no time for a turn of another.
    """
    n_src = talks.n_src(going)
    if rules.in_order:
        return _first_true(talks.rank[going] == (turn % n_src)[:, None])
    others = talks.firsts[going] >= 0
    if turn:
        others[np.arange(len(going)), talks.last[going]] = n_src == 1
    left = rules.total - talks.end[going] - rules.longest_pause - rules.longest_turn
    waiting = ~talks.spoken[going]
    hurried = (_reserves(talks, rules, going).sum(axis=1) > left) | (rules.total == _ENDLESS)
    others = np.where((hurried & waiting.any(axis=1))[:, None], waiting, others)
    chosen = (chance * np.count_nonzero(others, axis=1)).astype(np.int64)
    return _first_true(np.cumsum(others, axis=1) > chosen[:, None])


def _first_true(rows: NDArray[np.bool_]) -> Ints:
    """The first column of each row that is true."""
    columns: Ints = np.argmax(rows, axis=1)
    return columns


def _begins(
    talks: _Talks, rules: _Rules, going: Ints, speaker: Ints, turn: int, keys: NDArray[np.uint64], draws: Draws
) -> tuple[Ints, Ints]:
    """Where the next turns begin, and how many samples of that they share with the last ones."""
    if not turn:
        return np.zeros_like(going), np.zeros_like(going)
    pause = np.rint(rules.pause.values(draws.uniform("pause_s", keys)) * rules.sample_rate_hz).astype(np.int64)
    asked = np.rint(rules.overlap.values(draws.uniform("overlap_s", keys)) * rules.sample_rate_hz).astype(np.int64)
    end = talks.end[going]
    overlapped = (draws.uniform("overlapped turn", keys) < rules.overlapped_turns) & (speaker != talks.last[going])
    most = np.minimum(end - talks.begin[going], end - talks.stops[going, speaker])
    shared = np.where(overlapped, np.minimum(asked, most), 0)
    return np.where(overlapped, end - shared, end + pause), shared


def _limits(talks: _Talks, rules: _Rules, going: Ints, speaker: Ints) -> Ints:
    """Where the next turns have to end: with the mixture, or before what the sources need that did not speak so far."""
    reserves = _reserves(talks, rules, going)
    reserves[np.arange(len(going)), speaker] = 0
    limits: Ints = rules.total - reserves.sum(axis=1)
    return limits


def _cut(utterance: Ints, room: Ints, pool: Pool, energies: Energies, frame: int) -> tuple[Ints, Ints]:
    """Starts and lengths of the pieces: whole utterances, or what there is room for, from the first word on."""
    length = pool.lengths[utterance]
    start = np.zeros_like(length)
    for k in np.flatnonzero(length > room):
        latest = int(length[k] - room[k]) // frame
        start[k] = min(onset(energies.of(int(utterance[k]))), latest) * frame
    return start, np.minimum(length, room)
