"""One file from the first of its mirrors that gives it: resumed after a cut, checked while it streams, moved when it is whole.

What is written of an address anywhere is its host: a query may hold a key.
"""

import email.utils
import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import httpx

from flows.adapter import Archive
from flows.fetch import checksums, credentials
from flows.fetch.locks import locked
from flows.fetch.partial import Partial
from synth.errors import YuliaoError

ATTEMPTS = 6  # in a row without one byte more, at one mirror
BACKOFF_S = 1.0  # before the second attempt; twice as long before each further one
LONGEST_PAUSE_S = 60.0
_TIMEOUT = httpx.Timeout(60.0, connect=20.0)
_TRY_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_REFUSALS = {401: "asks for a login", 403: "refuses access", 404: "has no such file", 410: "has the file no more"}
_MARKUP = ("text/html", "application/xhtml+xml")

# Both would write whole addresses and headers, keys included, where a program sets all logging to INFO or DEBUG.
for _logger in ("httpx", "httpcore"):
    logging.getLogger(_logger).setLevel(logging.WARNING)


class DownloadError(YuliaoError):
    """A file that no mirror gave as it should be."""


class Stopped(Exception):
    """Another transfer failed, or the user wants no more."""


@dataclass(frozen=True)
class Address:
    """Where a file can be had."""

    url: str = field(repr=False)  # may hold a key
    host: str


class _Refused(Exception):
    """This mirror will not give the file as it should be; another one may."""


class _Cut(Exception):
    """The transfer broke off; the same mirror may go on."""

    def __init__(self, reason: str, pause_s: float | None = None) -> None:
        super().__init__(reason)
        self.pause_s = pause_s


def new_client() -> httpx.Client:
    """What connections are made with; proxies are those of the environment."""
    return httpx.Client(timeout=_TIMEOUT, follow_redirects=True, headers={"Accept-Encoding": "identity", "User-Agent": "yuliao"})


def is_there(archive: Archive, folder: Path) -> bool:
    """Whether the file lies in the folder, whole.

    Raises:
        WrongChecksum: a file of this name lies there and is another one.
    """
    path = folder / archive.file
    if not path.exists():
        return False
    [(_, found)] = checksums.look(archive, [path])
    wrong = checksums.difference(archive, found)
    if wrong:
        raise checksums.WrongChecksum(f"{path}: {wrong}; remove it, and the same command fetches it again")
    return True


@dataclass(frozen=True)
class Transfer:
    """The work on one file.

    `advanced` is told of bytes gained, and of bytes given up as negative. `stop`, once set, ends it between two chunks.
    """

    archive: Archive
    addresses: Sequence[Address]
    folder: Path
    client: httpx.Client
    advanced: Callable[[int], None]
    stop: Event

    def run(self) -> None:
        """Fetch the file, unless it is there already.

        Raises:
            DownloadError: with what each mirror said.
            WrongChecksum: a file of this name is there and another one.
            DiskFullError: no space left.
            Stopped: `stop` was set.
        """
        with locked(self.folder / f".{self.archive.file}.lock"):
            if is_there(self.archive, self.folder):
                self.advanced((self.folder / self.archive.file).stat().st_size)
                return
            said = []
            for address in self.addresses:
                try:
                    self._fetch_from(address)
                except _Refused as refused:
                    said.append(f"{address.host} {refused}")
                else:
                    return
        raise DownloadError(
            f"{self.archive.file} is not to be had: {'; '.join(said) or 'no address is known'}; "
            f"run the same again later, or put the file into {self.folder}"
        )

    def _fetch_from(self, address: Address) -> None:
        with Partial(self.archive, self.folder, self.advanced) as part:
            validator = ""
            attempts, reached = 0, part.size_bytes
            while True:
                try:
                    validator = self._answer(address, part, validator)
                    break
                except _Cut as cut:
                    attempts = 1 if part.size_bytes > reached else attempts + 1
                    reached = part.size_bytes
                    if attempts >= ATTEMPTS:
                        raise _Refused(f"{cut} ({attempts} attempts)") from None
                    # Jitter, so that many who were cut off at once do not come back at once.
                    pause_s = random.uniform(0.5, 1.0) * BACKOFF_S * 2 ** (attempts - 1)
                    if self.stop.wait(min(LONGEST_PAUSE_S, max(pause_s, cut.pause_s or 0.0))):
                        raise Stopped from None
            wrong = part.finish()
        if wrong:
            raise _Refused(f"gives another file ({wrong})")

    def _answer(self, address: Address, part: Partial, validator: str) -> str:
        """One request, to the end of its answer. Gives what tells this version of the file from others, "" where nothing does."""
        if part.size_bytes and not (self.archive.md5 or self.archive.sha256 or validator):
            part.clear()  # nothing would tell if the rest came from another file
        if part.size_bytes and part.size_bytes == self.archive.size_bytes:
            return validator
        headers = {"Range": f"bytes={part.size_bytes}-"} if part.size_bytes else {}
        if headers and validator:
            headers["If-Range"] = validator
        try:
            with self.client.stream("GET", address.url, headers=headers, auth=_auth(address)) as response:
                expected = self._expected(response, part)
                found = response.headers.get("ETag", "")
                for data in response.iter_raw():
                    if self.stop.is_set():
                        raise Stopped
                    part.append(data)
                    if self.archive.size_bytes is not None and part.size_bytes > self.archive.size_bytes:
                        part.clear()
                        raise _Refused(f"gives another file (larger than {self.archive.size_bytes:,} bytes)")
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.TooManyRedirects) as error:
            raise _Refused(f"cannot be asked ({type(error).__name__})") from None
        except httpx.HTTPError as error:  # its text may hold the address
            unreached = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError)
            raise _Cut("cannot be reached" if unreached else f"broke off ({type(error).__name__})") from None
        if expected is not None and part.size_bytes < expected:
            raise _Cut(f"broke off at {part.size_bytes:,} of {expected:,} bytes")
        return "" if found.startswith("W/") else found

    def _expected(self, response: httpx.Response, part: Partial) -> int | None:
        """The size of the whole file, as the server says it; None where it does not. `part` is cleared where it sends all of it.

        Raises:
            _Refused, _Cut: it sends something else.
        """
        status = response.status_code
        if status == 416:  # nothing behind what is there already: it is too long, or whole
            size = response.headers.get("Content-Range", "").rpartition("/")[2]
            if size.isdigit() and int(size) == part.size_bytes:
                return part.size_bytes
            part.clear()
            raise _Cut("has fewer bytes than are there already")
        if status in _TRY_AGAIN:
            raise _Cut(f"answers {status}", _retry_after_s(response))
        if status in _REFUSALS:
            raise _Refused(f"{_REFUSALS[status]} ({status})")
        if status not in (200, 206):
            raise _Refused(f"answers {status}")
        if response.headers.get("Content-Type", "").startswith(_MARKUP) and not self.archive.file.endswith((".html", ".htm")):
            raise _Refused("gives a web page instead of the file, as for a key that is not valid")
        if status == 206:
            unit, _, span = response.headers.get("Content-Range", "").partition(" ")
            begin, _, rest = span.partition("-")
            if unit != "bytes" or begin != str(part.size_bytes):
                part.clear()
                raise _Cut("sends another part of the file than asked for")
            size = rest.rpartition("/")[2]
        else:
            part.clear()
            size = response.headers.get("Content-Length", "")
        whole = int(size) if size.isdigit() else None
        declared = self.archive.size_bytes
        if declared is not None and whole is not None and whole != declared:
            raise _Refused(f"has another file ({whole:,} bytes, not {declared:,})")
        return whole


def _auth(address: Address) -> httpx.Auth | None:
    entry = credentials.login(address.host)
    return httpx.BasicAuth(*entry) if entry else None


def _retry_after_s(response: httpx.Response) -> float | None:
    """What a server asks to wait for, in seconds: a number or a date."""
    asked = response.headers.get("Retry-After", "")
    if asked.isdigit():
        return float(asked)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(asked).timestamp() - time.time())
    except (ValueError, TypeError):
        return None
