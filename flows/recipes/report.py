"""What the rows of a replayed recipe tell once they are written: what is in them, how far they sum, how they are spread."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from catalog.roots import Root
from catalog.shards import Shard, blob_path
from synth.rows.statistics import histogram

_COLUMNS = [
    "id",
    "num_samples",
    "sample_rate_hz",
    "sir_db",
    "overlap_ratio",
    "peak_dbfs",
    "largest_errors_lsb",
    "speaker_ids",
    "source_ids",
    "noise_ids",
]

Rows = list[dict[str, Any]]


def written_rows(storage: Root, name: str, shards: Sequence[Shard]) -> Rows:
    """The rows of shards, without their audio."""
    rows: Rows = []
    for shard in shards:
        with pa.memory_map(str(storage.fetch(blob_path(name, shard.blob)))) as file:
            for batch in pa.ipc.open_stream(file):
                rows += batch.select(_COLUMNS).to_pylist()
    return rows


def largest_errors(splits: Mapping[str, Rows], columns: Sequence[str]) -> dict[str, int]:
    """Of each mixture column, by how many steps it differs at most from the sum of its stems."""
    errors = [row["largest_errors_lsb"] for rows in splits.values() for row in rows]
    return {column: max(of_row[k] for of_row in errors) for k, column in enumerate(columns)}


def statistics(rows: Rows) -> dict[str, Any]:
    """Histograms of a split, as far as its rows have values, and how often each speaker, utterance and noise is used."""
    seconds = [row["num_samples"] / row["sample_rate_hz"] for row in rows]
    sirs_db = [sir_db for row in rows for sir_db in row["sir_db"] if sir_db is not None]
    values = {
        "length_s": (seconds, 1.0),
        "sir_db": (sirs_db, 1.0),
        "overlap_ratio": ([row["overlap_ratio"] for row in rows], 0.1),
        "peak_dbfs": ([row["peak_dbfs"] for row in rows], 3.0),
    }
    used = {"speaker": "speaker_ids", "utterance": "source_ids", "noise": "noise_ids"}
    counts = {what: Counter(source for row in rows for source in row[column]) for what, column in used.items()}
    return {
        "mixtures": len(rows),
        "hours": round(sum(seconds) / 3600, 4),
        **{name: histogram(np.array(found), step) for name, (found, step) in values.items() if found},
        **{f"uses_of_{what}s": _uses(count) for what, count in counts.items() if count},
    }


def _uses(counts: Counter[str]) -> dict[str, Any]:
    return {"least": min(counts.values()), "mean": round(counts.total() / len(counts), 2), "most": max(counts.values())}
