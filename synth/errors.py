"""The one family of errors that a user of yuliao may meet."""

import difflib
from collections.abc import Iterable


class YuliaoError(Exception):
    """A mistake in what was asked for or in the data: its text says what, where and what to do about it."""


class SpecError(YuliaoError):
    """A spec that cannot be read or that asks for what does not exist."""


class PlanError(YuliaoError):
    """A spec that its sources cannot satisfy."""


def near_matches(wrong: str, known: Iterable[str]) -> str:
    """A phrase naming what `wrong` may have meant: `"; did you mean 'a' or 'b'?"`, or the known names, or nothing."""
    names = sorted(known)
    near = difflib.get_close_matches(wrong, names, n=3, cutoff=0.5)
    if near:
        return "; did you mean " + " or ".join(repr(name) for name in near) + "?"
    if names:
        return "; there are: " + ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return ""
