"""Local files: written whole and durably, swept when stale, and the operating system's word for a full disk."""

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from catalog.errors import DiskFullError


@contextmanager
def full_disk_is_an_error(where: str) -> Iterator[None]:
    """Turns the operating system's word for a full disk into one line for the user."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DiskFullError(f"no space left to write {where} ({error.strerror}): free some and run the same again") from error
        raise


def sync_folder(folder: Path) -> None:
    """Make names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def whole_file(folder: Path, data: bytes) -> Iterator[Path]:
    """A temporary file in `folder` that holds `data` durably, gone at the end unless it was moved."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f"{uuid.uuid4().hex}.tmp"
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def sweep(folder: Path, before: float) -> int:
    """Remove the files under `folder`, at any depth, that were last written before that time; returns how many."""
    swept = 0
    for file in folder.rglob("*"):
        with suppress(FileNotFoundError):  # whoever was writing it has just finished
            if file.is_file() and file.stat().st_mtime < before:
                file.unlink()
                swept += 1
    return swept
