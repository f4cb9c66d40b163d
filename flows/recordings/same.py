"""The same recordings in two corpora, found by the SHA-256 of their samples."""

import os
from dataclasses import dataclass

from catalog.blobs import read_blob
from catalog.errors import CatalogError
from catalog.leakage import audible_sha256
from catalog.manifests import Manifest, dataset_names, read_manifest, resolve, version_numbers
from catalog.roots import Root, open_root
from catalog.shards import blob_path

_KINDS = ("speech", "noise", "rir")
_EXAMPLES = 3


@dataclass(frozen=True)
class Shared:
    """What two corpora have in common."""

    version: str  # of the other corpus, NAME@V
    recordings: int  # rows of the one whose samples the other has too, each once
    declared: bool  # whether the one's adapter says that it shares recordings with the other
    examples: list[tuple[str, str]]  # ids here and there


def same_recordings(reference: str, *, root: str | os.PathLike[str] | None = None) -> list[Shared]:
    """What a corpus of sound shares with the newest versions of the others in the catalog; those with nothing are left out.

    Ids and hashes of all rows are read: of a catalog in S3, blobs that are not on this machine are fetched for it.

    Raises:
        DatasetNotFound: no such version.
        CatalogError: it is no corpus of sound.
    """
    storage = open_root(root)
    manifest = read_manifest(storage, *resolve(storage, reference))
    if not _is_corpus(manifest):
        raise CatalogError(f"{reference} is no corpus of sound: name the corpus whose recordings are to be looked for in others")
    ids = _ids(storage, manifest)
    declared = manifest.report.get("shares_recordings_with", [])
    found = []
    for name in dataset_names(storage):
        for version in version_numbers(storage, name).present[-1:]:
            other = read_manifest(storage, name, version)
            if not _is_corpus(other) or _corpus(other) == _corpus(manifest):
                continue
            others = _ids(storage, other)
            both = [sha256 for sha256 in ids if sha256 in others]
            if both:
                examples = [(ids[sha256], others[sha256]) for sha256 in both[:_EXAMPLES]]
                found.append(Shared(f"{name}@{version}", len(both), _corpus(other) in declared, examples))
    return found


def _is_corpus(manifest: Manifest) -> bool:
    return manifest.kind in _KINDS and not manifest.inputs


def _corpus(manifest: Manifest) -> str:
    """The corpus that a version is of; a sample is of the same as the whole."""
    return str(manifest.spec.get("corpus", manifest.name))


def _ids(storage: Root, manifest: Manifest) -> dict[str, str]:
    """From the SHA-256 of samples to the id of a row that has them, in the order of the rows; silence is no recording."""
    found: dict[str, str] = {}
    for split in manifest.splits.values():
        for shard in split.shards:
            table = read_blob(storage.fetch(blob_path(manifest.name, shard.blob)), f"{manifest.name}@{manifest.version}")
            for batch in table.to_batches():
                for sha256, row_id in zip(audible_sha256(batch).to_pylist(), batch.column("id").to_pylist(), strict=True):
                    if sha256 is not None:
                        found.setdefault(sha256, row_id)
    return found
