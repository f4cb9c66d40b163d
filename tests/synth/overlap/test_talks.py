"""Talks: nobody overlaps themselves, pauses and overlaps are as drawn, everybody has a turn, and keys alone decide."""

import time
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.distributions import Fixed, Uniform
from synth.draws import Draws, hash_texts
from synth.overlap.spec import ConversationOverlap, SequentialOverlap
from synth.pairing.groups import Groups
from synth.pairing.pairs import Pool
from synth.pieces import overlap_ratios

RATE_HZ = 8000
FRAME = 80
DRAWS = Draws(7, "d", "train")
TALK = ConversationOverlap(mode="conversation")

counts = st.lists(st.integers(1, 5), min_size=1, max_size=6)
seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=60, deadline=None)
@given(counts, seeds, st.sampled_from([None, 0.2, 1.0, 7.3, 40.0]))
def test_sequential_turns_go_round_with_the_pauses_drawn(
    turns: SimpleNamespace, n_src: list[int], seed: int, seconds: float | None
) -> None:
    pool, lists = turns.pool_of(5, 3, seed=seed)
    groups = turns.groups_of(pool, n_src, seed)
    placement = turns.place(SequentialOverlap(mode="sequential"), seconds, groups, pool, lists)
    turns.check(placement, groups, pool)
    for mixture, count in enumerate(n_src):
        said = turns.turns_of(placement, mixture)
        assert said.offset[0] == 0
        assert (said.stem[count:] == said.stem[:-count]).all()
        assert len(set(said.stem[:count])) == min(count, len(said))
        keys = np.uint64(mixture << 32) + np.arange(1, len(said), dtype=np.uint64)
        pauses = np.rint((0.2 + 0.8 * DRAWS.uniform("pause_s", keys)) * RATE_HZ)
        assert (said.offset[1:] - said.stop[:-1]).tolist() == pauses.tolist()
        if seconds is None:
            assert sorted(said.source) == sorted(groups.utterance[groups.mixture == mixture])
            assert (said.length == pool.lengths[said.source]).all()
            assert placement.num_samples[mixture] == said.stop[-1]
        else:
            assert placement.num_samples[mixture] == round(seconds * RATE_HZ)


@settings(max_examples=60, deadline=None)
@given(counts, seeds, st.sampled_from([0.4, 6.0, 60.0]), st.sampled_from([0.0, 0.3, 1.0]))
def test_a_conversation_passes_from_one_to_another(
    turns: SimpleNamespace, n_src: list[int], seed: int, seconds: float, overlapped: float
) -> None:
    """With a pause or an overlap as drawn, if neither turn nor speaker would come to lie over itself."""
    pool, lists = turns.pool_of(5, 3, seed=seed)
    groups = turns.groups_of(pool, n_src, seed)
    overlap = ConversationOverlap(mode="conversation", overlapped_turns=overlapped)
    placement = turns.place(overlap, seconds, groups, pool, lists)
    turns.check(placement, groups, pool)
    assert (placement.num_samples == round(seconds * RATE_HZ)).all()
    for mixture, count in enumerate(n_src):
        said = turns.turns_of(placement, mixture)
        assert (np.diff(said.stop) >= 0).all()
        if count > 1:
            assert (np.diff(said.stem) != 0).all()
        keys = np.uint64(mixture << 32) + np.arange(len(said), dtype=np.uint64)
        pauses = np.rint((0.1 + 1.4 * DRAWS.uniform("pause_s", keys)) * RATE_HZ)
        overlaps = np.rint((0.1 + 0.9 * DRAWS.uniform("overlap_s", keys)) * RATE_HZ)
        chosen = DRAWS.uniform("overlapped turn", keys) < overlapped
        for k in range(1, len(said)):
            gap = said.offset[k] - said.stop[k - 1]
            if count == 1 or not chosen[k]:
                assert gap == pauses[k]
            else:
                own = said.stop[:k][said.stem[:k] == said.stem[k]]
                latest = max(said.offset[k - 1], own.max(initial=0), said.stop[k - 1] - said.length[k])
                assert said.offset[k] == max(said.stop[k - 1] - overlaps[k], latest)


@settings(max_examples=60, deadline=None)
@given(counts, seeds, st.sampled_from(["sequential", "conversation"]), st.floats(0.1, 30.0))
def test_everybody_has_a_turn_whenever_the_length_allows(
    turns: SimpleNamespace, n_src: list[int], seed: int, mode: str, seconds: float
) -> None:
    """Half a second for each, and the longest pause between them."""
    pool, lists = turns.pool_of(5, 3, seed=seed)
    groups = turns.groups_of(pool, n_src, seed)
    overlap = SequentialOverlap(mode="sequential") if mode == "sequential" else TALK
    placement = turns.place(overlap, seconds, groups, pool, lists)
    turns.check(placement, groups, pool)
    pause = overlap.pause_s.support()[1]
    for mixture, count in enumerate(n_src):
        pieces = turns.turns_of(placement, mixture)
        if count * 0.5 + (count - 1) * pause < seconds - 0.01:
            assert len(set(pieces.stem)) == count
            whole = pool.lengths[pieces.source] == pieces.length
            assert (whole | (pieces.length >= 0.5 * RATE_HZ)).all()


def test_a_turn_that_is_cut_begins_with_its_first_word(turns: SimpleNamespace) -> None:
    """Two seconds of silence, then speech, and one second of room."""
    pool = Pool(np.array([5 * RATE_HZ]), np.array([0]), hash_texts(["u"]))
    lists = [np.where(np.arange(500) < 200, 10, 10**7)]
    groups = Groups(np.array([0]), np.array([1]), np.array([0]))
    placement = turns.place(SequentialOverlap(mode="sequential"), 1.0, groups, pool, lists)
    assert placement.pieces.start.tolist() == [195 * FRAME]
    assert placement.pieces.length.tolist() == [RATE_HZ]


@pytest.mark.parametrize("overlap", [SequentialOverlap(mode="sequential"), TALK])
def test_keys_decide_and_not_the_rows_of_the_pool(
    turns: SimpleNamespace, overlap: SequentialOverlap | ConversationOverlap
) -> None:
    """The pool in another order, its speakers numbered otherwise: the same mixtures."""
    pool, lists = turns.pool_of(5, 4)
    groups = turns.groups_of(pool, [2, 5, 3, 1])
    order = np.random.default_rng(1).permutation(len(pool.lengths))
    turned = Pool(pool.lengths[order], 4 - pool.speakers[order], pool.keys[order])
    regrouped = Groups(groups.mixture, groups.stem, np.argsort(order)[groups.utterance])
    one = turns.place(overlap, 50.0, groups, pool, lists).pieces
    other = turns.place(overlap, 50.0, regrouped, turned, [lists[k] for k in order]).pieces
    for name in ("mixture", "stem", "start", "length", "offset"):
        assert getattr(one, name).tolist() == getattr(other, name).tolist()
    assert one.source.tolist() == order[other.source].tolist()


def test_each_source_speaks_first_about_as_often(turns: SimpleNamespace) -> None:
    pool, lists = turns.pool_of(4, 5)
    groups = turns.groups_of(pool, [4] * 400)
    for overlap in (SequentialOverlap(mode="sequential"), TALK):
        pieces = turns.place(overlap, 30.0, groups, pool, lists).pieces
        first = np.bincount(pieces.stem[pieces.offset == 0], minlength=5)[1:]
        assert (abs(first - 100) < 40).all()


def test_a_conversation_overlaps_in_the_share_of_turns_asked(turns: SimpleNamespace) -> None:
    pool, lists = turns.pool_of(4, 30, seconds=(2.0, 6.0))
    groups = turns.groups_of(pool, [4] * 20)
    overlap = ConversationOverlap(mode="conversation", overlap_s=Fixed(fixed=0.5), pause_s=Uniform(uniform=(0.2, 0.4)))
    placement = turns.place(overlap, 300.0, groups, pool, lists)
    gaps = [
        np.diff(np.stack([said.offset, said.stop]).T.ravel())[1::2] for said in (turns.turns_of(placement, m) for m in range(20))
    ]
    overlapped = np.concatenate(gaps) < 0
    assert len(overlapped) > 1000
    assert abs(overlapped.mean() - 0.3) < 0.04
    assert (overlap_ratios(placement.pieces, 20) > 0).all()
    used = np.bincount(placement.pieces.source, minlength=len(pool.lengths))
    assert used.max() - used.min() <= 3  # the first ones came from random groups


def test_a_set_of_sequential_mixtures_is_placed_in_a_moment(turns: SimpleNamespace) -> None:
    """10,000 mixtures took 0.05 s, those with a length 0.4 s; the bounds leave room for a busy machine."""
    pool, lists = turns.pool_of(20, 50)
    groups = turns.groups_of(pool, [2] * 10_000)
    begin = time.process_time()
    turns.place(SequentialOverlap(mode="sequential"), None, groups, pool, lists)
    assert time.process_time() - begin < 5
    turns.place(SequentialOverlap(mode="sequential"), 15.0, groups, pool, lists)
    assert time.process_time() - begin < 15
