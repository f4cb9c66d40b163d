"""A speaker withdraws: what is published, what is found, what is removed, what stays out."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from catalog.building import Building
from catalog.errors import DatasetNotFound, PinnedError
from catalog.manifests import read_manifest, versions
from catalog.removal import gc, remove
from catalog.roots import open_root
from catalog.shards import Shard, blob_path
from catalog.verify import verify
from flows.mixtures.build import build
from flows.recordings.forget import UnknownSpeaker, forget
from flows.specs import load_spec

SPEAKER = "1002"
SPLITS = {"splits.train.mixtures": 30, "splits.validation.mixtures": 4, "splits.test.mixtures": 4}


def build_set(root: str, name: str = "mixtures", **overrides: Any) -> str:
    settings = {"corpus": "librispeech", "splits": {"train": {"mixtures": 30}}, **overrides}
    spec = load_spec("sep_2spk_full", settings)
    return str(build(spec, name=name, root=root, workers=1, overrides=settings))


def speakers(root: str, reference: str) -> set[str]:
    name, _, version = reference.partition("@")
    storage = open_root(root)
    found: set[str] = set()
    for split in read_manifest(storage, name, int(version)).splits.values():
        for shard in split.shards:
            with pa.memory_map(str(storage.fetch(blob_path(name, shard.blob)))) as file:
                found |= set(pa.ipc.open_stream(file).read_all().column("speaker_id").to_pylist())
    return found


def test_a_version_without_them_is_published(tmp_path: Path, ingest_talk: Any) -> None:
    """All others stay to the last bit, statistics fit, their name stands nowhere in it; a second time changes nothing."""
    root = str(tmp_path / "catalog")
    ingest_talk(root)
    done = forget(SPEAKER, "librispeech", root=root)
    assert (str(done.published), done.published.created, done.removed_rows) == ("librispeech@2", True, 5)
    assert speakers(root, "librispeech@2") == speakers(root, "librispeech@1") - {SPEAKER}
    manifest = read_manifest(open_root(root), "librispeech", 2)
    assert manifest.statistics["speakers"] == 7
    assert manifest.statistics["utterances"] == manifest.rows == 35
    assert SPEAKER not in json.dumps(manifest.model_dump(mode="json"))
    assert verify("librispeech@2", root=root).ok
    assert [holder.version for holder in done.holders] == ["librispeech@1"]
    again = forget(SPEAKER, "librispeech", root=root)
    assert (str(again.published), again.published.created, again.removed_rows) == ("librispeech@2", False, 0)


def test_a_later_ingest_does_not_bring_them_back(tmp_path: Path, ingest_talk: Any) -> None:
    """Though the archives still have them."""
    root = str(tmp_path / "catalog")
    ingest_talk(root)
    forget(SPEAKER, "librispeech", root=root)
    forget("1003", "librispeech", root=root)
    assert ingest_talk(root).created is False
    newer = ingest_talk(root, utterances=6)
    assert str(newer) == "librispeech@4"
    assert not {SPEAKER, "1003"} & speakers(root, "librispeech@4")
    assert read_manifest(open_root(root), "librispeech", 4).report["withdrawn"] == 12


@pytest.mark.parametrize("storage", ["audio", "plan"])
def test_derived_versions_are_found_and_purged(tmp_path: Path, ingest_talk: Any, storage: str) -> None:
    """Sets of audio and of plans, and sets of other datasets are not; afterwards nothing of them is left on the disk."""
    root = str(tmp_path / "catalog")
    ingest_talk(root)
    made = build_set(root, storage=storage)
    done = forget(SPEAKER, "librispeech", root=root)
    assert [(holder.version, holder.inputs) for holder in done.holders] == [
        (made, ("librispeech@1",)),
        ("librispeech@1", ()),
    ]
    assert done.holders[0].rows > 0
    assert done.holders[0].rebuild.startswith("yuliao build sep_2spk_full --name mixtures --corpus librispeech --set ")
    blobs = {
        blob
        for name, version in (("mixtures", 1), ("librispeech", 1))
        for blob in read_manifest(open_root(root), name, version).blobs
    }
    kept = read_manifest(open_root(root), "librispeech", 2).blobs
    done = forget(SPEAKER, "librispeech", purge=True, root=root)
    assert done.purged
    assert versions(open_root(root), "mixtures") == []
    assert versions(open_root(root), "librispeech") == [2]
    with pytest.raises(DatasetNotFound, match="removed"):
        read_manifest(open_root(root), "librispeech", 1)
    gc(grace_s=0, root=root)
    left = {path.stem for path in (tmp_path / "catalog").rglob("*.arrow")}
    assert left == kept
    assert blobs - kept


def test_unfinished_builds_lose_what_they_have_of_them(tmp_path: Path, ingest_talk: Any) -> None:
    """A build that was cut off never shows up among the versions; one without the speaker keeps its shards."""
    root = str(tmp_path / "catalog")
    ingest_talk(root)
    storage = open_root(root)
    build_set(root)
    [with_them, *_] = read_manifest(storage, "mixtures", 1).splits["train"].shards
    Building(storage, "mixtures", "cut-off").record("train-0", Shard("train", **with_them.model_dump()))
    forget(SPEAKER, "librispeech", root=root)
    build_set(root)
    [without, *_] = read_manifest(storage, "mixtures", 2).splits["train"].shards
    Building(storage, "mixtures", "other").record("train-0", Shard("train", **without.model_dump()))
    assert len(storage.children("mixtures/building")) == 2
    forget(SPEAKER, "librispeech", purge=True, root=root)
    assert storage.children("mixtures/building") == ["other"]
    gc(grace_s=-1, root=root)
    assert not storage.exists(blob_path("mixtures", with_them.blob))
    assert storage.exists(blob_path("mixtures", without.blob))


def test_nothing_pinned_is_removed_in_silence(tmp_path: Path, ingest_talk: Any) -> None:
    """A set without the speaker is made from the version that holds them: it is named, and nothing at all is removed."""
    root = str(tmp_path / "catalog")
    ingest_talk(root, parts={"train-clean-100": 8, "test-clean": 4})
    build_set(root, splits={"test": {"mixtures": 4}})
    with pytest.raises(PinnedError, match=r"librispeech@1 cannot be removed, because mixtures@1 is made from it"):
        forget(SPEAKER, "librispeech", purge=True, root=root)
    assert versions(open_root(root), "librispeech") == [1]
    assert [holder.version for holder in forget(SPEAKER, "librispeech", root=root).holders] == ["librispeech@1"]
    remove("mixtures@1", root=root)
    forget(SPEAKER, "librispeech", purge=True, root=root)
    assert versions(open_root(root), "librispeech") == [2]


def test_unknown_speakers_and_corpora(tmp_path: Path, ingest_talk: Any) -> None:
    """One line, with near matches; the only speaker of a corpus is not forgotten but the corpus removed."""
    root = str(tmp_path / "catalog")
    ingest_talk(root)
    with pytest.raises(UnknownSpeaker, match=r"no version of librispeech has a speaker '100'; did you mean .*'100"):
        forget("100", "librispeech", root=root)
    with pytest.raises(DatasetNotFound, match="librispeech"):
        forget(SPEAKER, "librispeach", root=root)


def test_the_only_speaker(tmp_path: Path, ingest_talk: Any) -> None:
    root = str(tmp_path / "catalog")
    ingest_talk(root, parts={"train-clean-100": 1})
    with pytest.raises(UnknownSpeaker, match="no other speaker than '1000': remove it"):
        forget("1000", "librispeech", root=root)
