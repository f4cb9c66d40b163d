"""Which span of a row is read: keyed by seed, epoch and row, never by worker or order; and the epoch that all workers share."""

import hashlib
import mmap
import os
import tempfile
import weakref
from pathlib import Path
from typing import Any


def crop_start(seed: int, epoch: int, row_id: str, num_samples: int, segment_samples: int) -> int:
    """First sample of the crop of `segment_samples` out of `num_samples`: uniform over the places where it fits."""
    places = num_samples - segment_samples + 1
    if places <= 1:
        return 0
    digest = hashlib.blake2b(f"{seed}\0{epoch}\0{row_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") * places >> 64


class Epoch:
    """A number in a small mapped file, the same in this process, in forked and in spawned ones.

    Copies share it. The file goes when its creator lets go of it; an unpickled copy that comes too late for the file keeps the
    value it was pickled with, and counts on its own.
    """

    def __init__(self, value: int) -> None:
        handle, path = tempfile.mkstemp(prefix="yuliao-epoch-")
        with os.fdopen(handle, "r+b") as file:
            file.write(value.to_bytes(8, "little"))
            file.flush()
            self._map(file.fileno(), path)
        weakref.finalize(self, _remove, path, os.getpid())

    def _map(self, file_descriptor: int, path: str) -> None:
        self._path = path
        self._shared = memoryview(mmap.mmap(file_descriptor, 8)).cast("q")

    @property
    def value(self) -> int:
        number: int = self._shared[0]
        return number

    @value.setter
    def value(self, epoch: int) -> None:
        self._shared[0] = epoch

    def __copy__(self) -> "Epoch":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Epoch":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _open_epoch, (self._path, self.value)


def _open_epoch(path: str, value: int) -> Epoch:
    try:
        with Path(path).open("r+b") as file:
            epoch = Epoch.__new__(Epoch)
            epoch._map(file.fileno(), path)
            return epoch
    except FileNotFoundError:
        return Epoch(value)


def _remove(path: str, creator: int) -> None:
    if os.getpid() == creator:  # a forked child runs its parent's finalisers too
        Path(path).unlink(missing_ok=True)
