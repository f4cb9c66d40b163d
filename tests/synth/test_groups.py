"""Who meets whom: any number of sources, no speaker twice, every utterance as often as any other, whatever the order of rows."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.draws import Draws, hash_texts
from synth.errors import PlanError
from synth.pairing.groups import Groups, Supply, group_up, reach_of_groups
from synth.pairing.pairs import Pool

DRAWS = Draws(3, "d", "train")

pools = st.lists(st.integers(1, 9), min_size=5, max_size=9)  # utterances of each speaker
numbers = st.lists(st.integers(1, 5), min_size=1, max_size=60)


def _pool(utterances: list[int], seed: int = 0, seconds: tuple[float, float] = (0.5, 5.0)) -> Pool:
    lengths = (np.random.default_rng(seed).uniform(*seconds, sum(utterances)) * 8000).astype(np.int64)
    speakers = np.repeat(np.arange(len(utterances)), utterances)
    return Pool(lengths, speakers, hash_texts(f"u{k}" for k in range(len(lengths))))


def _check(pool: Pool, n_src: np.ndarray, groups: Groups) -> np.ndarray:
    """What holds always; returns how often each utterance is used."""
    assert (np.bincount(groups.mixture, minlength=len(n_src)) == n_src).all()
    for mixture in range(len(n_src)):
        these = groups.mixture == mixture
        assert groups.stem[these].tolist() == list(range(1, n_src[mixture] + 1))
        assert len(set(pool.speakers[groups.utterance[these]].tolist())) == n_src[mixture]
    return np.bincount(groups.utterance, minlength=len(pool.lengths))


@settings(max_examples=80)
@given(pools, numbers, st.integers(0, 100))
def test_use_is_even_but_for_speakers_who_are_in_every_mixture(utterances: list[int], numbers: list[int], seed: int) -> None:
    pool, n_src = _pool(utterances, seed), np.array(numbers)
    uses = _check(pool, n_src, group_up(pool, n_src, Draws(seed, "d", "train")))
    of_speaker = np.bincount(pool.speakers, weights=uses)
    everywhere = (of_speaker == len(n_src))[pool.speakers]
    rest = uses[~everywhere]
    if len(rest):
        # Somebody who is in every mixture by even use is in both: they may have one more than the rest, and no less.
        assert rest.max() - rest.min() <= 1
        assert uses[everywhere].max(initial=0) <= rest.max() + 1
    for speaker in np.unique(pool.speakers):
        own = uses[pool.speakers == speaker]
        assert own.max() - own.min() <= 1


@settings(max_examples=40)
@given(pools, numbers, st.integers(0, 2**32 - 1))
def test_the_groups_are_those_of_the_utterances_and_not_of_their_rows(
    utterances: list[int], numbers: list[int], seed: int
) -> None:
    pool, n_src = _pool(utterances), np.array(numbers)
    random = np.random.default_rng(seed)
    order = random.permutation(len(pool.lengths))
    renamed = random.permutation(len(utterances))[pool.speakers[order]]
    other = Pool(pool.lengths[order], renamed, pool.keys[order])
    assert (
        pool.keys[group_up(pool, n_src, DRAWS).utterance].tolist() == other.keys[group_up(other, n_src, DRAWS).utterance].tolist()
    )


def test_no_group_comes_twice_while_there_are_many_others() -> None:
    groups = group_up(_pool([10] * 6), np.full(1000, 3), DRAWS)  # of 20,000
    assert len({tuple(sorted(row)) for row in groups.utterance.reshape(-1, 3).tolist()}) == 1000
    pairs = group_up(_pool([10] * 6), np.full(100, 2), DRAWS)  # of 1,500
    assert len({tuple(sorted(row)) for row in pairs.utterance.reshape(-1, 2).tolist()}) == 100


def test_who_is_in_every_mixture_is_s1_no_oftener_than_the_others() -> None:
    """The crowded speaker is dealt to the first place of all."""
    pool = _pool([60, 5, 5])
    groups = group_up(pool, np.full(300, 2), DRAWS)
    first = pool.speakers[groups.utterance[groups.stem == 1]]
    assert 120 < np.count_nonzero(first == 0) < 180


def test_groups_reach_the_lowest_ratio_where_lengths_allow() -> None:
    pool, n_src = _pool([20] * 10), np.tile([1, 3, 4], 100)
    reach = [reach_of_groups(pool.lengths[group_up(pool, n_src, DRAWS, low).utterance], n_src) for low in (0.0, 0.7)]
    assert reach[0].min() < 0.5
    assert reach[1].min() >= 0.7
    groups = group_up(pool, n_src, DRAWS, 0.7)
    uses = _check(pool, n_src, groups)
    assert uses.max() - uses.min() <= 1
    assert group_up(pool, n_src, DRAWS, 1.0) is not None  # nothing reaches that, and it ends


def test_reach_is_the_second_longest_over_the_longest() -> None:
    lengths = np.array([7, 4, 8, 2, 5, 5, 9])
    assert reach_of_groups(lengths, np.array([1, 3, 2, 1])).tolist() == [1, 0.5, 1, 1]


def test_more_sources_than_speakers_are_refused() -> None:
    with pytest.raises(PlanError, match="utterances of 2 speakers, and a mixture needs 3"):
        group_up(_pool([4, 4]), np.array([2, 3]), DRAWS)


def test_the_supply_gives_what_was_used_least_and_takes_it_back() -> None:
    pool = _pool([3, 2])
    supply = Supply(pool, np.array([1, 0, 0, 0, 0]), DRAWS)
    first = {supply.next(0), supply.next(0)}
    assert first == {1, 2}
    assert Counter(supply.next(0) for _ in range(6)) == {0: 2, 1: 2, 2: 2}
    given = supply.next(1)
    supply.take_back(given)
    assert supply.next(1) == given
    assert Counter(supply.next(1) for _ in range(3)) == {given: 1, 7 - given: 2}
