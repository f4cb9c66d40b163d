"""Sources of a plan: how many, whose, how often, and that nothing hangs on the order of the corpus."""

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.errors import PlanError
from synth.plan.split import plan_split

MODES: list[dict[str, Any]] = [
    {"overlap": "full"},
    {"overlap": "full", "length": "max"},
    {"overlap": "full", "length": {"seconds": 1.5, "join": True}},
    {"overlap": "partial"},
    {"overlap": "sequential"},
    {"overlap": "sequential", "length": {"seconds": 9}},
    {"overlap": "sparse"},
    {"overlap": {"mode": "sparse", "ratio": 0.2}, "length": {"seconds": 6}},
    {"overlap": "conversation", "length": {"seconds": 10}},
]


def _rows(plan: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = plan.table.to_pylist()
    return rows


@settings(max_examples=30)
@given(st.sampled_from(MODES), st.sampled_from([1, 2, 3, 5, (1, 2, 3), (2, 4), (1, 5)]), st.integers(0, 1000))
def test_any_number_of_sources_in_any_mode(
    make_utterances: Any, make_spec: Any, check_row: Any, mode: dict[str, Any], numbers: Any, seed: int
) -> None:
    if numbers == 1 and ("partial" in str(mode) or "sparse" in str(mode)):
        return  # refused: one source overlaps with nobody
    pool = make_utterances(speakers=6, each=5, seed=seed, level=(300, 5000), seconds=(0.4, 1.6))
    n_src = {"choice": list(numbers)} if isinstance(numbers, tuple) else numbers
    plan = plan_split(make_spec(15, n_src=n_src, seed=seed, **mode), "train", pool.table, pool.load)
    rows = _rows(plan)
    assert {len(row["speaker_ids"]) for row in rows} <= set(numbers if isinstance(numbers, tuple) else [numbers])
    assert len({row["id"] for row in rows}) == len({row["row_digest"] for row in rows}) == 15
    for row in rows:
        levels = check_row(row, pool.load)
        assert len(row["sir_db"]) == len(row["sir_db_asked"]) == len(row["genders"]) - 1
        assert [levels[0] - level for level in levels[1:]] == pytest.approx(row["sir_db_asked"], abs=0.1)
        speaker_of = {utterance: utterance[:3] for utterance in row["source_ids"]}
        assert [row["speaker_ids"][k - 1] for k in row["stem_numbers"]] == [speaker_of[one] for one in row["source_ids"]]


def test_a_drawn_number_of_sources_is_drawn_evenly(make_utterances: Any, make_spec: Any) -> None:
    pool = make_utterances()
    spec = make_spec(600, n_src={"choice": [1, 2, 4]}, levels={"level_db": {"uniform": [-30, -20]}})
    rows = _rows(plan_split(spec, "train", pool.table, pool.load))
    counts = Counter(len(row["speaker_ids"]) for row in rows)
    assert set(counts) == {1, 2, 4}
    assert all(150 < count < 250 for count in counts.values())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("gender", ["same", "different"])
def test_genders(make_utterances: Any, make_spec: Any, gender: str, mode: dict[str, Any]) -> None:
    pool = make_utterances(speakers=6, each=5, seconds=(0.4, 1.6))
    rows = _rows(plan_split(make_spec(40, speakers={"gender": gender}, **mode), "train", pool.table, pool.load))
    met = Counter(tuple(row["genders"]) for row in rows)
    assert all((len(set(genders)) == 1) == (gender == "same") for genders in met)
    assert len(met) == 2
    assert min(met.values()) >= 8  # both genders, or s1 of either


def test_unknown_genders_meet_only_where_any_do(make_utterances: Any, make_spec: Any) -> None:
    pool = make_utterances(speakers=6)
    unknown = np.array(pool.table["speaker_id"].to_pylist()) < "S02"
    genders = np.where(unknown, "unknown", np.array(pool.table["gender"].to_pylist()))
    table = pool.table.set_column(pool.table.column_names.index("gender"), "gender", pa.array(genders))
    for gender, known in (("any", False), ("same", True), ("different", True)):
        rows = _rows(plan_split(make_spec(60, speakers={"gender": gender}), "train", table, pool.load))
        assert any("unknown" in row["genders"] for row in rows) == (not known)


def test_a_gender_that_cannot_be_had_is_refused(make_utterances: Any, make_spec: Any) -> None:
    pool = make_utterances(speakers=3)  # one of them female
    for asked, says in (
        ({"n_src": 3, "speakers": {"gender": "same"}}, "no 3 speakers of the same gender"),
        ({"n_src": 4}, "usable utterances of 3 speakers, and a mixture needs 4 different ones"),
        ({"speakers": {"held_out": ["S00", "S02"]}}, "of 1 speaker, and a mixture needs 2"),
        ({"speakers": {"held_out": ["S01"], "gender": "different"}}, "0 utterances by female"),
    ):
        with pytest.raises(PlanError, match=says) as caught:
            plan_split(make_spec(20, **asked), "train", pool.table, pool.load)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mode", MODES)
def test_who_is_held_out_is_no_source(make_utterances: Any, make_spec: Any, mode: dict[str, Any]) -> None:
    pool = make_utterances(speakers=6, each=5, seconds=(0.4, 1.6))

    def heard(held_out: Any, table: pa.Table = pool.table) -> set[str]:
        plan = plan_split(make_spec(30, speakers={"held_out": held_out}, **mode), "train", table, pool.load)
        return {utterance[:3] for row in _rows(plan) for utterance in row["source_ids"]}

    everyone = {f"S{k:02d}" for k in range(6)}
    assert heard([]) == everyone
    assert heard(["S01", "S04"]) == everyone - {"S01", "S04"}
    assert len(heard(0.5)) == 3
    assert len(heard(0.01)) == 5  # one at least
    assert heard(0.5) == heard(0.5, pool.table.take(np.random.default_rng(1).permutation(30)))


@settings(max_examples=15)
@given(st.sampled_from(MODES), st.sampled_from([2, 3, {"choice": [2, 3]}]), st.integers(0, 2**32 - 1))
def test_the_rows_are_the_same_whatever_the_order_and_the_chunks_of_the_corpus(
    make_utterances: Any, make_spec: Any, mode: dict[str, Any], n_src: Any, seed: int
) -> None:
    pool = make_utterances(speakers=5, each=4, seconds=(0.4, 1.6))
    spec = make_spec(20, n_src=n_src, **mode)
    shuffled = pool.table.take(np.random.default_rng(seed).permutation(20)).combine_chunks()
    digests = [plan_split(spec, "train", table, pool.load).table["row_digest"].to_pylist() for table in (pool.table, shuffled)]
    assert digests[0] == digests[1] or sorted(digests[0]) == sorted(digests[1])


@pytest.mark.parametrize("mode", [mode for mode in MODES if "length" not in mode or mode["length"] == "max"])
@pytest.mark.parametrize("n_src", [2, 3, {"choice": [1, 2, 4]}])
def test_use_is_even(make_utterances: Any, make_spec: Any, mode: dict[str, Any], n_src: Any) -> None:
    if isinstance(n_src, dict) and mode["overlap"] in ("partial", "sparse"):
        n_src = {"choice": [2, 4]}
    pool = make_utterances(speakers=6, each=5, seconds=(0.4, 1.6))
    plan = plan_split(make_spec(47, n_src=n_src, **mode), "train", pool.table, pool.load)
    uses = plan.report["uses_per_utterance"]
    assert uses["most"] - uses["least"] <= 1
    counted = Counter(one for row in _rows(plan) for one in set(row["source_ids"]))
    assert (min(counted.values()), max(counted.values())) == (uses["least"], uses["most"])


def test_joined_utterances_of_a_speaker_are_used_evenly(make_utterances: Any, make_spec: Any) -> None:
    pool = make_utterances(speakers=4, each=8)
    for overlap in ("full", "partial"):
        plan = plan_split(make_spec(60, overlap, length={"seconds": 4, "join": True}), "train", pool.table, pool.load)
        counted = Counter(one for row in _rows(plan) for one in row["source_ids"])
        for speaker in range(4):
            own = [counted[f"S{speaker:02d}W{number:03d}"] for number in range(8)]
            assert max(own) - min(own) <= 1


def test_an_id_tells_what_a_mixture_is_made_of(make_utterances: Any, make_spec: Any) -> None:
    """The same in a set of another name that draws the same; another one with other gains, offsets or stems."""
    pool = make_utterances(level=(2000, 3000))

    def ids(**changes: Any) -> list[str]:
        plan = plan_split(make_spec(30, **{"overlap": "partial", **changes}), "train", pool.table, pool.load)
        found: list[str] = plan.table["id"].to_pylist()
        return found

    first = ids()
    assert first == ids(storage="plan", description="told otherwise")
    for changes in (
        {"levels": {"sir_db": {"uniform": [-5, 4.9]}}},
        {"overlap": {"mode": "partial", "ratio": {"uniform": [0.1, 0.89]}}},
        {"levels": {"level_db": -30}},
        {"length": {"seconds": 1}},
        {"seed": 1},
    ):
        assert not set(first) & set(ids(**changes))


def test_mixtures_that_come_twice_are_refused_in_one_line(make_utterances: Any, make_spec: Any) -> None:
    pool = make_utterances(speakers=4, each=5)
    assert len(_rows(plan_split(make_spec(20, n_src=1), "train", pool.table, pool.load))) == 20
    with pytest.raises(PlanError, match="1 of the 21 mixtures of the split 'train' come a second time") as caught:
        plan_split(make_spec(21, n_src=1), "train", pool.table, pool.load)
    assert "\n" not in str(caught.value)
    drawn = make_spec(60, n_src=1, levels={"level_db": {"uniform": [-30, -20]}})
    assert len(_rows(plan_split(drawn, "train", pool.table, pool.load))) == 60
