"""Activity of each source, as `numpy.load` reads it: by the row's id a bool array [n_src, frames], s1 first.

A frame has 10 ms, the last one maybe less: `ceil(num_samples / frame)` of them. A source is active in a frame if one of its
pieces holds the frame's middle, sample `t * frame + frame // 2`.
"""

import io
import zipfile
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from catalog.export import Context, Format, LeaveOut, Row
from catalog.export.spans import COLUMNS, spans
from synth.levels.frames import frame_samples


def activity(row: Row) -> NDArray[np.bool_]:
    """Of one row, bool [n_src, frames]."""
    frame = frame_samples(row["sample_rate_hz"])
    active = np.zeros((len(row["speaker_ids"]), -(-row["num_samples"] // frame)), dtype=bool)
    for span in spans(row):
        first, behind = (-(-(sample - frame // 2) // frame) for sample in (span.begin, span.end))
        active[span.stem - 1, max(first, 0) : max(behind, 0)] = True
    return active


def _archive(context: Context, rows: Iterator[Row], leave_out: LeaveOut) -> Iterator[bytes]:
    """An npz, row by row."""
    written = _Written()
    with zipfile.ZipFile(written, "w") as archive:
        for row in rows:
            array = io.BytesIO()
            np.lib.format.write_array(array, activity(row))
            # Named without a date, so that the same version gives the same file.
            archive.writestr(zipfile.ZipInfo(f"{row['id']}.npy"), array.getvalue(), zipfile.ZIP_DEFLATED)
            yield written.taken()
    yield written.taken()


class _Written(io.RawIOBase):
    """What a zip archive writes, to be taken on the way; it cannot be sought in."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._buffer += data
        return len(data)

    def taken(self) -> bytes:
        """What was written since it was taken last."""
        taken = bytes(self._buffer)
        self._buffer.clear()
        return taken


FORMATS = (Format("activity", ("separation", "enhancement"), "npz", _archive, COLUMNS),)
