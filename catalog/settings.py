"""Where things lie: `YULIAO_HOME` for downloads and caches, `YULIAO_CATALOG` for the catalog."""

import os
import stat
from pathlib import Path

from catalog.errors import CatalogError


def home() -> Path:
    """The folder of downloads and caches: `YULIAO_HOME`, or `~/.yuliao`.

    Raises:
        CatalogError: there is a file in its way.
    """
    return as_folder(Path(os.environ.get("YULIAO_HOME") or "~/.yuliao").expanduser(), "YULIAO_HOME")


def catalog_url() -> str:
    """A folder or `s3://bucket/prefix`: `YULIAO_CATALOG`, or the folder `catalog` under `home()`."""
    return os.environ.get("YULIAO_CATALOG") or str(home() / "catalog")


def as_folder(path: Path, setting: str) -> Path:
    """`path` itself, where it is a folder or may become one; `setting` is where users say it.

    Raises:
        CatalogError: it, or something above it, is a file.
    """
    for above in (path, *path.parents):
        try:
            mode = above.stat().st_mode  # once: another process may make the folder between two looks
        except (FileNotFoundError, NotADirectoryError):
            continue
        if not stat.S_ISDIR(mode):
            raise CatalogError(f"{path}: {above} is a file; set {setting} to a folder")
        break
    return path


def cache() -> Path:
    """What can be had again at some cost: blobs fetched from object storage, files of `map` and `filter`."""
    return home() / "cache"
