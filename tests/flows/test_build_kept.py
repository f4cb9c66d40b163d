"""`build --keep-from`: after a change of the corpus, rows whose sources survive stay as they are, to the byte."""

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import soundfile

import catalog
import flows.mixtures.shards
from catalog.manifests import Manifest, read_manifest
from catalog.publish import Published
from catalog.roots import open_root
from flows.cli import run
from flows.mixtures.build import build, dry_run
from flows.specs import load_spec
from synth.errors import YuliaoError
from synth.noise.spec import NoiseSpec
from synth.spec import SeparationSpec

COUNTS = {"splits.train.mixtures": 60, "splits.validation.mixtures": 12, "splits.test.mixtures": 12}
AUDIO = ("mixture", "s1", "s2")
FOLDER = pytest.mark.parametrize("root_url", ["folder"], indirect=True)  # S3 is slow, and has a test of its own


def spec(name: str = "sep_2spk_partial", **changes: Any) -> SeparationSpec:
    return load_spec(name, {"corpus": "librispeech", **COUNTS, **changes})


def manifest_of(root_url: str, published: Published) -> Manifest:
    return read_manifest(open_root(root_url), published.name, published.version)


def stored_rows(root_url: str, manifest: Manifest, split: str) -> list[dict[str, Any]]:
    """Rows as they lie in the blobs, audio as its bytes."""
    root = open_root(root_url)
    blobs = [root.fetch(f"{manifest.name}/blobs/{shard.blob}.arrow") for shard in manifest.splits[split].shards]
    return [row for blob in blobs for row in pa.ipc.open_stream(pa.memory_map(str(blob))).read_all().to_pylist()]


@pytest.fixture
def change_corpus(tmp_path: Path, ingest_talk: Any) -> Any:
    """Takes a speaker away, speaks an utterance again, adds one; publishes that as the next version of `librispeech`."""

    def change(
        root_url: str, gone: str | None = "1003", again: str | None = "1005-7-0001", added: str | None = "1006"
    ) -> Published:
        part = tmp_path / "LibriSpeech" / "train-clean-100"
        random = np.random.default_rng(5)
        if gone:
            shutil.rmtree(part / gone)
        for utterance in filter(None, (again, f"{added}-7-0900" if added else None)):
            folder = part / utterance.split("-")[0] / "7"
            samples = (random.standard_normal(random.integers(8000, 14000)) * 3000).astype(np.int16)
            soundfile.write(folder / f"{utterance}.flac", samples, 16000)
        if added:
            with (part / added / "7" / f"{added}-7.trans.txt").open("a") as file:
                file.write(f"{added}-7-0900 ONE MORE\n")
        published: Published = ingest_talk(root_url, {})
        return published

    return change


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the rows that are rendered in this process."""
    ids: list[str] = []
    render_batches = flows.mixtures.shards.render_batches

    def counted(plan: pa.Table, *arguments: Any) -> Any:
        ids.extend(plan["id"].to_pylist())
        return render_batches(plan, *arguments)

    monkeypatch.setattr("flows.mixtures.shards.render_batches", counted)
    return ids


def sources_of(root_url: str, version: int) -> dict[str, str]:
    manifest = read_manifest(open_root(root_url), "librispeech", version)
    return {row["id"]: row["audio_sha256"] for split in manifest.splits for row in stored_rows(root_url, manifest, split)}


@FOLDER
@pytest.mark.parametrize("name", ["sep_2spk_full", "sep_2spk_partial"])
def test_rows_whose_sources_survive_are_kept_to_the_byte_and_only_others_rendered(
    root_url: str, ingest_talk: Any, change_corpus: Any, rendered: list[str], name: str
) -> None:
    ingest_talk(root_url, {"train-clean-100": 12})
    first = manifest_of(root_url, build(spec(name), root=root_url, workers=1, shard_bytes=1 << 20))
    change_corpus(root_url)
    del rendered[:]
    published = build(spec(name), root=root_url, workers=1, keep_from=f"{name}@1")
    assert (published.version, published.created) == (2, True)
    second = manifest_of(root_url, published)
    now = sources_of(root_url, 2)
    fresh = []
    for split in first.splits:
        counts = Counter[str]()
        for was, row in zip(*(stored_rows(root_url, manifest, split) for manifest in (first, second)), strict=True):
            if all(now.get(source) == digest for source, digest in zip(was["source_ids"], was["source_sha256s"], strict=True)):
                assert row == was
                counts["kept"] += 1
            else:
                counts["levelled_anew" if set(was["source_ids"]) <= now.keys() else "refilled"] += 1
                fresh.append(row["id"])
                assert row["sir_db_asked"] == was["sir_db_asked"]
                if set(was["source_ids"]) <= now.keys():
                    assert row["source_ids"] == was["source_ids"]
        assert {key: second.report[split][key] for key in ("kept", "levelled_anew", "refilled")} == {
            key: counts[key] for key in ("kept", "levelled_anew", "refilled")
        }
        uses = second.report[split]["uses_per_utterance"]
        was_used = first.report[split]["uses_per_utterance"]
        assert uses["most"] <= was_used["most"] + 2
    assert sorted(rendered) == sorted(fresh)
    assert 0 < len(fresh) < 84
    assert second.report["kept_from"] == f"{name}@1"
    assert [str(held) for held in second.inputs] == ["librispeech@2"]
    assert catalog.verify(name, root=root_url).problems == []
    card = open_root(root_url).read(f"{name}/versions/2/README.md").decode()
    assert f"kept_from: {name}@1" in card
    assert "levelled_anew" in card


@FOLDER
def test_the_same_again_is_no_new_version(root_url: str, ingest_talk: Any, change_corpus: Any, rendered: list[str]) -> None:
    ingest_talk(root_url, {"train-clean-100": 12})
    build(spec(), root=root_url, workers=1)
    change_corpus(root_url)
    made = build(spec(), root=root_url, workers=1, keep_from="sep_2spk_partial@1")
    del rendered[:]
    for reference in ("sep_2spk_partial@1", "sep_2spk_partial@2", "sep_2spk_partial"):
        again = build(spec(), root=root_url, workers=1, keep_from=reference)
        assert (again.version, again.created) == (made.version, False)
    assert rendered == []


def test_shards_without_a_change_are_shared_and_another_name_has_them_too(
    root_url: str, ingest_talk: Any, change_corpus: Any
) -> None:
    ingest_talk(root_url, {"train-clean-100": 12})
    first = manifest_of(root_url, build(spec(), root=root_url, workers=1, shard_bytes=1 << 19))
    change_corpus(root_url, gone=None, added=None)
    made = [
        manifest_of(root_url, build(spec(), name=name, root=root_url, workers=workers, keep_from="sep_2spk_partial@1"))
        for name, workers in ((None, 1), ("other", 2))
    ]
    assert made[0].rows_digest == made[1].rows_digest
    assert made[0].blobs == made[1].blobs
    shared, of_first = made[0].blobs & first.blobs, len(first.blobs)
    assert 0 < len(shared) < of_first
    assert {split: entry.rows for split, entry in made[0].splits.items()} == {s: e.rows for s, e in first.splits.items()}
    for manifest in made:
        assert catalog.verify(manifest.name, root=root_url).problems == []


@FOLDER
def test_a_speaker_stays_in_the_split_that_was_drawn_for_them(root_url: str, ingest_talk: Any, change_corpus: Any) -> None:
    ingest_talk(root_url, {"train-clean-100": 12})
    build(spec(), root=root_url, workers=1)
    speakers = [_speakers(root_url, 1)]
    for version, split in ((2, "train"), (3, "train"), (4, "test")):
        gone = min(speakers[-1][split])
        change_corpus(root_url, gone=gone, again=None, added=None)
        build(spec(), root=root_url, workers=1, keep_from=f"sep_2spk_partial@{version - 1}")
        speakers.append(_speakers(root_url, version))
        if split == "train":
            assert speakers[-1] == {name: found - {gone} for name, found in speakers[-2].items()}
    assert len(speakers[-1]["test"]) == 2, "of two speakers one is gone: train gives one of its own"
    assert len(speakers[-1]["train"] ^ speakers[-2]["train"]) == 1


def _speakers(root_url: str, version: int) -> dict[str, set[str]]:
    dataset = catalog.get(f"sep_2spk_partial@{version}", root=root_url)
    return {split: {s for row in rows for s in row["speaker_ids"]} for split, rows in dataset.items()}


@FOLDER
def test_a_set_stored_as_its_plan_is_kept_like_one_of_audio(root_url: str, ingest_talk: Any, change_corpus: Any) -> None:
    ingest_talk(root_url, {"train-clean-100": 12})
    for name, storage in (("planned", "plan"), ("stored", "audio")):
        build(spec(storage=storage), name=name, root=root_url, workers=1)
    change_corpus(root_url)
    made = {
        f"{name} from {kept}": build(
            spec(storage=storage), name=f"{name}_{kept}", root=root_url, workers=1, keep_from=f"{kept}@1"
        )
        for name, storage in (("planned", "plan"), ("stored", "audio"))
        for kept in ("planned", "stored")
    }
    read = [catalog.get(str(published), split="train", root=root_url) for published in made.values()]
    for rows in zip(*read, strict=True):
        assert len({row["id"] for row in rows}) == 1
        for name in AUDIO:
            assert len({row[name]["array"].tobytes() for row in rows}) == 1
    for published in made.values():
        assert catalog.verify(str(published), root=root_url).problems == []


@FOLDER
@pytest.mark.parametrize(
    "changes",
    [
        {"n_src": 3, "splits.validation.mixtures": 0, "splits.test.mixtures": 0},
        {"overlap": {"mode": "conversation"}, "length.seconds": 3.0, "sample_rate_hz": 8000},
        {
            "speakers.held_out": 0.3,
            "noise": {"babble": {"talkers": 2}},
            "splits.validation.mixtures": 0,
            "splits.test.mixtures": 0,
        },
    ],
    ids=["groups", "turns", "babble"],
)
def test_sets_of_every_kind_are_kept(
    root_url: str, ingest_talk: Any, change_corpus: Any, rendered: list[str], changes: dict[str, Any]
) -> None:
    ingest_talk(root_url, {"train-clean-100": 12})
    build(spec(**changes), root=root_url, workers=1)
    change_corpus(root_url)
    del rendered[:]
    second = manifest_of(root_url, build(spec(**changes), root=root_url, workers=1, keep_from="sep_2spk_partial"))
    reports = [second.report[split] for split in second.splits]
    assert sum(report["kept"] for report in reports) > 0
    assert len(rendered) == sum(report["levelled_anew"] + report["refilled"] for report in reports) > 0
    assert catalog.verify("sep_2spk_partial", root=root_url).problems == []


ROOM: dict[str, Any] = {"simulate": {"rt60_s": 0.2, "size_m": [4.0, 3.5, 2.6], "max_order": 3}, "rooms": {"train": 3}}
SURROUNDED: list[dict[str, Any]] = [
    {"noise": {"corpus": "hisses", "count": {"choice": [1, 2]}, "probability": 0.7}, "mix_types": ["clean", "single"]},
    {"rooms": {**ROOM, "probability": 0.5, "noise": True}, "noise": {"corpus": "hisses"}, "targets": ["early"]},
    {"degradations": {"sources": [{"transform": "speed"}], "mixture": [{"transform": "ClippingDistortion", "probability": 0.5}]}},
]


@FOLDER
@pytest.mark.parametrize("changes", SURROUNDED, ids=["noise", "rooms", "degraded"])
def test_sets_with_noise_rooms_and_degradations_are_kept(
    root_url: str, ingest_talk: Any, publish_noise: Any, change_corpus: Any, rendered: list[str], changes: dict[str, Any]
) -> None:
    ingest_talk(root_url, {"train-clean-100": 12})
    hisses = {f"a{k}": (np.random.default_rng(k).standard_normal(4000 + 3000 * k) * 1500).astype(np.int16) for k in range(4)}
    publish_noise("hisses", train=hisses)
    asked = spec(**{"splits": {"train": {"mixtures": 24}}, **changes}, **dict.fromkeys(list(COUNTS)[1:], 0))
    first = manifest_of(root_url, build(asked, root=root_url, workers=1))
    change_corpus(root_url)
    del rendered[:]
    second = manifest_of(root_url, build(asked, root=root_url, workers=1, keep_from="sep_2spk_partial"))
    report, now = second.report["train"], sources_of(root_url, 2)
    assert 0 < len(rendered) == report["levelled_anew"] + report["refilled"] < 24
    for was, row in zip(*(stored_rows(root_url, manifest, "train") for manifest in (first, second)), strict=True):
        intact = all(now.get(i) == digest for i, digest in zip(was["source_ids"], was["source_sha256s"], strict=True))
        assert (row == was) == intact == (row["id"] not in rendered)
    assert catalog.verify("sep_2spk_partial", root=root_url).problems == []
    if "noise" in changes:
        publish_noise("winds", train={"b": hisses["a0"]})
        other = asked.model_copy(update={"noise": NoiseSpec.model_validate({**changes["noise"], "corpus": "winds"})})
        with pytest.raises(YuliaoError, match=r"was made with hisses@1, and this set is to be made with winds@1"):
            build(other, root=root_url, workers=1, keep_from="sep_2spk_partial")


@FOLDER
def test_an_interrupted_build_goes_on_with_the_shards_that_are_missing(
    root_url: str, ingest_talk: Any, change_corpus: Any, rendered: list[str]
) -> None:
    ingest_talk(root_url, {"train-clean-100": 12})
    build(spec(), root=root_url, workers=1, shard_bytes=1 << 18)
    change_corpus(root_url)
    calls = 0

    def stops(done: int, total: int | None, unit: str) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:  # the first tells of what is there already
            raise KeyboardInterrupt

    del rendered[:]
    with pytest.raises(KeyboardInterrupt):
        build(spec(), root=root_url, workers=1, keep_from="sep_2spk_partial@1", progress=stops)
    before = list(rendered)
    made = manifest_of(root_url, build(spec(), root=root_url, workers=1, keep_from="sep_2spk_partial@1"))
    assert before
    assert (
        len(rendered)
        == len(set(rendered))
        == sum(made.report[split]["levelled_anew"] + made.report[split]["refilled"] for split in made.splits)
    )
    assert open_root(root_url).children("sep_2spk_partial/building") == []
    undisturbed = manifest_of(root_url, build(spec(), name="other", root=root_url, workers=1, keep_from="sep_2spk_partial@1"))
    assert (made.rows_digest, made.blobs) == (undisturbed.rows_digest, undisturbed.blobs)


@FOLDER
def test_a_dry_run_says_how_many_would_be_kept(root_url: str, ingest_talk: Any, change_corpus: Any) -> None:
    ingest_talk(root_url, {"train-clean-100": 12})
    build(spec(), root=root_url, workers=1)
    change_corpus(root_url)
    told = dry_run(spec(), root=root_url, keep_from="sep_2spk_partial")
    second = manifest_of(root_url, build(spec(), root=root_url, workers=1, keep_from="sep_2spk_partial"))
    for split, report in told.splits.items():
        assert {key: report[key] for key in ("kept", "refilled")} == {
            key: second.report[split][key] for key in ("kept", "refilled")
        }


@pytest.mark.parametrize(
    ("changes", "keep_from", "says"),
    [
        ({"seed": 1, "splits.train.mixtures": 61}, "sep_2spk_partial", r"otherwise than .* \(seed, splits.train.mixtures\)"),
        ({"description": "x", "overlap.ratio": 0.5}, "sep_2spk_partial@1", r"\(overlap.ratio.*\)"),
        ({}, "sep_2spk_partial@7", "no version or tag '7'"),
        ({}, "librispeech", "librispeech@1 is of kind 'speech'"),
        ({}, "elsewhere", "was made from librispeech, and this set is to be made from other"),
    ],
)
def test_what_is_another_set_is_refused(
    tmp_path: Path, ingest_talk: Any, changes: dict[str, Any], keep_from: str, says: str
) -> None:
    root_url = str(tmp_path / "catalog")
    ingest_talk(root_url)
    build(spec(), root=root_url, workers=1)
    if keep_from == "elsewhere":
        shutil.copytree(tmp_path / "catalog" / "librispeech", tmp_path / "catalog" / "other")
        manifest = tmp_path / "catalog" / "other" / "manifests" / "1.json"
        manifest.chmod(0o644)
        manifest.write_text(manifest.read_text().replace('"name": "librispeech"', '"name": "other"'))
        changes, keep_from = {"corpus": "other"}, "sep_2spk_partial"
    with pytest.raises(YuliaoError, match=says) as caught:
        build(spec(**changes), root=root_url, workers=1, keep_from=keep_from)
    assert "\n" not in str(caught.value)
    assert catalog.versions("sep_2spk_partial", root=root_url) == [1]


def test_the_command_says_how_many_rows_were_kept(
    home: Path, ingest_talk: Any, change_corpus: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    root_url = str(home / "catalog")
    ingest_talk(root_url, {"train-clean-100": 12})
    command = ["build", "sep_2spk_partial", "--corpus", "librispeech", "--workers", "1"]
    command += [part for key, count in COUNTS.items() for part in ("--set", f"{key}={count}")]
    assert run(command) == 0
    change_corpus(root_url)
    assert run([*command, "--keep-from", "sep_2spk_partial@1", "--dry-run", "--json"]) == 0
    assert run([*command, "--keep-from", "sep_2spk_partial@1"]) == 0
    reports = manifest_of(root_url, Published("sep_2spk_partial", 2, created=True)).report
    kept, levelled, refilled = (
        sum(reports[split][key] for split in ("train", "validation", "test")) for key in ("kept", "levelled_anew", "refilled")
    )
    said = f"{kept} rows kept of sep_2spk_partial@1, {levelled} levelled anew, {refilled} refilled"
    assert said in capsys.readouterr().out
    assert kept + levelled + refilled == 84
    assert run(["build", "mrc_zh_tw", "--keep-from", "sep_2spk_partial@1"]) == 2
    assert "always made whole" in capsys.readouterr().err
    assert run(["build", "--recipe", "librimix", "--metadata", "x.csv", "--keep-from", "sep_2spk_partial@1"]) == 2
