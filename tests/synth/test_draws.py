"""Keyed draws: what they depend on, and what they must not depend on."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from synth.draws import Draws, hash_text, hash_texts, mix

ITEMS = np.arange(10_000, dtype=np.uint64)


def test_a_draw_is_the_same_on_every_machine_and_in_every_release() -> None:
    """Plans are rebuilt from their spec years later: these numbers may never change."""
    assert hash_text("BAC009S0002W0122") == 7298786940061202226
    assert Draws(0, "sep_2spk_full", "train").uniform("sir_db", ITEMS[:3]).tolist() == [
        0.8110914110307634,
        0.748921656058571,
        0.5665013661509022,
    ]


@given(st.lists(st.integers(0, 2**64 - 1), unique=True, min_size=1, max_size=50), st.randoms(use_true_random=False))
def test_draws_depend_on_the_item_and_not_on_its_place(items: list[int], random: object) -> None:
    draws = Draws(3, "set", "train")
    array = np.array(items, dtype=np.uint64)
    shuffled = np.array(sorted(items), dtype=np.uint64)
    by_item = dict(zip(array.tolist(), draws.uniform("x", array).tolist(), strict=True))
    assert draws.uniform("x", shuffled).tolist() == [by_item[item] for item in shuffled.tolist()]
    assert array[draws.order("x", array)].tolist() == shuffled[draws.order("x", shuffled)].tolist()


def test_draws_are_uniform_and_independent() -> None:
    draws = Draws(0, "set", "train")
    u, v = draws.uniform("a", ITEMS), draws.uniform("b", ITEMS)
    counts, _ = np.histogram(u, bins=20, range=(0, 1))
    assert abs(counts - len(ITEMS) / 20).max() < 5 * np.sqrt(len(ITEMS) / 20)
    assert abs(np.corrcoef(u, v)[0, 1]) < 0.05
    assert abs(np.corrcoef(u[1:], u[:-1])[0, 1]) < 0.05


def test_every_part_of_the_key_counts() -> None:
    keys = [Draws(0, "a", "train"), Draws(1, "a", "train"), Draws(0, "b", "train"), Draws(0, "a", "test")]
    drawn = [key.uniform("x", ITEMS[:100]) for key in keys] + [keys[0].uniform("y", ITEMS[:100])]
    assert len({tuple(row) for row in drawn}) == 5


def test_mix_never_maps_two_items_to_one() -> None:
    assert len(np.unique(mix(np.arange(100_000, dtype=np.uint64)))) == 100_000


def test_ids_with_lone_surrogates_have_a_hash() -> None:
    assert hash_texts(["\ud800", "a"]).dtype == np.uint64
