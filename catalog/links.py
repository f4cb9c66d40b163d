"""Where readers map blobs from: links in the cache, a folder for each version, one link for each shard."""

import hashlib
import uuid
from pathlib import Path

from catalog import settings
from catalog.errors import CatalogError, IntegrityError
from catalog.manifests import Manifest
from catalog.roots import Root
from catalog.shards import blob_path


def version_folder(storage: Root, manifest: Manifest) -> Path:
    """The folder of the cache that is this version's alone."""
    identity = hashlib.sha256(f"{storage.url}\0".encode() + manifest.to_bytes()).hexdigest()
    return settings.cache() / "datasets" / manifest.name / f"{manifest.version}-{identity[:16]}"


def link_blobs(storage: Root, manifest: Manifest, split: str) -> list[Path]:
    """Links to the blobs of a split, `<split>-<k>.arrow` in the version's folder; from S3 the blobs are fetched first.

    `datasets` writes the files of `map` and `filter` beside the file that a table is mapped from, whatever was done to the table
    since: so it is mapped from a link, and nothing is ever written into the catalog.
    """
    folder = version_folder(storage, manifest)
    links = []
    for k, shard in enumerate(manifest.splits[split].shards):
        blob = storage.fetch(blob_path(manifest.name, shard.blob))
        if not blob.is_file():
            raise IntegrityError(f"{manifest.name}@{manifest.version}: blob {shard.blob} is missing; build or restore it")
        link = folder / f"{split}-{k:05d}.arrow"
        _link(blob.absolute(), link)
        links.append(link)
    return links


def _link(target: Path, link: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        temporary = link.parent / f".{uuid.uuid4().hex}"
        temporary.symlink_to(target)
        temporary.replace(link)
    except OSError as error:
        raise CatalogError(
            f"cannot write the cache {link.parent}: {error.strerror}; set YULIAO_HOME to a folder of yours"
        ) from error
