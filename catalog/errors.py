"""Errors of the catalog. Every error that a user may meet derives from `CatalogError`."""

from synth.errors import YuliaoError, near_matches

__all__ = ["CatalogError", "DatasetNotFound", "IntegrityError", "LeakageError", "PinnedError", "near_matches"]

# The contract's name of the family: the same class, so that errors of `synth`, which may not import `catalog`, belong to it.
CatalogError = YuliaoError


class DatasetNotFound(CatalogError):
    """No dataset, version, tag or split of that name."""


class IntegrityError(CatalogError):
    """Stored bytes are not what their manifest says."""


class LeakageError(CatalogError):
    """The same speaker, utterance or audio stands in two splits."""


class PinnedError(CatalogError):
    """A version cannot be removed, because others are made from it."""


class DiskFullError(CatalogError):
    """No space left; nothing half-written stays, and the same command goes on where it stopped."""
