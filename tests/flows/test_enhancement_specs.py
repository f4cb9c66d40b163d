"""The shipped enhancement sets, made small: what the issue asks of them, on the rows as they were written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import catalog
from catalog.roots import Root, open_root
from flows.generic import own_corpus
from flows.mixtures.build import build, dry_run
from flows.recordings.ingest import ingest
from flows.specs import load_spec
from synth.spec import SeparationSpec

RATE_HZ = 16_000
SMALL_ROOMS = {
    "rooms.rooms": {"train": 3, "validation": 2, "test": 2},
    "rooms.simulate.size_m": [4.0, 3.5, 2.5],
    "rooms.simulate.rt60_s": 0.2,
}
Publish = Callable[..., dict[str, Any]]


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """A folder: storage is tested elsewhere."""
    return open_root(tmp_path / "catalog")


def counts(train: int, validation: int, test: int) -> dict[str, Any]:
    return {"splits.train.mixtures": train, "splits.validation.mixtures": validation, "splits.test.mixtures": test}


def hisses(names: str, channels: int, seconds: float = 2.0) -> dict[str, Any]:
    """Noise of its own for every name, the same in all channels but for delay and level."""
    found = {}
    for number, name in enumerate(names.split()):
        white = np.random.default_rng(number).standard_normal(round(seconds * RATE_HZ)) * 1500
        found[name] = np.rint(np.stack([np.roll(white, k) / (1 + k) for k in range(channels)])).astype(np.int16)
    return found


PLACES = " ".join(f"place{k:02}" for k in range(17))


def integers(signal: dict[str, Any]) -> Any:
    return np.rint(np.atleast_2d(signal["array"]) * 32768).astype(np.int64)


def test_voicebank_style_has_its_speakers_noises_and_levels(root: Root, ingest_talk: Any, publish_noise: Publish) -> None:
    """Of 110 speakers 28, 2 and 2; of 17 noises 10, 2 and 5, none in two splits; the SNRs of each split, each of them; sums."""
    ingest_talk(root.url, {"train-clean-100": 110}, utterances=2)
    publish_noise("places", train=hisses(PLACES, 2))
    changes = {**counts(56, 4, 24), "corpus": "librispeech", "noise.corpus": "places"}
    build(load_spec("enh_voicebank_style", changes), root=root.url, workers=1)
    assert catalog.verify("enh_voicebank_style", root=root.url).ok
    assert catalog.manifest("enh_voicebank_style", root=root.url).additive
    rows = {split: list(part) for split, part in catalog.get("enh_voicebank_style", root=root.url).items()}
    speakers = {split: {row["speaker_ids"][0] for row in part} for split, part in rows.items()}
    noises = {split: {row["noise_ids"][0] for row in part} for split, part in rows.items()}
    assert [len(of_split) for of_split in speakers.values()] == [28, 2, 2]
    assert [len(of_split) for of_split in noises.values()] == [10, 2, 5]
    assert len(set().union(*noises.values())) == 17
    assert {row["snr_db_asked"] for row in rows["train"]} == {0, 5, 10, 15}
    assert {row["snr_db_asked"] for row in rows["test"]} == {2.5, 7.5, 12.5, 17.5}
    for row in (row for part in rows.values() for row in part):
        assert row["snr_db"] == pytest.approx(row["snr_db_asked"], abs=0.1)
        assert (integers(row["clean"]) + integers(row["noise"]) == integers(row["noisy"])).all()


def test_aishell_noisy_has_its_shares_and_lines_up(root: Root, ingest_talk: Any, publish_noise: Publish) -> None:
    """Several corpora of noise, a room for about half, degradations of the noisy side only, targets in line with it."""
    ingest_talk(root.url, {"train-clean-100": 6, "dev-clean": 3, "test-clean": 3})
    publish_noise("mono", train=hisses("m1 m2 m3 m4", 1))
    publish_noise("places", train=hisses("p1 p2 p3 p4", 2))
    changes = {
        **counts(30, 5, 5),
        **SMALL_ROOMS,
        "corpus": "librispeech",
        "noise.corpus": ["mono", "places"],
        "noise.shares": None,
    }
    build(load_spec("enh_aishell_noisy", changes), root=root.url, workers=1)
    assert catalog.verify("enh_aishell_noisy", root=root.url).ok
    rows = [row for part in catalog.get("enh_aishell_noisy", root=root.url).values() for row in part]
    inside = [row for row in rows if row["rir_ids"]]
    degraded = [row for row in rows if row["mixture_degradations"]]
    assert 10 <= len(inside) <= 30
    assert 1 <= len(degraded) <= 20
    assert len({row["noise_ids"][0] for row in rows}) == 8
    for row in rows:
        assert row["snr_db"] == pytest.approx(row["snr_db_asked"], abs=0.1)
        clean, noise, noisy = (integers(row[name])[0] for name in ("clean", "noise", "noisy"))
        if row["mixture_degradations"]:
            continue
        speech = noisy - noise
        assert (speech == clean).all() == (not row["rir_ids"])
        lags = np.correlate(speech[:8000].astype(float), clean[:8000].astype(float), "full")
        assert np.argmax(lags) == min(8000, len(clean)) - 1


def test_noise_of_four_microphones_is_one_recording(root: Root, ingest_talk: Any, publish_noise: Publish) -> None:
    """Each channel of the noise is that of the recording, at one place and by one gain; mono recordings are refused."""
    ingest_talk(root.url, {"train-clean-100": 4, "dev-clean": 2, "test-clean": 2})
    places = publish_noise("places", train=hisses("p1 p2 p3 p4 p5 p6", 5))
    publish_noise("mono", train=hisses("m1 m2 m3 m4", 1))
    changes = {**counts(6, 2, 2), **SMALL_ROOMS, "corpus": "librispeech", "noise.corpus": "places"}
    build(load_spec("enh_aishell_noisy_4mic", changes), root=root.url, workers=1)
    assert catalog.verify("enh_aishell_noisy_4mic", root=root.url).ok
    for part in catalog.get("enh_aishell_noisy_4mic", root=root.url).values():
        for row in part:
            noise = integers(row["noise"])
            assert len(integers(row["noisy"])) == len(integers(row["clean"])) == len(noise) == 4
            [noise_id], [start], [gain] = row["noise_ids"], row["noise_starts_samples"], row["noise_gains"]
            recorded = places[noise_id][:4, start : start + row["num_samples"]]
            np.testing.assert_array_equal(noise, np.rint(gain * recorded.astype(np.float64)))
    with pytest.raises(catalog.CatalogError, match=r"mono has noises of 1 channel, and the mixtures have 4 microphones"):
        build(load_spec("enh_aishell_noisy_4mic", {**changes, "noise.corpus": "mono"}), root=root.url, workers=1)


def test_a_target_louder_than_what_is_heard_is_not_wrapped_round(tmp_path: Path, root: Root) -> None:
    """An echo that takes a tone away leaves the target alone: the target decides how loud the row may be then."""
    seconds = np.arange(2 * RATE_HZ) / RATE_HZ
    for speaker in ("a", "b"):
        (tmp_path / "tones" / speaker).mkdir(parents=True)
        tone = 0.15 * seconds * np.sin(2000 * np.pi * seconds)  # comes in slowly, so that it is never heard without its echo
        soundfile.write(tmp_path / "tones" / speaker / f"{speaker}1.wav", tone, RATE_HZ)
    echo = np.zeros(2000)
    echo[30], echo[30 + 960] = 1.0, -0.9  # 60 ms later: 60 periods of 1 kHz
    (tmp_path / "rooms" / "all").mkdir(parents=True)
    soundfile.write(tmp_path / "rooms" / "all" / "echo.wav", echo, RATE_HZ, subtype="FLOAT")
    ingest(own_corpus("tones", "folder", sample_rate_hz=RATE_HZ), [tmp_path / "tones"], root=root.url, workers=1)
    rooms = own_corpus("rooms", "folder", sample_rate_hz=RATE_HZ, kind="rir", pattern="all/{id}.wav")
    ingest(rooms, [tmp_path / "rooms"], root=root.url, workers=1)
    asked = {
        "name": "echoes",
        "kind": "enhancement",
        "corpus": "tones",
        "splits": {"train": {"mixtures": 1}},
        "rooms": {"corpus": "rooms"},
        "clean": "early",
        "levels": {"level_db": -10.0},
    }
    build(SeparationSpec.model_validate(asked), root=root.url, workers=1)
    [row] = catalog.get("echoes", split="train", root=root.url)
    clean = row["clean"]["array"]
    assert np.abs(clean).max() > 0.99
    assert np.abs(np.diff(clean)).max() < 2 * np.pi * 1000 / RATE_HZ  # of a tone at full scale; wrapped, it would jump by 2


@pytest.mark.parametrize(
    ("spec", "corpora"),
    [
        ("enh_aishell_noisy", ["aishell1", "musan", "demand", "wham_noise"]),
        ("enh_aishell_noisy_4mic", ["aishell1", "demand"]),
        ("enh_voicebank_style", ["vctk", "demand"]),
    ],
)
def test_what_has_to_be_ingested_is_said_at_once(root: Root, spec: str, corpora: list[str]) -> None:
    with pytest.raises(catalog.DatasetNotFound) as refused:
        dry_run(load_spec(spec), root=root.url)
    assert " && ".join(f"yuliao ingest {corpus}" for corpus in corpora) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_dry_run_tells_mixtures_apart_by_their_levels(root: Root, ingest_talk: Any, publish_noise: Publish) -> None:
    """It hears no room, so that gains mean nothing there; yet mixtures of one utterance, room and noise differ by their SNR."""
    ingest_talk(root.url, {"train-clean-100": 2}, utterances=1)
    publish_noise("places", train=hisses("p1 p2", 1, seconds=0.3))
    changes = {**counts(400, 0, 0), "corpus": "librispeech", "noise.corpus": "places", **SMALL_ROOMS, "rooms.rooms": 1}
    found = dry_run(load_spec("enh_aishell_noisy", changes), root=root.url)
    assert found.splits["train"]["mixtures"] == 400
