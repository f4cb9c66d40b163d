"""Building a set: what is published, and that it is the same however it was made."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import catalog
from catalog.manifests import Manifest, read_manifest
from catalog.roots import open_root
from flows.mixtures.build import build, dry_run, write_plan
from flows.specs import load_spec
from synth.errors import YuliaoError
from synth.levels.frames import active_power
from synth.spec import SeparationSpec

COUNTS = {"splits.train.mixtures": 60, "splits.validation.mixtures": 12, "splits.test.mixtures": 12}


def spec(name: str = "sep_2spk_partial", **changes: Any) -> SeparationSpec:
    return load_spec(
        name, {"corpus": "librispeech", **COUNTS, **{key.replace("__", "."): value for key, value in changes.items()}}
    )


def manifest_of(root_url: str, published: Any) -> Manifest:
    return read_manifest(open_root(root_url), published.name, published.version)


def stem(row: dict[str, Any], k: int) -> np.ndarray:
    samples = np.rint(row[f"s{k + 1}"]["array"] * 32768).astype(np.int16)
    return samples[row["offsets_samples"][k] :][: row["lengths_samples"][k]]


@pytest.mark.parametrize(
    ("root_url", "name"),
    [
        ("folder", "sep_2spk_full"),
        ("folder", "sep_2spk_partial"),
        pytest.param("s3", "sep_2spk_partial", marks=pytest.mark.server),
    ],
    indirect=["root_url"],
)
def test_a_set_is_built_read_and_verified(root_url: str, ingest_talk: Any, name: str) -> None:
    ingest_talk(root_url)
    published = build(spec(name), root=root_url, workers=1)
    assert (published.version, published.created) == (1, True)
    dataset = catalog.get(name, root=root_url)
    assert {split: len(rows) for split, rows in dataset.items()} == {"train": 60, "validation": 12, "test": 12}
    speakers = {split: {s for row in rows for s in row["speaker_ids"]} for split, rows in dataset.items()}
    assert not (speakers["train"] & speakers["validation"] or speakers["train"] & speakers["test"])
    for row in dataset["train"]:
        assert (row["mixture"]["array"] == row["s1"]["array"] + row["s2"]["array"]).all()
        powers = [active_power(stem(row, k), 16000) for k in (0, 1)]
        assert 10 * np.log10(powers[0] / powers[1]) == pytest.approx(row["sir_db"][0], abs=0.05)
        assert 20 * np.log10(np.abs(row["mixture"]["array"]).max()) == pytest.approx(row["peak_dbfs"], abs=1e-4)
        assert row["texts"][0].startswith("SENTENCE")
    report = catalog.verify(name, root=root_url)
    assert report.ok, report.problems


def test_the_manifest_says_what_was_made_of_what(tmp_path: Path, ingest_talk: Any) -> None:
    root_url = str(tmp_path / "catalog")
    corpus = ingest_talk(root_url)
    overrides = {"corpus": "librispeech", **COUNTS}
    manifest = manifest_of(root_url, build(spec(), root=root_url, workers=1, overrides=overrides))
    assert [str(held) for held in manifest.inputs] == [str(corpus)]
    assert manifest.overrides == overrides
    assert manifest.licence == manifest_of(root_url, corpus).licence
    assert manifest.report["split_by"] == "official, but validation and test drawn from the speakers of train"
    assert manifest.report["train"]["uses_per_utterance"] == {"least": 6, "most": 6}
    size = {key: manifest.statistics["train"][key] for key in ("mixtures", "hours", "published_mixtures", "published_hours")}
    assert size == {
        "mixtures": 60,
        "hours": pytest.approx(0.02, abs=0.02),
        "published_mixtures": 90000,
        "published_hours": 112.0,
    }


def test_rows_do_not_depend_on_workers_or_shards(tmp_path: Path, ingest_talk: Any) -> None:
    root_url = str(tmp_path / "catalog")
    ingest_talk(root_url)
    made = [
        build(spec(), name=f"set{number}", root=root_url, workers=workers, shard_bytes=shard_bytes)
        for number, (workers, shard_bytes) in enumerate([(1, 1 << 20), (4, 1 << 20), (2, 1 << 18)])
    ]
    manifests = [manifest_of(root_url, published) for published in made]
    assert len({manifest.rows_digest for manifest in manifests}) == 1
    shards = [len(manifest.splits["train"].shards) for manifest in manifests]
    assert shards[0] == shards[1] > 1
    assert shards[2] > shards[0]
    assert manifests[0].blobs == manifests[1].blobs
    rows = [catalog.get(f"set{number}", split="train", root=root_url) for number in (0, 2)]
    for one, other in zip(*rows, strict=True):
        assert one["id"] == other["id"]
        assert (one["mixture"]["array"] == other["mixture"]["array"]).all()


def test_the_same_again_publishes_nothing(root_url: str, ingest_talk: Any) -> None:
    ingest_talk(root_url)
    first, second = (build(spec(), root=root_url, workers=1) for _ in range(2))
    assert (first.created, second.created) == (True, False)
    assert second.version == first.version == 1


def test_a_damaged_blob_is_mended_by_deleting_it_and_building_again(root_url: str, ingest_talk: Any) -> None:
    ingest_talk(root_url)
    manifest = manifest_of(root_url, build(spec(), root=root_url, workers=1))
    blob = f"sep_2spk_partial/blobs/{manifest.splits['train'].shards[0].blob}.arrow"
    open_root(root_url).remove(blob)
    (problem,) = catalog.verify("sep_2spk_partial", root=root_url).problems
    assert "is missing; run the same build or ingest again" in problem
    again = build(spec(), root=root_url, workers=1)
    assert (again.version, again.created) == (1, False)
    assert catalog.verify("sep_2spk_partial", root=root_url).ok


def test_audio_that_stands_in_two_splits_is_refused_before_rendering(tmp_path: Path, ingest_talk: Any) -> None:
    root_url = str(tmp_path / "catalog")
    ingest_talk(root_url)
    speech = tmp_path / "LibriSpeech" / "train-clean-100"
    for speaker in (1000, 1001, 1002, 1003):  # the same words under another name
        shutil.copy(
            speech / str(speaker) / "7" / f"{speaker}-7-0000.flac", speech / str(speaker + 4) / "7" / f"{speaker + 4}-7-0099.flac"
        )
    ingest_talk(root_url, {})
    with pytest.raises(catalog.CatalogError, match="values of audio_sha256 stand in both"):
        build(spec(), root=root_url, workers=1)
    assert not (tmp_path / "catalog" / "sep_2spk_partial").exists()


def test_a_then_b_then_a_makes_a_the_newest_without_rendering_it_again(
    root_url: str, ingest_talk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest_talk(root_url)
    a, b = spec(), spec(seed=1)
    first, second = build(a, root=root_url, workers=1), build(b, root=root_url, workers=1)
    monkeypatch.setattr("flows.mixtures.build.render_plans", None)
    third = build(a, root=root_url, workers=1)
    assert (third.version, third.created) == (3, True)
    manifests = [manifest_of(root_url, published) for published in (first, second, third)]
    assert manifests[0].blobs == manifests[2].blobs != manifests[1].blobs
    assert manifests[0].rows_digest == manifests[2].rows_digest != manifests[1].rows_digest
    assert catalog.get("sep_2spk_partial", split="test", root=root_url)[0]["id"]


def test_the_official_split_is_kept_where_there_is_one(tmp_path: Path, ingest_talk: Any) -> None:
    root_url = str(tmp_path / "catalog")
    ingest_talk(root_url, {"train-clean-100": 4, "dev-clean": 2, "test-clean": 3})
    manifest = manifest_of(root_url, build(spec(), root=root_url, workers=1))
    assert manifest.report["split_by"] == "official"
    dataset = catalog.get("sep_2spk_partial", root=root_url)
    assert {s for row in dataset["validation"] for s in row["speaker_ids"]} == {"1004", "1005"}


def test_official_splits_are_kept_and_only_what_is_missing_is_drawn_from_train(tmp_path: Path, ingest_talk: Any) -> None:
    root_url = str(tmp_path / "catalog")
    ingest_talk(root_url, {"train-clean-100": 6, "test-clean": 2})
    manifest = manifest_of(root_url, build(spec(), root=root_url, workers=1))
    assert manifest.report["split_by"] == "official, but validation drawn from the speakers of train"
    dataset = catalog.get("sep_2spk_partial", root=root_url)
    assert {s for row in dataset["test"] for s in row["speaker_ids"]} == {"1006", "1007"}
    assert len({s for row in dataset["train"] for s in row["speaker_ids"]}) == 4
    assert len({s for row in dataset["validation"] for s in row["speaker_ids"]}) == 2


def test_eight_kilohertz_has_the_levels_of_what_is_written(tmp_path: Path, ingest_talk: Any, home: Path) -> None:
    root_url = str(tmp_path / "catalog")
    ingest_talk(root_url)
    build(spec(sample_rate_hz=8000), root=root_url, workers=2)
    for row in catalog.get("sep_2spk_partial", split="train", root=root_url):
        assert row["mixture"]["sampling_rate"] == row["sample_rate_hz"] == 8000
        powers = [active_power(stem(row, k), 8000) for k in (0, 1)]
        assert 10 * np.log10(powers[0] / powers[1]) == pytest.approx(row["sir_db"][0], abs=0.05)
    kept = list((home / "cache" / "measures").iterdir())
    written = [path.stat().st_ino for path in kept]
    build(spec(sample_rate_hz=8000, seed=1), root=root_url, workers=1)
    assert [path.stat().st_ino for path in kept] == written, "they are replaced whole, by a rename"
    assert catalog.verify("sep_2spk_partial", root=root_url).ok


def test_a_dry_run_tells_what_a_build_makes(tmp_path: Path, ingest_talk: Any) -> None:
    root_url = str(tmp_path / "catalog")
    ingest_talk(root_url)
    told = dry_run(spec(), root=root_url)
    assert catalog.versions("librispeech", root=root_url) == [1]
    with pytest.raises(catalog.DatasetNotFound):
        catalog.versions("sep_2spk_partial", root=root_url)
    manifest = manifest_of(root_url, build(spec(), root=root_url, workers=1))
    assert {split: told.splits[split]["mixtures"] for split in told.splits} == {s: e.rows for s, e in manifest.splits.items()}
    stored = sum(entry.size_bytes for entry in manifest.splits.values())
    assert told.size_bytes <= stored <= 1.1 * told.size_bytes
    reach = told.splits["train"]["share_of_pairs_that_reach_overlap_ratio"]
    assert list(reach) == ["0.100", "0.300", "0.500", "0.700", "0.900"]
    assert 1 == reach["0.100"] >= reach["0.500"] > reach["0.700"] > reach["0.900"] > 0


def test_a_plan_is_written_whole_and_is_what_the_build_follows(tmp_path: Path, ingest_talk: Any) -> None:
    root_url = str(tmp_path / "catalog")
    ingest_talk(root_url)
    to = tmp_path / "sets" / "plan.arrow"
    with pytest.raises(YuliaoError, match="there is no folder"):
        write_plan(spec(), to, root=root_url)
    to.parent.mkdir()
    assert write_plan(spec(), to, root=root_url).rows == {"train": 60, "validation": 12, "test": 12}
    assert [path.name for path in to.parent.iterdir()] == ["plan.arrow"]
    plan = pa.ipc.open_file(str(to)).read_all()
    build(spec(), root=root_url, workers=1)
    built = [
        i for split in ("train", "validation", "test") for i in catalog.get("sep_2spk_partial", split=split, root=root_url)["id"]
    ]
    assert plan["id"].to_pylist() == built


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"corpus": "librispeach"}, "no dataset 'librispeach' in catalog .*; did you mean 'librispeech'"),
        ({"corpus": "librispeech@7"}, "no version or tag '7'"),
        ({"corpus": "sep_2spk_full"}, "sep_2spk_full is of kind 'separation'"),
        ({"sample_rate_hz": 48000}, "asks for 48000 Hz, but librispeech has 16000 Hz"),
        ({"splits.train.mixtures": 1000, "overlap.ratio": 0.5}, "too few different"),
        ({"overlap.ratio": 1.0}, "ask for lower ratios"),
    ],
)
def test_what_cannot_be_is_refused_before_work_starts(
    tmp_path: Path, ingest_talk: Any, changes: dict[str, Any], says: str
) -> None:
    root_url = str(tmp_path / "catalog")
    ingest_talk(root_url, utterances=3)
    build(spec("sep_2spk_full"), root=root_url, workers=1)
    with pytest.raises(YuliaoError, match=says) as caught:
        build(spec(**changes), name="other", root=root_url, workers=1)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "catalog" / "other" / "manifests").exists()


def test_too_few_speakers_are_refused(tmp_path: Path, ingest_talk: Any) -> None:
    root_url = str(tmp_path / "catalog")
    ingest_talk(root_url, {"train-clean-100": 5})
    with pytest.raises(YuliaoError, match="5 speakers are too few"):
        build(spec(), root=root_url, workers=1)
    with pytest.raises(YuliaoError, match=r"\.\./out"):
        build(spec(), name="../out", root=root_url, workers=1)
