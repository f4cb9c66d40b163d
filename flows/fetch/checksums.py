"""Is a file the one that its makers published? Looked at once: what was found is kept until the file changes."""

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
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
    """What a file turned out to be; a checksum that nobody asked for is ""."""

    size_bytes: int
    md5: str = ""
    sha256: str = ""


class Digests:
    """Size and checksums of bytes that pass by."""

    def __init__(self, names: Collection[str] = ("md5", "sha256")) -> None:
        self.size_bytes = 0
        self._digests = {name: hashlib.new(name, usedforsecurity=False) for name in names}

    def update(self, data: bytes) -> None:
        """Take note of bytes."""
        self.size_bytes += len(data)
        for digest in self._digests.values():
            digest.update(data)

    def found(self) -> Found:
        """What they were so far."""
        return Found(self.size_bytes, **{name: digest.hexdigest() for name, digest in self._digests.items()})


def difference(archive: Archive, found: Found) -> str:
    """How `found` differs from what is declared, as "its MD5 is ..., not ..."; "" where it does not."""
    for name, declared, seen in (
        ("its size", archive.size_bytes, found.size_bytes),
        ("its SHA-256", archive.sha256, found.sha256),
        ("its MD5", archive.md5, found.md5),
    ):
        if declared and seen and declared != seen:
            return f"{name} is {seen}, not {declared}"
    return ""


def look(archive: Archive, paths: Sequence[Path]) -> list[tuple[Archive, Found]]:
    """What the file or the parts of an archive are, and behind several parts the whole: by one declared checksum each, read once.

    What was found before is taken from the record where no file changed since.
    """
    several = len(paths) > 1
    declared = [*archive.pieces, archive] if several else [archive]
    groups = [*([path] for path in paths), list(paths)] if several else [list(paths)]
    known = [_recorded(group, item) for group, item in zip(groups, declared, strict=True)]
    if None in known:
        known = list(_read(groups, declared))
        for group, found in zip(groups, known, strict=True):
            if found is not None:
                remember(group, found)
    return [(item, found) for item, found in zip(declared, known, strict=True) if found is not None]


def _read(groups: Sequence[Sequence[Path]], declared: Sequence[Archive]) -> Iterator[Found]:
    """One reading of all files; the last group, of several, is their whole."""
    digests = [Digests(_wanted(item)) for item in declared]
    for position, path in enumerate(groups[-1]):
        concerned = {position, len(groups) - 1}
        with path.open("rb") as file:
            while data := file.read(_READ_BYTES):
                for number in concerned:
                    digests[number].update(data)
    for digest in digests:
        yield digest.found()


def _wanted(archive: Archive) -> list[str]:
    """The stronger of the declared checksums."""
    return ["sha256"] if archive.sha256 else ["md5"] if archive.md5 else []


def remember(paths: Sequence[Path], found: Found) -> None:
    """Keep what is known of files."""
    record = _record(paths)
    with whole_file(record.parent, json.dumps({"state": _state(paths), "found": vars(found)}).encode()) as temporary:
        temporary.replace(record)


def _recorded(paths: Sequence[Path], archive: Archive) -> Found | None:
    """What was found before; None where a file changed since or the declared checksum was not looked at."""
    try:
        kept = json.loads(_record(paths).read_bytes())
        found = Found(**kept["found"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):  # not looked at yet, or by another version of this program
        return None
    looked_at = all(getattr(found, name) for name in _wanted(archive))
    return found if kept["state"] == _state(paths) and looked_at else None


def _state(paths: Sequence[Path]) -> list[list[int]]:
    return [[path.stat().st_size, path.stat().st_mtime_ns] for path in paths]


def _record(paths: Sequence[Path]) -> Path:
    name = hashlib.sha256("\0".join(str(path.resolve()) for path in paths).encode()).hexdigest()
    return home() / "cache" / "checksums" / f"{name}.json"
