"""A speaker who withdraws from a corpus: a version without them, the versions that still hold them, and the end of these."""

import json
import os
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from catalog.building import Building, journals
from catalog.errors import CatalogError, PinnedError, near_matches
from catalog.manifests import Manifest, dataset_names, read_manifest, resolve, version_numbers
from catalog.names import is_name
from catalog.publish import Published, publish
from catalog.removal import remove
from catalog.roots import Root, open_root
from catalog.shards import Shard, ShardWriter, blob_path
from flows import corpora
from flows.recordings.ingest import fingerprint
from flows.recordings.ingest_report import Row, statistics
from flows.recordings.withdrawals import withdrawal, withdrawn
from synth.errors import YuliaoError

_SPEAKER_COLUMNS = ("speaker_id", "speaker_ids")

Manifests = dict[tuple[str, int], Manifest]


class UnknownSpeaker(YuliaoError):
    """A speaker of whom the catalog holds nothing."""


@dataclass(frozen=True)
class Holder:
    """A version that holds something of a speaker."""

    version: str  # NAME@V
    rows: int
    inputs: tuple[str, ...]  # the versions it is made from
    rebuild: str  # the command that makes it anew; "" for a version of the corpus itself


@dataclass(frozen=True)
class Forgotten:
    """What came of it."""

    published: Published  # the version without the speaker
    removed_rows: int
    holders: list[Holder]  # older and derived versions, those first that are made from others
    purged: bool


def forget(speaker_id: str, corpus: str, *, purge: bool = False, root: str | os.PathLike[str] | None = None) -> Forgotten:
    """Publish `corpus` without a speaker, and find every version that still holds them; with `purge` remove these.

    Later ingests of the corpus leave the speaker out too. Blobs of removed versions are erased by `catalog.gc`.

    Raises:
        DatasetNotFound, CatalogError: no such corpus, or none of speech.
        UnknownSpeaker: no version holds anything of them.
        PinnedError: with `purge`, where a version without them is made from one that holds them; nothing was removed then.
    """
    storage = open_root(root)
    manifest = read_manifest(storage, *resolve(storage, corpus))
    if manifest.kind != "speech" or manifest.inputs:
        raise CatalogError(f"{corpus} is no corpus of speech: name the corpus that the speaker is in")
    manifests = {
        (name, version): read_manifest(storage, name, version)
        for name in dataset_names(storage)
        for version in version_numbers(storage, name).present
    }
    holders = _holders(storage, manifests, speaker_id, corpus)
    mark = withdrawal(corpus, speaker_id)
    if not holders and mark not in withdrawn(storage, corpus):
        near = near_matches(speaker_id, _speakers(storage, manifest))
        raise UnknownSpeaker(f"no version of {corpus} has a speaker {speaker_id!r}{near}")
    if purge:
        _refuse_where_others_need_them(manifests, holders)
    published, removed_rows = _without(storage, manifest, speaker_id, mark)
    if purge:
        for holder in holders:
            remove(holder.version, root=root)
        _discard_builds(storage, speaker_id)
    return Forgotten(published, removed_rows, holders, purge)


def _without(storage: Root, manifest: Manifest, speaker_id: str, mark: str) -> tuple[Published, int]:
    """The newest version but for one speaker: shards without them stay the blobs they are."""
    splits: dict[str, list[Shard]] = {}
    rows: dict[str, list[Row]] = {}
    removed_rows = 0
    for split, entry in manifest.splits.items():
        for shard in entry.shards:
            with pa.memory_map(str(storage.fetch(blob_path(manifest.name, shard.blob)))) as file:
                table = pa.ipc.open_stream(file).read_all()
                theirs = pc.equal(table.column("speaker_id"), speaker_id)
                count = pc.sum(theirs).as_py() or 0
                remaining = table.filter(pc.invert(theirs)) if count else table
                removed_rows += count
                rows.setdefault(split, []).extend(_statistical(remaining))
                if not count:
                    splits.setdefault(split, []).append(Shard(split, shard.blob, shard.rows, shard.size_bytes, shard.rows_digest))
                elif remaining.num_rows:
                    splits.setdefault(split, []).append(_written(storage, manifest.name, split, remaining))
    if not splits:
        raise UnknownSpeaker(f"{manifest.name}@{manifest.version} has no other speaker than {speaker_id!r}: remove it instead")
    marks = sorted({*manifest.spec.get("withdrawn", []), mark})
    return (
        publish(
            manifest.name,
            kind=manifest.kind,
            splits=splits,
            fingerprint=fingerprint(manifest.spec["corpus"], splits, manifest.spec["encoding"]),
            licence=manifest.licence,
            citation=manifest.citation,
            spec=manifest.spec | {"withdrawn": marks},
            overrides=manifest.overrides,
            inputs=manifest.inputs,
            sample_rate_hz=manifest.sample_rate_hz,
            statistics=statistics({split: found for split, found in rows.items() if found}, manifest.kind),
            report=manifest.report | {"withdrawn": manifest.report.get("withdrawn", 0) + removed_rows},
            software=manifest.software,
            known_overlaps=_known_overlaps(manifest),
            root=storage.url,
        ),
        removed_rows,
    )


def _written(storage: Root, name: str, split: str, table: pa.Table) -> Shard:
    with ShardWriter(storage, name, split, table.schema) as writer:
        for batch in table.to_batches():
            writer.write(batch)
        return writer.close()


def _statistical(table: pa.Table) -> Iterator[Row]:
    columns = ["official_split", "speaker_id", "gender", "duration_s", "text"]
    for official, speaker, gender, duration_s, text in zip(*(table.column(name).to_pylist() for name in columns), strict=True):
        yield Row(official, speaker, gender, duration_s, text is not None)


def _known_overlaps(manifest: Manifest) -> tuple[str, ...]:
    corpus = manifest.spec.get("corpus", "")
    return corpora.get(corpus).known_overlaps if corpus in corpora.names() else ()


def _discard_builds(storage: Root, speaker_id: str) -> None:
    """Unfinished builds that name the speaker begin anew: gc takes what they finished."""
    for name in filter(is_name, storage.children("")):
        present = set(storage.children(f"{name}/blobs"))
        for journal, shards in journals(storage, name).items():
            blobs = [shard.blob for shard in shards if f"{shard.blob}.arrow" in present]
            columns = (column for batch in _batches(storage, name, blobs) for column in _speaker_columns(batch))
            if any(_count(column, speaker_id) for column in columns):
                Building(storage, name, journal).discard()


def _holders(storage: Root, manifests: Manifests, speaker_id: str, corpus: str) -> list[Holder]:
    """Versions of the corpus and of what is made from it that hold rows of the speaker, what is made from others first."""
    depths: dict[tuple[str, int], int | None] = {}

    def depth(key: tuple[str, int]) -> int | None:
        """How many steps a version is away from the corpus; None where it is not made from it."""
        if key not in depths:
            manifest = manifests.get(key)
            if manifest is None or not manifest.inputs:
                of_corpus = key[0] == corpus if manifest is None else manifest.spec.get("corpus") == corpus
                depths[key] = 0 if of_corpus else None
            else:
                steps = [step for held in manifest.inputs if (step := depth((held.name, held.version))) is not None]
                depths[key] = 1 + max(steps) if steps else None
        return depths[key]

    found = []
    for key, manifest in manifests.items():
        step = depth(key)
        rows = 0 if step is None else _rows_of(storage, manifest, speaker_id)
        if step is not None and rows:
            inputs = tuple(map(str, manifest.inputs))
            found.append((-step, key, Holder(f"{key[0]}@{key[1]}", rows, inputs, _rebuild(manifest) if inputs else "")))
    return [holder for _, _, holder in sorted(found, key=lambda entry: entry[:2])]


def _rows_of(storage: Root, manifest: Manifest, speaker_id: str) -> int:
    """Rows that name the speaker; all where rows name nobody, so that nobody can tell."""
    blobs = [shard.blob for split in manifest.splits.values() for shard in split.shards]
    count = 0
    for batch in _batches(storage, manifest.name, blobs):
        columns = _speaker_columns(batch)
        count += sum(_count(column, speaker_id) for column in columns) if columns else batch.num_rows
    return count


def _batches(storage: Root, name: str, blobs: Iterable[str]) -> Iterator[pa.RecordBatch]:
    for blob in blobs:
        with pa.memory_map(str(storage.fetch(blob_path(name, blob)))) as file:  # audio stays unread
            yield from pa.ipc.open_stream(file)


def _speaker_columns(batch: pa.RecordBatch) -> list[pa.Array]:
    return [batch.column(name) for name in _SPEAKER_COLUMNS if name in batch.schema.names]


def _count(column: pa.Array, speaker_id: str) -> int:
    if not pa.types.is_list(column.type):
        return pc.sum(pc.equal(column, speaker_id)).as_py() or 0
    rows = pc.list_parent_indices(column).filter(pc.fill_null(pc.equal(pc.list_flatten(column), speaker_id), False))
    return len(pc.unique(rows))


def _rebuild(manifest: Manifest) -> str:
    """The command that makes a derived version anew, from the corpus as it is then."""
    overrides = dict(manifest.overrides)
    words = ["yuliao", "build", str(manifest.spec.get("name", manifest.name))]
    if words[-1] != manifest.name:
        words += ["--name", manifest.name]
    corpus = str(overrides.pop("corpus", manifest.spec.get("corpus", "")))
    if "corpus" in manifest.overrides or "@" in corpus:
        words += ["--corpus", corpus.partition("@")[0]]
    for key, value in overrides.items():
        words += ["--set", f"{key}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"]
    return shlex.join(words)


def _refuse_where_others_need_them(manifests: Manifests, holders: list[Holder]) -> None:
    """Before anything is removed: a version without the speaker may be made from one that has to go."""
    doomed = {holder.version for holder in holders}
    for holder in holders:
        made_from_it = [
            f"{name}@{version}" for (name, version), made in manifests.items() if holder.version in map(str, made.inputs)
        ]
        others = [other for other in made_from_it if other not in doomed]
        if others:
            raise PinnedError(
                f"{holder.version} cannot be removed, because {', '.join(others[:5])} {'is' if len(others) == 1 else 'are'} made "
                "from it and hold nothing of the speaker: build them anew and remove the old ones first"
            )


def _speakers(storage: Root, manifest: Manifest) -> list[str]:
    found: set[str] = set()
    for split in manifest.splits.values():
        for shard in split.shards:
            with pa.memory_map(str(storage.fetch(blob_path(manifest.name, shard.blob)))) as file:
                for batch in pa.ipc.open_stream(file):
                    found |= set(pc.unique(batch.column("speaker_id")).to_pylist())
    return sorted(speaker for speaker in found if speaker)
