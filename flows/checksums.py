"""Is a file the one that its makers published? Looked at once: what was found is kept until the file changes."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog.files import whole_file
from catalog.settings import home
from flows.adapter import Archive
from synth.errors import YuliaoError

_READ_BYTES = 1 << 20


class WrongChecksum(YuliaoError):
    """A file that is not what its makers published."""


@dataclass(frozen=True)
class Found:
    """What a file turned out to be."""

    size_bytes: int
    md5: str
    sha256: str


class Digests:
    """Size, MD5 and SHA-256 of bytes that pass by."""

    def __init__(self) -> None:
        self.size_bytes = 0
        self._md5, self._sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()

    def update(self, data: bytes | memoryview) -> None:
        self.size_bytes += len(data)
        self._md5.update(data)
        self._sha256.update(data)

    def found(self) -> Found:
        return Found(self.size_bytes, self._md5.hexdigest(), self._sha256.hexdigest())


def difference(archive: Archive, found: Found) -> str:
    """How `found` differs from what is declared, as "MD5 is ..., not ..."; "" where it does not."""
    for name, declared, seen in (
        ("its size", archive.size_bytes, found.size_bytes),
        ("its MD5", archive.md5, found.md5),
        ("its SHA-256", archive.sha256, found.sha256),
    ):
        if declared and declared != seen:
            return f"{name} is {seen}, not {declared}"
    return ""


def look(paths: Sequence[Path]) -> Found:
    """What files, end to end, are; taken from the record where none of them changed since."""
    record = _record(paths)
    state = [[path.stat().st_size, path.stat().st_mtime_ns] for path in paths]
    try:
        kept = json.loads(record.read_bytes())
        if kept["state"] == state:
            return Found(**kept["found"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        pass  # not looked at yet, or by another version of this program
    digests = Digests()
    for path in paths:
        with path.open("rb") as file:
            while data := file.read(_READ_BYTES):
                digests.update(data)
    remember(paths, digests.found())
    return digests.found()


def remember(paths: Sequence[Path], found: Found) -> None:
    """Keep what is known of files."""
    state = [[path.stat().st_size, path.stat().st_mtime_ns] for path in paths]
    record = _record(paths)
    with whole_file(record.parent, json.dumps({"state": state, "found": vars(found)}).encode()) as temporary:
        temporary.replace(record)


def _record(paths: Sequence[Path]) -> Path:
    name = hashlib.sha256("\0".join(str(path.resolve()) for path in paths).encode()).hexdigest()
    return home() / "cache" / "checksums" / f"{name}.json"
