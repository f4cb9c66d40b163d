"""What was measured once stands in files named by all that decides it, and goes when nobody has asked for it for long."""

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from catalog import settings


def measured_file(decisive: Sequence[object], suffix: str) -> Path:
    """Where it stands, or may be put: whole, by a rename. Whoever asks wants it, so that it stays.

    Args:
        decisive: all that decides it, as JSON can say it.
        suffix: of the file, by its format.
    """
    name = hashlib.sha256(json.dumps(decisive).encode()).hexdigest()
    path = _folder() / f"{name}.{suffix}"
    with suppress(FileNotFoundError, PermissionError):  # of another user: it is read all the same
        os.utime(path)
    return path


def sweep_measured(before: float) -> int:
    """Remove what nobody has asked for since then, in seconds of the epoch; how many files."""
    swept = 0
    for path in _folder().glob("*"):
        with suppress(FileNotFoundError):  # another gc was quicker
            if path.is_file() and path.stat().st_mtime < before:
                path.unlink()
                swept += 1
    return swept


def _folder() -> Path:
    return settings.cache() / "measures"
