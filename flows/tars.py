"""The members of a tar archive, read forward once."""

import io
import tarfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, Any, cast

from flows.members import Member, check_amount, damage_is_an_error, refuse, safe_path

TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz")
_READ_BYTES = 1 << 17
_GZIP = 31  # zlib's number for a gzip header and trailer


def tar_members(file: IO[bytes], where: str, *, gzipped: bool) -> Iterator[Member]:
    """Every regular file in order. A member's content is read before the next one is taken, or skipped.

    Raises:
        ArchiveError: damaged, cut short, hostile; the text names the member.
    """
    last = "its beginning"
    count = 0

    def amount(packed_bytes: int, unpacked_bytes: int) -> None:
        check_amount(where, last, count, packed_bytes, unpacked_bytes)

    stream = _Forward(io.BufferedReader(_Inflated(file, amount), _READ_BYTES) if gzipped else file)
    with damage_is_an_error(where, last):
        tar = tarfile.open(fileobj=cast(IO[bytes], stream), mode="r:")  # noqa: SIM115
    while True:
        with damage_is_an_error(where, last):
            info = tar.next()
        if info is None:
            break
        # tarfile remembers every member it has passed, which adds up in an archive of 300,000.
        tar.members = []  # type: ignore[attr-defined]
        last, count = info.name, count + 1
        check_amount(where, last, count, 1, 0)
        path = safe_path(info.name, where)
        if not (info.isfile() or info.isdir()):
            raise refuse(where, info.name, "a link" if info.issym() or info.islnk() else "a device or pipe")
        if info.issparse():
            raise refuse(where, info.name, "a sparse file")
        if info.isfile():
            read = partial(_read, tar, info, where)
            yield Member(path, info.size, partial(_content, tar, info, where), read, False, where)
    with damage_is_an_error(where, last):
        if stream.tell() < tar.offset + tarfile.BLOCKSIZE:
            raise EOFError("its end mark is missing")
        while rest := stream.read(_READ_BYTES):  # to the end, where gzip keeps its checksum
            if rest.strip(b"\0"):  # tarfile takes a header it cannot read for the end
                raise EOFError("what follows is no tar header")


def _content(tar: tarfile.TarFile, info: tarfile.TarInfo, where: str) -> IO[bytes]:
    file = tar.extractfile(info)
    if file is None:
        raise refuse(where, info.name, "no file")
    return file


def _read(tar: tarfile.TarFile, info: tarfile.TarInfo, where: str) -> bytes:
    with _content(tar, info, where) as file:
        return file.read()


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

    `amount` is told of the packed and unpacked bytes so far. Raises EOFError where the file is cut short and zlib.error where its
    checksum is wrong.
    """

    def __init__(self, file: IO[bytes], amount: Callable[[int, int], None]) -> None:
        self._file, self._amount, self._packed = file, amount, b""
        self._packed_bytes, self._unpacked_bytes = 0, 0
        self._inflate = zlib.decompressobj(_GZIP)
        self._fresh = True  # at the beginning of a gzip member, where the file may end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            if not self._packed:
                self._packed = self._file.read(_READ_BYTES)
                self._packed_bytes += len(self._packed)
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
                self._unpacked_bytes += len(data)
                self._amount(self._packed_bytes, self._unpacked_bytes)
                buffer[: len(data)] = data
                return len(data)
