"""The utterances of a corpus as they are at another sample rate: lengths, frame energies and peaks, measured once and kept.

Resampling takes away what lies above the new band, so levels that were measured at the corpus's own rate do not serve.
"""

import hashlib
import importlib.metadata
import json
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from catalog import settings
from catalog.manifests import Manifest, Pin, read_manifest
from catalog.roots import open_root
from catalog.utterances import Utterances, open_utterances
from flows.progress import Progress
from flows.workers import ordered_map
from synth.levels import measure_frames

ALGORITHM = 1  # raised when the same utterance shall be measured otherwise
_UTTERANCES_PER_TASK = 500
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
    ids: list[str]


def measured(
    corpus: Pin, manifest: Manifest, split: str, sample_rate_hz: int, root_url: str, workers: int, progress: Progress
) -> pa.Table:
    """Columns `num_samples, frame_energies, frame_peaks` of a split's utterances, in its order, at `sample_rate_hz`."""
    path = _cache_path(manifest, split, sample_rate_hz)
    if not path.exists():
        ids = open_utterances(open_root(root_url), manifest, sample_rate_hz).table(split, ["id"])["id"].to_pylist()
        starts = range(0, len(ids), _UTTERANCES_PER_TASK)
        tasks = (_Task(root_url, corpus, sample_rate_hz, ids[at : at + _UTTERANCES_PER_TASK]) for at in starts)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        try:
            with pa.ipc.new_file(str(temporary), _SCHEMA) as file:
                done = 0
                for batch in ordered_map(_measure, tasks, workers, 2 * workers):
                    file.write_batch(batch)
                    done += batch.num_rows
                    progress(done, len(ids), "utterances measured")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def _cache_path(manifest: Manifest, split: str, sample_rate_hz: int) -> Path:
    """Named by all that decides the measures, the order of the rows included: the blobs, the rate and who measures."""
    blobs = [shard.blob for shard in manifest.splits[split].shards]
    key = json.dumps([blobs, sample_rate_hz, importlib.metadata.version("soxr"), ALGORITHM])
    return settings.home() / "cache" / "measures" / f"{hashlib.sha256(key.encode()).hexdigest()}.arrow"


def _measure(task: _Task) -> pa.RecordBatch:
    utterances = _utterances(task.root_url, task.corpus, task.sample_rate_hz)
    lengths, energies, peaks = [], [], []
    for utterance_id in task.ids:
        samples = utterances.load(utterance_id)
        frame_energies, frame_peaks = measure_frames(samples, task.sample_rate_hz)
        lengths.append(len(samples))
        energies.append(frame_energies)
        peaks.append(frame_peaks)
    return pa.RecordBatch.from_arrays([pa.array(lengths), pa.array(energies), pa.array(peaks)], schema=_SCHEMA)


@lru_cache(maxsize=1)
def _utterances(root_url: str, corpus: Pin, sample_rate_hz: int) -> Utterances:
    """Opened once in each worker."""
    root = open_root(root_url)
    return open_utterances(root, read_manifest(root, corpus.name, corpus.version), sample_rate_hz)
