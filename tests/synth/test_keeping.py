"""Plans kept where their corpus has changed: what can stay does, and the rest keeps every promise."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.errors import PlanError
from synth.levelling.surroundings import Surroundings
from synth.levels.frames import active_power, measure_frames
from synth.plan.keeping import KeptPlan, keep_split
from synth.plan.split import plan_split
from synth.render import Loads, render
from synth.spec import SeparationSpec

Make = Callable[..., Any]
RATE_HZ = 8000


def _spec(mixtures: int = 60, **changes: Any) -> SeparationSpec:
    return SeparationSpec.model_validate(
        {
            "name": "set",
            "kind": "separation",
            "corpus": "c",
            "sample_rate_hz": RATE_HZ,
            "splits": {"train": {"mixtures": mixtures}},
            "overlap": {"mode": "partial"},
            **changes,
        }
    )


def _with(pool: Any, spoken_again: list[int], without: set[str], random: np.random.Generator, stretch: bool = True) -> Any:
    """The pool without some speakers, with some rows' audio another, and with a further utterance."""
    rows, audio = pool.table.to_pylist(), dict(pool.audio)
    rows.append({**rows[-1], "id": "S00W999", "speaker_id": "S00", "gender": "male"})
    audio["S00W999"] = audio[rows[-2]["id"]]
    for at in [*spoken_again, len(rows) - 1]:
        old = audio[rows[at]["id"]]
        length = int(len(old) * random.uniform(0.7, 1.3)) if stretch else len(old)
        samples = np.resize(old[::-1], length)
        energies, peaks = measure_frames(samples, RATE_HZ)
        digest = f"{random.integers(2**62):064x}"
        rows[at] |= {"audio_sha256": digest, "num_samples": length, "frame_energies": energies, "frame_peaks": peaks}
        audio[rows[at]["id"]] = samples
    left = [row for row in rows if row["speaker_id"] not in without]
    return type(pool)(pa.Table.from_pylist(left, schema=pool.table.schema), audio)


def _keep(spec: SeparationSpec, earlier: pa.Table, pool: Any, salt: str = "salt") -> KeptPlan:
    return keep_split(spec, "train", earlier, pool.table, pool.load, np.arange(len(pool.table)), Surroundings(), salt)


def _uses(plan: pa.Table, pool: Any) -> list[int]:
    used = Counter(plan["source_ids"].combine_chunks().flatten().to_pylist())
    return [used[utterance] for utterance in pool.table["id"].to_pylist()]


PARTIAL = {"overlap": {"mode": "partial"}}
FULL = {"overlap": {"mode": "full"}}
OTHERS: list[dict[str, Any]] = [
    {"n_src": {"choice": [1, 2, 3]}, "overlap": {"mode": "full"}, "length": "max"},
    {"n_src": 3, "overlap": {"mode": "partial"}},
    {"overlap": {"mode": "partial"}, "length": {"seconds": 1.2, "join": True}},
    {"n_src": 3, "overlap": {"mode": "sequential"}},
    {"n_src": 2, "overlap": {"mode": "conversation"}, "length": {"seconds": 3.0}},
]


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 1000),
    asked=st.sampled_from([PARTIAL, FULL, {**FULL, "length": "max"}, {**PARTIAL, "speakers": {"gender": "same"}}]),
    gone=st.sets(st.integers(0, 9), max_size=2),
    spoken_again=st.sets(st.integers(0, 59), max_size=6),
)
def test_mixtures_of_two_are_kept_levelled_or_refilled(
    make_utterances: Make, seed: int, asked: dict[str, Any], gone: set[int], spoken_again: set[int]
) -> None:
    before = make_utterances(speakers=10, each=6, seed=seed, seconds=(0.5, 1.0))
    spec = _spec(seed=seed, **asked)
    earlier = plan_split(spec, "train", before.table, before.load).table
    without = {f"S{speaker:02d}" for speaker in gone}
    now = _with(before, sorted(spoken_again), without, np.random.default_rng(seed))
    kept = _keep(spec, earlier, now)
    old, new = earlier.to_pylist(), kept.plan.table.to_pylist()
    digests = dict(zip(now.table["id"].to_pylist(), now.table["audio_sha256"].to_pylist(), strict=True))
    counts = Counter[str]()
    for was, row, fresh in zip(old, new, kept.fresh, strict=True):
        if all(digests.get(i) == s for i, s in zip(was["source_ids"], was["source_sha256s"], strict=True)):
            assert row == was
            assert not fresh
            counts["kept"] += 1
            continue
        assert fresh
        lost = [source not in digests for source in was["source_ids"]]
        counts["refilled" if any(lost) else "levelled_anew"] += 1
        survivors = {source for source, is_lost in zip(was["source_ids"], lost, strict=True) if not is_lost}
        assert survivors <= set(row["source_ids"])
        assert row["sir_db_asked"] == was["sir_db_asked"]
        if not any(lost):
            assert row["source_ids"] == was["source_ids"]
        if spec.overlap.mode == "partial":
            assert (row["overlap_ratio_asked"] == was["overlap_ratio_asked"]) or row["overlap_ratio_draws"] > 1
            assert abs(row["overlap_ratio"] - row["overlap_ratio_asked"]) * row["num_samples"] <= 2
        _check(row, now)
    assert {name: kept.plan.report[name] for name in ("kept", "levelled_anew", "refilled")} == {
        name: counts[name] for name in ("kept", "levelled_anew", "refilled")
    }
    assert len({row["id"] for row in new}) == len(new)
    places = [
        (tuple(sorted(zip(row["offsets_samples"], row["source_ids"], strict=True))), row["source_ids"][0] * (asked == FULL))
        for row in new
    ]
    assert len(set(places)) == len(places), "no pair twice in the same order at the same offset"
    uses = _uses(kept.plan.table, now)[:-1]
    assert max(uses) <= max(_uses(earlier, before)) + 2
    assert min(uses) >= min(_uses(earlier, before)) - 2


def _check(row: dict[str, Any], pool: Any) -> None:
    """Speakers differ, stems sum up, levels are those of the row."""
    assert len(set(row["speaker_ids"])) == len(row["speaker_ids"])
    signals = render(row, Loads(pool.load))
    stems = [signals[f"s{k + 1}"] for k in range(len(row["speaker_ids"]))]
    assert (signals["mixture"].astype(np.int32) == np.sum(stems, axis=0, dtype=np.int32)).all()
    if len(stems) == len(row["source_ids"]) == 2:
        begins, lengths = row["offsets_samples"], row["lengths_samples"]
        powers = [active_power(stem[b:][:n], RATE_HZ) for stem, b, n in zip(stems, begins, lengths, strict=True)]
        assert 10 * np.log10(powers[0] / powers[1]) == pytest.approx(row["sir_db"][0], abs=0.05)


@pytest.mark.parametrize("asked", OTHERS, ids=["drawn", "three", "joined", "turns", "conversation"])
def test_other_mixtures_are_kept_as_well(make_utterances: Make, asked: dict[str, Any]) -> None:
    before = make_utterances(speakers=10, each=6, seconds=(0.5, 1.0))
    spec = _spec(40, **asked)
    earlier = plan_split(spec, "train", before.table, before.load).table
    now = _with(before, [20, 33], {"S07"}, np.random.default_rng(1))
    kept = _keep(spec, earlier, now)
    digests = dict(zip(now.table["id"].to_pylist(), now.table["audio_sha256"].to_pylist(), strict=True))
    survived = 0
    for was, row, fresh in zip(earlier.to_pylist(), kept.plan.table.to_pylist(), kept.fresh, strict=True):
        intact = all(digests.get(i) == s for i, s in zip(was["source_ids"], was["source_sha256s"], strict=True))
        survived += intact
        assert (row == was) == intact == (not fresh)
        if not intact:
            _check(row, now)
        if not intact and all(source in digests for source in was["source_ids"]):
            assert row["source_ids"] == was["source_ids"]
            assert row["offsets_samples"] == was["offsets_samples"]
    report = kept.plan.report
    assert 0 < survived == report["kept"]
    assert report["kept"] + report["levelled_anew"] + report["refilled"] == 40
    assert min(report["levelled_anew"], report["refilled"]) > 0
    ids = kept.plan.table["id"].to_pylist()
    assert len(set(ids)) == len(ids)
    again = _keep(spec, earlier, now)
    assert again.plan.table.equals(kept.plan.table)


def test_nothing_changed_keeps_all(make_utterances: Make) -> None:
    pool = make_utterances()
    for asked in (PARTIAL, *OTHERS):
        spec = _spec(20, **asked)
        earlier = plan_split(spec, "train", pool.table, pool.load).table
        kept = _keep(spec, earlier, pool)
        assert not kept.fresh.any()
        assert kept.plan.table.equals(earlier)


def test_all_audio_changed_changes_no_pair(make_utterances: Make) -> None:
    before = make_utterances(speakers=6, each=8)
    spec = _spec(60)
    earlier = plan_split(spec, "train", before.table, before.load).table
    now = _with(before, list(range(48)), set(), np.random.default_rng(0), stretch=False)
    kept = _keep(spec, earlier, now)
    assert kept.fresh.all()
    for name in ("source_ids", "offsets_samples", "lengths_samples", "overlap_ratio", "sir_db_asked"):
        assert kept.plan.table[name].to_pylist() == earlier[name].to_pylist()
    assert kept.plan.table["source_sha256s"].to_pylist() != earlier["source_sha256s"].to_pylist()


def test_a_speaker_who_is_another_now_is_lost_and_a_text_is_told_anew(make_utterances: Make) -> None:
    before = make_utterances(speakers=6, each=4)
    spec = _spec(24)
    earlier = plan_split(spec, "train", before.table, before.load).table
    rows = before.table.to_pylist()
    rows[0]["speaker_id"] = "S99"
    rows[23]["text"] = "another"
    now = type(before)(pa.Table.from_pylist(rows, schema=before.table.schema), before.audio)
    kept = _keep(spec, earlier, now)
    for was, row in zip(earlier.to_pylist(), kept.plan.table.to_pylist(), strict=True):
        if rows[0]["id"] in was["source_ids"]:
            assert row["id"] != was["id"] or row["speaker_ids"] != was["speaker_ids"]
        elif rows[23]["id"] in was["source_ids"]:
            assert row["id"] == was["id"]
            assert "another" in row["texts"]
            assert row["row_digest"] != was["row_digest"]
        else:
            assert row == was


def test_who_cannot_be_given_a_partner_is_refused(make_utterances: Make) -> None:
    before = make_utterances(speakers=2, each=4)
    spec = _spec(4)
    earlier = plan_split(spec, "train", before.table, before.load).table
    now = _with(before, [], {"S01"}, np.random.default_rng(0))
    with pytest.raises(PlanError, match="build the set anew, without --keep-from"):
        _keep(spec, earlier, now)
