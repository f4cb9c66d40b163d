"""An archive that was published in parts, as one file: read across them, never joined on disk."""

import io
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import IO, Any


@dataclass(frozen=True)
class JoinedParts:
    """Files that end to end are the file `name`."""

    name: str
    paths: tuple[Path, ...]

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """Where each part ends, in bytes from the beginning of the whole."""
        return tuple(accumulate(path.stat().st_size for path in self.paths))

    @property
    def size_bytes(self) -> int:
        """Of the whole."""
        return self.ends[-1]

    def open(self) -> IO[bytes]:
        """A seekable file over all parts."""
        return io.BufferedReader(_Joined(self), 1 << 17)


class _Joined(io.RawIOBase):
    def __init__(self, parts: JoinedParts) -> None:
        self._parts, self._position = parts, 0
        self._file: io.FileIO | None = None
        self._number = -1

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = (0, self._position, self._parts.size_bytes)[whence]
        if base + offset < 0:
            raise ValueError("before the beginning of the file")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        number = bisect_right(self._parts.ends, self._position)
        if number == len(self._parts.paths):
            return 0
        if self._file is None or number != self._number:
            self._close_part()
            self._file, self._number = io.FileIO(self._parts.paths[number]), number
        self._file.seek(self._position - (self._parts.ends[number - 1] if number else 0))
        view = memoryview(buffer)[: self._parts.ends[number] - self._position]
        count = self._file.readinto(view) or 0
        if not count and len(view):
            raise EOFError(f"{self._parts.paths[number].name} became shorter while it was read")
        self._position += count
        return count

    def close(self) -> None:
        self._close_part()
        super().close()

    def _close_part(self) -> None:
        if self._file is not None:
            self._file.close()
