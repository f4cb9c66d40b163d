"""Opening blobs where they lie: what is damaged or missing is an error that names the file to delete."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from catalog.errors import IntegrityError


@contextmanager
def damage_is_an_error(path: Path, version: str) -> Iterator[None]:
    """Turns what the operating system and Arrow say of the blob at `path` into an IntegrityError of one line."""
    mend = "run the same build or ingest again to make it anew"
    try:
        yield
    except FileNotFoundError as error:
        raise IntegrityError(f"{version}: blob {path} is missing; {mend}") from error
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise IntegrityError(f"{version}: blob {path.resolve()} cannot be read ({reason}): delete it, then {mend}") from error


def read_blob(path: Path, version: str) -> pa.Table:
    """The rows of a blob, in place in the mapped file.

    Raises:
        IntegrityError: it is missing, cut short or no Arrow stream.
    """
    with damage_is_an_error(path, version):
        return pa.ipc.open_stream(pa.memory_map(str(path))).read_all()
