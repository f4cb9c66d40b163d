"""The files of a tar archive or of a folder, one after another, without unpacking anything to disk.

An archive inside an archive is opened where it lies: its members' paths are what they would be had it been unpacked in place,
so an archive and the folder unpacked from it give the same paths.
"""

import io
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from synth.errors import YuliaoError

ARCHIVE_SUFFIXES = (".tar", ".tar.gz", ".tgz")
_READ_BYTES = 1 << 17
_GZIP = 31  # zlib's number for a gzip header and trailer


class ArchiveError(YuliaoError):
    """An archive that is damaged, cut short, or holds what must not be unpacked."""


@dataclass(frozen=True)
class Member:
    """A regular file: `path` is "/"-separated and relative; it can be read until the next member is taken."""

    path: str
    size_bytes: int
    open: Callable[[], IO[bytes]]
    source: str  # the archive it lies in, or the folder

    def read(self) -> bytes:
        """Its content. Raises ArchiveError where its archive is damaged."""
        with _damage_is_an_error(self.source, self.path), self.open() as file:
            return file.read()


def is_archive(path: str | os.PathLike[str]) -> bool:
    """Whether the name is that of an archive that can be read here."""
    return os.fspath(path).endswith(ARCHIVE_SUFFIXES)


def walk(source: Path, advanced: Callable[[int], None] = lambda read_bytes: None) -> Iterator[Member]:
    """Every file of a tar archive or folder, those inside nested archives included, in the archive's order (a folder's: by name).

    `advanced` is called with the number of bytes by which reading the source went on.

    Raises:
        ArchiveError: damaged, cut short, a link, a device, or a path that leaves its folder; the text names the member.
    """
    for member in members(source, advanced):
        yield from _opened(member, f"{source}")


def members(source: Path, advanced: Callable[[int], None] = lambda read_bytes: None) -> Iterator[Member]:
    """As `walk`, but an archive inside is one member and stays closed."""
    if source.is_dir():
        return _folder_members(source, advanced)
    return _file_members(source, advanced)


def _opened(member: Member, where: str) -> Iterator[Member]:
    if not is_archive(member.path):
        yield member
        return
    inside = f"{where}: {member.path}"
    with member.open() as file:
        for inner in _tar_members(file, inside, gzipped=not member.path.endswith(".tar")):
            beside = (PurePosixPath(member.path).parent / inner.path).as_posix()
            yield from _opened(Member(beside, inner.size_bytes, inner.open, inside), inside)


def _folder_members(source: Path, advanced: Callable[[int], None]) -> Iterator[Member]:
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
            size_bytes = path.stat().st_size
            yield Member(path.relative_to(top.parent).as_posix(), size_bytes, partial(_open, path), str(source))
            advanced(size_bytes)


def _open(path: Path) -> IO[bytes]:
    return path.open("rb")


def _file_members(path: Path, advanced: Callable[[int], None]) -> Iterator[Member]:
    with path.open("rb") as file:
        read_bytes = 0
        for member in _tar_members(file, str(path), gzipped=not path.name.endswith(".tar")):
            yield member
            advanced(file.tell() - read_bytes)
            read_bytes = file.tell()
        advanced(path.stat().st_size - read_bytes)


def _tar_members(file: IO[bytes], where: str, *, gzipped: bool) -> Iterator[Member]:
    last = "its beginning"
    stream = _Forward(io.BufferedReader(_Inflated(file), _READ_BYTES) if gzipped else file)
    with _damage_is_an_error(where, last):
        tar = tarfile.open(fileobj=cast(IO[bytes], stream), mode="r:")  # noqa: SIM115
    while True:
        with _damage_is_an_error(where, last):
            info = tar.next()
        if info is None:
            break
        # tarfile remembers every member it has passed, which adds up in an archive of 300,000.
        tar.members = []  # type: ignore[attr-defined]
        path, last = _safe_path(info, where), info.name
        if info.isfile():
            yield Member(path, info.size, partial(_content, tar, info, where), where)
    with _damage_is_an_error(where, last):
        if stream.tell() < tar.offset + tarfile.BLOCKSIZE:
            raise EOFError("its end mark is missing")
        while rest := stream.read(_READ_BYTES):  # to the end, where gzip keeps its checksum
            if rest.strip(b"\0"):  # tarfile takes a header it cannot read for the end
                raise EOFError("what follows is no tar header")


@contextmanager
def _damage_is_an_error(where: str, last: str) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise ArchiveError(f"{where}: damaged or cut short at {last} ({error}); fetch it again and compare its MD5") from error


def _content(tar: tarfile.TarFile, info: tarfile.TarInfo, where: str) -> IO[bytes]:
    file = tar.extractfile(info)
    if file is None:
        raise ArchiveError(f"{where}: {info.name} is no file")
    return file


def _safe_path(info: tarfile.TarInfo, where: str) -> str:
    path = PurePosixPath(info.name)
    if path.is_absolute() or ".." in path.parts or "\\" in info.name:
        raise ArchiveError(f"{where}: member {info.name!r} points outside its folder; this is no official archive, do not use it")
    if not (info.isfile() or info.isdir()):
        kind = "a link" if info.issym() or info.islnk() else "a device or pipe"
        raise ArchiveError(
            f"{where}: member {info.name!r} is {kind}; only files and folders are read, this is no official archive"
        )
    return path.as_posix()


class _Forward:
    """What tarfile needs of a file, for one that can only be read on: seeking means reading what lies between."""

    def __init__(self, file: IO[bytes] | io.BufferedReader) -> None:
        self._file, self._position = file, 0

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._position += len(data)
        return data

    def tell(self) -> int:
        return self._position

    def seek(self, position: int) -> None:
        if position < self._position:
            raise tarfile.ReadError("its members are not in order")
        while self._position < position and self.read(min(_READ_BYTES, position - self._position)):
            pass


class _Inflated(io.RawIOBase):
    """What is in a gzip file, in larger steps than `gzip` takes.

    Raises EOFError where the file is cut short and zlib.error where its checksum is wrong.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._packed = file, b""
        self._inflate = zlib.decompressobj(_GZIP)
        self._fresh = True  # at the beginning of a gzip member, where the file may end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            if not self._packed:
                self._packed = self._file.read(_READ_BYTES)
                if not self._packed:
                    if self._fresh:
                        return 0
                    raise EOFError("the file ends in the middle")
            self._fresh = False
            data = self._inflate.decompress(self._packed, len(buffer))
            self._packed = self._inflate.unconsumed_tail
            if self._inflate.eof:
                self._packed, self._inflate, self._fresh = self._inflate.unused_data, zlib.decompressobj(_GZIP), True
            if data:
                buffer[: len(data)] = data
                return len(data)
