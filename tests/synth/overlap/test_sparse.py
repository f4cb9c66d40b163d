"""Pieces between pauses take turns, and overlap by what was asked wherever they can."""

import time
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.distributions import Fixed, Uniform
from synth.draws import Draws, hash_texts
from synth.overlap.spec import SparseOverlap
from synth.pairing.groups import Groups
from synth.pairing.pairs import Pool
from synth.pieces import Placement, overlap_ratios

Ints = np.ndarray
RATE_HZ = 8000
FRAME = 80


def sparse(low: float, high: float | None = None, own_pause_s: float = 0.05) -> SparseOverlap:
    ratio = Fixed(fixed=low) if high is None else Uniform(uniform=(low, high))
    return SparseOverlap(mode="sparse", ratio=ratio, own_pause_s=own_pause_s)


def spoken_pool(said: list[list[list[float]]]) -> tuple[Pool, list[Ints], Groups]:
    """One mixture; `said` holds utterances of each source, as seconds of speech between pauses of 0.3 s; the first is its own."""
    lists, speakers, firsts = [], [], []
    for speaker, utterances in enumerate(said):
        firsts.append(len(lists))
        for stretches in utterances:
            runs = [np.repeat([10**8, 10], [round(seconds * 100), 30]) for seconds in stretches]
            lists.append(np.concatenate([np.full(25, 10), *runs]))
            speakers.append(speaker)
    pool = Pool(np.array([len(x) * FRAME for x in lists]), np.array(speakers), hash_texts(f"u{k}" for k in range(len(lists))))
    groups = Groups(np.zeros(len(said), dtype=np.int64), np.arange(1, len(said) + 1), np.array(firsts))
    return pool, lists, groups


def errors_in_samples(placement: Placement) -> Ints:
    """By how much what is shared misses what was asked."""
    mixtures = len(placement.num_samples)
    realised = overlap_ratios(placement.pieces, mixtures)
    speech = np.bincount(placement.pieces.mixture, placement.pieces.length, minlength=mixtures)
    return abs(realised - placement.ratios_asked) * speech


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=6),
    st.integers(0, 2**32 - 1),
    st.sampled_from([None, 0.3, 4.0, 60.0]),
    st.sampled_from([0.0, 0.05, 0.5]),
    st.floats(0, 1),
)
def test_pieces_are_stretches_that_keep_their_order_and_distance(
    turns: SimpleNamespace, n_src: list[int], seed: int, seconds: float | None, own_pause_s: float, ratio: float
) -> None:
    pool, lists = turns.pool_of(5, 3, seed=seed)
    groups = turns.groups_of(pool, n_src, seed)
    placement = turns.place(sparse(ratio, own_pause_s=own_pause_s), seconds, groups, pool, lists)
    turns.check(placement, groups, pool)
    pieces = placement.pieces
    following = (np.diff(pieces.mixture) == 0) & (np.diff(pieces.stem) == 0)
    assert (pieces.offset[1:] - pieces.stop[:-1] >= own_pause_s * RATE_HZ)[following].all()
    of_one = following & (pieces.source[1:] == pieces.source[:-1])
    within = pieces.start[1:] > pieces.start[:-1]
    assert within[of_one].all() or seconds is not None  # the only utterance of a speaker comes again
    for source, start, length in zip(pieces.source, pieces.start, pieces.length, strict=True):
        frames = lists[source][start // FRAME : -(-(start + length) // FRAME)]
        assert (frames.max() * 100 >= lists[source].max()) or seconds is not None
    assert set(zip(pieces.mixture, pieces.stem, strict=True)) == set(zip(groups.mixture, groups.stem, strict=True))
    if seconds is None:
        ends = np.zeros(len(n_src))
        np.maximum.at(ends, pieces.mixture, pieces.stop)
        assert placement.num_samples.tolist() == ends.tolist()
    else:
        assert (placement.num_samples == round(seconds * RATE_HZ)).all()
    assert (np.isnan(placement.ratios_asked) == (np.array(n_src) == 1)).all()
    assert np.allclose(placement.ratios_asked[placement.n_src > 1], ratio)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 4), st.integers(0, 2**32 - 1), st.floats(0, 0.6))
def test_what_is_asked_of_a_session_is_met_within_a_frame(turns: SimpleNamespace, n_src: int, seed: int, ratio: float) -> None:
    """40 seconds give each source so much to say that it can be."""
    pool, lists = turns.pool_of(5, 3, seed=seed)
    groups = turns.groups_of(pool, [n_src] * 3, seed)
    placement = turns.place(sparse(ratio), 40.0, groups, pool, lists)
    assert (errors_in_samples(placement) <= FRAME).all()
    ends = [placement.pieces.stop[placement.pieces.mixture == mixture].max() for mixture in range(3)]
    assert min(ends) > 0.75 * 40 * RATE_HZ  # mostly 0.95 and more


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.floats(0.2, 3.0), min_size=1, max_size=6), min_size=2, max_size=2), st.floats(0, 1))
def test_two_sources_reach_all_that_their_speech_allows(turns: SimpleNamespace, said: list[list[float]], ratio: float) -> None:
    """Which is the shorter over the longer, where no pause is asked between pieces: the ratio asked, or that one."""
    pool, lists, groups = spoken_pool([[stretches] for stretches in said])
    placement = turns.place(sparse(ratio, own_pause_s=0.0), None, groups, pool, lists)
    speech = np.bincount(placement.pieces.stem, placement.pieces.length)[1:]
    most = speech.min() / speech.max()
    realised = overlap_ratios(placement.pieces, 1)[0]
    assert abs(realised - min(ratio, most)) * speech.sum() <= 1.5


def test_pieces_alternate_as_long_as_both_have_some(turns: SimpleNamespace) -> None:
    pool, lists, groups = spoken_pool([[[1.0, 1.1, 1.2, 1.3]], [[0.9, 0.8]]])
    placement = turns.place(sparse(0.2), None, groups, pool, lists)
    pieces = turns.turns_of(placement, 0)
    assert pieces.stem.tolist() in ([1, 2, 1, 2, 1, 1], [2, 1, 2, 1, 1, 1])
    assert pieces.length[pieces.stem == 1].tolist() == [8000, 8800, 9600, 10400]
    assert pieces.start[pieces.stem == 1].tolist() == [2000, 12400, 23600, 35600]
    assert errors_in_samples(placement)[0] <= 1.5


@pytest.mark.parametrize("n_src", [2, 3])
def test_all_of_it_overlaps_where_that_is_asked_of_a_session(turns: SimpleNamespace, n_src: int) -> None:
    """SparseLibriMix, asked for 1.0, gives 0.61 in the mean. Pieces of half a second with pauses of 50 ms give no more."""
    pool, lists = turns.pool_of(6, 20, (2.0, 8.0))
    groups = turns.groups_of(pool, [n_src] * 20)
    placement = turns.place(sparse(1.0), 30.0, groups, pool, lists)
    assert overlap_ratios(placement.pieces, 20).mean() > 0.8


def test_what_cannot_be_met_is_come_as_near_to_as_can_be(turns: SimpleNamespace) -> None:
    """One second of one and four of the other overlap by a quarter, whatever is asked."""
    pool, lists, groups = spoken_pool([[[1.0]], [[4.0]]])
    placement = turns.place(sparse(0.8), None, groups, pool, lists)
    assert overlap_ratios(placement.pieces, 1)[0] == 0.25
    assert placement.ratios_asked.tolist() == [0.8]


def test_keys_decide_and_not_the_rows_of_the_pool(turns: SimpleNamespace) -> None:
    """The pool in another order, its speakers numbered otherwise: the same mixtures."""
    pool, lists = turns.pool_of(5, 4)
    groups = turns.groups_of(pool, [2, 4, 3, 1])
    order = np.random.default_rng(1).permutation(len(pool.lengths))
    turned = Pool(pool.lengths[order], 4 - pool.speakers[order], pool.keys[order])
    regrouped = Groups(groups.mixture, groups.stem, np.argsort(order)[groups.utterance])
    one = turns.place(sparse(0.0, 0.6), 50.0, groups, pool, lists).pieces
    other = turns.place(sparse(0.0, 0.6), 50.0, regrouped, turned, [lists[k] for k in order]).pieces
    for name in ("mixture", "stem", "start", "length", "offset"):
        assert getattr(one, name).tolist() == getattr(other, name).tolist()
    assert one.source.tolist() == order[other.source].tolist()


def test_ratios_go_to_mixtures_that_reach_them(turns: SimpleNamespace) -> None:
    """Utterances of any length meet, and yet a set has the ratios that were drawn, and meets them."""
    pool, lists = turns.pool_of(20, 50, (2.0, 10.0))
    groups = turns.groups_of(pool, [2, 3] * 500 + [1])
    placement = turns.place(sparse(0.0, 0.4), None, groups, pool, lists)
    drawn = 0.4 * Draws(7, "d", "train").uniform("overlap_ratio 0", np.arange(1000, dtype=np.uint64))
    assert np.sort(placement.ratios_asked[:1000]).tolist() == np.sort(drawn).tolist()
    assert np.isnan(placement.ratios_asked[1000])
    assert (errors_in_samples(placement)[:1000] <= FRAME).all()


def test_a_set_of_sparse_mixtures_is_placed_in_seconds(turns: SimpleNamespace) -> None:
    """2,000 mixtures of 12 pieces took 0.5 s; the bound leaves room for a busy machine."""
    pool, lists = turns.pool_of(20, 50)
    groups = turns.groups_of(pool, [2] * 2_000)
    begin = time.process_time()
    turns.place(sparse(0.0, 0.4), None, groups, pool, lists)
    assert time.process_time() - begin < 10
