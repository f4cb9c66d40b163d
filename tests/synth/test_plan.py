"""Plans: what is asked, what is realised, and that the written samples agree."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.errors import PlanError
from synth.levels.frames import active_power
from synth.plan.split import plan_split
from synth.render import Loads, render
from synth.spec import SeparationSpec

Make = Callable[..., Any]
RATE_HZ = 8000


def _spec(mixtures: int = 40, mode: str = "partial", **changes: Any) -> SeparationSpec:
    overlap = {"mode": mode, **({"ratio": changes.pop("ratio")} if "ratio" in changes else {})}
    return SeparationSpec.model_validate(
        {
            "name": "set",
            "kind": "separation",
            "corpus": "c",
            "sample_rate_hz": RATE_HZ,
            "splits": {"train": {"mixtures": mixtures}},
            "overlap": overlap,
            **changes,
        }
    )


def _stem_piece(row: dict[str, Any], stem: np.ndarray, k: int) -> np.ndarray:
    return stem[row["offsets_samples"][k] :][: row["lengths_samples"][k]]


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 1000),
    st.sampled_from(["full", "partial"]),
    st.sampled_from([(20, 300), (500, 9000), (9000, 30_000)]),
    st.sampled_from([0.003, 0.01, 0.05]),
)
def test_written_stems_sum_and_have_the_levels_and_the_overlap_of_their_row(
    make_utterances: Make, seed: int, mode: str, level: tuple[float, float], pause: float
) -> None:
    """Pauses at 0.01 lie 40 dB below the bursts, where rounding makes frames active or not."""
    pool = make_utterances(seed=seed, level=level, pause=pause)
    plan = plan_split(_spec(mode=mode, seed=seed), "train", pool.table, pool.load)
    for row in plan.table.to_pylist():
        signals = render(row, Loads(pool.load))
        mixture, stems = signals["mixture"], [signals["s1"], signals["s2"]]
        assert (mixture.astype(np.int32) == np.sum(stems, axis=0, dtype=np.int32)).all()
        for k, stem in enumerate(stems):
            source = pool.audio[row["source_ids"][k]][row["starts_samples"][k] :][: row["lengths_samples"][k]]
            assert (_stem_piece(row, stem, k) == np.rint(row["gains"][k] * source)).all()
            assert np.count_nonzero(stem) == np.count_nonzero(_stem_piece(row, stem, k))
        powers = [active_power(_stem_piece(row, stem, k), RATE_HZ) for k, stem in enumerate(stems)]
        assert 10 * np.log10(powers[0] / powers[1]) == pytest.approx(row["sir_db"][0], abs=0.05)
        if pause == 0.05 and level[0] >= 500:
            assert row["sir_db"][0] == pytest.approx(row["sir_db_asked"][0], abs=1e-4)
        first, last = min(row["offsets_samples"]), max(np.add(row["offsets_samples"], row["lengths_samples"]))
        assert (first, last) == (0, row["num_samples"])
        shared = sum(row["lengths_samples"]) - row["num_samples"]
        assert row["overlap_ratio"] == shared / row["num_samples"]
        ideal = row["overlap_ratio_asked"] * sum(row["lengths_samples"]) / (1 + row["overlap_ratio_asked"])
        assert abs(shared - ideal) <= 1
        assert 20 * np.log10(np.abs(mixture.astype(int)).max() / 32768) <= row["peak_bound_dbfs"] + 1e-9
        assert row["speaker_ids"][0] != row["speaker_ids"][1]
        assert row["texts"] == [
            pool.table.filter(pa.compute.equal(pool.table["id"], i))["text"][0].as_py() for i in row["source_ids"]
        ]


@pytest.mark.parametrize(("seed", "level"), [(1, (9000, 30_000)), (3, (9000, 30_000)), (4, (500, 9000)), (11, (500, 9000))])
def test_levels_that_rounding_moves_are_mended(make_utterances: Make, seed: int, level: tuple[float, float]) -> None:
    """Pauses 40 dB below the bursts, which rounding makes active or not: levels from before it miss by up to 0.7 dB."""
    pool = make_utterances(seed=seed, level=level, pause=0.01)
    for row in plan_split(_spec(mode="full", seed=seed), "train", pool.table, pool.load).table.to_pylist():
        signals = render(row, Loads(pool.load))
        powers = [active_power(_stem_piece(row, signals[f"s{k + 1}"], k), RATE_HZ) for k in (0, 1)]
        assert 10 * np.log10(powers[0] / powers[1]) == pytest.approx(row["sir_db_asked"][0], abs=0.1)
        assert 20 * np.log10(np.abs(signals["mixture"].astype(int)).max() / 32768) <= row["peak_bound_dbfs"] + 1e-9


def test_loud_sources_get_one_gain_and_never_clip(make_utterances: Make) -> None:
    pool = make_utterances(level=(15_000, 30_000))
    plan = plan_split(_spec(100), "train", pool.table, pool.load)
    rows = [row for row in plan.table.to_pylist() if row["clip_gain_db"] < 0]
    assert len(rows) == plan.report["clip_gain_applied"] > 50
    for row in rows:
        signals = render(row, Loads(pool.load))
        assert np.abs(signals["mixture"].astype(int)).max() <= 32767
        assert 20 * np.log10(min(row["gains"])) == pytest.approx(row["clip_gain_db"], abs=1e-6)
        assert (signals["mixture"] == signals["s1"] + signals["s2"]).all()


def test_full_cuts_the_longer_to_the_shorter_from_its_start(make_utterances: Make) -> None:
    pool = make_utterances(level=(2000, 4000))
    for row in plan_split(_spec(100, "full"), "train", pool.table, pool.load).table.to_pylist():
        assert row["num_samples"] == min(len(pool.audio[i]) for i in row["source_ids"])
        assert row["lengths_samples"] == [row["num_samples"]] * 2
        assert row["offsets_samples"] == row["starts_samples"] == [0, 0]
        assert row["overlap_ratio"] == row["overlap_ratio_asked"] == 1.0


def test_a_cut_that_would_leave_silence_moves_to_the_loudest_part(make_utterances: Make) -> None:
    from synth.levels.frames import measure_frames

    pool = make_utterances(speakers=2, each=1, seconds=(0.3, 0.31))
    late = np.concatenate([np.zeros(8000, dtype=np.int16), np.full(800, 5000, dtype=np.int16)])
    energies, peaks = measure_frames(late, RATE_HZ)
    row = {
        "id": "late",
        "speaker_id": "S09",
        "gender": "male",
        "text": None,
        "audio_sha256": "0",
        "num_samples": len(late),
        "frame_energies": energies,
        "frame_peaks": peaks,
    }
    table = pa.concat_tables([pool.table, pa.Table.from_pylist([row], schema=pool.table.schema)])
    rows = plan_split(_spec(3, "full"), "train", table, {**pool.audio, "late": late}.__getitem__).table.to_pylist()
    assert {i for row in rows for i in row["source_ids"]} == {"S00W000", "S01W000", "late"}
    for row in rows:
        for k, source_id in enumerate(row["source_ids"]):
            start, length = row["starts_samples"][k], row["lengths_samples"][k]
            if source_id == "late":
                assert start > 0
                assert start % 80 == 0
                assert start + length <= len(late)
                assert late[start : start + length].any()


def test_no_mixture_comes_twice_even_where_pairs_do(make_utterances: Make) -> None:
    pool = make_utterances(speakers=2, each=3)
    rows = plan_split(_spec(300), "train", pool.table, pool.load).table.to_pylist()
    heard = Counter()
    for row in rows:
        order = tuple(i for _, i in sorted(zip(row["offsets_samples"], row["source_ids"], strict=True)))
        heard[order, max(row["offsets_samples"])] += 1
    assert max(heard.values()) == 1
    assert len({row["id"] for row in rows}) == len({row["row_digest"] for row in rows}) == 300
    first_is_s1 = sum(row["offsets_samples"][0] == 0 for row in rows)
    assert 100 < first_is_s1 < 200


def test_one_fixed_ratio_gives_a_pair_in_two_orders_and_no_more(make_utterances: Make) -> None:
    pool = make_utterances(speakers=2, each=2, seconds=(0.5, 0.51))
    assert plan_split(_spec(8, ratio=0.5), "train", pool.table, pool.load).table.num_rows == 8
    with pytest.raises(PlanError, match="leaves too few different mixtures"):
        plan_split(_spec(9, ratio=0.5), "train", pool.table, pool.load)


def test_full_refuses_more_mixtures_than_there_are_pairs_in_two_orders(make_utterances: Make) -> None:
    pool = make_utterances(speakers=2, each=2)
    assert plan_split(_spec(8, "full"), "train", pool.table, pool.load).table.num_rows == 8
    with pytest.raises(PlanError, match="no way was found to make 9 fully overlapped mixtures"):
        plan_split(_spec(9, "full"), "train", pool.table, pool.load)


def test_one_speaker_is_refused_by_name_of_the_split(make_utterances: Make) -> None:
    one = make_utterances(speakers=1)
    with pytest.raises(PlanError, match="the split 'train' has usable utterances of 1 speaker,"):
        plan_split(_spec(), "train", one.table, one.load)


def test_silent_and_tiny_utterances_are_left_out_and_named(make_utterances: Make) -> None:
    quiet, tiny = make_utterances(level=(0.1, 0.2), seed=1), make_utterances(seconds=(0.01, 0.011), seed=2)
    pool = make_utterances()
    renamed = [
        other.set_column(0, "id", pa.array([f"{prefix}{k}" for k in range(other.num_rows)]))
        for prefix, other in (("quiet", quiet.table), ("tiny", tiny.table))
    ]
    plan = plan_split(_spec(200), "train", pa.concat_tables([pool.table, *renamed]), pool.load)
    assert {i[0] for row in plan.table.to_pylist() for i in row["source_ids"]} == {"S"}
    left_out = plan.report["utterances_left_out"]
    assert left_out["silent"]["count"] == left_out["shorter than 20 ms"]["count"] == 40
    assert left_out["silent"]["first"][0] == "quiet0"


def test_the_plan_depends_on_the_sources_and_not_on_their_order_or_chunks(make_utterances: Make) -> None:
    pool = make_utterances()
    table = pool.table
    turned = table.take(np.random.default_rng(0).permutation(table.num_rows)).combine_chunks()
    for mode in ("full", "partial"):
        here, there = (plan_split(_spec(mode=mode), "train", t, pool.load).table for t in (table, turned))
        assert sorted(here["row_digest"].to_pylist()) == sorted(there["row_digest"].to_pylist())


def test_the_seed_and_the_split_change_the_plan(make_utterances: Make) -> None:
    pool = make_utterances()
    specs = [(_spec(), "train"), (_spec(seed=1), "train"), (_spec(splits={"test": {"mixtures": 40}}), "test")]
    digests = [set(plan_split(spec, split, pool.table, pool.load).table["id"].to_pylist()) for spec, split in specs]
    assert not digests[0] & digests[1]
    assert not digests[0] & digests[2]


def test_the_report_counts(make_utterances: Make) -> None:
    pool = make_utterances()
    plan = plan_split(_spec(45), "train", pool.table, pool.load)
    assert plan.report["mixtures"] == 45
    assert plan.report["speakers"] == 4
    assert plan.report["utterances"] == 40
    assert plan.report["uses_per_utterance"] == {"least": 2, "most": 3}
    assert plan.report["pairs"] == {"possible": 600, "used": 45, "most_uses": 1}
    assert plan.report["hours"] == pytest.approx(plan.table["num_samples"].to_numpy().sum() / RATE_HZ / 3600, abs=1e-3)
