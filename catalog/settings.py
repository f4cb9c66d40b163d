"""Where things lie: `YULIAO_HOME` for downloads and caches, `YULIAO_CATALOG` for the catalog."""

import os
from pathlib import Path


def home() -> Path:
    """The folder of downloads and caches: `YULIAO_HOME`, or `~/.yuliao`."""
    return Path(os.environ.get("YULIAO_HOME") or "~/.yuliao").expanduser()


def catalog_url() -> str:
    """A folder or `s3://bucket/prefix`: `YULIAO_CATALOG`, or the folder `catalog` under `home()`."""
    return os.environ.get("YULIAO_CATALOG") or str(home() / "catalog")


def cache() -> Path:
    """What can be had again at some cost: blobs fetched from object storage, files of `map` and `filter`."""
    return home() / "cache"
