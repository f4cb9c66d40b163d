"""Which utterances meet: even use, reachable ratios, no pair too often."""

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from synth.draws import Draws, hash_texts
from synth.errors import PlanError
from synth.pairing.pairs import Pairs, Pool, pair_up, uses

Ints = np.ndarray


def _pool(lengths: list[int] | Ints, speakers: list[int] | Ints) -> Pool:
    keys = hash_texts(f"u{k}" for k in range(len(lengths)))
    return Pool(np.array(lengths, dtype=np.int64), np.array(speakers, dtype=np.int64), keys)


def _pair(pool: Pool, mixtures: int, low: float = 0.1, high: float = 0.9, seed: int = 0) -> Pairs:
    draws = Draws(seed, "d", "train")

    def ratios(attempt: int, items: Ints) -> Ints:
        return low + (high - low) * draws.uniform(f"ratio {attempt}", items.astype(np.uint64))

    return pair_up(pool, mixtures, draws, ratios, lowest_ratio=low)


def _check(pool: Pool, pairs: Pairs) -> None:
    counts = np.bincount(np.r_[pairs.a, pairs.b], minlength=len(pool.lengths))
    assert counts.max() - counts.min() <= 1
    assert (pool.speakers[pairs.a] != pool.speakers[pairs.b]).all()
    assert (pairs.ratios <= pool.reach(pairs.a, pairs.b)).all()


def _pair_counts(pairs: Pairs) -> Ints:
    return np.unique(np.sort(np.stack([pairs.a, pairs.b]), axis=0), axis=1, return_counts=True)[1]


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 8), st.integers(1, 12), st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_any_even_pool_is_used_evenly_and_only_as_far_as_it_reaches(speakers: int, each: int, mixtures: int, seed: int) -> None:
    lengths = np.random.default_rng(seed).integers(8_000, 160_000, speakers * each)
    pool = _pool(lengths, np.repeat(np.arange(speakers), each))
    _check(pool, _pair(pool, mixtures, low=0.01, seed=seed))


@pytest.mark.parametrize("mixtures", [200, 2000])
def test_a_pool_like_that_of_aishell_keeps_every_ratio_and_repeats_no_pair(mixtures: int) -> None:
    """8 speakers x 100 utterances of AISHELL's lengths: the ratios stay as drawn, uniform over 0.1 to 0.9."""
    lengths = np.clip(np.random.default_rng(0).lognormal(np.log(4.3), 0.32, 800), 1.2, 14.5) * 16000
    pool = _pool(lengths.astype(np.int64), np.repeat(np.arange(8), 100))
    pairs = _pair(pool, mixtures)
    _check(pool, pairs)
    assert (pairs.draw_counts == 1).all()
    assert _pair_counts(pairs).max() == 1
    drawn = 0.1 + 0.8 * Draws(0, "d", "train").uniform("ratio 0", np.arange(mixtures, dtype=np.uint64))
    assert np.sort(pairs.ratios).tolist() == np.sort(drawn).tolist()


def test_two_speakers_of_librispeech_keep_every_ratio_and_use_every_pair() -> None:
    """The hard case: the lengths of two speakers of test-other, each utterance used 20 times, 100 pairs for 200 mixtures."""
    seconds = [7.1, 11.6, 4.6, 7.4, 10.0, 13.9, 5.4, 8.5, 3.4, 7.3, 6.6, 12.1, 4.1, 4.4, 16.4, 10.1, 9.1, 4.3, 5.4, 7.9]
    pool = _pool([round(16_000 * length) for length in seconds], np.repeat([0, 1], 10))
    pairs = _pair(pool, 200)
    _check(pool, pairs)
    assert (pairs.draw_counts == 1).all()
    assert len(_pair_counts(pairs)) == 100


def test_a_pair_comes_again_only_when_all_are_spent() -> None:
    pool = _pool([16000] * 12, np.repeat(np.arange(3), 4))  # 48 pairs, all of which reach anything
    assert _pair_counts(_pair(pool, 48)).tolist() == [1] * 48
    counts = _pair_counts(_pair(pool, 60))
    assert len(counts) == 48
    assert counts.max() == 2


def test_a_ratio_that_nothing_reaches_is_drawn_anew_and_counted() -> None:
    pool = _pool([10_000, 20_000], [0, 1])  # the only pair reaches 0.5
    pairs = _pair(pool, 50)
    _check(pool, pairs)
    first = 0.1 + 0.8 * Draws(0, "d", "train").uniform("ratio 0", np.arange(50, dtype=np.uint64))
    assert np.count_nonzero(pairs.draw_counts > 1) == np.count_nonzero(first > 0.5)


def test_ratios_that_no_pair_reaches_are_refused() -> None:
    with pytest.raises(PlanError, match=r"reach an overlap ratio of 0\.[89].*ask for lower ratios"):
        _pair(_pool([1000, 20_000], [0, 1]), 5, low=0.8)


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 3)), min_size=2, max_size=30), st.floats(0.01, 1))
def test_the_share_of_pairs_that_reach_a_ratio_is_counted_right(utterances: list[tuple[int, int]], ratio: float) -> None:
    speakers = np.unique([speaker for _, speaker in utterances], return_inverse=True)[1]
    pool = _pool([length for length, _ in utterances], speakers)
    a, b = np.triu_indices(len(utterances), 1)
    different = pool.speakers[a] != pool.speakers[b]
    if different.any():
        x, y = pool.lengths[a[different]], pool.lengths[b[different]]
        share = np.mean(np.minimum(x, y) >= ratio * np.maximum(x, y))
        assert pool.shares_that_reach([ratio])[0] == pytest.approx(share)


def test_one_speaker_is_refused() -> None:
    with pytest.raises(PlanError, match="fewer than 2 speakers"):
        _pair(_pool([1000, 2000], [0, 0]), 1)


def test_a_speaker_with_most_of_the_utterances_stands_in_every_mixture() -> None:
    pool = _pool([16000] * 12, [0] * 9 + [1, 1, 2])
    counts = uses(pool, 90, Draws(0, "d", "train"))
    assert counts[:9].tolist() == [10] * 9
    assert counts[9:].tolist() == [30] * 3
    pairs = _pair(pool, 90)
    assert (pool.speakers[pairs.a] != pool.speakers[pairs.b]).all()


def test_pairs_depend_on_the_ids_and_not_on_the_order_of_the_rows() -> None:
    lengths = np.random.default_rng(1).integers(16_000, 90_000, 60)
    pool = _pool(lengths, np.repeat(np.arange(6), 10))
    order = np.random.default_rng(2).permutation(60)
    turned = Pool(pool.lengths[order], pool.speakers[order], pool.keys[order])
    here, there = _pair(pool, 100), _pair(turned, 100)
    as_keys = [
        sorted(zip(np.sort(np.stack([p.keys[q.a], p.keys[q.b]]), axis=0).T.tolist(), q.ratios.tolist(), strict=True))
        for p, q in ((pool, here), (turned, there))
    ]
    assert as_keys[0] == as_keys[1]


@settings(max_examples=60)
@given(st.integers(2, 4), st.integers(2, 6), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_no_arrangement_of_a_small_pool_draws_fewer_ratios_anew_or_uses_more_pairs(
    speakers: int, each: int, mixtures: int, seed: int
) -> None:
    """Against the same question put another way: one variable for every mixture on every pair, solved for both aims in turn."""
    lengths = np.random.default_rng(seed).integers(16_000, 160_000, speakers * each)
    pool = _pool(lengths, np.repeat(np.arange(speakers), each))
    pairs = _pair(pool, mixtures, seed=seed)
    _check(pool, pairs)
    first = 0.1 + 0.8 * Draws(seed, "d", "train").uniform("ratio 0", np.arange(mixtures, dtype=np.uint64))
    fewest_anew, most_pairs = _oracle(pool, first)
    assert np.count_nonzero(pairs.draw_counts > 1) == fewest_anew
    assert len(_pair_counts(pairs)) == most_pairs


def _oracle(pool: Pool, ratios: Ints) -> tuple[int, int]:
    """Fewest ratios drawn anew, and with so few the most pairs that can be used."""
    a, b = np.triu_indices(len(pool.lengths), 1)
    kept = (pool.speakers[a] != pool.speakers[b]) & (pool.reach(a, b) >= 0.1)
    a, b = a[kept], b[kept]
    reaches = pool.reach(a, b)[:, None] >= np.r_[ratios, 0.0][None, :]  # the last column: drawn anew
    p, m = reaches.shape
    variables = np.arange(p * m).reshape(p, m)
    size = p * m + p  # then, for each pair, whether it is used
    rows, low, high = [], [], []

    def constrain(columns: Ints, at_least: float, at_most: float, minus: int | None = None) -> None:
        row = np.zeros(size)
        np.add.at(row, columns.ravel(), 1)
        if minus is not None:
            row[minus] = -1
        rows.append(row)
        low.append(at_least)
        high.append(at_most)

    uses, rest = divmod(2 * len(ratios), len(pool.lengths))
    for utterance in range(len(pool.lengths)):
        constrain(variables[(a == utterance) | (b == utterance)], uses, uses + (rest > 0))
    for item in range(len(ratios)):
        constrain(variables[:, item], 0, 1)
    constrain(variables, len(ratios), len(ratios))
    for pair in range(p):
        constrain(variables[pair], 0, np.inf, minus=p * m + pair)
    upper = np.r_[np.where(reaches, np.r_[np.ones(m - 1), len(ratios)], 0).ravel(), np.ones(p)]
    anew = np.zeros(size)
    anew[variables[:, -1]] = 1
    used = np.r_[np.zeros(p * m), np.ones(p)]
    bounds, constraints = Bounds(0, upper), LinearConstraint(np.array(rows), low, high)
    fewest = milp(anew, constraints=constraints, bounds=bounds, integrality=np.ones(size))
    if fewest.x is None:
        reject()  # even use alone has no solution here
    count = round(fewest.fun)
    most = milp(-used, constraints=[constraints, LinearConstraint(anew, 0, count)], bounds=bounds, integrality=np.ones(size))
    return count, round(-most.fun)
