"""Sets that are stored as their plan: rendered while they are read, bit for bit what stored audio is."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import catalog
from catalog.manifests import read_manifest
from catalog.roots import open_root
from flows.mixtures.build import build, materialize
from flows.specs import load_spec

COUNTS = {"splits.train.mixtures": 40, "splits.validation.mixtures": 8, "splits.test.mixtures": 8}


def _build(root_url: str, name: str, storage: str, spec: str = "sep_2spk_partial", **changes: Any) -> Any:
    overrides = {"corpus": "librispeech", **COUNTS, "storage": storage, **changes}
    return build(load_spec(spec, overrides), name=name, root=root_url, workers=1)


def _same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one.keys() == other.keys()
    for name in one:
        if isinstance(one[name], dict):
            assert one[name]["sampling_rate"] == other[name]["sampling_rate"]
            assert one[name]["array"].dtype == other[name]["array"].dtype == np.float32
            assert (one[name]["array"] == other[name]["array"]).all()
        elif name != "peak_dbfs":  # read off the samples when they are written
            assert one[name] == other[name]


@pytest.mark.parametrize(
    ("root_url", "spec"),
    [
        ("folder", "sep_2spk_full"),
        ("folder", "sep_2spk_partial"),
        pytest.param("s3", "sep_2spk_partial", marks=pytest.mark.server),
    ],
    indirect=["root_url"],
)
def test_rows_are_those_of_stored_audio_whole_and_as_segments(root_url: str, ingest_talk: Any, spec: str) -> None:
    ingest_talk(root_url)
    _build(root_url, "stored", "audio", spec)
    _build(root_url, "planned", "plan", spec)
    for segment in (None, 0.1, 0.5, 3.0):
        stored, planned = (catalog.get(name, segment=segment, seed=3, root=root_url) for name in ("stored", "planned"))
        for split in stored:
            for one, other in zip(stored[split], planned[split], strict=True):
                _same(one, other)
    manifests = [read_manifest(open_root(root_url), name, 1) for name in ("stored", "planned")]
    assert manifests[0].rows_digest == manifests[1].rows_digest
    assert catalog.verify("planned", root=root_url).ok


def test_another_rate_columns_batches_shuffle_and_pickles(tmp_path: Path, ingest_talk: Any) -> None:
    root_url = str(tmp_path / "catalog")
    ingest_talk(root_url)
    _build(root_url, "stored", "audio", sample_rate_hz=8000)
    _build(root_url, "planned", "plan", sample_rate_hz=8000)
    stored, planned = (catalog.get(name, split="train", columns=["id", "s2"], root=root_url) for name in ("stored", "planned"))
    for one, other in zip(stored, planned, strict=True):
        _same(one, other)
    assert [row.shape for row in (s["array"] for s in planned[:3]["s2"])] == [s["array"].shape for s in stored[:3]["s2"]]
    shuffled = planned.shuffle(seed=1)
    _same(shuffled[0], next(row for row in stored if row["id"] == shuffled[0]["id"]))
    pickled = pickle.dumps(planned)
    assert len(pickled) < 10_000
    _same(pickle.loads(pickled)[5], stored[5])
    longer = planned.map(lambda row: {"peak": float(np.abs(row["s2"]["array"]).max())})
    _same({name: longer[7][name] for name in ("id", "s2")}, stored[7])


@pytest.mark.parametrize("root_url", ["folder"], indirect=True)
@pytest.mark.parametrize("lost", ["gains", "noise_ids"])
def test_rows_that_lost_what_they_are_rendered_by_are_refused(
    root_url: str, ingest_talk: Any, publish_noise: Any, lost: str
) -> None:
    """Without the column of noises, mixtures would be there without their noise."""
    ingest_talk(root_url)
    random = np.random.default_rng(0)
    hiss = [(random.standard_normal(16_000) * 1000).astype(np.int16) for _ in range(3)]
    publish_noise("hisses", train={"a": hiss[0]}, validation={"b": hiss[1]}, test={"c": hiss[2]})
    _build(root_url, "planned", "plan", noise={"corpus": "hisses"})
    planned = catalog.get("planned", split="train", root=root_url)
    assert planned.remove_columns(["snr_db"])[0]["mixture"]["array"].any()
    assert "noise_ids" not in catalog.get("planned", split="train", columns=["mixture"], root=root_url)[0]
    with pytest.raises(catalog.CatalogError, match=f"rendered by the columns {lost}: keep them"):
        planned.remove_columns([lost])[0]


def test_the_pinned_corpus_version_is_what_is_read_and_cannot_be_removed(root_url: str, ingest_talk: Any) -> None:
    ingest_talk(root_url)
    _build(root_url, "planned", "plan")
    before = catalog.get("planned", split="test", root=root_url)[0]
    ingest_talk(root_url, {"dev-clean": 2})
    assert catalog.versions("librispeech", root=root_url) == [1, 2]
    _same(catalog.get("planned", split="test", root=root_url)[0], before)
    with pytest.raises(catalog.CatalogError, match="librispeech@1"):
        catalog.remove("librispeech@1", root=root_url)


def test_verify_sees_sources_that_the_corpus_does_not_hold(tmp_path: Path, ingest_talk: Any) -> None:
    from catalog.planned import broken_plans

    root_url = str(tmp_path / "catalog")
    ingest_talk(root_url)
    _build(root_url, "planned", "plan")
    storage = open_root(root_url)
    manifest = read_manifest(storage, "planned", 1)
    blob = storage.fetch(f"planned/blobs/{manifest.splits['train'].shards[0].blob}.arrow")
    table = pa.ipc.open_stream(pa.memory_map(str(blob))).read_all()
    (batch,) = table.to_batches()
    assert not list(broken_plans(storage, manifest, batch))
    at = table.schema.get_field_index("source_ids")
    (other,) = table.set_column(at, "source_ids", pa.array([["x", "y"]] * len(table), pa.list_(pa.string()))).to_batches()
    assert "source_ids are not those of librispeech@1 in 40 rows" in next(broken_plans(storage, manifest, other))


def test_materialize_makes_the_stored_set_of_the_plan(root_url: str, ingest_talk: Any) -> None:
    ingest_talk(root_url)
    _build(root_url, "set", "plan")
    planned = catalog.get("set@1", root=root_url)
    published = materialize("set", root=root_url, workers=1)
    assert (published.version, published.created) == (2, True)
    stored = catalog.get("set@2", root=root_url)
    for split in stored:
        for one, other in zip(stored[split], planned[split], strict=True):
            _same(one, other)
    assert read_manifest(open_root(root_url), "set", 2).storage == "audio"
    assert catalog.verify("set@2", root=root_url).ok
    again = materialize("set@1", root=root_url, workers=1)
    assert (again.version, again.created) == (2, False)
    with pytest.raises(catalog.CatalogError, match="set@2 stores its audio already"):
        materialize("set@2", root=root_url)
