"""A corpus from its makers to `$YULIAO_HOME/downloads/<name>`: files side by side, each from the first mirror that has it."""

import shutil
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock
from typing import Protocol
from urllib.parse import quote, urlsplit

from catalog.errors import DiskFullError
from catalog.settings import home
from flows.adapter import Access, Archive
from flows.fetch import credentials
from flows.fetch.transfer import Address, Stopped, Transfer, is_there, new_client
from flows.progress import Progress, nothing
from flows.tables import human_size
from synth.errors import YuliaoError

FILES_AT_ONCE = 4


class AccessNeeded(YuliaoError):
    """The makers give the files only to those who asked; the error says how, and what to do then."""


class Published(Protocol):
    """What must be known of a corpus to fetch it."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def archives(self) -> tuple[Archive, ...]: ...
    @property
    def mirrors(self) -> tuple[str, ...]: ...
    @property
    def access(self) -> Access | None: ...


@dataclass(frozen=True)
class Wanted:
    """A file to fetch."""

    file: str
    size_bytes: int | None  # None where it is not known before it is asked for
    have_bytes: int  # from an earlier run
    host: str  # of the first mirror; "" where there is none


def folder_of(corpus: Published) -> Path:
    """Where the files of a corpus lie once they are fetched."""
    return home() / "downloads" / corpus.name


def wanted(corpus: Published) -> list[Wanted]:
    """The files that are not there yet, in the order in which they are declared.

    Raises:
        WrongChecksum: a file of such a name is there and is another one.
    """
    folder = folder_of(corpus)
    found = []
    for piece in _missing(corpus, folder):
        part = folder / f"{piece.file}.part"
        addresses = _addresses(corpus, piece)
        found.append(
            Wanted(
                piece.file, piece.size_bytes, part.stat().st_size if part.exists() else 0, addresses[0].host if addresses else ""
            )
        )
    return found


def download(corpus: Published, *, progress: Progress | None = None) -> Path:
    """Fetch what is not there yet; gives the folder. A second run, also after a kill, fetches no finished file again.

    Raises:
        AccessNeeded: the makers want to be asked first, and no key is set.
        DownloadError: no mirror gives a file as it should be.
        WrongChecksum: a file of such a name is there and is another one.
        DiskFullError: there is, or will be, no space left.
    """
    folder = folder_of(corpus)
    folder.mkdir(parents=True, exist_ok=True)
    missing = _missing(corpus, folder)
    addresses = {piece.file: _addresses(corpus, piece) for piece in missing}
    closed = [piece for piece in missing if not addresses[piece.file]]
    if closed:
        raise _access_needed(corpus, closed, folder)
    _check_space(folder, missing)
    meter = _Meter(missing, progress or nothing)
    stop = Event()
    with new_client() as client, ThreadPoolExecutor(FILES_AT_ONCE) as pool:
        transfers = [Transfer(piece, addresses[piece.file], folder, client, meter.advanced, stop) for piece in missing]
        running = [pool.submit(transfer.run) for transfer in transfers]
        try:
            wait(running, return_when=FIRST_EXCEPTION)
        finally:
            stop.set()  # an error or Ctrl-C ends all; what is there stays and is taken up by the next run
            pool.shutdown(cancel_futures=True)
    for future in running:
        if not future.cancelled():
            with suppress(Stopped):
                future.result()
    return folder


class _Meter:
    """Adds up the progress of files that come at the same time."""

    def __init__(self, missing: Sequence[Archive], progress: Progress) -> None:
        sizes = [piece.size_bytes for piece in missing]
        self._total = None if None in sizes else sum(size for size in sizes if size)
        self._done, self._progress, self._lock = 0, progress, Lock()

    def advanced(self, gained_bytes: int) -> None:
        with self._lock:
            self._done += gained_bytes
            self._progress(self._done, self._total, "B")


def _missing(corpus: Published, folder: Path) -> list[Archive]:
    return [piece for archive in corpus.archives for piece in archive.pieces if not is_there(piece, folder)]


def _addresses(corpus: Published, piece: Archive) -> list[Address]:
    """Where to ask, in order; what asks for a key or a login is left out where there is none."""
    found = []
    for template in piece.urls or corpus.mirrors:
        host = urlsplit(template).hostname or ""
        url = template.replace("{file}", quote(piece.file))
        if "{key}" in template:
            key = credentials.key(corpus.access.key_variable if corpus.access else "", host)
            if key is None:
                continue
            url = url.replace("{key}", quote(key, safe=""))
        elif corpus.access is not None and not piece.urls and credentials.login(host) is None:
            continue
        found.append(Address(url, host))
    return found


def _access_needed(corpus: Published, closed: Sequence[Archive], folder: Path) -> AccessNeeded:
    files = ", ".join(f"{piece.file} ({_told_by(piece)})" for piece in closed)
    agreement = corpus.access.agreement if corpus.access else "no address of it is known"
    variable = corpus.access.key_variable if corpus.access else ""
    or_key = f"set {variable} to the key that you are given, or put " if variable else "put "
    return AccessNeeded(
        f"{corpus.title} is not open to all: {agreement}; then {or_key}these files into {folder} under these names: {files}; "
        f"go on with `yuliao ingest {corpus.name}`"
    )


def _told_by(piece: Archive) -> str:
    known = [human_size(piece.size_bytes)] if piece.size_bytes else []
    known += [f"MD5 {piece.md5}"] if piece.md5 else [f"SHA-256 {piece.sha256}"] if piece.sha256 else []
    return ", ".join(known) or "size not known"


def _check_space(folder: Path, missing: Sequence[Archive]) -> None:
    parts = [folder / f"{piece.file}.part" for piece in missing]
    needed = sum(piece.size_bytes or 0 for piece in missing) - sum(part.stat().st_size for part in parts if part.exists())
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DiskFullError(
            f"{folder}: {human_size(needed)} are still to be fetched, {human_size(free)} are free; free some, or set YULIAO_HOME"
        )
