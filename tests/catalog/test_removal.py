"""Removing and sweeping: what others are made from stays, what is being made stays, the rest really goes."""

import os
import time
from types import ModuleType

import pytest

import catalog
from catalog.building import Building
from catalog.errors import CatalogError, DatasetNotFound, IntegrityError, PinnedError
from catalog.manifests import pin
from catalog.measured import measured_file
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


def test_builds_that_were_given_up_are_swept(root: Root, examples: ModuleType) -> None:
    """After a month without a finished shard, of which each counts; their blobs are nobody's then."""
    for fingerprint, seed in (("old", 1), ("new", 2)):
        for k in range(2):
            shard = examples.write_shard(root, "speech", "train", examples.speech_batch(10 * seed + k))
            Building(root, "speech", fingerprint).record(f"train-{k}", shard)
    assert catalog.gc(grace_s=NO_GRACE_S).builds == 0
    time.sleep(4.1)  # what follows counts as up to a second older than it is: S3 dates have whole seconds
    renewed = examples.write_shard(root, "speech", "train", examples.speech_batch(30))
    Building(root, "speech", "new").record("train-2", renewed)
    swept = catalog.gc(grace_s=NO_GRACE_S, abandoned_s=3.0)
    assert (swept.builds, swept.blobs) == (1, 2)
    assert root.children("speech/building") == ["new"]
    assert len(Building(root, "speech", "new").finished()) == 3


def test_copies_on_this_machine_go_with_the_blobs(root: Root, examples: ModuleType) -> None:
    """But for those that another dataset has as well."""
    shards = [examples.write_shard(root, name, "train", examples.speech_batch(1)) for name in ("speech", "other")]
    single = examples.write_shard(root, "speech", "train", examples.speech_batch(2))
    Building(root, "other", "a").record("train-0", shards[1])
    copies = {shard: root.fetch(blob_path("speech", shard.blob)) for shard in (shards[0], single)}
    assert catalog.gc(grace_s=NO_GRACE_S).blobs == 2
    assert not copies[single].exists()
    assert copies[shards[0]].exists() != isinstance(root, FolderRoot)
    assert root.exists(blob_path("other", shards[1].blob))


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


def test_gc_takes_measures_that_nobody_has_asked_for_within_30_days(root: Root) -> None:
    forgotten, wanted = (measured_file([which], "json") for which in ("forgotten", "wanted"))
    forgotten.parent.mkdir(parents=True)
    long_ago = time.time() - 31 * 86400
    for path in (forgotten, wanted):
        path.write_text("{}")
        os.utime(path, (long_ago, long_ago))
    assert measured_file(["wanted"], "json") == wanted
    assert catalog.gc().measures == 1
    assert not forgotten.exists()
    assert wanted.exists()
