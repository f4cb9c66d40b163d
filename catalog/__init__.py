"""Versioned Arrow datasets: storage, versions, reading."""

from catalog.ownership import check_ownership

check_ownership()  # before anything of another distribution could be imported in the place of ours

from catalog.errors import (  # noqa: E402
    CatalogError,
    DatasetNotFound,
    DiskFullError,
    IntegrityError,
    LeakageError,
    PinnedError,
)
from catalog.get import get, set_epoch  # noqa: E402
from catalog.listing import Listed, list_datasets, manifest, versions  # noqa: E402
from catalog.manifests import Licence, Manifest, Pin  # noqa: E402
from catalog.publish import Published, publish  # noqa: E402
from catalog.removal import Swept, gc, remove  # noqa: E402
from catalog.tags import tag  # noqa: E402
from catalog.verify import Verification, verify  # noqa: E402

__all__ = [
    "CatalogError",
    "DatasetNotFound",
    "DiskFullError",
    "IntegrityError",
    "LeakageError",
    "Licence",
    "Listed",
    "Manifest",
    "Pin",
    "PinnedError",
    "Published",
    "Swept",
    "Verification",
    "gc",
    "get",
    "list_datasets",
    "manifest",
    "publish",
    "remove",
    "set_epoch",
    "tag",
    "verify",
    "versions",
]
