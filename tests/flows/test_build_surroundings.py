"""Sets with noise and rooms, from spec to `catalog.get`: what is written is what the row says."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import catalog
from catalog.export import export
from catalog.roots import Root
from flows.mixtures.build import build, materialize
from flows.specs import load_spec
from synth.levels.frames import active_power
from synth.rooms.stems import stem_image
from synth.spec import SeparationSpec

RATE_HZ = 16_000
COUNTS = {"splits": {"train": {"mixtures": 12}, "test": {"mixtures": 6}}}
ROOM: dict[str, Any] = {"simulate": {"rt60_s": 0.2, "size_m": [4.0, 3.5, 2.6], "max_order": 3}, "rooms": {"train": 3, "test": 2}}
Publish = Callable[..., dict[str, Any]]


@pytest.fixture
def root_url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder; in S3 but one case of all is made, since requests take the most of it there."""
    asked = getattr(request, "param", "folder")
    url = str(tmp_path / "catalog") if asked == "folder" else str(request.getfixturevalue("s3_url"))
    monkeypatch.setenv("YULIAO_CATALOG", url)
    return url


@pytest.fixture
def talk(root: Root, ingest_talk: Any, publish_noise: Publish) -> str:
    ingest_talk(root.url, {"train-clean-100": 8, "test-clean": 5})
    random = np.random.default_rng(3)

    def hiss(seconds: float, channels: int = 1) -> Any:
        white = random.standard_normal((channels, round(seconds * RATE_HZ)))
        signal = np.rint(white * 1500 / (1 + np.arange(channels))[:, np.newaxis]).astype(np.int16)
        return signal[0] if channels == 1 else signal

    publish_noise("hisses", train={f"a{k}": hiss(0.3 + 0.7 * k) for k in range(4)}, test={f"b{k}": hiss(1.0) for k in range(3)})

    def crackle(seconds: float) -> Any:
        """Quiet, with clicks that clip long before it is as loud as the others."""
        signal = np.rint(hiss(seconds) / 100.0)
        signal[:: RATE_HZ // 4] = 30_000
        return signal.astype(np.int16)

    loud = {
        one: {f"{one}{k}": np.clip(6 * hiss(1.0 + k).astype(np.int32), -32768, 32767).astype(np.int16) for k in range(3)}
        for one in "ef"
    }
    publish_noise("crackles", train={**loud["e"], "g0": crackle(0.7), "g1": crackle(2.0)}, test={**loud["f"], "h0": crackle(1.0)})
    publish_noise("arrays", train={f"c{k}": hiss(2.0, 4) for k in range(3)}, test={f"d{k}": hiss(2.0, 4) for k in range(3)})
    return root.url


def samples(row: dict[str, Any], name: str) -> Any:
    return np.rint(row[name]["array"] * 32768).astype(np.int64)


def made(url: str, name: str, changes: dict[str, Any], storage: str = "audio") -> Any:
    asked = {**COUNTS, **changes, "corpus": "librispeech", "storage": storage}
    build(load_spec("sep_2spk_partial", asked), name=name, root=url, workers=1)
    return catalog.get(name, root=url)


def decibels(one: float, other: float) -> float:
    return float(10 * np.log10(one / other))


ARRAY = {"geometry": "linear", "microphones": 4, "spacing_m": 0.05}
CLIPPED = {"transform": "ClippingDistortion", "probability": 0.7}
ASKED: list[tuple[str, dict[str, Any]]] = [
    ("noise", {"noise": {"corpus": "hisses"}, "mix_types": ["clean", "single"]}),
    ("several", {"noise": {"corpus": "hisses", "count": {"choice": [1, 2]}, "probability": 0.7}}),
    ("clicks", {"noise": {"corpus": "crackles", "count": 2}}),
    ("babble", {"speakers.held_out": 0.4, "noise": {"babble": {"talkers": 1}}, "n_src": 1, "overlap": {"mode": "full"}}),
    ("lufs", {"levels": {"measure": "mean_power", "level_db": -30.0}, "noise": {"corpus": "hisses"}}),
    ("rooms", {"rooms": ROOM, "targets": ["anechoic", "early", "direct"]}),
    ("some", {"rooms": {**ROOM, "probability": 0.5, "noise": True}, "noise": {"corpus": "hisses"}, "targets": ["early"]}),
    (
        "array",
        {
            "rooms": {**ROOM, "simulate": {**ROOM["simulate"], "array": ARRAY}},
            "noise": {"corpus": "arrays"},
            "targets": ["anechoic"],
        },
    ),
    ("clipped", {"degradations": {"sources": [CLIPPED]}, "noise": {"corpus": "hisses"}}),
    ("faster", {"degradations": {"sources": [{"transform": "speed"}]}, "rooms": {**ROOM, "probability": 0.5}}),
]


IN_S3 = pytest.param(*ASKED[5], "s3", id="some-s3", marks=pytest.mark.server)
IN_FOLDER = [pytest.param(name, asked, "folder", id=name) for name, asked in ASKED]


@pytest.mark.parametrize(("name", "asked", "root_url"), [*IN_FOLDER, IN_S3], indirect=["root_url"])
def test_what_is_written_is_what_the_row_says(talk: str, name: str, asked: dict[str, Any]) -> None:
    """Sums to the bit, levels within 0.1 dB, no clipping; and a plan gives the same samples, whole and in part."""
    stored = made(talk, name, asked)
    assert catalog.verify(name, root=talk).problems == []
    planned = made(talk, f"{name}_planned", asked, "plan")
    assert catalog.verify(f"{name}_planned", root=talk).problems == []
    signals = [column for column, feature in stored["train"].features.items() if feature == stored["train"].features["mixture"]]
    crops = {one: catalog.get(one, split="train", segment=0.3, seed=5, root=talk) for one in (name, f"{name}_planned")}
    for at, (row, other) in enumerate(zip(stored["train"], planned["train"], strict=True)):
        assert row["id"] == other["id"]
        for signal in signals:
            if row[signal] is None:
                assert other[signal] is None
                continue
            np.testing.assert_array_equal(row[signal]["array"], other[signal]["array"], err_msg=signal)
            one, two = (crops[of][at][signal]["array"] for of in crops)
            np.testing.assert_array_equal(one, two, err_msg=f"{signal}, cropped")
        stems = [samples(row, f"s{k}") for k in range(1, len(row["speaker_ids"]) + 1)]
        noise = [samples(row, "noise")] if row.get("noise") else []
        mixture = samples(row, "mixture")
        assert (np.sum([*stems, *noise], axis=0) == mixture).all()
        assert np.abs(mixture).max() <= 32767
        assert 20 * np.log10(np.abs(mixture).max() / 32768) <= row["peak_bound_dbfs"] + 1e-9
        check_levels(row, [np.atleast_2d(stem)[0] for stem in stems], [np.atleast_2d(one)[0] for one in noise])
        if "mix_types" in asked:
            assert (samples(row, "mix_clean") == np.sum(stems, axis=0)).all()
            assert (samples(row, "mix_single") == stems[0] + noise[0]).all()
    assert materialize(f"{name}_planned", root=talk, workers=1).created
    assert catalog.verify(f"{name}_planned", root=talk).problems == []


def check_levels(row: dict[str, Any], stems: list[Any], noise: list[Any]) -> None:
    def power(stem: Any, k: int) -> float:
        if row["level_measure"] == "mean_power":
            sounding = [
                stem[offset : offset + length]
                for number, offset, length in zip(
                    row["stem_numbers"], row["offsets_samples"], row["lengths_samples"], strict=True
                )
                if number == k
            ]
            return float(np.mean(np.concatenate(sounding) ** 2.0))
        if row.get("rir_ids"):
            return active_power(stem.astype(np.int16), RATE_HZ)
        at = row["stem_numbers"].index(k)
        return active_power(stem[row["offsets_samples"][at] :][: row["lengths_samples"][at]].astype(np.int16), RATE_HZ)

    powers = [power(stem, k) for k, stem in enumerate(stems, start=1)]
    assert decibels(powers[0], 32768**2) == pytest.approx(row["level_db"], abs=0.1)
    for realised, asked, other in zip(row["sir_db"], row["sir_db_asked"], powers[1:], strict=True):
        assert realised == pytest.approx(asked, abs=0.1)
        assert decibels(powers[0], other) == pytest.approx(realised, abs=0.1)
    if noise:
        assert row["snr_db"] == pytest.approx(row["snr_db_asked"], abs=0.1)
        assert decibels(powers[0], float(np.mean(noise[0] ** 2.0))) == pytest.approx(row["snr_db"], abs=0.1)


def enhanced(row: dict[str, Any], other: dict[str, Any]) -> None:
    assert row["id"] == other["id"]
    for signal in ("noisy", "clean", "noise"):
        if signal in row:
            np.testing.assert_array_equal(row[signal]["array"], other[signal]["array"], err_msg=signal)


HISS = {"corpus": "hisses", "snr_db": {"train": {"choice": [0, 5]}, "test": {"choice": [2.5, 7.5]}}}
ENHANCED: list[tuple[str, dict[str, Any], bool]] = [
    ("plain", {"noise": HISS}, True),
    ("early", {"noise": HISS, "rooms": ROOM, "clean": "early"}, False),
    ("degraded", {"noise": HISS, "degradations": {"mixture": [CLIPPED]}}, False),
]


@pytest.mark.parametrize(("name", "asked", "additive"), ENHANCED, ids=[name for name, _, _ in ENHANCED])
def test_enhancement_sets_hold_noisy_clean_and_noise(talk: str, name: str, asked: dict[str, Any], additive: bool) -> None:
    spec = {"name": "enh", "kind": "enhancement", "corpus": "librispeech", **COUNTS, **asked}
    for storage in ("audio", "plan"):
        model = SeparationSpec.model_validate({**spec, "storage": storage})
        build(model, name=f"{name}_{storage}", root=talk, workers=1)
        assert catalog.verify(f"{name}_{storage}", root=talk).problems == []
    stored, planned = (catalog.get(f"{name}_{storage}", root=talk) for storage in ("audio", "plan"))
    assert catalog.manifest(f"{name}_audio", root=talk).additive is additive
    assert catalog.manifest(f"{name}_audio", root=talk).kind == "enhancement"
    for split in ("train", "test"):
        allowed = asked["noise"]["snr_db"][split]["choice"]
        for row, other in zip(stored[split], planned[split], strict=True):
            enhanced(row, other)
            assert row["snr_db_asked"] in allowed
            assert row["snr_db"] == pytest.approx(row["snr_db_asked"], abs=0.1)
            total = samples(row, "clean") + samples(row, "noise")
            assert (total == samples(row, "noisy")).all() == additive or row.get("mixture_degradations") is None
    crops = [catalog.get(f"{name}_{storage}", split="train", segment=0.25, root=talk) for storage in ("audio", "plan")]
    for one, two in zip(*crops, strict=True):
        enhanced(one, two)


@pytest.mark.parametrize("storage", ["audio", "plan"])
def test_other_targets_take_the_place_of_the_stems(talk: str, storage: str) -> None:
    """The trainer's code stays the same: `s1..sN` hold what is asked, and the other targets are left out."""
    made(talk, "aimed", {"rooms": ROOM, "targets": ["anechoic", "early"]}, storage)
    whole, early, plain = (
        catalog.get("aimed", split="train", root=talk, targets=targets) for targets in (None, "early", "reverberant")
    )
    assert [name for name in early.column_names if name.startswith("s1")] == ["s1"]
    assert early.column_names == plain.column_names
    for row, of_early, of_plain in zip(whole, early, plain, strict=True):
        assert (of_early["s1"]["array"] == row["s1_early"]["array"]).all()
        assert (of_early["s2"]["array"] == row["s2_early"]["array"]).all()
        assert (of_early["mixture"]["array"] == row["mixture"]["array"]).all()
        assert (of_plain["s1"]["array"] == row["s1"]["array"]).all()
    crops = catalog.get("aimed", split="train", root=talk, targets="anechoic", segment=0.2, columns=["s2", "id"])
    assert crops.map(lambda row: {"loudest": float(np.abs(row["s2"]["array"]).max())})["loudest"][0] >= 0
    with pytest.raises(catalog.CatalogError, match="no targets 'direct' in aimed@1; there are: anechoic, early, reverberant"):
        catalog.get("aimed", root=talk, targets="direct")


@pytest.mark.parametrize("storage", ["audio", "plan"])
def test_a_webdataset_holds_signals_of_all_channels_and_the_row_beside_them(talk: str, tmp_path: Path, storage: str) -> None:
    array = {"rooms": {**ROOM, "simulate": {**ROOM["simulate"], "array": ARRAY}}, "noise": {"corpus": "arrays"}}
    rows = made(talk, "arrayed", array, storage)["test"]
    (tar,) = export("arrayed", "webdataset", tmp_path, split="test", root=talk).files
    with tarfile.open(tar) as archive:
        files = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    assert len(files) == len(rows) * 5
    for row in rows:
        told = json.loads(files[f"{row['id']}.json"])
        assert told["sir_db"] == row["sir_db"]
        for column in ("mixture", "s1", "s2", "noise"):
            read, rate = soundfile.read(io.BytesIO(files[f"{row['id']}.{column}.wav"]), dtype="float32")
            assert rate == RATE_HZ
            np.testing.assert_array_equal(read.T, row[column]["array"])


def test_another_machine_that_renders_otherwise_is_told_of(talk: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan in rooms was materialised here; a machine whose convolution differs in a bit verifies the plan."""
    made(talk, "bits", {"rooms": ROOM}, "plan")
    assert catalog.verify("bits@1", root=talk).problems == []
    materialize("bits", root=talk, workers=1)
    assert catalog.verify("bits@1", root=talk).problems == []
    assert catalog.get("bits@2", split="test", columns=["samples_sha256"], root=talk)[0]["samples_sha256"]
    monkeypatch.setattr("synth.render.stem_image", lambda *asked: stem_image(*asked) + 1)
    (problem,) = catalog.verify("bits@1", root=talk).problems
    assert "renders 18 of the first 18 rows with other samples than bits@2" in problem
    assert catalog.verify("bits@2", root=talk).problems == []
