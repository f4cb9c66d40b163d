"""Builds in a catalog where something is damaged or was left undone."""

from pathlib import Path
from typing import Any

import pytest

import catalog
from catalog.building import Building
from catalog.errors import IntegrityError
from catalog.manifests import Manifest, read_manifest, version_numbers
from catalog.roots import FolderRoot, Root, open_root
from catalog.shards import Shard, blob_path
from flows.mixtures.build import build, dry_run, materialize
from flows.specs import load_spec
from synth.spec import SeparationSpec

COUNTS = {"splits.train.mixtures": 40, "splits.validation.mixtures": 8, "splits.test.mixtures": 8}


def spec(**changes: Any) -> SeparationSpec:
    return load_spec("sep_2spk_partial", {"corpus": "librispeech", **COUNTS, **changes})


def replace(root: Root, path: str, data: bytes) -> None:
    """Change a stored file behind the catalog's back."""
    if isinstance(root, FolderRoot):
        (root.folder / path).chmod(0o644)
    root.write(path, data)


def damaged_corpus(root: Root, change: Any) -> str:
    """Path of the training blob of librispeech@1 after it was changed."""
    shard = read_manifest(root, "librispeech", 1).splits["train"].shards[0]
    path = blob_path("librispeech", shard.blob)
    replace(root, path, change(root.read(path)))
    return path


@pytest.mark.parametrize(
    ("root_url", "storage"),
    [
        ("folder", "audio"),
        ("folder", "plan"),
        pytest.param("s3", "audio", marks=pytest.mark.server),
    ],
    indirect=["root_url"],
)
def test_what_a_killed_publisher_left_undone_is_done_by_the_same_build(root_url: str, ingest_talk: Any, storage: str) -> None:
    """Killed right after the commit: no card, no view, and the journal still there. `materialize` alike."""
    ingest_talk(root_url)
    root = open_root(root_url)

    def commands() -> list[Any]:
        published = [build(spec(storage=storage), root=root_url, workers=1)] if storage == "audio" else []
        return published or [materialize("sep_2spk_partial@1", root=root_url, workers=1)]

    if storage == "plan":
        build(spec(storage=storage), root=root_url, workers=1)
    (made,) = commands()
    manifest: Manifest = read_manifest(root, made.name, made.version)
    view = root.children(f"{made.name}/versions/{made.version}")
    root.remove(f"{made.name}/versions/{made.version}")
    shard = manifest.splits["test"].shards[0]
    journal = Building(root, made.name, manifest.fingerprint)
    journal.record("test-0-8", Shard("test", **shard.model_dump()))
    (again,) = commands()
    assert (again.version, again.created) == (made.version, False)
    assert root.children(f"{made.name}/versions/{made.version}") == view != []
    assert journal.finished() == {}
    assert root.children(f"{made.name}/building") == []


@pytest.mark.parametrize("harm", [lambda data: b"", lambda data: data[: len(data) // 2], lambda data: b"?" * 1000])
def test_a_corpus_that_cannot_be_read_is_one_line(tmp_path: Path, ingest_talk: Any, harm: Any) -> None:
    root = open_root(tmp_path / "catalog")
    ingest_talk(root.url)
    path = damaged_corpus(root, harm)
    for make in (build, dry_run):
        with pytest.raises(IntegrityError) as caught:
            make(spec(), root=root.url)
        text = str(caught.value)
        assert "\n" not in text
        assert "librispeech@1" in text
        assert f"{root.url}/{path}" in text
        assert "delete it, then run the same build or ingest again" in text
    ingest_talk(root.url, {})
    assert build(spec(), root=root.url, workers=1).created


@pytest.mark.parametrize("workers", [1, 2])
def test_samples_that_were_damaged_are_not_mixed_and_published(tmp_path: Path, ingest_talk: Any, workers: int) -> None:
    """The corpus opens as before; one sample of each of its recordings is another."""
    root = open_root(tmp_path / "catalog")
    ingest_talk(root.url)

    def flipped(data: bytes) -> bytes:
        changed, at = bytearray(data), data.find(b"RIFF")
        while at >= 0:
            changed[at + 44 + 1000] ^= 1
            at = data.find(b"RIFF", at + 1)
        return bytes(changed)

    damaged_corpus(root, flipped)
    with pytest.raises(IntegrityError, match=r"librispeech@1, .* are others than were published; `yuliao verify librispeech@1`"):
        build(spec(), root=root.url, workers=workers)
    assert [listed.name for listed in catalog.list_datasets(root=root.url)] == ["librispeech"]
    ingest_talk(root.url, {})
    assert build(spec(), root=root.url, workers=2).created, "in processes that have not mapped the damaged file"


@pytest.mark.parametrize("newest", [False, True])
def test_a_version_whose_manifest_cannot_be_read_is_passed_over(tmp_path: Path, ingest_talk: Any, newest: bool) -> None:
    root = open_root(tmp_path / "catalog")
    ingest_talk(root.url)
    first, second = build(spec(), root=root.url, workers=1), build(spec(seed=1), root=root.url, workers=1)
    broken, sound = (second, first) if newest else (first, second)
    replace(root, f"{broken.name}/manifests/{broken.version}.json", b"{}")
    again = build(spec() if newest else spec(seed=1), root=root.url, workers=1)
    assert (again.version, again.created) == ((3, True) if newest else (2, False))
    assert read_manifest(root, sound.name, again.version).blobs == read_manifest(root, sound.name, sound.version).blobs
    assert version_numbers(root, sound.name).present == ([1, 2, 3] if newest else [1, 2])
