"""Noise corpora for a set: which noises each split may use, as they are used, and samples by id."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

import catalog
from catalog.errors import CatalogError, DatasetNotFound, IntegrityError
from catalog.noises import open_noises
from catalog.roots import Root
from flows.mixtures.noises import NoiseSources, noise_sources, open_noise_corpora
from flows.progress import Progress
from flows.recordings.staging import frames
from synth.draws import Draws
from synth.errors import PlanError
from synth.levels.frames import measure_frames
from synth.noise.place import place_noise
from synth.noise.render import render_noise_into
from synth.noise.spec import NoiseSpec

RATE_HZ = 16_000
Publish = Callable[..., dict[str, NDArray[np.int16]]]


def hiss(seed: int, num_channels: int = 1, seconds: float = 1.0) -> NDArray[np.int16]:
    random = np.random.default_rng(seed)
    levels = 2000 / (1 + np.arange(num_channels))[:, np.newaxis]  # every channel has its own
    signal = np.rint(random.standard_normal((num_channels, round(seconds * RATE_HZ))) * levels).astype(np.int16)
    return signal[0] if num_channels == 1 else signal


@pytest.fixture
def publish(publish_noise: Publish) -> Publish:
    return publish_noise


@pytest.fixture
def root_url(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder alone: nothing here depends on where blobs lie."""
    monkeypatch.setenv("YULIAO_CATALOG", str(tmp_path / "catalog"))
    return str(tmp_path / "catalog")


def no_progress(done: int, total: int, what: str) -> None:
    """Nobody looks."""


def sources(
    root: Root, *corpora: str, wanted: tuple[str, ...] = ("train", "validation", "test"), rate_hz: int = RATE_HZ, **asked: Any
) -> NoiseSources:
    num_channels = asked.pop("num_channels", 1)
    spec = NoiseSpec.model_validate({"corpus": corpora, **asked})
    progress: Progress = no_progress
    return noise_sources(
        root,
        spec,
        open_noise_corpora(root, spec, rate_hz, "set"),
        wanted,
        name="set",
        seed=0,
        sample_rate_hz=rate_hz,
        num_channels=num_channels,
        workers=1,
        progress=progress,
    )


def ids(found: NoiseSources, split: str) -> set[str]:
    return set(found.table["id"].take(pa.array(found.rows[split])).to_pylist())


def test_official_splits_are_kept(root: Root, publish: Publish) -> None:
    signals = {
        split: {f"{split}{k}": hiss(hash((split, k)) % 999) for k in range(2)} for split in ("train", "validation", "test")
    }
    publish("hum", **signals)
    found = sources(root, "hum")
    assert found.split_by == {"hum": "official"}
    assert all(ids(found, split) == set(of_split) for split, of_split in signals.items())


def test_a_drawn_split_keeps_recordings_together_and_depends_on_no_order(root: Root, publish: Publish) -> None:
    """Two noises of one recording never stand in two splits; every split gets some; the order of rows does not matter."""
    signals = {f"n{k}": (hiss(k, seconds=0.2), {"recording_id": f"r{k // 2}"}) for k in range(24)}
    publish("hum", train=signals)
    publish("turned", train=dict(reversed(signals.items())))
    found, other = sources(root, "hum"), sources(root, "turned")
    parts = [ids(found, split) for split in ("train", "validation", "test")]
    assert sum(map(len, parts)) == 24 and len(set.union(*parts)) == 24
    assert [len(part) for part in parts] == [20, 2, 2]
    assert found.split_by == {"hum": "official, but validation and test drawn from the recordings of train"}
    recordings = [{int(noise_id[1:]) // 2 for noise_id in part} for part in parts]
    assert not recordings[0] & recordings[1] and not recordings[1] & recordings[2] and not recordings[0] & recordings[2]
    assert parts == [ids(other, split) for split in ("train", "validation", "test")]


def test_splits_that_a_corpus_lacks_come_from_its_train(root: Root, publish: Publish) -> None:
    publish("hum", train={f"n{k}": hiss(k) for k in range(8)}, test={"t": hiss(99)})
    found = sources(root, "hum")
    assert ids(found, "test") == {"t"} and ids(found, "validation") and not ids(found, "train") & ids(found, "validation")
    assert found.split_by == {"hum": "official, but validation drawn from the recordings of train"}


def test_only_the_categories_asked_for(root: Root, publish: Publish) -> None:
    kinds = {"noise": 3, "music": 2, "speech": 1}
    publish("musan", train={f"{kind}{k}": (hiss(10 * n + k), {"category": kind}) for kind, n in kinds.items() for k in range(n)})
    wanted = ("train",)
    assert ids(sources(root, "musan", wanted=wanted), "train") == {"noise0", "noise1", "noise2"}
    both = sources(root, "musan", wanted=wanted, categories=["music", "noise"])
    assert ids(both, "train") == {"noise0", "noise1", "noise2", "music0", "music1"}
    publish("songs", train={"m": (hiss(77), {"category": "music"})})
    with pytest.raises(CatalogError, match=r"songs@1 has no noise of the categories noise; there are: music \(--set noise"):
        sources(root, "songs", wanted=wanted)


def test_the_same_samples_are_used_once(root: Root, publish: Publish) -> None:
    """MUSAN's noises are in RIRS_NOISES too: they are taken from the corpus named first, and cannot come into two splits."""
    shared = {f"n{k}": hiss(k) for k in range(6)}
    publish("musan", train=shared)
    publish("rirs", train={**shared, "copy": hiss(0), "own": hiss(50), "other": hiss(51), "third": hiss(52)})
    found = sources(root, "musan", "rirs")
    corpora = found.table["corpus"].to_pylist()
    taken = [(corpora[row], found.table["id"][int(row)].as_py()) for rows in found.rows.values() for row in rows]
    assert sorted(taken) == [*(("musan", f"n{k}") for k in range(6)), ("rirs", "other"), ("rirs", "own"), ("rirs", "third")]
    assert found.report["left_out"]["the samples of another"]["count"] == 7


def test_one_id_for_two_noises_is_refused(root: Root, publish: Publish) -> None:
    publish("here", train={"a": hiss(0)})
    publish("there", train={"a": hiss(1)})
    with pytest.raises(CatalogError, match="here and there have different noises of the id 'a': take noise from one of the two"):
        sources(root, "here", "there", wanted=("train",))


def test_levels_are_those_of_the_channels_that_are_used(root: Root, publish: Publish) -> None:
    """A mono set takes the first of two channels, and its frames; a set of two has the mean over both."""
    audio = publish("stereo", train={"a": hiss(0, 2), "b": hiss(1, 2)})
    mono, both = sources(root, "stereo", wanted=("train",)), sources(root, "stereo", wanted=("train",), num_channels=2)
    for row, noise_id in enumerate(["a", "b"]):
        assert mono.table["frame_energies"][row].as_py() == measure_frames(audio[noise_id][0], RATE_HZ)[0].tolist()
        assert both.table["frame_energies"][row].as_py() == frames(audio[noise_id], RATE_HZ)[0].tolist()
        assert (mono.load(noise_id) == audio[noise_id][0]).all() and (both.load(noise_id) == audio[noise_id]).all()


def test_at_another_rate(root: Root, publish: Publish) -> None:
    """Noises are resampled channel by channel, and measured as they are then."""
    audio = publish("stereo", train={"a": hiss(0, 3), "b": hiss(1)})
    found = sources(root, "stereo", wanted=("train",), rate_hz=8000, num_channels=2)
    loaded = found.load("a")
    assert loaded.shape == (2, 8000)
    for row, noise_id in enumerate(["a", "b"]):
        energies, _ = frames(found.load(noise_id), 8000)
        assert found.table["frame_energies"][row].as_py() == energies.tolist()
        assert found.table["num_samples"][row].as_py() == audio[noise_id].shape[-1] // 2
    assert found.table["num_channels"].to_pylist() == [3, 1]


def test_from_a_corpus_to_the_noise_of_a_mixture(root: Root, publish: Publish) -> None:
    """The placement of a split uses its own noises alone, and what is rendered has the power that the placement states."""
    publish("hum", train={f"n{k}": hiss(k, 1 + k % 2, 0.5 + 0.3 * k) for k in range(9)})
    found = sources(root, "hum")
    spec, lengths = NoiseSpec.model_validate({"corpus": "hum"}), np.array([20_000, 30_011] * 8)
    for split in ("train", "validation", "test"):
        draws = Draws(0, "set", split)
        given = {"sample_rate_hz": RATE_HZ, "num_channels": 1, "draws": draws}
        placed = place_noise(spec, split, lengths, found.recordings(split), None, **given)  # type: ignore[arg-type]
        assert set(placed.pieces.source.tolist()) == set(found.rows[split].tolist())
        for mixture in np.flatnonzero(~np.isnan(placed.powers)):
            pieces = placed.pieces.taken(placed.pieces.mixture == mixture)
            row = {
                "noise_ids": found.table["id"].take(pa.array(pieces.source)).to_pylist(),
                "noise_starts_samples": pieces.start.tolist(),
                "noise_lengths_samples": pieces.length.tolist(),
                "noise_offsets_samples": pieces.offset.tolist(),
                "noise_fade_ins_samples": pieces.fade_in.tolist(),
                "noise_fade_outs_samples": pieces.fade_out.tolist(),
                "noise_gains": [1.0] * len(pieces),
            }
            out = np.empty(lengths[mixture], dtype=np.int16)
            render_noise_into(row, found.load, out)
            power = (out.astype(float) ** 2).mean()
            assert abs(10 * np.log10(power / placed.powers[mixture])) <= placed.doubts_db[mixture] + 1e-9


def test_damaged_samples_are_told_of(root: Root, publish: Publish, examples: ModuleType) -> None:
    publish("hum", train={"a": (hiss(0, 2), {"audio_sha256": "0" * 64}), "b": hiss(1, 2)})
    manifest = catalog.manifest("hum", root=root.url)
    noises = open_noises(root, manifest, RATE_HZ, 1)
    assert (noises.load_checked("b") == hiss(1, 2)[0]).all()
    with pytest.raises(IntegrityError, match="hum@1, a: its samples are others than were published"):
        noises.load_checked("a")
    with pytest.raises(IntegrityError, match="'c'"):
        noises.load("c")


def test_what_is_no_noise_for_the_set_is_refused(root: Root, publish: Publish, examples: ModuleType) -> None:
    publish("hum", train={"a": hiss(0), "b": hiss(1)})
    examples.publish_speech(root, "talk", "x", 0)
    with pytest.raises(DatasetNotFound, match="hum"):
        sources(root, "humm")
    with pytest.raises(CatalogError, match=r"talk is of kind 'speech': noise\.corpus of set takes datasets of kind 'noise'"):
        sources(root, "talk")
    with pytest.raises(CatalogError, match="set asks for 48000 Hz, but the noise of hum has 16000 Hz"):
        sources(root, "hum", rate_hz=48_000)
    with pytest.raises(CatalogError, match="names hum twice"):
        sources(root, "hum", "hum@1")
    publish("unmeasured", train={"a": (hiss(0), {"frame_energies": None}), "b": hiss(1)})
    with pytest.raises(CatalogError, match="unmeasured@1 has 1 noises without frame energies"):
        sources(root, "unmeasured", wanted=("train",))
    with pytest.raises(
        PlanError, match="hum@1 has 2 recordings of noise, too few for 1 in each of the splits train, validation, test"
    ):
        sources(root, "hum")
    with pytest.raises(PlanError, match=r"noise\.split_proportions of set says nothing about validation"):
        sources(root, "hum", wanted=("train", "validation"), split_proportions={"train": 1})
