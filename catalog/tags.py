"""Tags: names for versions that move, with their history. `<name>/tags/<tag>/<k>.json`, and the highest k holds."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime

from catalog.errors import CatalogError
from catalog.manifests import resolve, tag_entries, tagged_version
from catalog.names import check_name
from catalog.roots import Root, open_root


@dataclass(frozen=True)
class TagEntry:
    """One step of a tag's history."""

    version: int
    tagged_at: str  # UTC, ISO 8601


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
    entry = json.dumps({"version": version, "tagged_at": datetime.now(UTC).isoformat(timespec="seconds")}).encode()
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
    return [TagEntry(**json.loads(root.read(f"{name}/tags/{tag}/{k}.json"))) for k in tag_entries(root, name, tag)]
