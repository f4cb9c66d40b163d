"""Speakers who withdrew from a corpus: kept in its versions as hashes, so that no later ingest brings them back."""

import hashlib

from catalog.manifests import read_manifest, version_numbers
from catalog.roots import Root


def withdrawal(corpus: str, speaker_id: str) -> str:
    """What stands in the manifest for a speaker who withdrew: it tells whether somebody did, and not who did."""
    return hashlib.sha256(f"{corpus}\0{speaker_id}".encode()).hexdigest()


def withdrawn(root: Root, corpus: str) -> list[str]:
    """The withdrawals that the newest version of a corpus knows of."""
    newest = version_numbers(root, corpus).newest
    return [] if newest is None else list(read_manifest(root, corpus, newest).spec.get("withdrawn", []))
