"""Tags: names for versions that move, with their history. `<name>/tags/<tag>/<k>.json`, and the highest k holds."""

import os
from datetime import UTC, datetime

from catalog.errors import CatalogError
from catalog.manifests import TagEntry, read_tag_entry, resolve, tag_entries, tagged_version
from catalog.names import check_name
from catalog.roots import Root, open_root


def tag(reference: str, tag: str, *, root: str | os.PathLike[str] | None = None) -> tuple[str, int]:
    """Put `tag` on the version `NAME[@V]`, wherever it stood before; returns (name, version).

    Raises:
        CatalogError: the tag is a number or no safe path component.
        DatasetNotFound: there is no such version.
    """
    storage = open_root(root)
    if check_name(tag, "tag").isdecimal():
        raise CatalogError(f"tag {tag!r} reads as a version number: take a name with a letter")
    name, version = resolve(storage, reference)
    entry = TagEntry(version=version, tagged_at=datetime.now(UTC).isoformat(timespec="seconds")).model_dump_json().encode()
    while tagged_version(storage, name, tag) != version:
        following = max(tag_entries(storage, name, tag), default=0) + 1
        if storage.create(f"{name}/tags/{tag}/{following}.json", entry):
            break
    return name, version


def tags(root: Root, name: str) -> dict[str, int]:
    """The version that each tag of `name` stands at."""
    standing = {tag: tagged_version(root, name, tag) for tag in root.children(f"{name}/tags")}
    return {tag: version for tag, version in standing.items() if version is not None}


def tag_history(root: Root, name: str, tag: str) -> list[TagEntry]:
    """All steps of a tag, oldest first; [] where there is no such tag."""
    return [read_tag_entry(root, name, tag, k) for k in tag_entries(root, name, tag)]
