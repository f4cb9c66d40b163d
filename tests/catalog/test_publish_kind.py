"""Versions of a name are of one kind."""

from typing import Any

import pytest

import catalog
from catalog.roots import Root, open_root


def test_a_set_is_not_published_over_a_corpus(root: Root, examples: Any) -> None:
    examples.publish_speech(root, "speech", "f1", 0)
    with pytest.raises(catalog.CatalogError, match="speech is there already, of kind 'speech', and this is of kind 'separation'"):
        examples.publish_separation(root, "speech", "f2", 1)
    assert catalog.versions("speech", root=root.url) == [1]
    assert examples.publish_speech(root, "speech", "f3", 2).version == 2


def test_an_s3_address_with_one_slash_is_no_folder() -> None:
    with pytest.raises(catalog.CatalogError, match="written with two slashes"):
        open_root("s3:/bucket/prefix")
