"""Is a version what its manifest says: every blob to the last bit, its inputs, and what its kind promises."""

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pyarrow as pa

from catalog.errors import CatalogError, DatasetNotFound, IntegrityError
from catalog.manifests import Manifest, Pin, ShardEntry, known_pins, manifest_bytes, parse_manifest, resolve
from catalog.planned import broken_plans
from catalog.promises import broken_files, broken_mixtures, broken_recordings, broken_speech
from catalog.recipe_kind import broken_sums
from catalog.roots import Root, open_root
from catalog.sample_digests import COLUMN, broken_samples, rendered_elsewhere
from catalog.shards import blob_path, sum_digests
from catalog.text_promises import broken_texts
from catalog.view import write_view

_SHARDS_AT_ONCE = 4  # each holds a batch or some parts of a download in memory


@dataclass
class Verification:
    """What was found. Each problem is one line that names the place."""

    name: str
    version: int
    rows: int = 0
    size_bytes: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify(
    reference: str, *, root: str | os.PathLike[str] | None = None, progress: Callable[[int], None] | None = None
) -> Verification:
    """Check the version `NAME[@V]` against its manifest, and that against those that pin it.

    Blobs are read as they are stored, past every cache, batch by batch; `progress` is called with the bytes of each one done.

    Raises:
        DatasetNotFound: there is no such version.
    """
    storage = open_root(root)
    name, version = resolve(storage, reference)
    result = Verification(name, version)
    data = manifest_bytes(storage, name, version)
    result.problems += _edited(storage, Pin(name=name, version=version, manifest_sha256=hashlib.sha256(data).hexdigest()))
    try:
        manifest = parse_manifest(data, storage, name, version)
    except IntegrityError as error:
        result.problems.append(str(error))
        return result
    if (manifest.name, manifest.version) != (name, version):
        result.problems.append(f"manifest of {name}@{version}: it is that of {manifest.name}@{manifest.version}; restore its own")
        return result
    result.problems += _sums(manifest)
    result.problems += _inputs(storage, manifest, set())
    shards = [(split, shard) for split, entry in manifest.splits.items() for shard in entry.shards]
    with ThreadPoolExecutor(
        min(_SHARDS_AT_ONCE, os.cpu_count() or 1)
    ) as pool:  # hashing and numpy let go of the interpreter lock
        for (_, shard), problems in zip(shards, pool.map(partial(_check_shard, storage, manifest), shards), strict=True):
            result.problems += problems
            result.rows += shard.rows
            result.size_bytes += shard.size_bytes
            if progress is not None:
                progress(shard.size_bytes)
    if result.ok and manifest.storage == "plan":
        result.problems += rendered_elsewhere(storage, manifest)
    if result.ok:
        write_view(storage, manifest)
    return result


def _edited(storage: Root, now: Pin) -> Iterator[str]:
    """Versions that were made from this one when its manifest was another, and those of which that cannot be known."""
    pins, unreadable = known_pins(storage, now.name, now.version)
    yield from map(str, unreadable)
    for manifest, held in pins:
        if held != now:
            yield (
                f"{now}: its manifest was edited after {manifest.name}@{manifest.version} was made from it "
                f"(SHA-256 {now.manifest_sha256[:12]}, pinned {held.manifest_sha256[:12]})"
            )


def _inputs(storage: Root, manifest: Manifest, seen: set[str]) -> Iterator[str]:
    """Inputs, and theirs, that are missing or no longer what was pinned."""
    for held in manifest.inputs:
        where = f"{manifest.name}@{manifest.version}: its input {held}"
        try:
            data = manifest_bytes(storage, held.name, held.version)
        except DatasetNotFound:
            yield f"{where} is missing"
            continue
        if hashlib.sha256(data).hexdigest() != held.manifest_sha256:
            yield f"{where} has an edited manifest (pinned {held.manifest_sha256[:12]})"
        elif str(held) not in seen:
            seen.add(str(held))
            yield from _inputs(storage, parse_manifest(data, storage, held.name, held.version), seen)


def _sums(manifest: Manifest) -> Iterator[str]:
    """Totals of the manifest that do not follow from its parts."""
    where = f"{manifest.name}@{manifest.version}"
    for split, entry in manifest.splits.items():
        for total in ("rows", "size_bytes"):
            if getattr(entry, total) != sum(getattr(shard, total) for shard in entry.shards):
                yield f"{where} {split}: {total} of the split are not the sum over its shards"
        if entry.rows_digest != sum_digests([shard.rows_digest for shard in entry.shards]):
            yield f"{where} {split}: rows_digest is not the sum over its shards"
    if manifest.rows_digest != sum_digests([entry.rows_digest for entry in manifest.splits.values()]):
        yield f"{where}: rows_digest is not the sum over its splits"


def _check_shard(storage: Root, manifest: Manifest, place: tuple[str, ShardEntry]) -> list[str]:
    split, shard = place
    path = blob_path(manifest.name, shard.blob)
    where = f"{manifest.name}@{manifest.version} {split}: blob {shard.blob[:12]}"
    try:
        with storage.stored(path) as file:
            with file.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            if digest != shard.blob:  # nothing in damaged bytes can be trusted, least of all lengths
                mend = f"delete {storage.url}/{path} and run the same build or ingest again to make it anew"
                return [f"{where} was changed: its SHA-256 is {digest[:12]}; {mend}"]
            return [f"{where}: {problem}" for problem in _check_rows(storage, file, manifest, shard)]
    except FileNotFoundError:
        return [f"{where} is missing; run the same build or ingest again to make it anew"]
    except (CatalogError, OSError) as error:
        return [f"{where} cannot be read: {error}"]


def _check_rows(storage: Root, file: Path, manifest: Manifest, shard: ShardEntry) -> Iterator[str]:
    rows, digests = 0, []
    with pa.memory_map(str(file)) as source:
        for batch in pa.ipc.open_stream(source):
            rows += batch.num_rows
            digests.append(sum_digests(batch.column("row_digest").to_pylist()))
            if manifest.storage == "plan":
                yield from broken_plans(storage, manifest, batch)
            elif manifest.kind in ("separation", "enhancement") and manifest.additive:
                yield from broken_mixtures(batch)
                yield from broken_samples(batch)
            elif manifest.kind in ("separation", "enhancement") and COLUMN in batch.schema.names:
                yield from broken_samples(batch)
            elif "sums" in manifest.spec and "largest_error_lsb" in manifest.report:
                yield from broken_sums(batch, manifest.spec, manifest.report)
            if manifest.kind in ("speech", "noise", "rir"):
                yield from _check_recordings(manifest, batch)
            yield from broken_texts(manifest.kind, batch)
    if rows != shard.rows:
        yield f"it has {rows} rows, its manifest says {shard.rows}"
    if sum_digests(digests) != shard.rows_digest:
        yield "its rows are others than its manifest says (rows_digest)"


def _check_recordings(manifest: Manifest, batch: pa.RecordBatch) -> Iterator[str]:
    if manifest.spec.get("encoding", "wav") != "wav":
        return broken_files(batch)
    return broken_speech(batch) if manifest.kind == "speech" else broken_recordings(batch)
