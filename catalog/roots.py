"""Where a catalog lies: a folder, or a prefix of an S3 bucket. Paths are relative to it and "/"-separated."""

import os
import shutil
import uuid
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from catalog import settings
from catalog.errors import CatalogError
from catalog.files import full_disk_is_an_error, sweep, sync_folder, whole_file


class Root(Protocol):
    """What the catalog asks of its storage."""

    @property
    def url(self) -> str:
        """The folder's absolute path, or `s3://bucket/prefix`."""

    def read(self, path: str) -> bytes:
        """The bytes at `path`; FileNotFoundError where there are none."""

    def create(self, path: str, data: bytes) -> bool:
        """Write `data` whole and exclusively; False where something is at `path` already."""

    def write(self, path: str, data: bytes) -> None:
        """Write `data` whole in place of what is at `path`."""

    def children(self, path: str) -> list[str]:
        """Sorted names of what lies directly below `path`; [] where there is nothing."""

    def exists(self, path: str) -> bool:
        """Whether a file is at `path`, or anything below it."""

    def modified(self, path: str) -> float:
        """When the file at `path` was written or renewed, in seconds since the epoch; FileNotFoundError where there is none."""

    def put_blob(self, local: Path, path: str) -> None:
        """Move a finished file, named by its SHA-256, to its place, read-only; one there already counts as written now."""

    def fetch(self, path: str) -> Path:
        """A local file to map: the blob itself, or a cached copy by digest."""

    def stored(self, path: str) -> AbstractContextManager[Path]:
        """A local file with the bytes as they are stored now, past every cache; good within the context."""

    def remove(self, path: str) -> None:
        """Remove a file or everything below; nothing where there is nothing."""

    def drop_copies(self, blobs: Iterable[str]) -> None:
        """Remove what this machine keeps of blobs of these file names, beside the catalog itself."""

    def scratch(self, name: str) -> Path:
        """A local folder, made if need be, for files that are being written for dataset `name`."""

    def sweep_temporary(self, before: float) -> int:
        """Remove temporary files that were last written before that time, in seconds since the epoch; returns how many."""


def open_root(url: str | os.PathLike[str] | None) -> Root:
    """The catalog at a folder or at `s3://bucket/prefix`; None means the one of `YULIAO_CATALOG`.

    Raises:
        CatalogError: an address of another sort, or without a bucket; a file where the catalog or YULIAO_HOME should lie.
    """
    settings.home()  # whoever opens a catalog will write its cache there: refused now rather than after hours
    address = os.fspath(url) if url is not None else settings.catalog_url()
    scheme, separator, _ = address.partition("://")
    if address.startswith("s3:") and not separator:
        raise CatalogError(f"catalog {address!r}: an S3 prefix is written with two slashes, s3://bucket/prefix")
    if not separator:
        return FolderRoot(settings.as_folder(Path(address).expanduser().absolute(), "YULIAO_CATALOG"))
    if scheme != "s3":
        raise CatalogError(f"catalog {address!r}: {scheme!r} is not supported; give a folder or s3://bucket/prefix")
    from catalog.s3 import S3Root

    return S3Root(address)


@dataclass(frozen=True)
class FolderRoot:
    """A catalog in a folder. A name appears only with its whole content behind it, also after a power cut."""

    folder: Path

    @property
    def url(self) -> str:
        return str(self.folder)

    @property
    def _scratch(self) -> Path:
        """On the disk of the catalog, so that a finished file is moved to its place, not copied."""
        return self.folder / ".scratch"

    def read(self, path: str) -> bytes:
        return (self.folder / path).read_bytes()

    def create(self, path: str, data: bytes) -> bool:
        target = self.folder / path
        with full_disk_is_an_error(str(target)), whole_file(self._scratch, data) as temporary:
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(temporary, target)  # unlike a rename, refuses to replace
            except FileExistsError:
                return False
            sync_folder(target.parent)
        return True

    def write(self, path: str, data: bytes) -> None:
        target = self.folder / path
        with full_disk_is_an_error(str(target)), whole_file(self._scratch, data) as temporary:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.replace(target)
            sync_folder(target.parent)

    def children(self, path: str) -> list[str]:
        try:
            names = [entry.name for entry in (self.folder / path).iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(name for name in names if not name.startswith("."))

    def exists(self, path: str) -> bool:
        return (self.folder / path).exists()

    def modified(self, path: str) -> float:
        return (self.folder / path).stat().st_mtime

    def put_blob(self, local: Path, path: str) -> None:
        target = self.folder / path
        with full_disk_is_an_error(str(target)):
            target.parent.mkdir(parents=True, exist_ok=True)
            local.chmod(0o444)
            # Replacing a blob that is there already changes no byte of it, tells gc that it is wanted, and heals a damaged one;
            # whoever has the old file mapped keeps it.
            os.utime(local)
            local.replace(target)
            sync_folder(target.parent)

    def fetch(self, path: str) -> Path:
        return self.folder / path

    def stored(self, path: str) -> AbstractContextManager[Path]:
        return nullcontext(self.folder / path)

    def remove(self, path: str) -> None:
        doomed = self._scratch / f"{uuid.uuid4().hex}.removed"
        doomed.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError, NotADirectoryError):
            (self.folder / path).rename(doomed)  # gone in one step, and for one of several who remove it at once
            if doomed.is_dir():
                shutil.rmtree(doomed)
            else:
                doomed.unlink()

    def drop_copies(self, blobs: Iterable[str]) -> None:
        pass  # what is fetched is the blob itself

    def scratch(self, name: str) -> Path:
        folder = self._scratch / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def sweep_temporary(self, before: float) -> int:
        return sweep(self._scratch, before)
