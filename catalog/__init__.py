"""Versioned Arrow datasets: storage, versions, reading."""

from catalog.errors import CatalogError, DatasetNotFound, DiskFullError, IntegrityError, LeakageError, PinnedError
from catalog.manifests import Licence, Manifest, Pin
from catalog.publish import Published, publish

__all__ = [
    "CatalogError",
    "DatasetNotFound",
    "DiskFullError",
    "IntegrityError",
    "LeakageError",
    "Licence",
    "Manifest",
    "Pin",
    "PinnedError",
    "Published",
    "publish",
]
