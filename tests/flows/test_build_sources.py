"""Sets of any number of sources and of sessions, end to end: planned, built, stored or not, read, verified, exported."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import catalog
from catalog.export import export
from catalog.manifests import read_manifest
from catalog.roots import open_root
from flows.mixtures.build import build
from synth.spec import SeparationSpec

SETS: dict[str, dict[str, Any]] = {
    "drawn": {"n_src": {"choice": [1, 2, 3]}, "overlap": {"mode": "full"}, "length": "max"},
    "joined": {"overlap": {"mode": "partial"}, "length": {"seconds": 1.5, "join": True}},
    "three": {"n_src": 3, "overlap": {"mode": "partial"}, "levels": {"measure": "lufs", "level_db": -30}},
    "sequential": {"n_src": 3, "overlap": {"mode": "sequential"}, "levels": {"measure": "p56"}},
    "sparse": {"overlap": {"mode": "sparse"}, "length": {"seconds": 3}, "speakers": {"held_out": 0.2}},
    "conversation": {"n_src": {"choice": [2, 3]}, "overlap": {"mode": "conversation"}, "length": {"seconds": 6}},
}


def _spec(name: str, **changes: Any) -> SeparationSpec:
    asked = {"name": name, "kind": "separation", "corpus": "librispeech", "splits": {"train": {"mixtures": 14}}}
    return SeparationSpec.model_validate({**asked, **SETS[name], **changes})


def _same(one: Any, other: Any) -> None:
    if isinstance(one, dict):
        assert one["sampling_rate"] == other["sampling_rate"]
        assert (one["array"] == other["array"]).all()
    else:
        assert one == other


@pytest.mark.parametrize("name", SETS)
def test_stored_and_planned_are_the_same_and_absent_sources_null(tmp_path: Path, ingest_talk: Any, name: str) -> None:
    root_url = str(tmp_path / "catalog")
    ingest_talk(root_url)
    for storage in ("audio", "plan"):
        build(_spec(name, storage=storage), name=f"{name}_{storage}", root=root_url, workers=1)
        checked = catalog.verify(f"{name}_{storage}", root=root_url)
        assert checked.ok, checked
    manifests = [read_manifest(open_root(root_url), f"{name}_{storage}", 1) for storage in ("audio", "plan")]
    assert manifests[0].rows_digest == manifests[1].rows_digest
    assert "Statistics" in (tmp_path / "catalog" / f"{name}_plan" / "versions" / "1" / "README.md").read_text()
    for segment in (None, 0.3, 20.0):
        stored, planned = (
            catalog.get(f"{name}_{storage}", split="train", segment=segment, seed=2, root=root_url)
            for storage in ("audio", "plan")
        )
        for one, other in zip(stored, planned, strict=True):
            assert one.keys() == other.keys()
            for column in one.keys() - {"peak_dbfs"}:  # read off the samples when they are written
                _same(one[column], other[column])
            n_src = len(one["speaker_ids"])
            sources = [one[f"s{k}"] for k in range(1, manifests[0].n_src + 1)]
            assert [source is None for source in sources] == [k >= n_src for k in range(len(sources))]
            total = np.sum([source["array"].astype(np.float64) for source in sources[:n_src]], axis=0)
            assert (total == one["mixture"]["array"]).all()


@pytest.mark.parametrize("name", ["drawn", "sequential", "sparse", "conversation"])
def test_sessions_are_exported_as_who_spoke_when(tmp_path: Path, ingest_talk: Any, name: str) -> None:
    root_url = str(tmp_path / "catalog")
    ingest_talk(root_url)
    build(_spec(name, storage="plan"), name=name, root=root_url, workers=1)
    for form in ("rttm", "activity"):
        export(name, form, tmp_path / "out", root=root_url)
    lines = [line.split() for line in (tmp_path / "out" / f"{name}-train.rttm").read_text().splitlines()]
    rows = {row["id"]: row for row in catalog.get(name, split="train", root=root_url)}
    told = {(row_id, round(float(at) * 16000), round(float(long) * 16000)) for _, row_id, _, at, long, *_ in lines}
    assert told == {
        (row_id, begin, length)
        for row_id, row in rows.items()
        for begin, length in zip(row["offsets_samples"], row["lengths_samples"], strict=True)
    }
    with np.load(tmp_path / "out" / f"{name}-train.npz") as activity:
        assert set(activity.files) == set(rows)
        for row_id, row in rows.items():
            said = np.zeros((len(row["speaker_ids"]), row["num_samples"]), dtype=bool)
            for k, begin, length in zip(row["stem_numbers"], row["offsets_samples"], row["lengths_samples"], strict=True):
                said[k - 1, begin : begin + length] = True
            middles = np.arange(activity[row_id].shape[1]) * 160 + 80
            middles = middles[middles < row["num_samples"]]
            assert (activity[row_id][:, : len(middles)] == said[:, middles]).all()


def test_held_out_speakers_whom_nobody_knows_are_refused_with_near_matches(tmp_path: Path, ingest_talk: Any) -> None:
    root_url = str(tmp_path / "catalog")
    ingest_talk(root_url)
    with pytest.raises(
        catalog.CatalogError, match=r"names '100' \(and 1 more\), of whom librispeech@1 has nothing; did you mean"
    ) as caught:
        build(_spec("joined", speakers={"held_out": ["1003", "100", "x"]}), root=root_url, workers=1)
    assert "\n" not in str(caught.value)
    build(_spec("joined", speakers={"held_out": ["1003"]}), root=root_url, workers=1)
    heard = {speaker for row in catalog.get("joined", split="train", root=root_url) for speaker in row["speaker_ids"]}
    assert heard == {str(1000 + k) for k in range(8)} - {"1003"}
