"""A catalog in an S3 bucket, through s3fs. The commit is a PUT that the server refuses where the key exists (If-None-Match)."""

import errno
import hashlib
import os
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from catalog import settings
from catalog.errors import CatalogError, IntegrityError
from catalog.files import full_disk_is_an_error, sweep

_PART_BYTES = 8 << 20
_PARTS_AT_ONCE = 4


@lru_cache
def _filesystem(process: int) -> Any:
    """One file system per process: one inherited through a fork hangs. Credentials and endpoint come from the environment."""
    import s3fs

    # A server of one's own rarely answers to bucket.host.
    own_server = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    config = {"s3": {"addressing_style": "path"}} if own_server else {}
    return s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True, config_kwargs=config)


@lru_cache
def _check_exclusive_create(process: int, url: str) -> None:
    """Find out, once in a process, whether the server honours If-None-Match: some let every writer win, and lose versions."""
    fs, key = _filesystem(process), f"{url}/.probe/{uuid.uuid4().hex}"
    fs.pipe_file(key, b"first", mode="create")
    try:
        fs.pipe_file(key, b"second", mode="create")
    except FileExistsError:
        return
    finally:
        fs.rm_file(key)
    raise CatalogError(
        f"catalog {url}: its server ignores If-None-Match, so two publishers could overwrite each other; "
        "use a server with conditional PUT (AWS S3, MinIO, Ceph 19+) or a folder"
    )


@dataclass(frozen=True)
class S3Root:
    """A catalog below `s3://bucket/prefix`. Holds no connection, so it may be pickled and forked."""

    address: str

    def __post_init__(self) -> None:
        if not self.address.removeprefix("s3://").strip("/"):
            raise CatalogError(f"catalog {self.address!r}: no bucket; give s3://bucket/prefix")

    @property
    def url(self) -> str:
        return self.address.rstrip("/")

    @contextmanager
    def _storage(self, path: str) -> Iterator[tuple[Any, str]]:
        """The file system and the key of `path`; refusals of the server become one line for the user."""
        from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]

        try:
            yield _filesystem(os.getpid()), f"{self.url}/{path}".rstrip("/")
        except (FileNotFoundError, FileExistsError):
            raise
        except BotoCoreError as error:
            raise CatalogError(f"catalog {self.url}: {error}; check AWS_ENDPOINT_URL and the AWS credentials") from error
        except OSError as error:
            reason = " ".join(str(error).split())
            raise CatalogError(f"catalog {self.url}: {path or 'listing'}: {reason or type(error).__name__}") from error

    def read(self, path: str) -> bytes:
        with self._storage(path) as (fs, key):
            return bytes(fs.cat_file(key))

    def create(self, path: str, data: bytes) -> bool:
        with self._storage(path) as (fs, key), self._bucket_exists():
            _check_exclusive_create(os.getpid(), self.url)
            for attempt in range(8):
                try:
                    fs.pipe_file(key, data, mode="create")
                    return True
                except FileExistsError:
                    return False
                except OSError as error:
                    if error.errno != errno.EBUSY:  # 409: another writer is at this key just now, and may yet fail
                        raise
                    time.sleep(0.05 * 2**attempt)
            raise CatalogError(f"catalog {self.url}: {path} stayed busy with another writer; run the same again")

    def write(self, path: str, data: bytes) -> None:
        with self._storage(path) as (fs, key), self._bucket_exists():
            fs.pipe_file(key, data)

    @contextmanager
    def _bucket_exists(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise CatalogError(f"catalog {self.url}: the bucket does not exist; create it first") from error

    def children(self, path: str) -> list[str]:
        with self._storage(path) as (fs, key):
            try:
                found = fs.ls(key, detail=False)
            except FileNotFoundError:
                return []
        names = {PurePosixPath(name).name for name in found}
        return sorted(name for name in names if not name.startswith("."))

    def exists(self, path: str) -> bool:
        with self._storage(path) as (fs, key):
            return bool(fs.exists(key))

    def modified(self, path: str) -> float:
        with self._storage(path) as (fs, key):
            return float(fs.modified(key).timestamp())

    def put_blob(self, local: Path, path: str) -> None:
        with self._storage(path) as (fs, key), self._bucket_exists():
            # Sent again although it may be there: its date tells gc that it is wanted, and a damaged one is healed.
            fs.put_file(str(local), key, chunksize=_PART_BYTES, max_concurrency=_PARTS_AT_ONCE)
        cached = self._cached(path)
        cached.parent.mkdir(parents=True, exist_ok=True)
        local.chmod(0o444)
        local.replace(cached)

    def fetch(self, path: str) -> Path:
        cached = self._cached(path)
        if cached.exists():
            return cached
        with self._downloaded(path) as (temporary, digest):
            cached.parent.mkdir(parents=True, exist_ok=True)
            if digest != cached.stem:
                raise IntegrityError(f"catalog {self.url}: {path} has SHA-256 {digest}; restore it or build the dataset again")
            temporary.chmod(0o444)
            temporary.replace(cached)  # two processes at once: both bring the same bytes
        return cached

    @contextmanager
    def stored(self, path: str) -> Iterator[Path]:
        with self._downloaded(path) as (temporary, _):
            yield temporary

    @contextmanager
    def _downloaded(self, path: str) -> Iterator[tuple[Path, str]]:
        """A temporary copy and its SHA-256, taken while it comes in."""
        temporary = self.scratch("downloads") / f"{uuid.uuid4().hex}.tmp"
        digest = hashlib.sha256()
        try:
            with full_disk_is_an_error(str(temporary)), temporary.open("xb") as file, self._storage(path) as (fs, key):
                starts = list(range(0, fs.size(key), _PART_BYTES))
                for first in range(0, len(starts), _PARTS_AT_ONCE):
                    some = starts[first : first + _PARTS_AT_ONCE]
                    for part in fs.cat_ranges([key] * len(some), some, [start + _PART_BYTES for start in some], on_error="raise"):
                        digest.update(part)
                        file.write(part)
                file.flush()
                os.fsync(file.fileno())  # what is cached is trusted from then on
            yield temporary, digest.hexdigest()
        finally:
            temporary.unlink(missing_ok=True)

    def _cached(self, path: str) -> Path:
        return settings.cache() / "blobs" / PurePosixPath(path).name

    def remove(self, path: str) -> None:
        with self._storage(path) as (fs, key):
            if fs.exists(key):
                with suppress(FileNotFoundError):  # another process removes the same
                    fs.rm(key, recursive=True)

    def drop_copies(self, blobs: Iterable[str]) -> None:
        for blob in blobs:
            self._cached(blob).unlink(missing_ok=True)

    def scratch(self, name: str) -> Path:
        folder = settings.cache() / "scratch" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def sweep_temporary(self, before: float) -> int:
        return sweep(settings.cache() / "scratch", before)
