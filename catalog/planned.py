"""Audio that is not stored: a version of `storage: plan` is rendered from its corpus while it is read."""

import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from catalog.blobs import read_blob
from catalog.errors import IntegrityError
from catalog.inputs import Opened, link_inputs, loads_of, open_inputs
from catalog.manifests import Manifest, Pin
from catalog.roots import Root, open_root
from synth.levels.scaling import Buffer
from synth.render import NEEDED_TO_RENDER, Loads, render_into, signals_of
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
        needed: its columns by which rows are rendered.
        by_library: whether libraries render the rows, whose last bits may differ between processors.
    """

    inputs: tuple[Opened, ...]
    sample_rate_hz: int
    num_channels: int
    columns: tuple[tuple[str, str], ...]
    needed: tuple[str, ...]
    by_library: bool

    def shape(self, num_samples: int) -> tuple[int, ...]:
        """Of its signals."""
        return (num_samples,) if self.num_channels == 1 else (self.num_channels, num_samples)

    def present(self, row: dict[str, Any], wanted: Collection[str]) -> list[str]:
        """Those of the columns wanted that the row has."""
        known = {column: signal for column, signal in self.columns if column in wanted}
        there = signals_of(row, known.values())
        return [column for column, signal in known.items() if signal in there]

    def render(self, row: dict[str, Any], start: int, out: Mapping[str, Buffer]) -> None:
        """Render columns that the row has, from sample `start` on.

        Args:
            row: with the columns `needed`.
            start: the first sample wanted.
            out: for each column a buffer, int16 or float32, of one type and shape: [samples] or [channels, samples].
        """
        of_signal: dict[str, list[Buffer]] = {}
        for column, signal in self.columns:
            if column in out:
                of_signal.setdefault(signal, []).append(out[column])
        like = next(iter(out.values()))
        buffers = {name: found[0] for name, found in of_signal.items()}
        others = [name for name in signals_of(row) if name not in buffers]  # which the mixture is made of
        for name, scratch in zip(others, _scratch(len(others), like), strict=True):
            buffers[name] = scratch
        render_into(row, _loads(self), buffers, begin=start)
        for first, *again in of_signal.values():
            for buffer in again:
                buffer[...] = first

    def with_targets(self, targets: str) -> "Planned":
        """The same with these targets in the columns `s1..sN`."""
        known = dict(self.columns)
        taken = {column: f"{column}_{targets}" for column in known if f"{column}_{targets}" in known}
        return replace(self, columns=tuple((column, taken.get(column, signal)) for column, signal in self.columns))


def _scratch(count: int, like: Buffer) -> list[Buffer]:
    """Buffers as `like`, in memory that the next call in this thread uses again."""
    if getattr(_SCRATCH, "memory", np.empty(0)).nbytes < count * like.nbytes:
        _SCRATCH.memory = np.empty(count * like.nbytes, dtype=np.uint8)
    parts = (_SCRATCH.memory[k * like.nbytes : (k + 1) * like.nbytes] for k in range(count))
    return [part.view(like.dtype).reshape(like.shape) for part in parts]


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
    needed = tuple(name for name in layout.plan_schema().names if name in NEEDED_TO_RENDER)
    signals = tuple(layout.signals().items())
    return Planned(inputs, manifest.sample_rate_hz, layout.num_channels, signals, needed, layout.by_library)


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
