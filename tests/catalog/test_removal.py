"""Removing and sweeping: what others are made from stays, what is being made stays, the rest really goes."""

import os
import time
from types import ModuleType

import pytest

import catalog
from catalog.building import Building
from catalog.errors import CatalogError, DatasetNotFound, IntegrityError, PinnedError
from catalog.manifests import pin
from catalog.roots import FolderRoot, Root
from catalog.shards import blob_path

NO_GRACE_S = -2.0  # what was written this very second is old too: S3 dates have whole seconds


def test_removed_versions_leave_a_tombstone_and_their_number(root: Root, examples: ModuleType) -> None:
    for fingerprint, seed in (("a", 1), ("b", 2)):
        examples.publish_speech(root, "speech", fingerprint, seed)
    assert catalog.remove("speech@2") == ("speech", 2)
    assert catalog.versions("speech") == [1]
    assert catalog.manifest("speech").version == 1
    assert not root.exists("speech/versions/2/README.md")
    assert b"Somebody" not in root.read("speech/manifests/2.json"), "nothing of its content stays"
    with pytest.raises(DatasetNotFound, match="speech@2 was removed"):
        catalog.manifest("speech@2")
    assert examples.publish_speech(root, "speech", "b", 2).version == 3
    catalog.remove("speech@3")
    catalog.remove("speech@1")
    assert catalog.versions("speech") == []
    assert catalog.list_datasets() == []
    with pytest.raises(DatasetNotFound, match="every version"):
        catalog.manifest("speech")
    assert examples.publish_speech(root, "speech", "a", 1).version == 4


def test_pinned_versions_stay(root: Root, examples: ModuleType) -> None:
    examples.publish_speech(root, "speech", "a", 1)
    examples.publish_separation(root, "mixtures", "a", 1, inputs=[pin(root, "speech", 1)])
    with pytest.raises(PinnedError, match="mixtures@1 is made from it"):
        catalog.remove("speech@1")
    assert catalog.versions("speech") == [1]
    catalog.remove("mixtures@1")
    catalog.remove("speech@1")


def test_the_version_must_be_said_and_be_there(root: Root, examples: ModuleType) -> None:
    examples.publish_speech(root, "speech", "a", 1)
    with pytest.raises(CatalogError, match="say which version"):
        catalog.remove("speech")
    with pytest.raises(DatasetNotFound):
        catalog.remove("speech@2")
    catalog.tag("speech@1", "old")
    assert catalog.remove("speech@old") == ("speech", 1)
    with pytest.raises(DatasetNotFound, match="was removed"):
        catalog.manifest("speech@old")


def test_gc_takes_what_nothing_refers_to(root: Root, examples: ModuleType) -> None:
    for fingerprint, seed in (("a", 1), ("b", 2)):
        examples.publish_speech(root, "speech", fingerprint, seed)
    kept = catalog.manifest("speech@1").blobs
    removed = catalog.manifest("speech@2").blobs
    building = examples.write_shard(root, "speech", "train", examples.speech_batch(3))
    Building(root, "speech", "c").record("train-0", building)
    orphan = examples.write_shard(root, "unpublished", "train", examples.speech_batch(4))
    catalog.remove("speech@2")
    assert catalog.gc().blobs == 0, "the grace period is a day"
    assert catalog.gc(grace_s=NO_GRACE_S).blobs == len(removed) + 1
    assert set(root.children("speech/blobs")) == {f"{blob}.arrow" for blob in kept | {building.blob}}
    assert not root.exists(blob_path("unpublished", orphan.blob))
    assert catalog.verify("speech@1").ok
    Building(root, "speech", "c").discard()
    assert catalog.gc(grace_s=NO_GRACE_S).blobs == 1


def test_gc_keeps_blobs_that_another_version_shares(root: Root, examples: ModuleType) -> None:
    for fingerprint, seed in (("a", 1), ("b", 2), ("a", 1)):
        examples.publish_speech(root, "speech", fingerprint, seed)
    catalog.remove("speech@1")
    assert catalog.gc(grace_s=NO_GRACE_S).blobs == 0
    assert catalog.verify("speech@3").ok


def test_gc_stops_where_a_manifest_cannot_be_read(root: Root, examples: ModuleType) -> None:
    """What it refers to is not known, so nothing of that dataset may go."""
    examples.publish_speech(root, "speech", "a", 1)
    if isinstance(root, FolderRoot):
        (root.folder / "speech/manifests/1.json").chmod(0o644)
    root.write("speech/manifests/1.json", b"{}")
    with pytest.raises(IntegrityError, match="manifest of speech@1"):
        catalog.gc(grace_s=NO_GRACE_S)
    assert len(root.children("speech/blobs")) == 2


def test_gc_takes_temporary_files_of_killed_processes(root: Root, examples: ModuleType) -> None:
    examples.publish_speech(root, "speech", "a", 1)
    old, young = root.scratch("speech") / "old.arrow", root.scratch("other") / "young.arrow"
    old.write_bytes(b"half")
    young.write_bytes(b"half")
    two_days_ago = time.time() - 2 * 86400
    os.utime(old, (two_days_ago, two_days_ago))
    assert catalog.gc().temporary_files == 1
    assert not old.exists()
    assert young.exists()
