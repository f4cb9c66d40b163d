"""Questions about a catalog: which datasets there are, which versions, what their manifests say."""

import os
from dataclasses import dataclass, field
from typing import Any

from catalog import manifests
from catalog.errors import IntegrityError
from catalog.manifests import Manifest, dataset_names, read_manifest, resolve, version_numbers
from catalog.roots import Root, open_root
from catalog.tags import tags

Address = str | os.PathLike[str]


@dataclass(frozen=True)
class Listed:
    """A dataset as its newest version has it. Where that cannot be read, `problem` says why, and nothing else is known of it."""

    name: str
    version: int
    versions: int  # how many there are
    kind: str = ""
    rows: dict[str, int] = field(default_factory=dict)  # by split
    hours: float | None = None
    size_bytes: int = 0
    licence: str = ""
    commercial_use: bool | None = None
    overrides: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, int] = field(default_factory=dict)
    created_at: str = ""
    problem: str | None = None


def list_datasets(*, root: Address | None = None) -> list[Listed]:
    """Every dataset that has a version, by name."""
    storage = open_root(root)
    found = [_listed(storage, name) for name in dataset_names(storage)]
    return [listed for listed in found if listed is not None]


def _listed(storage: Root, name: str) -> Listed | None:
    numbers = version_numbers(storage, name)
    if numbers.newest is None:
        return None
    try:
        manifest, standing = read_manifest(storage, name, numbers.newest), tags(storage, name)
    except IntegrityError as error:
        return Listed(name, numbers.newest, len(numbers.present), problem=str(error))
    return Listed(
        name=name,
        kind=manifest.kind,
        version=manifest.version,
        versions=len(numbers.present),
        rows={split: entry.rows for split, entry in manifest.splits.items()},
        hours=manifest.hours,
        size_bytes=sum(entry.size_bytes for entry in manifest.splits.values()),
        licence=manifest.licence.name,
        commercial_use=manifest.licence.commercial_use,
        overrides=manifest.overrides,
        tags=standing,
        created_at=manifest.created_at,
    )


def versions(name: str, *, root: Address | None = None) -> list[int]:
    """Numbers of the versions of `name`, ascending. Raises DatasetNotFound."""
    return manifests.versions(open_root(root), name)


def manifest(name: str, version: int | str | None = None, *, root: Address | None = None) -> Manifest:
    """The manifest of `NAME[@V]`; V may be given as `version` too. Raises DatasetNotFound, IntegrityError."""
    storage = open_root(root)
    return read_manifest(storage, *resolve(storage, name if version is None else f"{name}@{version}"))
