"""The members of a tar archive, read forward once."""

import bz2
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, Any, Protocol, cast

from flows.reading.members import Member, as_is, check_amount, damage_is_an_error, refuse, safe_path

_READ_BYTES = 1 << 17
_GZIP = 31  # zlib's number for a gzip header and trailer
_XZ_MEMORY_BYTES = 256 << 20  # `xz -9` needs 65 MB; what asks for gigabytes is made to


class _Decompressor(Protocol):
    """As those of bz2 and lzma are."""

    @property
    def needs_input(self) -> bool: ...
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _Gzip:
    """That of zlib, in their form."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(_GZIP)

    @property
    def needs_input(self) -> bool:
        return not self._inflate.unconsumed_tail

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._inflate.decompress(data or self._inflate.unconsumed_tail, max_length)


def _xz() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES)


_PACKED: dict[str, Callable[[], _Decompressor]] = {
    ".tar.gz": _Gzip,
    ".tgz": _Gzip,
    ".tar.bz2": bz2.BZ2Decompressor,
    ".tbz2": bz2.BZ2Decompressor,
    ".tar.xz": _xz,
    ".txz": _xz,
}
TAR_SUFFIXES = (".tar", *_PACKED)


def tar_members(file: IO[bytes], name: str, where: str) -> Iterator[Member]:
    """Every regular file in order. A member's content is read before the next one is taken, or skipped.

    How it is packed is told by the suffix of `name`; errors call it `where`.

    Raises:
        ArchiveError: damaged, cut short, hostile; the text names the member.
    """
    last = "its beginning"
    count = 0

    def amount(packed_bytes: int, unpacked_bytes: int) -> None:
        check_amount(where, last, count, packed_bytes, unpacked_bytes)

    packed = next((decompressor for suffix, decompressor in _PACKED.items() if name.endswith(suffix)), None)
    stream = _Forward(io.BufferedReader(_Unpacked(file, packed, amount), _READ_BYTES) if packed else file)
    with damage_is_an_error(where, last):
        tar = tarfile.open(fileobj=cast(IO[bytes], stream), mode="r:")  # noqa: SIM115
    while True:
        with damage_is_an_error(where, last):
            info = tar.next()
        if info is None:
            break
        # tarfile remembers every member it has passed, which adds up in an archive of 300,000.
        tar.members = []  # type: ignore[attr-defined]
        last, count = as_is(info.name), count + 1
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


class _Unpacked(io.RawIOBase):
    """What is in a packed file, in larger steps than the standard library takes.

    `amount` is told of the packed and unpacked bytes so far. Raises EOFError where the file is cut short and ValueError or
    zlib.error where it is damaged.
    """

    def __init__(self, file: IO[bytes], decompressor: Callable[[], _Decompressor], amount: Callable[[int, int], None]) -> None:
        self._file, self._new, self._amount = file, decompressor, amount
        self._decompressor, self._packed = decompressor(), b""
        self._packed_bytes, self._unpacked_bytes = 0, 0
        self._fresh = True  # at the beginning of a stream, where the file may end; several may follow each other

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            if self._decompressor.eof:
                self._packed, self._decompressor, self._fresh = self._decompressor.unused_data, self._new(), True
            if self._decompressor.needs_input and not self._packed:
                self._packed = self._file.read(_READ_BYTES)
                self._packed_bytes += len(self._packed)
                if not self._packed:
                    if self._fresh:
                        return 0
                    raise EOFError("the file ends in the middle")
            self._fresh, packed, self._packed = False, self._packed, b""
            try:
                data = self._decompressor.decompress(packed, len(buffer))
            except (OSError, lzma.LZMAError) as error:  # as bz2 and lzma call it
                raise ValueError(str(error)) from error
            if data:
                self._unpacked_bytes += len(data)
                self._amount(self._packed_bytes, self._unpacked_bytes)
                buffer[: len(data)] = data
                return len(data)
