"""The manifest: what a version is. It is the commit: a version exists from the moment its manifest does.

`<name>/manifests/<n>.json`; beside it `<n>.removed` where the version was removed (the number is never used again).
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from catalog.errors import DatasetNotFound, IntegrityError, near_matches
from catalog.names import is_name, parse_reference
from catalog.roots import Root


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Pin(_Entry):
    """An input, held by the bytes of its manifest, so that an edited manifest shows in whatever is made from it."""

    name: str
    version: int
    manifest_sha256: str

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


class Licence(_Entry):
    """What users of a dataset may do, and whom they must name."""

    name: str  # SPDX identifier where there is one
    commercial_use: bool | None = None  # None: not known
    attribution: str = ""
    notes: str = ""


class ShardEntry(_Entry):
    """One blob of a split."""

    blob: str
    rows: int
    size_bytes: int
    rows_digest: str


class SplitEntry(_Entry):
    """One split; `duration_s` is the sum over its rows, None where rows have no duration."""

    rows: int
    size_bytes: int
    rows_digest: str
    duration_s: float | None = None
    shards: list[ShardEntry]


class Manifest(_Entry):
    """A version of a dataset, whole."""

    format: Literal[1] = 1
    name: str
    version: int
    kind: str
    created_at: str  # UTC, ISO 8601
    fingerprint: str
    rows_digest: str
    splits: dict[str, SplitEntry]
    inputs: list[Pin]
    spec: dict[str, Any]
    overrides: dict[str, Any]
    licence: Licence
    citation: str
    sample_rate_hz: int | None
    n_src: int | None
    storage: Literal["audio", "plan"] = "audio"  # plan: rows are rendered while they are read
    additive: bool
    statistics: dict[str, Any]
    report: dict[str, Any]
    software: dict[str, str]

    def to_bytes(self) -> bytes:
        """JSON in the order of the fields, splits and specs in their own: what is read writes the same bytes again."""
        return (json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n").encode()

    @property
    def blobs(self) -> set[str]:
        """SHA-256s of all its blobs."""
        return {shard.blob for split in self.splits.values() for shard in split.shards}

    @property
    def rows(self) -> int:
        """Rows over all splits."""
        return sum(split.rows for split in self.splits.values())

    @property
    def hours(self) -> float | None:
        """Duration over all splits; None where rows have none."""
        durations = [split.duration_s for split in self.splits.values() if split.duration_s is not None]
        return sum(durations) / 3600 if durations else None


class TagEntry(_Entry):
    """One step of a tag's history."""

    version: int
    tagged_at: str  # UTC, ISO 8601


def combine_licences(licences: Sequence[Licence]) -> Licence:
    """The licence of what is made from things under `licences`: as restricted as the strictest, and naming everyone."""
    uses = [licence.commercial_use for licence in licences]
    return Licence(
        name=_joined(" AND ", (part for licence in licences for part in licence.name.split(" AND "))),
        commercial_use=False if False in uses else None if None in uses else True,
        attribution=_joined("; ", (part for licence in licences for part in licence.attribution.split("; "))),
        notes=_joined("; ", (part for licence in licences for part in licence.notes.split("; "))),
    )


def _joined(separator: str, parts: Any) -> str:
    return separator.join(dict.fromkeys(part for part in parts if part))


@dataclass(frozen=True)
class Numbers:
    """Version numbers of a dataset, ascending."""

    present: list[int]
    removed: list[int]

    @property
    def newest(self) -> int | None:
        return self.present[-1] if self.present else None

    @property
    def following(self) -> int:
        """The number of the next version; that of a removed one is never used again."""
        return max([0, *self.present, *self.removed]) + 1


def version_numbers(root: Root, name: str) -> Numbers:
    """Which versions of `name` there are and were."""
    entries = root.children(f"{name}/manifests")
    removed = _numbered(entries, ".removed")
    return Numbers(sorted(set(_numbered(entries, ".json")) - set(removed)), removed)


def _numbered(entries: Sequence[str], suffix: str) -> list[int]:
    """The numbers that entries of that suffix are named by, ascending; what is named otherwise is none of ours."""
    return sorted(int(found[1]) for entry in entries if (found := re.fullmatch(rf"([1-9][0-9]*){re.escape(suffix)}", entry)))


def dataset_names(root: Root) -> list[str]:
    """Names of the datasets of which a version is or was published, sorted."""
    numbers = {name: version_numbers(root, name) for name in root.children("") if is_name(name)}
    return [name for name, of_name in numbers.items() if of_name.present or of_name.removed]


def manifest_path(name: str, version: int) -> str:
    """Where the manifest of a version lies."""
    return f"{name}/manifests/{version}.json"


def tombstone_path(name: str, version: int) -> str:
    """Where the mark of a removed version lies."""
    return f"{name}/manifests/{version}.removed"


def read_manifest(root: Root, name: str, version: int) -> Manifest:
    """The manifest of a version.

    Raises:
        DatasetNotFound: there is no such version, or it was removed.
        IntegrityError: the file is no manifest.
    """
    return parse_manifest(manifest_bytes(root, name, version), root, name, version)


def manifest_bytes(root: Root, name: str, version: int) -> bytes:
    """The manifest of a version as it is stored. Raises DatasetNotFound."""
    if root.exists(tombstone_path(name, version)):
        raise DatasetNotFound(f"{name}@{version} was removed: `yuliao show {name}` lists the versions that are there")
    try:
        return root.read(manifest_path(name, version))
    except FileNotFoundError:
        raise no_such_version(root, name, str(version)) from None


def parse_manifest(data: bytes, root: Root, name: str, version: int) -> Manifest:
    """A manifest from its bytes; IntegrityError, naming the file they are from, when they are none."""
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise IntegrityError(
            f"manifest of {name}@{version}: {place}: {' '.join(first['msg'].split())}; restore the file "
            f"{root.url}/{manifest_path(name, version)}, or take the version away: `yuliao remove {name}@{version}`"
        ) from error


def pin(root: Root, name: str, version: int) -> Pin:
    """Hold a version as an input. Raises DatasetNotFound."""
    return Pin(name=name, version=version, manifest_sha256=hashlib.sha256(manifest_bytes(root, name, version)).hexdigest())


def pinned_by(root: Root, name: str, version: int) -> list[tuple[Manifest, Pin]]:
    """The versions in this catalog that are made from `name@version`, with the pin by which they hold it.

    Raises:
        IntegrityError: a manifest of the catalog cannot be read, so that it is not known what that version is made from.
    """
    pins, unreadable = known_pins(root, name, version)
    if unreadable:
        raise unreadable[0]
    return pins


def known_pins(root: Root, name: str, version: int) -> tuple[list[tuple[Manifest, Pin]], list[IntegrityError]]:
    """As `pinned_by`, and beside it what is wrong with the manifests of other versions that cannot be read."""
    pins: list[tuple[Manifest, Pin]] = []
    unreadable = []
    for dataset in dataset_names(root):
        for number, manifest in found_manifests(root, dataset):
            if (dataset, number) == (name, version):
                continue
            if isinstance(manifest, IntegrityError):
                unreadable.append(manifest)
            else:
                pins += [(manifest, held) for held in manifest.inputs if (held.name, held.version) == (name, version)]
    return pins, unreadable


def present_manifests(root: Root, name: str) -> Iterator[Manifest]:
    """The manifests of all versions of `name`, ascending. Raises IntegrityError where one cannot be read."""
    for _, manifest in found_manifests(root, name):
        if isinstance(manifest, IntegrityError):
            raise manifest
        yield manifest


def found_manifests(root: Root, name: str) -> Iterator[tuple[int, Manifest | IntegrityError]]:
    """The number and manifest of each version of `name`, ascending; the error in place of one that cannot be read."""
    for number in version_numbers(root, name).present:
        try:
            yield number, read_manifest(root, name, number)
        except IntegrityError as error:
            yield number, error
        except DatasetNotFound:  # removed since they were listed
            continue


def versions(root: Root, name: str) -> list[int]:
    """Numbers of the versions of `name` that are there, ascending.

    Raises:
        DatasetNotFound: nothing was ever published under that name.
    """
    numbers = version_numbers(root, name)
    if not numbers.present and not numbers.removed:
        raise no_such_dataset(root, name)
    return numbers.present


def resolve(root: Root, reference: str) -> tuple[str, int]:
    """`NAME[@V]` as (name, version): V is a number, a tag, or left out for the newest.

    Raises:
        CatalogError: an unusable name.
        DatasetNotFound: no such dataset, version or tag; near matches are shown.
    """
    name, wanted = parse_reference(reference)
    present = versions(root, name)
    if wanted is None:
        if not present:
            raise DatasetNotFound(f"every version of {name!r} was removed; build it again")
        return name, present[-1]
    if wanted.isdecimal():
        manifest_bytes(root, name, int(wanted))
        return name, int(wanted)
    version = tagged_version(root, name, wanted)
    if version is None:
        raise no_such_version(root, name, wanted)
    manifest_bytes(root, name, version)
    return name, version


def tagged_version(root: Root, name: str, tag: str) -> int | None:
    """The version a tag stands at: the last of its entries wins. None where there is no such tag."""
    entries = tag_entries(root, name, tag)
    return read_tag_entry(root, name, tag, entries[-1]).version if entries else None


def tag_entries(root: Root, name: str, tag: str) -> list[int]:
    """Numbers of the entries of a tag's history, ascending."""
    return _numbered(root.children(f"{name}/tags/{tag}"), ".json")


def read_tag_entry(root: Root, name: str, tag: str, entry: int) -> TagEntry:
    """One step of a tag's history. Raises IntegrityError, naming the file, where it is none."""
    path = f"{name}/tags/{tag}/{entry}.json"
    try:
        return TagEntry.model_validate_json(root.read(path))
    except ValidationError as error:
        raise IntegrityError(
            f"tag {tag!r} of {name}: {root.url}/{path} is damaged: delete it, and the tag stands where it stood before; "
            f"`yuliao tag {name}@V {tag}` then moves it"
        ) from error


def no_such_dataset(root: Root, name: str) -> DatasetNotFound:
    """The error for an unknown name, with near ones."""
    return DatasetNotFound(f"no dataset {name!r} in catalog {root.url}{near_matches(name, dataset_names(root))}")


def no_such_version(root: Root, name: str, wanted: str) -> DatasetNotFound:
    """The error for an unknown version or tag, with those there are."""
    numbers = version_numbers(root, name)
    if not numbers.present and not numbers.removed:
        return no_such_dataset(root, name)
    known = [str(number) for number in numbers.present] + root.children(f"{name}/tags")
    return DatasetNotFound(f"no version or tag {wanted!r} of {name!r}{near_matches(wanted, known)}")
