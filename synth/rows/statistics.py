"""What a card says of the columns of a plan: how their values are spread, and how often each source is used."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_MOST_BINS_OF_USES = 20
# Columns and the width of their bins. Of lists all values count; nulls, and what has no level, are left out.
_STEPS = {
    "level_db": 1.0,
    "sir_db": 1.0,
    "snr_db": 1.0,
    "overlap_ratio": 0.1,
    "peak_bound_dbfs": 3.0,
    "t60_s": 0.1,
    "drr_db": 3.0,
}
_USES = {
    "uses_of_a_speaker": "speaker_ids",
    "uses_of_an_utterance": "source_ids",
    "uses_of_a_noise": "noise_ids",
    "uses_of_a_rir": "rir_ids",
}


def histogram(values: NDArray[Any], step: float) -> dict[str, Any]:
    """How `values`, of which there are some, are spread: `counts[k]` of them lie from `first + k * step` up to, and without, the
    next; plain values."""
    bins = np.floor(values / step + 1e-9).astype(np.int64)  # 0.3 / 0.1 falls short of 3
    first = int(bins.min())
    return {"first": round(first * step, 6), "step": step, "counts": np.bincount(bins - first).tolist()}


def plan_statistics(plan: pa.Table) -> dict[str, Any]:
    """Histograms of a split's plan: lengths, numbers of sources, levels, overlap, rooms; and how often each speaker, utterance,
    noise and RIR is used. What the plan has no values of is left out."""
    lengths_s = plan["num_samples"].to_numpy() / plan["sample_rate_hz"].to_numpy()
    sources = pa.compute.list_value_length(plan["speaker_ids"]).to_numpy()
    told = {"length_s": histogram(lengths_s, 1.0), "n_src": histogram(sources, 1)}
    for column, step in _STEPS.items():
        values = _values(plan, column)
        finite = values.to_numpy(zero_copy_only=False).astype(np.float64)
        finite = finite[np.isfinite(finite)]
        if len(finite):
            told[column] = histogram(finite, step)
    for name, column in _USES.items():
        ids = _values(plan, column)
        if len(ids):
            told[name] = _uses(ids)
    return told


def _values(plan: pa.Table, column: str) -> pa.Array:
    """All that a column holds, also in its lists, but for nulls."""
    if column not in plan.column_names:
        return pa.array([])
    values = plan[column].combine_chunks()
    return (values.flatten() if pa.types.is_list(values.type) else values).drop_null()


def _uses(ids: pa.Array) -> dict[str, Any]:
    """How often those that are used are used, with a histogram: so many of them are used so often."""
    uses = np.asarray(ids.value_counts().field("counts"))
    least, most = int(uses.min()), int(uses.max())
    step = -(-(most - least + 1) // _MOST_BINS_OF_USES)
    return {"least": least, "mean": round(float(uses.mean()), 2), "most": most, **histogram(uses, step)}
