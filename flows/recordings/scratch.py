"""Local folders for work in progress: gone when it ends, and swept by the next one where it was killed."""

import fcntl
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from catalog.settings import cache


@contextmanager
def scratch(purpose: str) -> Iterator[Path]:
    """An empty folder under `$YULIAO_HOME/cache/<purpose>`, removed at the end; abandoned ones are removed first."""
    above = cache() / purpose
    above.mkdir(parents=True, exist_ok=True)
    for abandoned in above.glob("*.lock"):
        with abandoned.open("a") as lock:
            if _take(lock):
                _remove(abandoned)
    lock_path = above / f"{uuid.uuid4().hex}.lock"
    with lock_path.open("x") as lock:
        _take(lock)  # the kernel lets go of it however this process ends
        folder = lock_path.with_suffix("")
        folder.mkdir()
        try:
            yield folder
        finally:
            _remove(lock_path)


def _take(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _remove(lock_path: Path) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(lock_path.with_suffix(""))
    lock_path.unlink(missing_ok=True)
