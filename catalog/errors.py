"""Errors of the catalog. Every error that a user may meet derives from `CatalogError`."""

from collections.abc import Iterable

from synth.errors import YuliaoError

# The contract's name of the family. It is the same class, so that errors of `synth`, which may not import `catalog`, belong to it.
CatalogError = YuliaoError


def near_matches(wrong: str, known: Iterable[str]) -> str:
    """A phrase naming what `wrong` may have meant: `"; did you mean 'a' or 'b'?"`, or the known names, or nothing."""
    import difflib

    names = sorted(known)
    near = difflib.get_close_matches(wrong, names, n=3, cutoff=0.5)
    if near:
        return "; did you mean " + " or ".join(repr(name) for name in near) + "?"
    if names:
        shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
        return f"; there are: {shown}"
    return ""


class DatasetNotFound(CatalogError):
    """No dataset, version, tag or split of that name."""


class IntegrityError(CatalogError):
    """Stored bytes are not what their manifest says."""


class LeakageError(CatalogError):
    """The same speaker, utterance or audio stands in two splits."""


class PinnedError(CatalogError):
    """A version cannot be removed, because others are made from it."""
