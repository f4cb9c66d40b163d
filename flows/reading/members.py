"""A file in an archive or folder, and what an archive may not hold."""

import io
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from tarfile import TarError
from typing import IO

from synth.errors import YuliaoError


class ArchiveError(YuliaoError):
    """An archive that is damaged, cut short, or holds what must not be unpacked."""


@dataclass(frozen=True)
class Limits:
    """How much an archive may hold: more than any known corpus does, and less than does harm."""

    members: int = 20_000_000
    in_memory_bytes: int = 2 << 30  # of a file that is read whole
    ratio: int = 200  # unpacked bytes for each packed one, over all of an archive; of speech it is at most 10
    unpacked_at_least_bytes: int = 256 << 20  # up to here no ratio counts: a small archive of silence is no bomb


LIMITS = Limits()
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NO_OFFICIAL = "this is no official archive, do not use it"


@dataclass(frozen=True)
class Member:
    """A regular file: `path` is "/"-separated and relative."""

    path: str
    size_bytes: int
    open: Callable[[], IO[bytes]]  # until the next member is taken
    fetch: Callable[[], bytes]  # its content
    lasting: bool  # `fetch` may be called at any time and, pickled, in another process; otherwise until the next member is taken
    source: str  # the archive it lies in, or the folder

    def read(self) -> bytes:
        """Its content. Raises ArchiveError where its archive is damaged or it is too large to be held in memory."""
        if self.size_bytes > LIMITS.in_memory_bytes:
            raise ArchiveError(
                f"{self.source}: member {self.path!r} has {self.size_bytes:,} bytes, more than the {LIMITS.in_memory_bytes:,} "
                f"that a file of a corpus may have; {_NO_OFFICIAL}"
            )
        with damage_is_an_error(self.source, self.path):
            return self.fetch()


def kept(member: Member) -> Member:
    """The same file, to be read at any time and in any process: its content is taken now where that is not possible later."""
    if member.lasting:
        return member
    data = member.read()
    return Member(member.path, len(data), partial(io.BytesIO, data), partial(bytes, data), True, member.source)


def nothing(read_bytes: int) -> None:
    """Takes no note of how far reading went."""


@contextmanager
def damage_is_an_error(where: str, last: str) -> Iterator[None]:
    """Whatever the libraries say of bytes that are no archive, as one line of ours."""
    try:
        yield
    except (TarError, EOFError, zlib.error, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError) as error:
        said = " ".join(str(error).split())
        raise ArchiveError(f"{where}: damaged or cut short at {last} ({said}); fetch it again and compare its MD5") from error


def as_is(name: str) -> str:
    """A file name with what is not UTF-8 in it and what breaks lines replaced, so that it can be written into a report."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", name.encode(errors="surrogateescape").decode(errors="replace"))


def safe_path(name: str, where: str) -> str:
    """The path of a member, relative and inside its folder.

    Raises:
        ArchiveError: it is not.
    """
    path = PurePosixPath(as_is(name))
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or name[1:2] == ":":
        raise ArchiveError(f"{where}: member {name!r} points outside its folder; {_NO_OFFICIAL}")
    return path.as_posix()


def refuse(where: str, name: str, kind: str) -> ArchiveError:
    """The error about a member that is neither a file nor a folder."""
    return ArchiveError(f"{where}: member {name!r} is {kind}; only files and folders are read, {_NO_OFFICIAL}")


def check_amount(where: str, name: str, count: int, packed_bytes: int, unpacked_bytes: int) -> None:
    """Refuse what is more than `LIMITS` allow, at member `name`.

    Raises:
        ArchiveError: too many members, or a bomb.
    """
    if count > LIMITS.members:
        raise ArchiveError(f"{where}: more than {LIMITS.members:,} members, at {name!r}; {_NO_OFFICIAL}")
    if unpacked_bytes > max(LIMITS.unpacked_at_least_bytes, LIMITS.ratio * packed_bytes):
        raise ArchiveError(
            f"{where}: unpacks to more than {LIMITS.ratio} times its size at member {name!r}, as a bomb does; {_NO_OFFICIAL}"
        )
