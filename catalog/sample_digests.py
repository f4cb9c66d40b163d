"""Digests of rendered samples, for rows that libraries render: another processor may give other last bits."""

import hashlib
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from catalog.kinds import audio_columns
from catalog.manifests import Manifest, found_manifests
from catalog.planned import open_planned
from catalog.promises import about
from catalog.roots import Root
from catalog.text_rows import read_rows
from synth import wav
from synth.render import NEEDED_TO_RENDER

COLUMN = "samples_sha256"
_ROWS_COMPARED = 20  # of each split


def samples_digest(signals: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 of the samples of a row, in hex: signal by signal in the order of their names.

    Args:
        signals: int16 [samples] or [channels, samples], or the bytes of WAVs behind their headers.
    """
    state = hashlib.sha256()
    for name in sorted(signals):
        state.update(np.ascontiguousarray(signals[name].T).data)
    return state.hexdigest()


def broken_samples(batch: pa.RecordBatch) -> Iterator[str]:
    """One line about the rows whose samples are not those of their digest."""
    if COLUMN not in batch.schema.names:
        return
    columns = {name: batch.column(name).field("bytes") for name in audio_columns(batch.schema)}
    stored = batch.column(COLUMN).to_pylist()
    wrong = np.zeros(batch.num_rows, np.bool_)
    for row in range(batch.num_rows):
        files = {name: files[row].as_buffer() for name, files in columns.items() if batch.column(name)[row].is_valid}
        data = {name: np.frombuffer(file, np.uint8, offset=wav.HEADER_BYTES) for name, file in files.items()}
        wrong[row] = samples_digest(data) != stored[row]
    if wrong.any():
        yield about(batch, wrong, "samples are not those of samples_sha256")


def rendered_elsewhere(storage: Root, manifest: Manifest) -> Iterator[str]:
    """One line where this machine renders a plan otherwise than it was materialised, by the first rows of each split."""
    planned = open_planned(storage, manifest)
    stored = materialized(storage, manifest)
    if planned is None or stored is None or not planned.by_library:
        return
    differing = compared = 0
    for split in manifest.splits:
        rows = islice(read_rows(storage, manifest, split, [*NEEDED_TO_RENDER, "id"]), _ROWS_COMPARED)
        kept = {row["id"]: row[COLUMN] for row in read_rows(storage, stored, split, ["id", COLUMN])}
        for row in rows:
            columns = planned.present(row, [column for column, _ in planned.columns])
            signals = {column: np.empty(planned.shape(row["num_samples"]), dtype=np.int16) for column in columns}
            planned.render(row, 0, signals)
            compared += 1
            differing += samples_digest(signals) != kept.get(row["id"])
    if differing:
        yield (
            f"{manifest.name}@{manifest.version}: this machine renders {differing} of the first {compared} rows with other "
            f"samples than {stored.name}@{stored.version} holds, which another one rendered: read that version to have the same "
            "samples everywhere"
        )


def materialized(storage: Root, manifest: Manifest) -> Manifest | None:
    """The newest version that holds the audio of this plan; None where there is none."""
    found = [other for _, other in found_manifests(storage, manifest.name) if isinstance(other, Manifest)]
    return next((other for other in reversed(found) if other.report.get("materialized_from") == manifest.version), None)
