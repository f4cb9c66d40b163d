"""Removing versions, and sweeping up what nothing refers to any more."""

import json
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from catalog.building import blobs_in_building, discard_abandoned
from catalog.errors import CatalogError, IntegrityError, PinnedError
from catalog.manifests import known_pins, manifest_path, parse_manifest, present_manifests, resolve, tombstone_path
from catalog.measured import sweep_measured
from catalog.names import is_name
from catalog.roots import Root, open_root

GRACE_S = 24 * 3600.0
ABANDONED_S = 30 * GRACE_S  # without a finished shard; a build that is run again after that begins anew


@dataclass(frozen=True)
class Swept:
    """What gc removed."""

    blobs: int
    temporary_files: int
    builds: int  # journals of abandoned ones
    measures: int  # files of what was measured once


def remove(reference: str, *, root: str | os.PathLike[str] | None = None) -> tuple[str, int]:
    """Remove the version `NAME@V`; returns (name, version). Its number is never used again, and gc takes its blobs.

    Raises:
        CatalogError: no version is given.
        DatasetNotFound: there is no such version.
        PinnedError: other versions are made from it.
        IntegrityError: the manifest of another version cannot be read, so that it is not known what that one is made from.
    """
    storage = open_root(root)
    if "@" not in reference:
        raise CatalogError(f"remove {reference!r}: say which version, as in {reference}@1")
    name, version = resolve(storage, reference)
    _refuse_pinned(storage, name, version)
    tombstone = _tombstone(name, version)
    storage.create(tombstone_path(name, version), tombstone)
    try:
        _refuse_pinned(storage, name, version)  # somebody may have published from it meanwhile; from now on nobody can
    except (PinnedError, IntegrityError):
        storage.remove(tombstone_path(name, version))
        raise
    _bury(storage, name, version, tombstone)
    return name, version


def withdraw(storage: Root, name: str, version: int) -> None:
    """Take away a version that was published a moment ago, whether or not anything is made from it."""
    tombstone = _tombstone(name, version)
    storage.create(tombstone_path(name, version), tombstone)
    _bury(storage, name, version, tombstone)


def _tombstone(name: str, version: int) -> bytes:
    removed_at = datetime.now(UTC).isoformat(timespec="seconds")
    return json.dumps({"name": name, "version": version, "removed_at": removed_at}).encode()


def _bury(storage: Root, name: str, version: int, tombstone: bytes) -> None:
    storage.write(manifest_path(name, version), tombstone)
    storage.remove(f"{name}/versions/{version}")


def _refuse_pinned(storage: Root, name: str, version: int) -> None:
    pins, unreadable = known_pins(storage, name, version)
    if unreadable and _is_readable(storage, name, version):
        raise unreadable[0]
    holders = [f"{manifest.name}@{manifest.version}" for manifest, _ in pins]
    if holders:
        shown = ", ".join(holders[:5]) + (", ..." if len(holders) > 5 else "")
        raise PinnedError(f"{name}@{version} is not removed, because {shown} {_are(holders)} made from it: remove that first")


def _is_readable(storage: Root, name: str, version: int) -> bool:
    """Of two versions that cannot be read, each can be removed in spite of the other."""
    try:
        parse_manifest(storage.read(manifest_path(name, version)), storage, name, version)
    except IntegrityError:
        return False
    return True


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def gc(*, grace_s: float = GRACE_S, abandoned_s: float = ABANDONED_S, root: str | os.PathLike[str] | None = None) -> Swept:
    """Remove blobs to which no manifest and no unfinished build refers, and temporary files of killed processes.

    Nothing younger than `grace_s` seconds is touched: a running build may be about to refer to it. A build that finished no shard
    for `abandoned_s` seconds is none any more; what this machine has measured goes when no build has asked for it for as long.
    Of a catalog in S3, this machine's copies go too.

    Raises:
        IntegrityError: a manifest cannot be read, so that what it refers to is not known.
    """
    storage = open_root(root)
    before = time.time() - grace_s
    names = [name for name in storage.children("") if is_name(name)]
    abandoned = time.time() - abandoned_s
    builds = sum(discard_abandoned(storage, name, abandoned) for name in names)
    swept = [blob for name in names for blob in _sweep_blobs(storage, name, before)]
    if swept:
        others = {blob for name in names for blob in storage.children(f"{name}/blobs")}  # the same may be of another dataset
        storage.drop_copies(set(swept) - others)
    return Swept(len(swept), storage.sweep_temporary(before), builds, sweep_measured(abandoned))


def _sweep_blobs(storage: Root, name: str, before: float) -> list[str]:
    candidates = [blob for blob in storage.children(f"{name}/blobs") if _is_older(storage, f"{name}/blobs/{blob}", before)]
    if not candidates:
        return []
    # The references are read after the blobs: what was referred to in between is seen.
    wanted = blobs_in_building(storage, name)
    for manifest in present_manifests(storage, name):
        wanted |= manifest.blobs
    swept = []
    for blob in candidates:
        path = f"{name}/blobs/{blob}"
        if blob.removesuffix(".arrow") not in wanted and _is_older(
            storage, path, before
        ):  # a build may have renewed it meanwhile
            storage.remove(path)
            swept.append(blob)
    return swept


def _is_older(storage: Root, path: str, before: float) -> bool:
    try:
        return storage.modified(path) < before
    except FileNotFoundError:  # another gc was quicker
        return False
