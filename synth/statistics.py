"""What a card says of a column of numbers."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def histogram(values: NDArray[Any], step: float) -> dict[str, Any]:
    """How `values` are spread: `counts[k]` of them lie from `first + k * step` up to, and without, the next; plain values."""
    bins = np.floor(values / step + 1e-9).astype(np.int64)  # 0.3 / 0.1 falls short of 3
    first = int(bins.min())
    return {"first": round(first * step, 6), "step": step, "counts": np.bincount(bins - first).tolist()}


def plan_statistics(plan: pa.Table) -> dict[str, Any]:
    """Histograms of a split's plan: lengths, levels, overlap, gains, and how often each speaker and utterance is used."""
    lengths_s = plan["num_samples"].to_numpy() / plan["sample_rate_hz"].to_numpy()
    return {
        "length_s": histogram(lengths_s, 1.0),
        "sir_db": histogram(_flat(plan["sir_db"]), 1.0),
        "overlap_ratio": histogram(plan["overlap_ratio"].to_numpy(), 0.1),
        "peak_bound_dbfs": histogram(plan["peak_bound_dbfs"].to_numpy(), 3.0),
        "uses_of_a_speaker": _uses(plan["speaker_ids"]),
        "uses_of_an_utterance": _uses(plan["source_ids"]),
    }


def _flat(column: pa.ChunkedArray) -> NDArray[Any]:
    values: NDArray[Any] = column.combine_chunks().flatten().to_numpy()
    return values


def _uses(column: pa.ChunkedArray) -> dict[str, Any]:
    """How many speakers or utterances are used how often."""
    uses = np.asarray(column.combine_chunks().flatten().value_counts().field("counts"))
    return {"least": int(uses.min()), "mean": round(float(uses.mean()), 2), "most": int(uses.max())}
