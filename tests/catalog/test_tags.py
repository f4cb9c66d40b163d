"""Tags move and remember; listing shows them."""

from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import pytest

import catalog
from catalog.errors import CatalogError, DatasetNotFound
from catalog.roots import Root
from catalog.tags import tag_history, tags


def test_a_tag_moves_and_keeps_its_history(root: Root, examples: ModuleType) -> None:
    for fingerprint, seed in (("a", 1), ("b", 2)):
        examples.publish_speech(root, "speech", fingerprint, seed)
    for version in (1, 2, 2, 1):
        assert catalog.tag(f"speech@{version}", "stable") == ("speech", version)
    catalog.tag("speech", "latest")
    catalog.tag("speech@latest", "copy")
    assert tags(root, "speech") == {"stable": 1, "latest": 2, "copy": 2}
    assert [entry.version for entry in tag_history(root, "speech", "stable")] == [1, 2, 1]
    assert tag_history(root, "speech", "none") == []


def test_many_at_once_lose_no_step(root: Root, examples: ModuleType) -> None:
    for fingerprint, seed in (("a", 1), ("b", 2), ("c", 3)):
        examples.publish_speech(root, "speech", fingerprint, seed)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda version: catalog.tag(f"speech@{version}", "stable"), (1, 2, 3)))
    assert sorted(entry.version for entry in tag_history(root, "speech", "stable")) == [1, 2, 3]


def test_tags_beyond_nine_steps_are_ordered_by_number(root: Root, examples: ModuleType) -> None:
    for fingerprint, seed in (("a", 1), ("b", 2)):
        examples.publish_speech(root, "speech", fingerprint, seed)
    for step in range(11):
        catalog.tag(f"speech@{1 + step % 2}", "stable")
    assert catalog.manifest("speech@stable").version == 1
    assert len(tag_history(root, "speech", "stable")) == 11


def test_refusals(root: Root, examples: ModuleType) -> None:
    examples.publish_speech(root, "speech", "a", 1)
    with pytest.raises(CatalogError, match="version number"):
        catalog.tag("speech@1", "7")
    with pytest.raises(CatalogError, match="not usable"):
        catalog.tag("speech@1", "a/b")
    with pytest.raises(DatasetNotFound):
        catalog.tag("speech@2", "stable")
    assert tags(root, "speech") == {}


def test_listing(root: Root, examples: ModuleType) -> None:
    assert catalog.list_datasets() == []
    examples.publish_speech(root, "speech", "a", 1)
    examples.publish_speech(root, "speech", "b", 2, overrides={"splits.train": 7})
    examples.publish_separation(root, "mixtures", "a", 1)
    catalog.tag("speech@1", "stable")
    mixtures, speech = catalog.list_datasets()
    assert (mixtures.name, mixtures.kind, mixtures.version, mixtures.rows) == ("mixtures", "separation", 1, {"train": 4})
    assert (speech.name, speech.version, speech.versions, speech.rows) == ("speech", 2, 2, {"train": 4, "test": 4})
    assert speech.hours == pytest.approx(2 * (4 * 1600 + 6 * 160) / 16000 / 3600)
    assert speech.size_bytes == sum(len(root.read(f"speech/blobs/{blob}.arrow")) for blob in catalog.manifest("speech").blobs)
    assert (speech.licence, speech.commercial_use) == ("CC-BY-4.0", True)
    assert (speech.overrides, speech.tags) == ({"splits.train": 7}, {"stable": 1})
    assert speech.created_at == catalog.manifest("speech").created_at
    with pytest.raises(DatasetNotFound, match="did you mean 'mixtures'"):
        catalog.versions("mixture")
