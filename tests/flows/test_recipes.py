"""Published recipes replayed from a corpus: rows, what is missing, splits, resuming, verifying."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import soundfile

import catalog
from catalog.errors import CatalogError, LeakageError
from catalog.kinds import noise_schema
from catalog.manifests import Licence, Manifest, read_manifest
from catalog.publish import publish
from catalog.roots import open_root
from catalog.shards import ShardWriter
from flows.recipes.replay import Replay, plan_replay, replay
from flows.recordings.ingest import ingest
from synth import wav
from synth.recipes import recipe
from synth.recipes.mixture import RecipeError, setting

HEADER = "mixture_ID,source_1_path,source_1_gain,source_2_path,source_2_gain,noise_path,noise_gain\n"


def utterance(speaker: int, number: int) -> str:
    return f"test-clean/{speaker}/7/{speaker}-7-{number:04}.flac"


def line(name: str, one: str, other: str, noise: str = "tt/long.wav", gain: float = 0.8) -> str:
    return f"{name},{one},{gain},{other},1.25,{noise},0.5\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """LibriSpeech of four speakers, three utterances each, ingested; noises and metadata beside it. Speaker 64 has no 0002."""
    random = np.random.default_rng(0)
    for speaker in (61, 62, 63, 64):
        for number in range(3 - (speaker == 64)):
            file = tmp_path / "LibriSpeech" / utterance(speaker, number)
            file.parent.mkdir(parents=True, exist_ok=True)
            samples = random.integers(-14_000, 14_000, 9000 + 1000 * number + speaker).astype(np.int16)
            soundfile.write(file, samples, 16_000)
    (tmp_path / "noise" / "tt").mkdir(parents=True)
    for name, num_samples in (("long", 20_000), ("short", 8_500), ("tiny", 8_001)):
        samples = random.integers(-4000, 4000, (num_samples, 2)).astype(np.int16)
        soundfile.write(tmp_path / "noise" / "tt" / f"{name}.wav", samples, 16_000)
    ingest("librispeech", [tmp_path / "LibriSpeech"], workers=1)
    lines = [line(f"m{k}", utterance(61 + k % 2, k % 3), utterance(63, (k + 1) % 3), f"tt/{n}.wav") for k, n in NOISES]
    (tmp_path / "libri2mix_test-clean.csv").write_text(HEADER + "".join(lines))
    return tmp_path


NOISES = list(enumerate(["long", "short", "long", "short", "long"]))


def asked(folder: Path, **changes) -> Replay:
    files = [(None, folder / "libri2mix_test-clean.csv")]
    return replace(Replay("librimix", files, noise=str(folder / "noise")), **changes)


def rows(name: str) -> list[dict]:
    manifest = catalog.manifest(name)
    root = open_root(None)
    blobs = [shard.blob for split in manifest.splits.values() for shard in split.shards]
    paths = [root.fetch(f"{manifest.name}/blobs/{blob}.arrow") for blob in blobs]
    return [row for path in paths for row in pa.ipc.open_stream(pa.memory_map(str(path))).read_all().to_pylist()]


@pytest.mark.parametrize(("mode", "sample_rate_hz"), [("min", 8000), ("max", 16_000)])
def test_the_published_samples_are_those_of_the_recipe(folder, mode, sample_rate_hz):
    """What the corpus and the noise files hold, through the recipe's arithmetic: nothing is lost on the way."""
    published = replay(asked(folder, mode=mode, sample_rate_hz=sample_rate_hz), workers=1)
    assert str(published) == f"librimix_2spk_{sample_rate_hz // 1000}k_{mode}@1"
    libri = recipe("librimix")
    how = setting(libri, mode=mode, sample_rate_hz=sample_rate_hz)

    def load(piece):
        base = folder / ("noise" if piece.stem == "noise" else "LibriSpeech")
        return soundfile.read(base / piece.path, dtype="float64", always_2d=True)[0][:, 0]

    mixtures = libri.parse((folder / "libri2mix_test-clean.csv").read_text(), "metadata")
    stored = rows(published.name)
    assert [row["mixture_name"] for row in stored] == [mixture.name for mixture in mixtures]
    for row, mixture in zip(stored, mixtures, strict=True):
        rendered = libri.render(mixture, load, how)
        expected = rendered.stems | {"mixture": rendered.mixtures["mix_clean"]}
        expected |= {type_: rendered.mixtures[type_] for type_ in ("mix_both", "mix_single")}
        for column, samples in expected.items():
            assert row[column]["bytes"] == wav.encode(samples, sample_rate_hz)
        assert row["source_ids"] == [piece.source_id for piece in mixture.speech]
        assert row["speaker_ids"] == [piece.source_id.split("-")[0] for piece in mixture.speech]
        assert (row["gains"], row["noise_gains"]) == ([0.8, 1.25], [0.5])
        shorter, longer = sorted(len(load(piece)) for piece in mixture.speech)
        assert row["overlap_ratio"] == pytest.approx(1 if mode == "min" else shorter / longer, abs=1e-3)
        assert row["peak_dbfs"] == pytest.approx(20 * np.log10(np.abs(rendered.mixtures["mix_clean"]).max() / 32768))
    manifest = catalog.manifest(published.name)
    assert (manifest.additive, manifest.n_src, manifest.sample_rate_hz) == (False, 2, sample_rate_hz)
    assert [str(item) for item in manifest.inputs] == ["librispeech@1"]
    assert manifest.licence.name == "CC-BY-4.0" and "LibriMix" in manifest.citation and "LibriSpeech" in manifest.citation
    assert manifest.report["test"]["mixtures"] == 5 and manifest.report["test"]["sources_missing"] == 0
    statistics = manifest.statistics["test"]
    assert statistics["mixtures"] == sum(statistics["sir_db"]["counts"]) == sum(statistics["length_s"]["counts"]) == 5
    assert statistics["uses_of_noises"] == {"least": 2, "mean": 2.5, "most": 3}
    first = catalog.get(published.name, split="test")[0]
    assert first["mixture"]["array"].shape == first["mix_single"]["array"].shape == first["noise"]["array"].shape


def test_types_choose_the_columns_and_the_first_is_the_mixture(folder):
    replay(asked(folder, types=["mix_single"], name="single"), workers=1)
    replay(asked(folder, types=["mix_clean"], noise=None, name="clean"), workers=1)
    replay(asked(folder, name="all"), workers=1)
    single, clean, everything = rows("single")[0], rows("clean")[0], rows("all")[0]
    assert single["mixture"] == everything["mix_single"] and set(single) & {"s1", "s2", "noise"} == {"s1", "noise"}
    assert clean["mixture"] == everything["mixture"] and "noise" not in clean and "mix_both" not in clean


def test_what_is_missing_is_left_out_counted_and_named(folder):
    file = folder / "libri2mix_test-clean.csv"
    extra = [
        line("gone", utterance(64, 2), utterance(61, 0)),
        line("gone_too", utterance(64, 2), utterance(61, 1), "tt/nowhere.wav"),
        line("outside", utterance(64, 1), utterance(61, 1), "../noise/tt/long.wav"),
        line("stuck", utterance(64, 1), utterance(61, 1), "tt/tiny.wav"),
    ]
    file.write_text(file.read_text() + "".join(extra))
    published = replay(asked(folder), workers=1)
    report = catalog.manifest(published.name).report["test"]
    assert (report["mixtures"], report["mixtures_in_metadata"], report["mixtures_left_out"]) == (5, 9, 4)
    assert report["missing"] == ["../noise/tt/long.wav", utterance(64, 2), "tt/nowhere.wav"] and report["sources_missing"] == 3
    why = {entry["mixture"]: entry["why"] for entry in report["left_out"]}
    assert why["gone_too"] == f"missing: {utterance(64, 2)}, tt/nowhere.wav" and "8001 samples" in why["stuck"]


def test_nothing_is_made_where_everything_is_missing(folder):
    (folder / "other_test.csv").write_text(HEADER + line("a", utterance(99, 0), utterance(98, 0)))
    files = [*asked(folder).metadata, ("validation", folder / "other_test.csv")]
    with pytest.raises(RecipeError, match=r"validation: none of its 1 mixtures can be made of librispeech@1 .* lack 2 sources"):
        replay(asked(folder, metadata=files))
    assert "librimix_2spk_16k_min" not in [listed.name for listed in catalog.list_datasets()]


def test_pieces_without_loudness_are_left_out_when_they_are_rendered(folder):
    """Only then is it known. The set says so."""
    silent = folder / "LibriSpeech" / utterance(65, 0)
    silent.parent.mkdir(parents=True)
    soundfile.write(silent, np.r_[np.zeros(9000), np.full(9000, 0.1)], 16_000)
    ingest("librispeech", [folder / "LibriSpeech"], workers=1)

    def mixture(name, speaker):
        piece = {"start": 0.1, "orig_start": 0.0, "orig_stop": 0.5, "lvl": -30.0}
        pieces = {f"s{k}": [piece | {"file": f"{who}/7/{who}-7-0000.flac"}] for k, who in enumerate((61, speaker), start=1)}
        return {"mixture_name": name, **pieces}

    file = folder / "sparse.json"
    file.write_text(json.dumps([mixture("heard", 62), mixture("silent", 65)]))
    published = replay(Replay("sparselibrimix", [("test", file)], types=["mix_clean"]), workers=1)
    assert [row["mixture_name"] for row in rows(published.name)] == ["heard"]
    assert rows(published.name)[0]["loudness_lufs_asked"] == [-30.0, -30.0]
    report = catalog.manifest(published.name).report["test"]
    assert report["mixtures"] == 1 and report["left_out"][0]["mixture"] == "silent"
    assert catalog.verify(published.name).ok


def test_the_same_again_publishes_nothing_and_workers_and_shards_change_no_row(folder):
    once = replay(asked(folder), workers=1)
    again = replay(asked(folder), workers=2)
    assert (again.version, again.created) == (1, False)
    replay(asked(folder, name="other"), workers=2, shard_bytes=100_000)
    one, other = catalog.manifest(once.name), catalog.manifest("other")
    assert one.rows_digest == other.rows_digest and len(other.splits["test"].shards) > 1
    assert rows(once.name) == rows("other")


def test_a_missing_blob_is_made_anew(folder):
    published = replay(asked(folder), workers=1)
    (shard,) = catalog.manifest(published.name).splits["test"].shards
    blob = Path(open_root(None).url) / published.name / "blobs" / f"{shard.blob}.arrow"
    blob.unlink()
    assert not catalog.verify(published.name).ok
    assert replay(asked(folder), workers=1) == replace(published, created=False)
    assert catalog.verify(published.name).ok


@pytest.mark.server
def test_on_s3_it_is_the_same_set(folder, s3_url):
    on_disk = replay(asked(folder), workers=1)
    ingest("librispeech", [folder / "LibriSpeech"], root=s3_url, workers=1)
    published = replay(asked(folder), root=s3_url, workers=1)
    assert catalog.manifest(published.name, root=s3_url).rows_digest == catalog.manifest(on_disk.name).rows_digest
    assert catalog.verify(published.name, root=s3_url).ok


class Killed(Exception):
    pass


def test_an_interrupted_build_goes_on_behind_its_finished_shards(folder):
    def killed(done, total, unit):
        if done >= 2:
            raise Killed

    with pytest.raises(Killed):
        replay(asked(folder), workers=1, shard_bytes=1, progress=killed)
    seen = []
    replay(asked(folder), workers=1, shard_bytes=1, progress=lambda done, total, unit: seen.append((done, total, unit)))
    assert seen == [(done, 5, "mixtures") for done in (2, 3, 4, 5)]
    assert [row["mixture_name"] for row in rows("librimix_2spk_16k_min")] == ["m0", "m1", "m2", "m3", "m4"]


def test_noise_may_be_a_dataset_of_kind_noise(folder):
    """Its ids are the names of the files; it is pinned as an input."""
    schema = noise_schema(16_000)
    with ShardWriter(open_root(None), "wham", "test", schema) as writer:
        recordings = []
        for name in ("long", "short"):
            samples = soundfile.read(folder / "noise" / "tt" / f"{name}.wav", dtype="int16")[0]
            row = dict.fromkeys(schema.names) | {"id": name, "num_samples": len(samples), "num_channels": 2}
            row |= {"audio": {"bytes": wav.encode_signal(samples.T, 16_000)}, "audio_sha256": name, "row_digest": "0" * 64}
            recordings.append(row)
        writer.write(pa.RecordBatch.from_pylist(recordings, schema))
        shard = writer.close()
    licence = Licence(name="CC-BY-NC-4.0", commercial_use=False)
    publish("wham", kind="noise", splits={"test": [shard]}, fingerprint="1", licence=licence, sample_rate_hz=16_000)
    replay(asked(folder, name="of_folder"), workers=1)
    replay(asked(folder, noise="wham", name="of_dataset"), workers=1)
    for one, other in zip(rows("of_folder"), rows("of_dataset"), strict=True):
        assert one["noise"] == other["noise"] and one["mix_both"] == other["mix_both"]
    manifest = catalog.manifest("of_dataset")
    assert [str(item) for item in manifest.inputs] == ["librispeech@1", "wham@1"] and manifest.licence.commercial_use is False
    with pytest.raises(CatalogError, match="of kind 'speech': here a dataset of kind 'noise' is needed"):
        replay(asked(folder, noise="librispeech"))


def test_splits_are_told_by_file_names_and_do_not_leak(folder):
    (folder / "libri2mix_train-clean-100.csv").write_text(HEADER + line("a", utterance(64, 0), utterance(62, 0)))
    (folder / "libri2mix_dev-clean.csv").write_text(HEADER + line("b", utterance(64, 1), utterance(63, 1)))
    (folder / "mystery.csv").write_text(HEADER + line("a", utterance(64, 0), utterance(62, 0)))
    (folder / "libri2mix_test-clean.csv").write_text(HEADER + line("a", utterance(61, 0), utterance(63, 0), "tt/short.wav"))
    test, train = folder / "libri2mix_test-clean.csv", folder / "libri2mix_train-clean-100.csv"
    published = replay(asked(folder, metadata=[(None, test), (None, train)]), workers=1)
    assert list(catalog.manifest(published.name).splits) == ["train", "test"]
    with pytest.raises(LeakageError, match="speaker_ids"):
        plan_replay(asked(folder, metadata=[(None, train), (None, folder / "libri2mix_dev-clean.csv")]))
    with pytest.raises(RecipeError, match="its name does not tell whether it is train, validation or test"):
        plan_replay(asked(folder, metadata=[(None, folder / "mystery.csv")]))
    with pytest.raises(RecipeError, match="give each file once"):
        plan_replay(asked(folder, metadata=[(None, test), (None, test)]))
    with pytest.raises(RecipeError, match="no such file"):
        plan_replay(asked(folder, metadata=[(None, folder / "nowhere_test.csv")]))


def test_wsj0_mix_takes_active_levels_and_its_splits_share_speakers(folder):
    def path(speaker, number):
        return f"wsj0/x/{speaker}/{speaker}-7-{number:04}.wav"

    (folder / "mix_2_spk_tr.txt").write_text(f"{path(61, 0)} 1.5 {path(62, 0)} -1.5 \n")
    (folder / "mix_2_spk_cv.txt").write_text(f"{path(61, 1)} 0.5 {path(62, 1)} -0.5 \n{path(61, 1)} 0.5 {path(63, 1)} -0.5 \n")
    (folder / "levels.txt").write_text("".join(f"{speaker}-7-{number:04} 0.02\n" for speaker in (61, 62) for number in (0, 1)))
    files = [(None, folder / f"mix_2_spk_{part}.txt") for part in ("tr", "cv")]
    wsj = Replay("wsj0-mix", files, corpus="librispeech", active_levels=[folder / "levels.txt"])
    published = replay(wsj, workers=1)
    assert str(published) == "wsj0_mix_2spk_8k_min@1"
    manifest = catalog.manifest(published.name)
    assert list(manifest.splits) == ["train", "validation"] and manifest.report["largest_error_lsb"] == {"mixture": 1}
    assert manifest.report["validation"]["missing"] == ["active power of 63-7-0001"]
    assert rows(published.name)[0]["level_db_asked"] == [1.5, -1.5]
    with pytest.raises(RecipeError, match="--activlev"):
        plan_replay(replace(wsj, active_levels=[]))


def test_what_cannot_be_is_refused_before_anything_is_rendered(folder):
    with pytest.raises(RecipeError, match="need noise: say where it is"):
        plan_replay(asked(folder, noise=None))
    with pytest.raises(CatalogError, match="nobody"):
        plan_replay(asked(folder, corpus="nobody"))
    (folder / "noise" / "tt" / "long.wav").write_bytes(b"RIFF")
    soundfile.write(folder / "noise" / "tt" / "short.wav", np.zeros(100), 48_000)
    with pytest.raises(RecipeError, match=r"none of its 5 mixtures .*long\.wav is not readable as audio"):
        plan_replay(asked(folder))
    three = folder / "three_test.csv"
    three.write_text("mixture_ID,source_1_path,source_1_gain,noise_path,noise_gain\na,b,1,c,1\n")
    with pytest.raises(RecipeError, match="mixtures of 1 and 2 speakers"):
        plan_replay(asked(folder, metadata=[*asked(folder).metadata, (None, three)]))


def test_verify_compares_the_largest_error_with_the_samples(folder):
    published = replay(asked(folder), workers=1)
    root = open_root(None)
    manifest = read_manifest(root, published.name, 1)
    assert manifest.report["largest_error_lsb"].keys() == {"mixture", "mix_both", "mix_single"}
    assert catalog.verify(published.name).ok
    edited = manifest.model_dump(mode="json")
    edited["report"]["largest_error_lsb"]["mix_both"] = 0
    root.write(f"{published.name}/manifests/1.json", Manifest(**edited).to_bytes())
    (problem,) = catalog.verify(published.name).problems
    assert "mix_both differs from the sum of its stems by more than 0 steps" in problem
