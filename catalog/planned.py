"""Audio that is not stored: a version of `storage: plan` is rendered from its corpus while it is read."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from catalog.blobs import read_blob
from catalog.errors import IntegrityError
from catalog.inputs import Opened, link_inputs, loads_of, open_inputs
from catalog.manifests import Manifest, Pin
from catalog.roots import Root, open_root
from synth.render import Loads, render_into, signals_of
from synth.rows.layout import Layout

_SCRATCH = threading.local()
# Kinds of the inputs, and the columns of the plan that hold the ids of their rows and the digests of these.
_DIGESTS = (
    (("speech",), "source_ids", "source_sha256s"),
    (("speech", "noise"), "noise_ids", "noise_sha256s"),
    (("rir",), "rir_ids", "rir_sha256s"),
)


@dataclass(frozen=True)
class Planned:
    """Where the sources of a plan lie. Plain and small, so that it travels to the workers of a data loader.

    Attributes:
        inputs: the versions that it was planned on.
        sample_rate_hz: sample rate of the plan.
        num_channels: of its signals.
        columns: its columns of audio, and what each holds.
        by_library: whether libraries render the rows, whose last bits may differ between processors.
    """

    inputs: tuple[Opened, ...]
    sample_rate_hz: int
    num_channels: int
    columns: tuple[tuple[str, str], ...]
    by_library: bool

    def signals(self, row: dict[str, Any], start: int, length: int, wanted: Sequence[str]) -> dict[str, NDArray[np.int16]]:
        """Mixture, stems and what else is wanted of the samples from `start`, `length` of them or as many as the row has.

        Args:
            row: `NEEDED_TO_RENDER`.
            wanted: names of columns; those that the row has not are left out.

        Returns:
            int16 [samples] or [channels, samples] each, in memory that the next call in this thread uses again.
        """
        length = min(length, row["num_samples"] - start)
        columns = {column: signal for column, signal in self.columns if column in wanted}
        names = signals_of(row, columns.values())
        size = self.num_channels * length
        if getattr(_SCRATCH, "samples", np.empty(0)).size < len(names) * size:
            _SCRATCH.samples = np.empty(len(names) * size, dtype=np.int16)
        shape = (length,) if self.num_channels == 1 else (self.num_channels, length)
        out = {name: _SCRATCH.samples[k * size : (k + 1) * size].reshape(shape) for k, name in enumerate(names)}
        render_into(row, _loads(self), out, begin=start)
        return {column: out[signal] for column, signal in columns.items() if signal in out}

    def with_targets(self, targets: str) -> "Planned":
        """The same with these targets in the columns `s1..sN`."""
        known = dict(self.columns)
        taken = {column: f"{column}_{targets}" for column in known if f"{column}_{targets}" in known}
        return replace(self, columns=tuple((column, taken.get(column, signal)) for column, signal in self.columns))


def open_planned(storage: Root, manifest: Manifest) -> Planned | None:
    """What renders the rows of a version; None where it stores its audio.

    Raises:
        IntegrityError: a version that it was planned on was changed.
    """
    if manifest.storage != "plan":
        return None
    from synth.spec import SeparationSpec

    version = f"{manifest.name}@{manifest.version}"
    if manifest.sample_rate_hz is None:
        raise IntegrityError(f"{version} states no sample rate")
    layout = Layout.of(SeparationSpec.model_validate(manifest.spec))
    inputs = link_inputs(storage, version, manifest.inputs)
    return Planned(inputs, manifest.sample_rate_hz, layout.num_channels, tuple(layout.signals().items()), layout.by_library)


def broken_plans(storage: Root, manifest: Manifest, batch: pa.RecordBatch) -> Iterator[str]:
    """One line about the rows of a plan whose sources are not, or no longer, what the pinned corpus holds."""
    for kinds, ids_column, digests_column in _DIGESTS:
        if ids_column not in batch.schema.names:
            continue
        digests = _digests(storage.url, tuple(manifest.inputs), kinds)
        rows = zip(batch.column(ids_column).to_pylist(), batch.column(digests_column).to_pylist(), strict=True)
        wrong = [row for row, (ids, stored) in enumerate(rows) if [digests.get(one) for one in ids or []] != (stored or [])]
        if wrong:
            ids = ", ".join(batch.column("id")[row].as_py() for row in wrong[:3])
            yield (
                f"{ids_column} are not those of {', '.join(map(str, manifest.inputs))} in {len(wrong)} rows "
                f"({ids}{', ...' if len(wrong) > 3 else ''})"
            )


@lru_cache(maxsize=4)
def _digests(root_url: str, inputs: tuple[Pin, ...], kinds: tuple[str, ...]) -> dict[str, str]:
    """SHA-256 of the samples of each row of the inputs of some kinds, by its id."""
    root = open_root(root_url)
    tables = [
        read_blob(blob, opened.name).select(["id", "audio_sha256"])
        for opened in open_inputs(root, inputs)
        if opened.kind in kinds
        for blob in opened.blobs
    ]
    return {row_id: digest for table in tables for row_id, digest in zip(*(c.to_pylist() for c in table.columns), strict=True)}


@lru_cache(maxsize=4)
def _loads(planned: Planned) -> Loads:
    """Opened once in each process."""
    return loads_of(planned.inputs, planned.sample_rate_hz, planned.num_channels)
