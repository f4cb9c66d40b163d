"""Recordings as a set uses them: lengths, frame energies and peaks at another sample rate or of fewer channels, measured once
and kept.

Resampling takes away what lies above the new band, so levels that were measured at the corpus's own rate do not serve; those of
a noise are the mean over all of its channels, which is not that of the first one.
"""

import importlib.metadata
import json
import os
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from catalog.manifests import Manifest, Pin, read_manifest
from catalog.measured import measured_file
from catalog.noises import open_noises
from catalog.roots import open_root
from catalog.utterances import Utterances, open_utterances
from flows.progress import Progress
from flows.recordings.staging import frames
from flows.workers import ordered_map
from synth.degradations.chains import apply_degradations

ALGORITHM = 1  # raised when the same recording shall be measured otherwise
_RECORDINGS_PER_TASK = 500
_SCHEMA = pa.schema(
    [
        ("num_samples", pa.int64()),
        ("frame_energies", pa.list_(pa.int64())),
        ("frame_peaks", pa.list_(pa.uint16())),
    ]
)


@dataclass(frozen=True)
class _Task:
    root_url: str
    corpus: Pin
    sample_rate_hz: int
    num_channels: int | None  # of noises; None: utterances
    ids: list[str]
    degraded: bool = False  # each of `ids` is JSON of the id and of the chain of an utterance


def measured(
    corpus: Pin, manifest: Manifest, split: str, sample_rate_hz: int, root_url: str, workers: int, progress: Progress
) -> pa.Table:
    """Columns `num_samples, frame_energies, frame_peaks` of a split's utterances, in its order, at `sample_rate_hz`."""
    # Named by all that decides the measures, the order of the rows included: the blobs, the rate and who measures.
    blobs = [shard.blob for shard in manifest.splits[split].shards]
    path = _cache_path([blobs, sample_rate_hz])
    if not path.exists():
        ids = open_utterances(open_root(root_url), manifest, sample_rate_hz).table(split, ["id"])["id"].to_pylist()
        _measure_to(path, ids, _Task(root_url, corpus, sample_rate_hz, None, []), "utterances measured", workers, progress)
    return _read(path)


def measured_noises(
    corpus: Pin,
    manifest: Manifest,
    ids: list[str],
    sample_rate_hz: int,
    num_channels: int,
    root_url: str,
    workers: int,
    progress: Progress,
) -> pa.Table:
    """The same of some noises, of their first `num_channels` channels: energies are the mean over these, peaks the maximum."""
    blobs = [shard.blob for split in manifest.splits.values() for shard in split.shards]
    path = _cache_path([blobs, sample_rate_hz, num_channels, ids])
    if not path.exists():
        task = _Task(root_url, corpus, sample_rate_hz, num_channels, [])
        _measure_to(path, ids, task, "noises measured", workers, progress)
    return _read(path)


def measured_degraded(
    corpus: Pin, ids: pa.ChunkedArray, steps: pa.Array, sample_rate_hz: int, root_url: str, workers: int, progress: Progress
) -> pa.Table:
    """The same of some utterances of a corpus after the chain of degradations that `steps` tells of each, as JSON."""
    names, chains = ids.to_pylist(), steps.to_pylist()
    libraries = [importlib.metadata.version(package) for package in ("audiomentations", "scipy")]
    path = _cache_path([corpus.manifest_sha256, sample_rate_hz, names, chains, libraries])
    if not path.exists():
        task = _Task(root_url, corpus, sample_rate_hz, None, [])
        told = [json.dumps(pair) for pair in zip(names, chains, strict=True)]
        _measure_to(path, told, replace(task, degraded=True), "utterances degraded and measured", workers, progress)
    return _read(path)


def _cache_path(decisive: list[object]) -> Path:
    return measured_file([*decisive, importlib.metadata.version("soxr"), ALGORITHM], "arrow")


def _read(path: Path) -> pa.Table:
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def _measure_to(path: Path, ids: list[str], task: _Task, what: str, workers: int, progress: Progress) -> None:
    starts = range(0, len(ids), _RECORDINGS_PER_TASK)
    tasks = (replace(task, ids=ids[at : at + _RECORDINGS_PER_TASK]) for at in starts)
    workers = min(workers, max(1, len(starts)))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with pa.ipc.new_file(str(temporary), _SCHEMA) as file:
            done = 0
            for batch in ordered_map(_measure, tasks, workers, 2 * workers):
                file.write_batch(batch)
                done += batch.num_rows
                progress(done, len(ids), what)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _measure(task: _Task) -> pa.RecordBatch:
    recordings = _opened(task.root_url, task.corpus, task.sample_rate_hz, task.num_channels)
    lengths, energies, peaks = [], [], []
    for recording_id in task.ids:
        signal = _after_chain(recordings, recording_id, task) if task.degraded else recordings.load(recording_id)
        frame_energies, frame_peaks = frames(signal, task.sample_rate_hz)
        lengths.append(signal.shape[-1])
        energies.append(frame_energies)
        peaks.append(frame_peaks)
    return pa.RecordBatch.from_arrays([pa.array(lengths), pa.array(energies), pa.array(peaks)], schema=_SCHEMA)


def _after_chain(utterances: Utterances, told: str, task: _Task) -> NDArray[np.int16]:
    utterance_id, steps = json.loads(told)
    samples = utterances.load(utterance_id)
    if steps is None:
        return samples
    return cast(NDArray[np.int16], apply_degradations(samples, task.sample_rate_hz, json.loads(steps)))


@lru_cache(maxsize=1)
def _opened(root_url: str, corpus: Pin, sample_rate_hz: int, num_channels: int | None) -> Utterances:
    """Opened once in each worker."""
    root = open_root(root_url)
    manifest = read_manifest(root, corpus.name, corpus.version)
    if num_channels is None:
        return open_utterances(root, manifest, sample_rate_hz)
    return open_noises(root, manifest, sample_rate_hz, num_channels)
