"""WebDataset: a tar with the signals and the columns of each row side by side, `<id>.<column>.wav` and `<id>.json`.

`webdataset.WebDataset` and `datasets.load_dataset("webdataset", ...)` read it as it is.
"""

import io
import json
import tarfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from catalog.export import Context, Format, LeaveOut, Row
from catalog.kinds import audio_columns
from catalog.text_rows import read_schema
from synth import wav

_LEFT_OUT = ("frame_energies", "frame_peaks")  # of interest to planning alone


def _members(context: Context, rows: Iterator[Row], leave_out: LeaveOut) -> Iterator[bytes]:
    columns = audio_columns(read_schema(context.storage, context.manifest))
    if context.manifest.storage == "plan":
        rows = _rendered(context, columns)
    for row in rows:
        row_id = row["id"].replace("/", "_").replace(".", "_")  # a dot ends the name of a sample, a slash that of a folder
        for column in columns:
            audio = row.pop(column)
            if audio is not None:
                suffix = (audio["path"] or "").rpartition(".")[2] or "wav"
                yield _member(f"{row_id}.{column}.{suffix}", audio["bytes"])
        told = {name: value for name, value in row.items() if name not in _LEFT_OUT}
        yield _member(f"{row_id}.json", json.dumps(told, ensure_ascii=False).encode())
    yield bytes(2 * tarfile.BLOCKSIZE)


def _rendered(context: Context, columns: list[str]) -> Iterator[Row]:
    """The rows of a set that is stored as its plan."""
    from catalog.get import get

    version = f"{context.manifest.name}@{context.manifest.version}"
    for row in get(version, split=context.split, root=context.storage.url):
        row.pop("row_digest", None)
        yield {**row, **{column: _encoded(row[column]) for column in columns}}


def _encoded(audio: dict[str, Any] | None) -> dict[str, Any] | None:
    if audio is None:
        return None
    samples = np.rint(audio["array"] * 32768).astype(np.int16)  # exact: they were int16 / 32768
    return {"bytes": wav.encode_signal(samples, audio["sampling_rate"]), "path": None}


def _member(name: str, data: bytes) -> bytes:
    """One file of the tar, without a date or an owner, so that the same version gives the same file."""
    header = tarfile.TarInfo(name)
    header.size = len(data)
    padding = -len(data) % tarfile.BLOCKSIZE
    written = io.BytesIO()
    written.write(header.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape"))
    written.write(data)
    written.write(bytes(padding))
    return written.getvalue()


FORMATS = (Format("webdataset", ("speech", "noise", "rir", "separation", "enhancement"), "tar", _members),)
