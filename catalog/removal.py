"""Removing versions, and sweeping up what nothing refers to any more."""

import json
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from catalog.building import blobs_in_building
from catalog.errors import CatalogError, PinnedError
from catalog.manifests import manifest_path, pinned_by, present_manifests, resolve, tombstone_path
from catalog.names import is_name
from catalog.roots import Root, open_root

GRACE_S = 24 * 3600.0


@dataclass(frozen=True)
class Swept:
    """What gc removed."""

    blobs: int
    temporary_files: int


def remove(reference: str, *, root: str | os.PathLike[str] | None = None) -> tuple[str, int]:
    """Remove the version `NAME@V`; returns (name, version). Its number is never used again, and gc takes its blobs.

    Raises:
        CatalogError: no version is given.
        DatasetNotFound: there is no such version.
        PinnedError: other versions are made from it.
    """
    storage = open_root(root)
    if "@" not in reference:
        raise CatalogError(f"remove {reference!r}: say which version, as in {reference}@1")
    name, version = resolve(storage, reference)
    _refuse_pinned(storage, name, version)
    tombstone = json.dumps(
        {"name": name, "version": version, "removed_at": datetime.now(UTC).isoformat(timespec="seconds")}
    ).encode()
    storage.create(tombstone_path(name, version), tombstone)
    try:
        _refuse_pinned(storage, name, version)  # somebody may have published from it meanwhile; from now on nobody can
    except PinnedError:
        storage.remove(tombstone_path(name, version))
        raise
    storage.write(manifest_path(name, version), tombstone)
    storage.remove(f"{name}/versions/{version}")
    return name, version


def _refuse_pinned(storage: Root, name: str, version: int) -> None:
    holders = [f"{manifest.name}@{manifest.version}" for manifest, _ in pinned_by(storage, name, version)]
    if holders:
        shown = ", ".join(holders[:5]) + (", ..." if len(holders) > 5 else "")
        raise PinnedError(f"{name}@{version} is not removed, because {shown} {_are(holders)} made from it: remove that first")


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def gc(*, grace_s: float = GRACE_S, root: str | os.PathLike[str] | None = None) -> Swept:
    """Remove blobs to which no manifest and no unfinished build refers, and temporary files of killed processes.

    Nothing younger than `grace_s` seconds is touched: a running build may be about to refer to it.

    Raises:
        IntegrityError: a manifest cannot be read, so that what it refers to is not known.
    """
    storage = open_root(root)
    before = time.time() - grace_s
    blobs = sum(_sweep_blobs(storage, name, before) for name in storage.children("") if is_name(name))
    return Swept(blobs, storage.sweep_temporary(before))


def _sweep_blobs(storage: Root, name: str, before: float) -> int:
    candidates = [blob for blob in storage.children(f"{name}/blobs") if _is_older(storage, f"{name}/blobs/{blob}", before)]
    if not candidates:
        return 0
    # The references are read after the blobs: what was referred to in between is seen.
    wanted = blobs_in_building(storage, name)
    for manifest in present_manifests(storage, name):
        wanted |= manifest.blobs
    swept = 0
    for blob in candidates:
        path = f"{name}/blobs/{blob}"
        if blob.removesuffix(".arrow") not in wanted and _is_older(
            storage, path, before
        ):  # a build may have renewed it meanwhile
            storage.remove(path)
            swept += 1
    return swept


def _is_older(storage: Root, path: str, before: float) -> bool:
    try:
        return storage.modified(path) < before
    except FileNotFoundError:  # another gc was quicker
        return False
