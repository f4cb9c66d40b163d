"""Shards to a version: the only way into the catalog."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from catalog.blobs import damage_is_an_error
from catalog.building import Building
from catalog.errors import CatalogError, DatasetNotFound, IntegrityError, near_matches
from catalog.kinds import KINDS
from catalog.leakage import Identities, check_disjoint, check_known_overlaps, identities
from catalog.manifests import (
    Licence,
    Manifest,
    Pin,
    ShardEntry,
    SplitEntry,
    combine_licences,
    manifest_path,
    pin,
    read_manifest,
    version_numbers,
)
from catalog.names import check_name
from catalog.removal import withdraw
from catalog.roots import Root, open_root
from catalog.shards import Shard, blob_path, sum_digests
from catalog.view import write_view


@dataclass(frozen=True)
class Published:
    """What came of publishing; `created` is False where the newest version was the same already."""

    name: str
    version: int
    created: bool

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


def publish(
    name: str,
    *,
    kind: str,
    splits: Mapping[str, Sequence[Shard]],
    fingerprint: str,
    licence: Licence,
    citation: str = "",
    spec: Mapping[str, Any] | None = None,
    overrides: Mapping[str, Any] | None = None,
    inputs: Sequence[Pin] = (),
    sample_rate_hz: int | None = None,
    n_src: int | None = None,
    storage: Literal["audio", "plan"] = "audio",
    additive: bool = True,
    statistics: Mapping[str, Any] | None = None,
    report: Mapping[str, Any] | None = None,
    software: Mapping[str, str] | None = None,
    known_overlaps: Sequence[str] = (),
    root: str | os.PathLike[str] | None = None,
) -> Published:
    """Make finished shards the next version of `name`, unless the newest version has the same fingerprint.

    The version's licence is `licence` made as strict as those of its inputs. The journal of this fingerprint is discarded.

    Raises:
        CatalogError: an unusable name, an unknown kind, no rows, shards of different columns.
        LeakageError: a speaker, recording, utterance or audio stands in two splits, in a column that is not in `known_overlaps`.
        IntegrityError: a blob or an input is missing or changed.
    """
    opened = open_root(root)
    check_name(name)
    building = Building(opened, name, fingerprint)
    check_known_overlaps(known_overlaps)
    if kind not in KINDS:
        raise CatalogError(f"{name}: unknown kind {kind!r}{near_matches(kind, KINDS)}")
    check_kind(opened, name, kind)
    if not any(shard.rows for shards in splits.values() for shard in shards):
        raise CatalogError(f"{name}: nothing to publish, no split has a row")

    same = _same_as_newest(opened, name, fingerprint)
    if same is None:
        _check_blobs(opened, name, splits)
        content: dict[str, Any] = {
            "name": name,
            "kind": kind,
            "fingerprint": fingerprint,
            "rows_digest": sum_digests([shard.rows_digest for shards in splits.values() for shard in shards]),
            "splits": _read_splits(opened, name, splits, known_overlaps),
            "inputs": list(inputs),
            "spec": dict(spec or {}),
            "overrides": dict(overrides or {}),
            "licence": combine_licences([licence, *(read_manifest(opened, item.name, item.version).licence for item in inputs)]),
            "citation": citation,
            "sample_rate_hz": sample_rate_hz,
            "n_src": n_src,
            "storage": storage,
            "additive": additive,
            "statistics": dict(statistics or {}),
            "report": dict(report or {}),
            "software": dict(software or {}),
        }
        published = _commit(opened, content)
        building.discard()
        return published
    return _as_it_stands(opened, same)


def published_already(storage: Root, name: str, fingerprint: str) -> Published | None:
    """The newest version, where it has this fingerprint and all its blobs: nothing is to be made then."""
    same = _same_as_newest(storage, name, fingerprint)
    if same is None or not {f"{blob}.arrow" for blob in same.blobs} <= set(storage.children(f"{name}/blobs")):
        return None
    return _as_it_stands(storage, same)


def _as_it_stands(storage: Root, manifest: Manifest) -> Published:
    """What the publisher of a version had yet to do is done: it may have been killed right after the commit."""
    write_view(storage, manifest)
    Building(storage, manifest.name, manifest.fingerprint).discard()
    return Published(manifest.name, manifest.version, created=False)


def check_kind(root: Root, name: str, kind: str) -> None:
    """Versions of a name are of one kind: a set is not published over a corpus.

    Raises:
        CatalogError: the newest version of `name` is of another kind.
    """
    newest = version_numbers(root, name).newest
    if newest is None:
        return
    try:
        there = read_manifest(root, name, newest).kind
    except IntegrityError:
        return  # it cannot be told
    if there != kind:
        raise CatalogError(
            f"{name} is there already, of kind {there!r}, and this is of kind {kind!r}: publish it under another name"
        )


def _commit(storage: Root, content: dict[str, Any]) -> Published:
    """Take the next free number. Whoever loses the race for one looks again: the winner may have published the same."""
    name = content["name"]
    while True:
        numbers = version_numbers(storage, name)  # once: what is published after this look takes the number from us
        same = _same_as(storage, name, numbers.newest, content["fingerprint"])
        if same is not None:
            return Published(name, same.version, created=False)
        number = numbers.following
        manifest = Manifest(version=number, created_at=datetime.now(UTC).isoformat(timespec="seconds"), **content)
        _check_inputs(storage, manifest)
        _check_blobs(storage, name, manifest.splits)
        if storage.create(manifest_path(name, number), manifest.to_bytes()):
            try:
                _check_inputs(storage, manifest)  # one may have been removed meanwhile; from now on none can
            except CatalogError:
                withdraw(storage, name, number)
                raise
            write_view(storage, manifest)
            return Published(name, number, created=True)


def _check_inputs(storage: Root, manifest: Manifest) -> None:
    for item in manifest.inputs:
        try:
            unchanged = pin(storage, item.name, item.version) == item
        except DatasetNotFound as error:
            raise DatasetNotFound(
                f"{manifest.name}: its input {item} was removed during the build; build it from another"
            ) from error
        if not unchanged:
            raise IntegrityError(
                f"{manifest.name}: the manifest of its input {item} changed during the build; verify it and build again"
            )


def _same_as_newest(storage: Root, name: str, fingerprint: str) -> Manifest | None:
    return _same_as(storage, name, version_numbers(storage, name).newest, fingerprint)


def _same_as(storage: Root, name: str, version: int | None, fingerprint: str) -> Manifest | None:
    if version is None:
        return None
    try:
        manifest = read_manifest(storage, name, version)
    except IntegrityError:  # what cannot be read is not the same: another version is made beside it
        return None
    return manifest if manifest.fingerprint == fingerprint else None


def _check_blobs(storage: Root, name: str, splits: Mapping[str, Sequence[Shard] | SplitEntry]) -> None:
    """Between a shard's writing and the commit somebody may have swept it away."""
    present = set(storage.children(f"{name}/blobs"))
    for split, content in splits.items():
        for shard in content.shards if isinstance(content, SplitEntry) else content:
            if f"{shard.blob}.arrow" not in present:
                raise IntegrityError(f"{name}: blob {shard.blob} of {split} is missing; run the same build again to make it anew")


def _read_splits(
    storage: Root, name: str, splits: Mapping[str, Sequence[Shard]], known_overlaps: Sequence[str]
) -> dict[str, SplitEntry]:
    """Entries of all splits, with what only their rows tell: durations, and that no split leaks into another."""
    entries: dict[str, SplitEntry] = {}
    seen: dict[str, Identities] = {}
    schema: pa.Schema | None = None
    for split, shards in splits.items():
        check_name(split, "split")
        seen[split] = {}
        duration_s: float | None = None
        for shard in shards:
            path = storage.fetch(blob_path(name, shard.blob))
            with damage_is_an_error(path, name), pa.memory_map(str(path)) as file:  # audio stays unread on the disk
                stream = pa.ipc.open_stream(file)
                schema = schema or stream.schema
                if stream.schema != schema:
                    raise CatalogError(
                        f"{name}: shard {shard.blob[:12]} of {split} has other columns than the first one; build it anew"
                    )
                batches = list(stream)
                for column, values in identities(batches).items():
                    seen[split].setdefault(column, set()).update(values)
                for batch in batches:
                    if {"num_samples", "sample_rate_hz"} <= set(batch.schema.names):
                        seconds = pc.divide(pc.cast(batch.column("num_samples"), pa.float64()), batch.column("sample_rate_hz"))
                        duration_s = (duration_s or 0.0) + (pc.sum(seconds).as_py() or 0.0)
        entries[split] = SplitEntry(
            rows=sum(shard.rows for shard in shards),
            size_bytes=sum(shard.size_bytes for shard in shards),
            rows_digest=sum_digests([shard.rows_digest for shard in shards]),
            duration_s=duration_s,
            shards=[
                ShardEntry(blob=shard.blob, rows=shard.rows, size_bytes=shard.size_bytes, rows_digest=shard.rows_digest)
                for shard in shards
            ],
        )
    check_disjoint(name, seen, known_overlaps)
    return entries
