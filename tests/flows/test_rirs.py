"""RIRs of a corpus or a bank, by split: measured, the useless left out by name, read at the rate and of the microphones asked."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

import catalog
from catalog.errors import CatalogError, DatasetNotFound, IntegrityError
from catalog.kinds import rir_schema
from catalog.manifests import read_manifest
from catalog.rirs import open_rirs
from catalog.roots import Root, open_root
from flows.mixtures import rirs as of_flows
from flows.mixtures.rirs import RirSources, rir_sources, version_at_hand
from flows.mixtures.room_bank import open_bank
from flows.progress import nothing
from synth import wav
from synth.errors import PlanError
from synth.rooms.rirs import drr_db, t60_s
from synth.rooms.spec import RoomsSpec

RATE_HZ = 16_000
BOTH = {"train": 0.5, "test": 0.5}

Publish = Callable[..., None]


def decaying(seed: int, channels: int = 1, t60: float = 0.2) -> NDArray[np.float32]:
    times = np.arange(4000) / RATE_HZ
    rir = 0.1 * np.random.default_rng(seed).standard_normal((channels, 4000)) * 10 ** (-3 * times / t60)
    rir[:, 30] = 1.0
    return rir.astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Root:
    return open_root(tmp_path / "catalog")


@pytest.fixture
def publish(folder: Root, examples: ModuleType) -> Publish:
    """`publish({"train": [("id", "room or None", samples), ...]}, sample_rate_hz=16000)`: publishes `rirs`."""

    def publish(splits: Mapping[str, Sequence[tuple[str, str | None, wav.Signal]]], sample_rate_hz: int = RATE_HZ) -> None:
        schema = rir_schema(sample_rate_hz)
        shards = {}
        for split, rirs in splits.items():
            rows = []
            for rir_id, room_id, samples in rirs:
                fields = {
                    "id": rir_id,
                    "category": "recorded",
                    "room_id": room_id,
                    "recording_id": rir_id,
                    "official_split": split,
                    "sample_rate_hz": sample_rate_hz,
                    "num_samples": samples.shape[-1],
                    "num_channels": samples.size // samples.shape[-1],
                    "duration_s": samples.shape[-1] / sample_rate_hz,
                    "audio_sha256": hashlib.sha256(samples.T.tobytes()).hexdigest(),
                }
                audio = {"bytes": wav.encode_signal(samples, sample_rate_hz), "path": None}
                rows.append(examples._digested({**fields, "audio": audio}, schema))
            shards[split] = [examples.write_shard(folder, "rirs", split, pa.RecordBatch.from_pylist(rows, schema=schema))]
        catalog.publish(
            "rirs",
            kind="rir",
            splits=shards,
            fingerprint=str(sample_rate_hz),
            licence=examples.LICENCE,
            sample_rate_hz=sample_rate_hz,
            root=folder.url,
        )

    return publish


def opened(
    root: Root, proportions: dict[str, float] | None = None, sample_rate_hz: int = RATE_HZ, n_src: int = 2, **keys: Any
) -> RirSources:
    spec = RoomsSpec.model_validate(keys or {"corpus": "rirs"})
    wanted, room_spec = proportions or BOTH, spec.simulated(n_src)
    held = version_at_hand(root, "set", spec, n_src, wanted, sample_rate_hz, 0)
    if held is None:
        assert room_spec is not None
        held = open_bank(root, "set", room_spec, spec.counts(wanted), sample_rate_hz, 0, 1, nothing)
    return rir_sources(root, "set", held, spec, n_src, wanted, sample_rate_hz, 0, 1, nothing)


def ids(sources: RirSources) -> dict[str, list[str]]:
    return {split: table["id"].to_pylist() for split, table in sources.tables.items()}


def test_rirs_are_measured_at_microphone_0_and_the_useless_left_out_by_name(folder: Root, publish: Publish) -> None:
    """NaN, silence at a microphone that is used, too few microphones. What is silent beyond those is of use."""
    silent, broken, beyond = decaying(1, 3), decaying(2, 3), decaying(3, 3)
    silent[1] = 0
    broken[0, 100] = np.nan
    beyond[2] = 0
    good = decaying(0, 3)
    rows = [("good", "a", good), ("silent", "a", silent), ("broken", "a", broken), ("mono", "b", decaying(4)[0])]
    publish({"train": rows, "test": [("beyond", "c", beyond)]})
    sources = opened(folder, corpus="rirs", microphones=2)
    assert ids(sources) == {"train": ["good"], "test": ["beyond"]}
    assert sources.report == {
        "split_by": "official",
        "left_out": {
            "has no energy at microphone 1": ["silent"],
            "has samples that are not finite numbers": ["broken"],
            "has fewer than 2 channels": ["mono"],
        },
    }
    (row,) = sources.tables["train"].to_pylist()
    assert row["t60_s"] == pytest.approx(float(t60_s(good[0], RATE_HZ)))
    assert row["drr_db"] == pytest.approx(float(drr_db(good[0], RATE_HZ)))
    assert row["source_m"] is row["microphones_m"] is None
    np.testing.assert_array_equal(sources.load("good"), good[:2].astype(np.float64))


def test_a_corpus_without_one_good_rir_is_refused(folder: Root, publish: Publish) -> None:
    publish({"train": [("silent", "a", np.zeros(100, dtype=np.int16))]})
    with pytest.raises(PlanError, match=r"rirs@1 has no RIR that can be used: has no energy at microphone 0"):
        opened(folder)


def test_rirs_with_the_samples_of_another_are_left_out(folder: Root, publish: Publish) -> None:
    """In two rooms they could stand in two splits, and the set would be refused when all of it is rendered."""
    publish({"train": [(f"r{k}", f"room {k}", decaying(k // 2)[0]) for k in range(8)]})
    sources = opened(folder, {"train": 0.5, "test": 0.5}, n_src=1)
    assert sorted(ids(sources)["train"] + ids(sources)["test"]) == ["r0", "r2", "r4", "r6"]
    assert sources.report["left_out"] == {"has the samples of another": ["r1", "r3", "r5", "r7"]}


def test_measures_are_taken_once(folder: Root, publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    publish({"train": [("one", "a", decaying(0)[0])], "test": [("two", "b", decaying(1)[0])]})
    first = opened(folder)

    def measure_nothing(*_: Any) -> None:
        raise AssertionError("a RIR was measured again")

    monkeypatch.setattr(of_flows, "_measure", measure_nothing)
    assert opened(folder).tables == first.tables


def test_splits_that_a_corpus_lacks_are_drawn_by_room(folder: Root, publish: Publish) -> None:
    """No room is in two of them, each has rooms, and the set's name decides."""
    rows = [(f"{room}-{k}", room, decaying(k)[0] * (1 + ord(room))) for room in "abcdefgh" for k in range(3)]
    publish({"train": rows})
    sources = opened(folder, {"train": 0.5, "validation": 0.25, "test": 0.25})
    rooms = {split: {rir_id[0] for rir_id in of_split} for split, of_split in ids(sources).items()}
    assert {split: len(of_split) for split, of_split in rooms.items()} == {"train": 4, "validation": 2, "test": 2}
    assert len(set().union(*rooms.values())) == 8
    assert sum(map(len, ids(sources).values())) == 24
    assert sources.report["split_by"] == "official, but validation and test drawn from the rooms of train"
    assert ids(opened(folder, {"train": 0.5, "validation": 0.25, "test": 0.25})) == ids(sources)


def test_splits_that_a_corpus_has_are_kept(folder: Root, publish: Publish) -> None:
    publish({"train": [(name, name, decaying(k)[0]) for k, name in enumerate("abcd")], "test": [("t", "t", decaying(9)[0])]})
    proportions = {"train": 0.8, "validation": 0.1, "test": 0.1}
    sources = opened(folder, proportions, n_src=1)
    assert ids(sources)["test"] == ["t"]
    assert sorted(ids(sources)["train"] + ids(sources)["validation"]) == list("abcd")
    assert len(ids(sources)["validation"]) == 1


def test_too_few_rooms_for_the_splits_are_refused(folder: Root, publish: Publish) -> None:
    """Counting, where each room has one RIR, as many as a mixture takes in each."""
    publish({"train": [(name, None, decaying(k)[0]) for k, name in enumerate("abc")]})
    with pytest.raises(PlanError, match=r"rirs@1 has 3 rooms for the splits train, test, and 4 are needed"):
        opened(folder)
    assert {split: len(rirs) for split, rirs in ids(opened(folder, n_src=1)).items()} in (
        {"train": 2, "test": 1},
        {"train": 1, "test": 2},
    )


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_a_rir_at_another_rate_is_the_same_filter(folder: Root, publish: Publish, dtype: str) -> None:
    """It answers tones of the lower band with the same gain; full scale is 1 for integers as well."""
    rir = decaying(0)[0] * 0.5
    stored = np.rint(rir * 32768).astype(np.int16) if dtype == "int16" else rir
    publish({"train": [("one", "a", stored)]})
    at_16k = opened(folder, {"train": 1.0}, n_src=1).load("one")
    at_8k = opened(folder, {"train": 1.0}, 8000, n_src=1).load("one")
    assert at_8k.shape == (1, 2320)
    np.testing.assert_allclose(at_16k[0], rir, atol=2e-5)
    for tone_hz in (200, 1000, 3000):
        gains = [
            np.abs(np.exp(-2j * np.pi * tone_hz / rate * np.arange(rir.shape[1])) @ rir[0])
            for rir, rate in ((at_16k, 16_000), (at_8k, 8000))
        ]
        assert gains[1] == pytest.approx(gains[0], rel=1e-3)


def test_what_cannot_be_is_refused_by_name(folder: Root, publish: Publish, examples: ModuleType) -> None:
    publish({"train": [("one", "a", decaying(0)[0])]}, sample_rate_hz=8000)
    with pytest.raises(CatalogError, match="rirs@1 has RIRs of 8000 Hz, and 16000 Hz cannot be made of them"):
        opened(folder)
    with pytest.raises(DatasetNotFound, match="rirs"):
        opened(folder, corpus="rir")
    examples.publish_speech(folder, "talk", "a", seed=0)
    with pytest.raises(CatalogError, match="talk@1 is of kind 'speech': rooms need a corpus of kind 'rir'"):
        opened(folder, corpus="talk")
    rirs = open_rirs(folder, read_manifest(folder, "rirs", 1), 8000, 2)
    with pytest.raises(CatalogError, match="rirs@1, one: it has 1 channels, and 2 microphones are asked for"):
        rirs.load("one")
    with pytest.raises(IntegrityError, match="rirs@1 has no RIR 'two'"):
        rirs.load("two")


def test_damaged_samples_are_no_rir_of_the_version(folder: Root, publish: Publish) -> None:
    """Not left out as if they had been published so: refused."""
    publish({"train": [("one", "a", decaying(0)[0])]})
    (blob,) = (Path(folder.url) / "rirs" / "blobs").iterdir()
    data = bytearray(blob.read_bytes())
    at = data.index(decaying(0)[0, 30:40].tobytes())
    data[at : at + 4] = np.float32(0.5).tobytes()
    blob.chmod(0o644)
    blob.write_bytes(data)
    with pytest.raises(IntegrityError, match="rirs@1, one: its samples are others than were published"):
        opened(folder, {"train": 1.0}, n_src=1)


def test_a_bank_is_made_and_opened(folder: Root) -> None:
    """With a place for each source and the noise; measures are those of its rows; it serves as a corpus as well."""
    simulate = {
        "size_m": [3, 3, 2.5],
        "rt60_s": 0.15,
        "max_order": 3,
        "array": {"geometry": "linear", "microphones": 2, "spacing_m": 0.1},
    }
    sources = opened(folder, simulate=simulate, rooms=4, noise=True)
    assert (sources.pin.name, sources.report["split_by"]) == ("set_rirs", "official")
    assert {split: len(table) for split, table in sources.tables.items()} == {"train": 6, "test": 6}
    rows = catalog.get("set_rirs", split="train", root=folder.url)
    for row, told in zip(rows, sources.tables["train"].to_pylist(), strict=True):
        assert sources.load(row["id"]).shape == (2, row["num_samples"])
        assert (told["source_m"], told["microphones_m"]) == (row["source_m"], row["microphones_m"])
        for name in ("t60_s", "drr_db"):
            assert told[name] == pytest.approx(row[name], rel=1e-6)
    again = opened(folder, corpus="set_rirs", microphones=1)
    assert ids(again) == ids(sources)
    assert again.tables["test"]["microphones_m"][0].as_py() == sources.tables["test"]["microphones_m"][0].as_py()[:1]
    rir_id = ids(again)["test"][0]
    np.testing.assert_array_equal(again.load(rir_id), sources.load(rir_id)[:1])
