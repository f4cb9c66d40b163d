"""A version kept where its corpus has changed: is it the same set, and what of it stays."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import ValidationError

from catalog.blobs import read_blob
from catalog.errors import CatalogError
from catalog.kinds import separation_schema
from catalog.manifests import Manifest, Pin, pin, read_manifest, resolve, version_numbers
from catalog.publish import Published
from catalog.roots import Root
from catalog.shards import Shard, blob_path
from flows.mixtures.inputs import Around, Inputs
from flows.mixtures.kept_shards import KeptShards
from flows.mixtures.shards import read_plan
from flows.mixtures.sources import Sources
from flows.tables import flattened
from synth.plan.keeping import KeptPlan, keep_split
from synth.rows.layout import Layout
from synth.spec import SeparationSpec

# Keys of a spec that decide no row, or name an input, which is compared by its rows.
_FREE = ("corpus", "description", "storage", "noise.corpus", "rooms.corpus")


@dataclass(frozen=True)
class Kept:
    """The version whose rows are kept.

    Attributes:
        manifest: of the version.
        pin: of the version.
        plans: by split.
    """

    manifest: Manifest
    pin: Pin
    plans: dict[str, pa.Table]

    def speakers(self) -> dict[str, str]:
        """The split of each speaker."""
        told = ((split, plan["speaker_ids"].combine_chunks().flatten().unique()) for split, plan in self.plans.items())
        return {speaker: split for split, speakers in told for speaker in speakers.to_pylist()}

    def digest(self) -> dict[str, str]:
        """What of it decides the rows of a set that keeps it."""
        return {"rows": self.manifest.rows_digest, "manifest": self.pin.manifest_sha256}

    def told(self) -> dict[str, str]:
        """For the report."""
        return {"kept_from": str(self.pin)}

    def shards(self, fresh: Mapping[str, NDArray[np.bool_]]) -> dict[str, KeptShards] | None:
        """Its stored audio, of which some rows of each split are replaced; None where it has none."""
        if self.manifest.storage != "audio":
            return None
        return {split: KeptShards(self.manifest.name, _shards(self.manifest, split), rows) for split, rows in fresh.items()}


def _shards(manifest: Manifest, split: str) -> list[Shard]:
    return [Shard(split, shard.blob, shard.rows, shard.size_bytes, shard.rows_digest) for shard in manifest.splits[split].shards]


def open_kept(root: Root, reference: str, spec: SeparationSpec, inputs: Inputs) -> Kept:
    """The version `NAME[@V]`, whose rows a build of `spec` on `inputs` is to keep.

    Raises:
        DatasetNotFound: no such version.
        CatalogError: it is another set: its spec differs in what decides rows, it is made from another corpus, or from other
            noises or rooms; it was made by a yuliao whose rows had other columns.
    """
    name, version = resolve(root, reference)
    manifest = read_manifest(root, name, version)
    where = f"{name}@{version}"
    if manifest.kind != spec.kind:
        raise CatalogError(
            f"{where} is of kind {manifest.kind!r}, and {spec.name} of kind {spec.kind!r}: keep from another version"
        )
    differing = _differing(where, manifest, spec)
    if differing:
        raise CatalogError(
            f"{where} was asked for otherwise than {spec.name} ({', '.join(differing)}), so that its rows cannot be kept: ask "
            "for the same, or build without --keep-from"
        )
    _check_inputs(root, where, manifest, inputs)
    layout = Layout.of(spec)
    schema = separation_schema(layout, spec.sample_rate_hz)
    for split, entry in manifest.splits.items():
        blob = root.fetch(blob_path(name, entry.shards[0].blob))
        if not read_blob(blob, where).schema.equals(schema, check_metadata=True):
            raise CatalogError(
                f"{where} has rows of other columns in {split}, as an earlier yuliao made them: build without --keep-from"
            )
    return Kept(manifest, pin(root, name, version), {split: read_plan(root, manifest, split, layout) for split in spec.counts()})


def _differing(where: str, manifest: Manifest, spec: SeparationSpec) -> list[str]:
    """The keys that decide rows and have other values."""
    try:
        theirs = SeparationSpec.model_validate(manifest.spec)
    except ValidationError as error:
        raise CatalogError(f"{where} was not made from a spec that this yuliao knows: build without --keep-from") from error
    one, other = _deciding(theirs), _deciding(spec)
    return sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))


def _deciding(spec: SeparationSpec) -> dict[str, Any]:
    keys = flattened(spec.model_dump(mode="json", exclude={"splits", "published"}, exclude_none=True))
    counts = {f"splits.{split}.mixtures": count for split, count in spec.counts().items()}
    return {key: value for key, value in {**keys, **counts}.items() if key not in _FREE}


def _check_inputs(root: Root, where: str, manifest: Manifest, inputs: Inputs) -> None:
    if manifest.inputs[0].name != inputs.corpus.pin.name:
        raise CatalogError(
            f"{where} was made from {manifest.inputs[0].name}, and this set is to be made from {inputs.corpus.pin.name}: rows "
            "are kept where a corpus has changed, not from one to another"
        )
    before = [read_manifest(root, held.name, held.version) for held in manifest.inputs[1:]]
    for was, now in zip(before, inputs.manifests[1:], strict=True):
        if (was.name, was.rows_digest) != (now.name, now.rows_digest):
            raise CatalogError(
                f"{where} was made with {was.name}@{was.version}, and this set is to be made with {now.name}@{now.version}: rows "
                f"are kept where speech has changed; take {was.name}@{was.version} again, or build without --keep-from"
            )


def keep_plans(kept: Kept, spec: SeparationSpec, inputs: Inputs, available: Sources, around: Around) -> dict[str, KeptPlan]:
    """The plan of each split, with the rows that stay in their places.

    Raises:
        PlanError: the corpus cannot give what the spec asks any more.
    """
    salt = f"{kept.manifest.rows_digest} {inputs.corpus.manifest.rows_digest}"
    return {
        split: keep_split(spec, split, kept.plans[split], available.table, available.load, rows, around.splits[split], salt)
        for split, rows in available.rows.items()
    }


def unchanged(root: Root, name: str, kept: Kept, spec: SeparationSpec, inputs: Inputs) -> Published | None:
    """The kept version, where it is the newest of `name` and nothing that it is made from has changed."""
    manifest = kept.manifest
    newest = manifest.name == name and version_numbers(root, name).newest == manifest.version
    if newest and manifest.inputs == inputs.pins and manifest.storage == spec.storage:
        return Published(name, manifest.version, created=False)
    return None


def kept_in_words(manifest: Manifest) -> str:
    """How many rows of a version are those of an earlier one, as its report says."""
    splits = [manifest.report[split] for split in manifest.splits]
    kept, levelled, refilled = (sum(of_split[key] for of_split in splits) for key in ("kept", "levelled_anew", "refilled"))
    return f"{kept:,} rows kept of {manifest.report['kept_from']}, {levelled:,} levelled anew, {refilled:,} refilled"
