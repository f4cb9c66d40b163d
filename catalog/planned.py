"""Audio that is not stored: a version of `storage: plan` is rendered from its corpus while it is read."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from catalog.errors import IntegrityError
from catalog.links import link_blobs, version_folder
from catalog.manifests import Manifest, Pin, pin, read_manifest
from catalog.roots import Root, open_root
from catalog.utterances import Utterances, open_utterances
from synth.render import render_into

# The columns by which a row is rendered.
NEEDED_TO_RENDER = frozenset({"source_ids", "starts_samples", "lengths_samples", "offsets_samples", "gains", "num_samples"})

_SCRATCH = threading.local()


@dataclass(frozen=True)
class Planned:
    """Where the sources of a plan lie. Plain and small, so that it travels to the workers of a data loader.

    Attributes:
        folder: of the cache, with links to the blobs of the corpus version.
        corpus: `NAME@V`, for errors.
        corpus_rate_hz: sample rate of the corpus.
        sample_rate_hz: sample rate of the plan.
    """

    folder: Path
    corpus: str
    corpus_rate_hz: int
    sample_rate_hz: int

    def signals(self, row: dict[str, Any], start: int, length: int) -> list[NDArray[np.int16]]:
        """Mixture and stems of the samples from `start`, `length` of them or as many as the row has.

        Args:
            row: `NEEDED_TO_RENDER`.

        Returns:
            int16 [samples] each, in memory that the next call in this thread uses again.
        """
        length = min(length, row["num_samples"] - start)
        count = len(row["source_ids"]) + 1
        if getattr(_SCRATCH, "samples", np.empty(0)).size < count * length:
            _SCRATCH.samples = np.empty(count * length, dtype=np.int16)
        mixture, *stems = _SCRATCH.samples[: count * length].reshape(count, length)
        render_into(row, _utterances(self).load, mixture, stems, begin=start)
        return [mixture, *stems]


def open_planned(storage: Root, manifest: Manifest) -> Planned | None:
    """What renders the rows of a version; None where it stores its audio.

    Raises:
        IntegrityError: the corpus version that it was planned on was changed.
    """
    if manifest.storage != "plan":
        return None
    (held,) = manifest.inputs
    if pin(storage, held.name, held.version) != held:
        raise IntegrityError(f"{manifest.name}@{manifest.version} was planned on {held}, whose manifest was changed since")
    corpus = read_manifest(storage, held.name, held.version)
    for split in corpus.splits:
        link_blobs(storage, corpus, split)
    if corpus.sample_rate_hz is None or manifest.sample_rate_hz is None:
        raise IntegrityError(f"{manifest.name}@{manifest.version} or {held} states no sample rate")
    return Planned(version_folder(storage, corpus), str(held), corpus.sample_rate_hz, manifest.sample_rate_hz)


def broken_plans(storage: Root, manifest: Manifest, batch: pa.RecordBatch) -> Iterator[str]:
    """One line about the rows of a plan whose sources are not, or no longer, what the pinned corpus holds."""
    (held,) = manifest.inputs
    digests = _source_digests(storage.url, held)
    sources = zip(batch.column("source_ids").to_pylist(), batch.column("source_sha256s").to_pylist(), strict=True)
    wrong = [row for row, (ids, stored) in enumerate(sources) if [digests.get(source_id) for source_id in ids] != stored]
    if wrong:
        ids = ", ".join(batch.column("id")[row].as_py() for row in wrong[:3])
        yield f"sources are not those of {held} in {len(wrong)} rows ({ids}{', ...' if len(wrong) > 3 else ''})"


@lru_cache(maxsize=1)
def _source_digests(root_url: str, corpus: Pin) -> dict[str, str]:
    """SHA-256 of the PCM of each utterance, by its id."""
    root = open_root(root_url)
    manifest = read_manifest(root, corpus.name, corpus.version)
    utterances = open_utterances(root, manifest, manifest.sample_rate_hz or 0)
    tables = [utterances.table(split, ["id", "audio_sha256"]) for split in manifest.splits]
    return {row_id: digest for table in tables for row_id, digest in zip(*(c.to_pylist() for c in table.columns), strict=True)}


@lru_cache(maxsize=4)
def _utterances(planned: Planned) -> Utterances:
    """Opened once in each process."""
    blobs = {"": sorted(planned.folder.glob("*.arrow"))}
    return Utterances(planned.corpus, blobs, planned.corpus_rate_hz, planned.sample_rate_hz)
