"""`catalog.get`: a version by name, as a `datasets.DatasetDict` or `Dataset` over memory-mapped blobs."""

import hashlib
import json
import math
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from catalog.blobs import damage_is_an_error
from catalog.crops import Epoch
from catalog.errors import CatalogError, DatasetNotFound, near_matches
from catalog.kinds import audio_columns
from catalog.links import link_blobs
from catalog.manifests import Manifest, manifest_bytes, parse_manifest, resolve
from catalog.names import parse_reference
from catalog.planned import open_planned
from catalog.roots import Root, open_root
from synth.render import NEEDED_TO_RENDER

if TYPE_CHECKING:
    import datasets

    from catalog.decoding import Reading

SPLITS = ("train", "validation", "test")


def get(
    name: str,
    *,
    version: int | str | None = None,
    split: str | None = None,
    columns: Sequence[str] | None = None,
    targets: str | None = None,
    segment: float | None = None,
    seed: int = 0,
    epoch: int = 0,
    root: str | os.PathLike[str] | None = None,
) -> "datasets.DatasetDict | datasets.Dataset":
    """A version of a dataset: all its splits, or the one named by `split`.

    Audio decodes on access to `{"array": float32 [samples], "sampling_rate": int}`, of several channels [channels,
    samples]. The arrays of a row are writable, belong to nobody else, and share one block of memory that is recycled when the
    last of them is gone: to keep one signal of a row for long, copy it.

    Args:
        name: a dataset, or `NAME@V` with a version number or tag; without one the newest version.
        version: the V of `NAME@V`, given apart.
        split: return this split alone.
        columns: only these columns are read.
        targets: what the columns `s1..sN` shall hold where the set has several targets: "anechoic", "early" or "direct"; by
            default, and as "reverberant", what sums to the mixture. The columns of the other targets are left out then.
        segment: read only this many seconds of each row, the same span in all its signals: keyed by (seed, epoch, row id), so
            neither order nor workers matter. Shorter rows are padded with zeros at the end; `num_samples` says how many are real.
        epoch: the first epoch; `set_epoch` changes it for all copies and workers.
        root: the catalog, a folder or `s3://bucket/prefix`; by default that of `YULIAO_CATALOG`.

    Raises:
        DatasetNotFound: no such dataset, version, tag or split; near matches are shown.
        CatalogError: no such column or targets, or a segment that is not a positive number of seconds.
        IntegrityError: a blob of the version is missing, cut short or no Arrow stream.
    """
    storage = open_root(root)
    name, number = resolve(storage, _reference(name, version))
    manifest_data = manifest_bytes(storage, name, number)
    manifest = parse_manifest(manifest_data, storage, name, number)
    if split is not None and split not in manifest.splits:
        raise DatasetNotFound(f"no split {split!r} in {name}@{number}{near_matches(split, manifest.splits)}")
    if segment is not None and not (math.isfinite(segment) and segment > 0):
        raise CatalogError(f"segment={segment!r}: give a positive number of seconds, or None for whole rows")

    import datasets

    from catalog.decoding import Reading

    planned = open_planned(storage, manifest)
    if planned is not None and targets not in (None, "reverberant"):
        planned = planned.with_targets(targets)
    reading = Reading(segment, seed, Epoch(epoch) if segment is not None else None, planned)
    identity = hashlib.sha256(f"{storage.url}\0".encode() + manifest_data).hexdigest()
    if split is not None:
        return _open_split(storage, manifest, identity, split, columns, targets, reading)
    ordered = sorted(manifest.splits, key=lambda key: (SPLITS.index(key) if key in SPLITS else len(SPLITS), key))
    return datasets.DatasetDict(
        {key: _open_split(storage, manifest, identity, key, columns, targets, reading) for key in ordered}
    )


def set_epoch(dataset: "datasets.DatasetDict | datasets.Dataset", epoch: int) -> None:
    """From now on read the crops of `epoch`, in every copy of `dataset` and in running workers of a data loader.

    Set it before the loader is iterated anew: batches that workers have read ahead stay as they are. Whole rows are the same in
    every epoch.

    Raises:
        CatalogError: `dataset` does not decode rows of `catalog.get`.
    """
    import datasets

    for part in dataset.values() if isinstance(dataset, datasets.DatasetDict) else [dataset]:
        reading = part.format["format_kwargs"].get("reading") if isinstance(part, datasets.Dataset) else None
        if reading is None:
            raise CatalogError("set_epoch needs what catalog.get returned, or a dataset made from it that still decodes its rows")
        if reading.epoch is not None:
            reading.epoch.value = epoch


def _reference(name: str, version: int | str | None) -> str:
    if version is None:
        return name
    bare, given = parse_reference(name)
    if given is not None and given != str(version):
        raise CatalogError(f"{name!r} and version={version!r} name two versions: give one")
    return f"{bare}@{version}"


def _open_split(
    storage: Root,
    manifest: Manifest,
    identity: str,
    split: str,
    columns: Sequence[str] | None,
    targets: str | None,
    reading: "Reading",
) -> "datasets.Dataset":
    from datasets import DatasetInfo, Features, NamedSplit
    from datasets.table import MemoryMappedTable, concat_tables

    from catalog.decoding import FORMAT
    from catalog.rows import Rows

    links = link_blobs(storage, manifest, split)
    version = f"{manifest.name}@{manifest.version}"
    schema = _read_schema(links[0], version)
    names = _renamed(schema, targets, version)
    schema = pa.schema([schema.field(stored).with_name(name) for stored, name in names.items()], schema.metadata)
    wanted = _known(columns, schema, version) if columns is not None else schema.names
    mapped = wanted
    if set(wanted) & set(audio_columns(schema)):
        needed = {"id", "num_samples"} if reading.segment_s is not None else set()
        needed |= NEEDED_TO_RENDER if reading.planned is not None else set()
        mapped = [name for name in schema.names if name in wanted or name in needed]
    stored_names = [stored for stored, name in names.items() if name in mapped]
    steps: list[tuple[str, tuple[list[str]], dict[str, object]]] = []
    if mapped != schema.names or targets is not None:
        steps.append(("select", (stored_names,), {}))
    if targets is not None:
        steps.append(("rename_columns", ([names[stored] for stored in stored_names],), {}))
    tables = []
    for link in links:
        with damage_is_an_error(link, version):
            tables.append(MemoryMappedTable.from_file(str(link), steps))
    table = concat_tables(tables)
    key = json.dumps([identity, split, wanted, reading.segment_s, reading.seed, targets])
    fingerprint = hashlib.sha256(key.encode()).hexdigest()[:16]
    renamed = pa.schema([schema.field(name) for name in mapped], schema.metadata)  # a table forgets that it has audio then
    rows = Rows(
        table,
        info=DatasetInfo(
            features=Features.from_arrow_schema(renamed) if targets is not None else None,
            description=_description(manifest),
            citation=manifest.citation,
            license=manifest.licence.name,
            dataset_name=manifest.name,
        ),
        split=NamedSplit(split),
        fingerprint=fingerprint,
    )
    rows.set_format(FORMAT, wanted if mapped != wanted else None, reading=reading)
    rows._fingerprint = fingerprint
    return rows


def _renamed(schema: pa.Schema, targets: str | None, version: str) -> dict[str, str]:
    """The columns that are read, and under which names: all as they are, or with other targets in the place of the stems.

    Raises:
        CatalogError: the version has no such targets.
    """
    if targets is None:
        return {name: name for name in schema.names}
    further = {name: name.split("_", 1) for name in audio_columns(schema) if re.fullmatch(r"s[0-9]+_[a-z]+", name)}
    there = ["reverberant", *dict.fromkeys(target for _, target in further.values())]
    if targets not in there:
        raise CatalogError(f"no targets {targets!r} in {version}{near_matches(targets, there)}")
    taken = {name: stem for name, (stem, target) in further.items() if target == targets}
    names = {taken.get(name, name): name for name in schema.names if name in taken or name not in further}
    return {stored: name for name, stored in names.items()}


def _description(manifest: Manifest) -> str:
    changes = ", ".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in manifest.overrides.items())
    return f"{manifest.name}@{manifest.version}" + (f", built with overrides: {changes}" if changes else "")


def _known(columns: Iterable[str], schema: pa.Schema, where: str) -> list[str]:
    asked = [columns] if isinstance(columns, str) else list(columns)
    for column in asked:
        if column not in schema.names:
            raise CatalogError(f"no column {column!r} in {where}{near_matches(column, schema.names)}")
    return [name for name in schema.names if name in asked]


def _read_schema(path: Path, version: str) -> pa.Schema:
    with damage_is_an_error(path, version), pa.memory_map(str(path)) as file:
        return pa.ipc.open_stream(file).schema
