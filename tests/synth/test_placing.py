"""Where two sources of a fixed length lie: trains of utterances that share what is asked, and give back what they do not use."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.draws import Draws, hash_texts
from synth.overlap.joining import Cut, Joiner, Train, cut_to_share, share
from synth.overlap.spec import FixedLength
from synth.pairing.groups import Supply
from synth.pairing.pairs import Pool
from synth.pieces import Pieces, spoken_samples

RATE_HZ = 8000
LEAST = RATE_HZ // 2
DRAWS = Draws(5, "d", "train")


def _pool(lengths: list[list[int]]) -> Pool:
    """Of each speaker, the lengths of their utterances."""
    flat = [length for of_one in lengths for length in of_one]
    speakers = np.repeat(np.arange(len(lengths)), [len(of_one) for of_one in lengths])
    return Pool(np.array(flat, dtype=np.int64), speakers, hash_texts(f"u{k}" for k in range(len(flat))))


def _joiner(pool: Pool, pause_s: float | dict[str, list[float]] = 0.2) -> Joiner:
    length = FixedLength.model_validate({"seconds": 1, "join": True, "pause_s": pause_s})
    return Joiner(length, pool, Supply(pool, np.zeros(len(pool.lengths), dtype=np.int64), DRAWS), DRAWS, RATE_HZ)


def _ratio(trains: tuple[list[Cut], list[Cut]]) -> tuple[float, int]:
    rows = [(0, k, *cut) for k, cuts in enumerate(trains, 1) for cut in cuts]
    mixture, stem, source, length, offset = np.array(rows, dtype=np.int64).T
    pieces = Pieces.of(mixture, stem, source, np.zeros_like(source), length, offset)
    spoken = spoken_samples(pieces, 1)
    return float(spoken.overlap_ratios[0]), int(spoken.by_any[0])


utterances = st.lists(st.integers(400, 30_000), min_size=1, max_size=6)
pauses = st.sampled_from([0.0, 0.2, 2.0, {"uniform": [0.0, 1.0]}])


@settings(max_examples=200)
@given(utterances, utterances, st.floats(0.02, 1.0), st.integers(4_001, 100_000), pauses, st.integers(0, 99))
def test_trains_share_what_is_asked(
    one: list[int], other: list[int], ratio: float, total: int, pause_s: float | dict[str, list[float]], key: int
) -> None:
    pool = _pool([one, other])
    joiner = _joiner(pool, pause_s)
    earlier, later = Train(joiner, key, [0]), Train(joiner, key + 1, [len(one)])
    trains = share(earlier, later, ratio, total)
    realised, spoken = _ratio(trains)
    pieces = len(trains[0]) + len(trains[1])
    assert abs(realised - ratio) * spoken <= 1 + pieces / 2  # half a sample for each that is rounded
    for train, first in zip(trains, (0, len(one)), strict=True):
        assert train[0][0] == first
        stop = 0
        for utterance, length, begin in train:
            assert pool.speakers[utterance] == pool.speakers[first]
            assert stop <= begin < begin + length <= total
            assert length <= pool.lengths[utterance]
            stop = begin + length
    # What was asked of the supply and not used was given back: the next ones are again those that are used least.
    counted = Counter(utterance for train in trains for utterance, _, _ in train[1:])
    for speaker, of_one in enumerate((one, other)):
        own = np.flatnonzero(pool.speakers == speaker).tolist()
        further = Counter(joiner.supply.next(speaker) for _ in range(len(of_one) * 3))
        uses = [counted[utterance] + further[utterance] for utterance in own]
        assert max(uses) - min(uses) <= 1


def test_trains_give_back_what_they_do_not_use() -> None:
    pool = _pool([[8000] * 5])
    joiner = _joiner(pool)
    train = Train(joiner, 1, [0])
    assert len(train.up_to(33_000)) == 4  # 8000 samples and 1600 of pause each
    train.end_after(2)
    assert len(train.utterances) == 2
    assert {joiner.supply.next(0) for _ in range(4)} == set(range(5)) - {train.utterances[1]}


def test_an_end_that_would_be_too_short_is_left_out() -> None:
    pool = _pool([[8000, 8000]])
    joiner = _joiner(pool, 0.0)
    train = Train(joiner, 1, [0])
    assert [length for _, length, _ in train.up_to(8000 + LEAST - 1)] == [8000]
    assert [length for _, length, _ in train.up_to(8000 + LEAST)] == [8000, LEAST]


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.integers(160, 50_000), st.integers(160, 50_000), st.floats(0.01, 1.0)), min_size=1, max_size=20),
    st.integers(800, 60_000),
)
def test_two_utterances_reach_any_ratio_when_they_may_be_cut(rows: list[tuple[int, int, float]], total: int) -> None:
    lengths = np.minimum(np.array([row[:2] for row in rows], dtype=np.int64), total)
    ratios = np.array([row[2] for row in rows])
    taken, shared = cut_to_share(lengths, ratios, total)
    spoken = taken.sum(axis=1) - shared
    assert (taken > 0).all()
    assert (taken <= lengths).all()
    assert (shared <= taken.min(axis=1)).all()
    assert (spoken <= total).all()
    assert (np.abs(shared - ratios * spoken) <= 1.01).all()
    # The mixture is filled where they are long enough for that.
    assert (spoken[lengths.sum(axis=1) >= total + np.rint(ratios * total)] == total).all()


def test_both_are_of_like_length_where_they_can_be() -> None:
    taken, shared = cut_to_share(np.array([[9000, 9000], [5000, 9000], [1000, 9000]]), np.array([0.5, 0.5, 0.5]), 9000)
    assert taken.tolist() == [[6750, 6750], [5000, 8500], [1000, 2000]]
    assert shared.tolist() == [4500, 4500, 1000]


def test_pauses_are_those_that_are_drawn() -> None:
    pool = _pool([[4000] * 3])
    joiner = _joiner(pool, {"uniform": [0.1, 0.5]})
    cuts = Train(joiner, 7, [0]).up_to(80_000)
    gaps = [begin - (before + length) for (_, length, before), (_, _, begin) in pairwise(cuts)]
    assert len(gaps) > 8
    assert 800 <= min(gaps) < 1600 < 3000 < max(gaps) <= 4000
    assert cuts == Train(_joiner(pool, {"uniform": [0.1, 0.5]}), 7, [0]).up_to(80_000)
    assert sum(length for _, length, _ in cuts) == pytest.approx(80_000 - sum(gaps), abs=4000 + LEAST)
