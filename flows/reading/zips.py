"""The members of a zip archive, as its central directory lists them, read one entry at a time.

The standard library's `zipfile` holds its whole directory in memory, a gigabyte for the 1.1 million files of VoxCeleb2, and reads
only in one process. Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3 to 4.5.
"""

import io
import os
import stat
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO, Any

from flows.reading.members import LIMITS, ArchiveError, Member, as_is, check_amount, damage_is_an_error, refuse, safe_path

ZIP_SUFFIX = ".zip"

_END = struct.Struct("<4s4H2LH")  # end of central directory
_END64_AT = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_LARGEST_COMMENT_BYTES = 0xFFFF
_DIRECTORY_BUFFER_BYTES = 1 << 20
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _UTF8 = 0x1, 0x800
_UNIX = 3


@dataclass(frozen=True)
class _Entry:
    """Where the bytes of a member lie, and what they are."""

    name: str
    offset: int  # of its local header
    packed_bytes: int
    size_bytes: int
    crc32: int
    method: int


def zip_members(
    file: IO[bytes], where: str, locate: Callable[[], IO[bytes]] | None, size_bytes: int, advanced: Callable[[int], None]
) -> Iterator[Member]:
    """Every regular file in the directory's order. `locate`, which must pickle, opens the archive again for another process.

    Raises:
        ArchiveError: damaged, cut short, encrypted, hostile; the text names the member.
    """
    told = 0
    with file:
        last, count, packed_bytes, unpacked_bytes = "its directory", 0, 0, 0
        with damage_is_an_error(where, last):
            begin, directory_bytes, entries = _directory(file, where)
        directory: IO[bytes] = io.BufferedReader(_Span(file, begin, begin + directory_bytes), _DIRECTORY_BUFFER_BYTES)
        while count < entries:
            with damage_is_an_error(where, last):
                entry, mode, flags = _next_entry(directory)
            last, count = as_is(entry.name), count + 1
            packed_bytes, unpacked_bytes = packed_bytes + entry.packed_bytes, unpacked_bytes + entry.size_bytes
            if packed_bytes > size_bytes:
                raise ArchiveError(f"{where}: member {last!r} lies over another one, as in an archive bomb; do not use it")
            check_amount(where, last, count, packed_bytes, unpacked_bytes)
            path = safe_path(entry.name, where)
            if mode and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise refuse(where, last, "a link" if stat.S_ISLNK(mode) else "a device or pipe")
            if flags & _ENCRYPTED or entry.method not in (_STORED, _DEFLATED):
                raise ArchiveError(
                    f"{where}: member {last!r} is {'encrypted' if flags & _ENCRYPTED else f'packed by method {entry.method}'}; "
                    "unpack it and give the folder"
                )
            if not last.endswith("/"):
                read = partial(_read, locate, entry) if locate else partial(_read_from, file, entry)
                yield Member(path, entry.size_bytes, partial(_open, read), read, locate is not None, where)
            told += entry.packed_bytes
            advanced(entry.packed_bytes)
        advanced(size_bytes - told)


def _directory(file: IO[bytes], where: str) -> tuple[int, int, int]:
    """Where the central directory begins, its bytes, its entries."""
    size_bytes = file.seek(0, os.SEEK_END)
    tail_begin = max(0, size_bytes - _END.size - _LARGEST_COMMENT_BYTES)
    file.seek(tail_begin)
    tail = file.read()
    position = tail.rfind(b"PK\5\6")
    if position < 0 or len(tail) - position < _END.size:
        raise EOFError("its end mark is missing")
    _, disk, first_disk, _, entries, directory_bytes, begin, _ = _END.unpack_from(tail, position)
    if disk == 0xFFFF or 0xFFFF in (first_disk, entries) or 0xFFFFFFFF in (directory_bytes, begin):
        located = tail_begin + position - _END64_AT.size
        if located >= 0:
            file.seek(located)
            mark, _, end64_at, _ = _END64_AT.unpack(file.read(_END64_AT.size))
            if mark == b"PK\6\7":
                file.seek(end64_at)
                mark, _, _, _, disk, first_disk, _, entries, directory_bytes, begin = _END64.unpack(file.read(_END64.size))
                if mark != b"PK\6\6":
                    raise EOFError("its 64-bit end mark is missing")
    if disk or first_disk:
        raise ArchiveError(f"{where}: one volume of several, which cannot be read; join them with `zip -s 0` and give the result")
    if begin + directory_bytes > size_bytes:
        raise EOFError("its directory lies outside it")
    return begin, directory_bytes, entries


class _Span(io.RawIOBase):
    """Bytes `begin` to `end` of a file whose position others move too."""

    def __init__(self, file: IO[bytes], begin: int, end: int) -> None:
        self._file, self._position, self._end = file, begin, end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._position)
        data = self._file.read(min(len(buffer), self._end - self._position))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def _next_entry(directory: IO[bytes]) -> tuple[_Entry, int, int]:
    """The next entry, its Unix mode (0 where it has none) and its flags."""
    fixed = directory.read(_ENTRY.size)
    if len(fixed) < _ENTRY.size or fixed[:4] != b"PK\1\2":
        raise EOFError("its directory is cut short")
    _, made_by, _, flags, method, _, _, crc32, packed, size, name_bytes, extra_bytes, comment_bytes, _, _, attributes, offset = (
        _ENTRY.unpack(fixed)
    )
    name = _decoded(directory.read(name_bytes), flags)
    extra = directory.read(extra_bytes)
    directory.read(comment_bytes)
    size, packed, offset = _large(extra, [size, packed, offset])
    mode = attributes >> 16 if made_by >> 8 == _UNIX else 0
    # Only the kind of the file counts: some programs leave it out.
    return _Entry(name, offset, packed, size, crc32, method), mode if stat.S_IFMT(mode) else 0, flags


def _decoded(name: bytes, flags: int) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("utf-8", "replace") if flags & _UTF8 else name.decode("cp437")


def _large(extra: bytes, values: list[int]) -> list[int]:
    """`values` (size, packed size, offset), those that are too large for their fields taken from the extra field of zip64."""
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            found = iter(struct.unpack_from(f"<{min(size, len(extra) - at - 4) // 8}Q", extra, at + 4))
            return [next(found, value) if value == 0xFFFFFFFF else value for value in values]
        at += 4 + size
    return values


def _open(read: Callable[[], bytes]) -> IO[bytes]:
    return io.BytesIO(read())


def _read(locate: Callable[[], IO[bytes]], entry: _Entry) -> bytes:
    with locate() as file:
        return _read_from(file, entry)


def _read_from(file: IO[bytes], entry: _Entry) -> bytes:
    """The content of a member.

    Raises:
        EOFError, zlib.error: it is not what the directory says.
    """
    if entry.size_bytes > LIMITS.in_memory_bytes:
        raise EOFError(f"{entry.size_bytes:,} bytes are more than a file of a corpus may have")
    file.seek(entry.offset)
    local = file.read(_LOCAL.size)
    if len(local) < _LOCAL.size or local[:4] != b"PK\3\4":
        raise EOFError("no member begins where the directory says")
    name_bytes, extra_bytes = _LOCAL.unpack(local)[-2:]
    file.seek(entry.offset + _LOCAL.size + name_bytes + extra_bytes)
    data = file.read(entry.packed_bytes)
    if len(data) < entry.packed_bytes:
        raise EOFError("the file ends in the middle")
    if entry.method == _DEFLATED:
        # One byte more than there should be shows a member that is larger than the directory says.
        data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, entry.size_bytes + 1)
    if len(data) != entry.size_bytes:
        raise EOFError(f"{len(data)} bytes where the directory says {entry.size_bytes}")
    if zlib.crc32(data) != entry.crc32:
        raise zlib.error("its CRC-32 is another one")
    return data
