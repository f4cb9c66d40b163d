"""The files of archives, folders and single files, one after another, without unpacking anything to disk.

An archive inside an archive is opened where it lies: its members' paths are what they would be had it been unpacked in place,
so an archive and the folder unpacked from it give the same paths.

Archives are hostile until proved otherwise: a path that leaves its folder, a link, a device, or more than `LIMITS` allow is
refused, and the error names the member.
"""

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from flows.reading.joined_parts import JoinedParts
from flows.reading.members import LIMITS, ArchiveError, Member, as_is, damage_is_an_error, nothing
from flows.reading.tars import TAR_SUFFIXES, tar_members
from flows.reading.zips import ZIP_SUFFIX, zip_members

Source = Path | JoinedParts
Advanced = Callable[[int], None]

_DEEPEST = 3  # archives inside each other; deeper ones are made to be never done


@dataclass(frozen=True)
class _Opened:
    """An archive that is being read: the file, and how its errors call it."""

    file: IO[bytes]
    name: str
    where: str
    locate: Callable[[], IO[bytes]] | None  # opens it again, in any process; None where it can only be read on


def is_archive(path: str | os.PathLike[str]) -> bool:
    """Whether the name is that of an archive that can be read here."""
    return os.fspath(path).endswith((*TAR_SUFFIXES, ZIP_SUFFIX))


def walk(source: Source, advanced: Advanced = nothing) -> Iterator[Member]:
    """Every file of an archive or folder, those inside nested archives included, in the archive's order (a folder's: by name).

    `advanced` is called with the number of bytes by which reading the source went on.

    Raises:
        ArchiveError: damaged, cut short, a link, a device, a path that leaves its folder, a bomb; the text names the member.
    """
    for member in members(source, advanced):
        yield from opened(member)


def members(source: Source, advanced: Advanced = nothing) -> Iterator[Member]:
    """As `walk`, but an archive inside is one member and stays closed."""
    if isinstance(source, JoinedParts):
        return _archive_members(_Opened(source.open(), source.name, source.name, source.open), source.size_bytes, advanced)
    if source.is_dir():
        return _folder_members(source, advanced)
    if not is_archive(source):
        return _single_file(source, advanced)
    locate = partial(_open, source)
    return _archive_members(_Opened(locate(), source.name, str(source), locate), source.stat().st_size, advanced)


def opened(member: Member, depth: int = 1) -> Iterator[Member]:
    """The files in a member that is an archive, those inside nested ones included; of another one, itself."""
    if not is_archive(member.path):
        yield member
        return
    inside = f"{member.source}: {member.path}"
    if depth > _DEEPEST:
        raise ArchiveError(
            f"{inside}: more than {_DEEPEST} archives inside each other; this is no official archive, do not use it"
        )
    with _inner_file(member, inside) as file:
        inner = _Opened(file, member.path, inside, None)
        for found in _archive_members(inner, member.size_bytes, nothing):
            beside = (PurePosixPath(member.path).parent / found.path).as_posix()
            yield from opened(Member(beside, found.size_bytes, found.open, found.fetch, found.lasting, inside), depth + 1)


def _inner_file(member: Member, inside: str) -> IO[bytes]:
    if not member.path.endswith(ZIP_SUFFIX):
        with damage_is_an_error(member.source, member.path):
            return member.open()
    if member.size_bytes > LIMITS.in_memory_bytes:
        raise ArchiveError(
            f"{inside}: a zip of {member.size_bytes:,} bytes inside an archive; unpack the outer one and give the zip"
        )
    return io.BytesIO(member.read())


def _archive_members(archive: _Opened, size_bytes: int, advanced: Advanced) -> Iterator[Member]:
    if archive.name.endswith(ZIP_SUFFIX):
        yield from zip_members(archive.file, archive.where, archive.locate, size_bytes, advanced)
        return
    with archive.file as file:
        read_bytes = 0
        for member in tar_members(file, archive.name, archive.where):
            yield member
            advanced(file.tell() - read_bytes)
            read_bytes = file.tell()
        advanced(size_bytes - read_bytes)


def _folder_members(source: Path, advanced: Advanced) -> Iterator[Member]:
    # Paths begin with the folder's own name, so that "test-other" says which part of the corpus it is.
    top = source.resolve()
    for parent, folders, files in os.walk(top):
        folders.sort()
        for name in folders:
            if (Path(parent) / name).is_symlink():
                raise ArchiveError(
                    f"{Path(parent) / name}: a link to a folder is not followed; name its target as a source of its own"
                )
        for name in sorted(files):
            path = Path(parent) / name
            if not path.is_file():
                raise ArchiveError(f"{path}: neither a file nor a folder (a broken link, a pipe or a device); remove it")
            yield from _one_file(path, path.relative_to(top.parent).as_posix(), str(source), advanced)


def _single_file(path: Path, advanced: Advanced) -> Iterator[Member]:
    return _one_file(path, path.name, str(path), advanced)


def _one_file(path: Path, name: str, source: str, advanced: Advanced) -> Iterator[Member]:
    size_bytes = path.stat().st_size
    yield Member(as_is(name), size_bytes, partial(_open, path), path.read_bytes, True, source)
    advanced(size_bytes)


def _open(path: Path) -> IO[bytes]:
    return path.open("rb")
