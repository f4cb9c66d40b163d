"""A file that is still being fetched: what came so far, its checksums, and the way into its place."""

import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from catalog.files import full_disk_is_an_error, sync_folder
from flows.adapter import Archive
from flows.fetch import checksums

_CHUNK_BYTES = 1 << 20


class Partial:
    """`<file>.part` beside the place of the whole file. `advanced` is told of bytes gained, and of bytes given up as negative."""

    def __init__(self, archive: Archive, folder: Path, advanced: Callable[[int], None]) -> None:
        self._archive, self._target, self._advanced = archive, folder / archive.file, advanced
        self._path = folder / f"{archive.file}.part"
        self._digests = checksums.Digests()
        self._file = self._path.open("a+b")
        self._file.seek(0)
        # What an earlier run left is taken up where a checksum will tell whether the rest fits to it.
        if archive.md5 or archive.sha256:
            while data := self._file.read(_CHUNK_BYTES):
                self._count(data)
        if not (archive.md5 or archive.sha256) or self.size_bytes > (archive.size_bytes or self.size_bytes):
            self.clear()

    @property
    def size_bytes(self) -> int:
        """How much there is."""
        return self._digests.size_bytes

    def append(self, data: bytes) -> None:
        """Write what came next. Raises DiskFullError."""
        with full_disk_is_an_error(str(self._path)):
            self._file.write(data)
        self._count(data)

    def _count(self, data: bytes) -> None:
        self._digests.update(data)
        self._advanced(len(data))

    def clear(self) -> None:
        """Begin anew."""
        self._file.truncate(0)
        self._advanced(-self.size_bytes)
        self._digests = checksums.Digests()

    def finish(self) -> str:
        """Move the file to its place; or, where it is not as declared, say how it differs and remove it."""
        found = self._digests.found()
        wrong = checksums.difference(self._archive, found)
        if wrong:
            self.clear()
            self._path.unlink()
            return wrong
        with full_disk_is_an_error(str(self._path)):
            self._file.flush()
            os.fsync(self._file.fileno())
        self._path.replace(self._target)
        sync_folder(self._target.parent)
        checksums.remember([self._target], found)
        return ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with full_disk_is_an_error(str(self._path)):
            self._file.close()
