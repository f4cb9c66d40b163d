"""Planning at full size: 130,000 mixtures of a corpus of AISHELL-1's measures, without its audio.

    python -m benchmarks.bench_plan [--repeats 3]

Prints seconds for `sep_2spk_partial` (130,000 mixtures) and `sep_2spk_full` (69,000), all splits, in one process.
"""

import argparse
import hashlib
import statistics
import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from flows.specs import load_spec
from synth.plan.split import plan_split

# Utterances with text or without, and speakers, of AISHELL-1's splits.
SIZES = {"train": (120_418, 340), "validation": (14_331, 40), "test": (7_176, 20)}
FRAME = 160


def pool(utterances: int, speakers: int, seed: int) -> pa.Table:
    """Lengths and frames of utterances that were never spoken."""
    random = np.random.default_rng(seed)
    lengths = (np.clip(random.lognormal(np.log(4.3), 0.32, utterances), 1.2, 14.5) * 16000).astype(np.int64)
    frames = -(-lengths // FRAME)
    ends = np.cumsum(frames)
    level = np.repeat(random.uniform(100, 2000, utterances), frames)
    energies = (random.gamma(0.5, 2.0, ends[-1]) * level**2 * FRAME).astype(np.int64)
    peaks = np.minimum(np.sqrt(energies / FRAME) * 4, 32767).astype(np.uint16)
    ids = [f"BAC009S{seed}{k % speakers:03d}W{k:06d}" for k in range(utterances)]
    return pa.table(
        {
            "id": ids,
            "speaker_id": [row_id[6:11] for row_id in ids],
            "gender": ["female"] * utterances,
            "text": ["而对楼市成交抑制作用最大的限购"] * utterances,
            "audio_sha256": [hashlib.sha256(row_id.encode()).hexdigest() for row_id in ids],
            "num_samples": lengths,
            "frame_energies": _lists(energies, ends, pa.int64()),
            "frame_peaks": _lists(peaks, ends, pa.uint16()),
        }
    )


def loading(*tables: pa.Table) -> Callable[[str], NDArray[np.int16]]:
    """From the id of an utterance to samples that are as loud as its frames."""
    where = {row_id: (table, row) for table in tables for row, row_id in enumerate(table["id"].to_pylist())}

    def load(source_id: str) -> NDArray[np.int16]:
        table, row = where[source_id]
        rms = np.sqrt(table["frame_energies"][row].values.to_numpy() / FRAME).astype(np.int16)
        return np.repeat(rms, FRAME)[: table["num_samples"][row].as_py()]

    return load


def _lists(values: np.ndarray, ends: np.ndarray, type_: pa.DataType) -> pa.ChunkedArray:
    """Lists in chunks of 500 utterances, as ingest writes them."""
    offsets = np.concatenate([[0], ends])
    chunks = []
    for first in range(0, len(ends), 500):
        part = offsets[first : first + 501]
        chunks.append(
            pa.ListArray.from_arrays(pa.array((part - part[0]).astype(np.int32)), pa.array(values[part[0] : part[-1]], type_))
        )
    return pa.chunked_array(chunks)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    pools = {split: pool(*size, seed) for seed, (split, size) in enumerate(SIZES.items())}
    load = loading(*pools.values())
    for name in ("sep_2spk_partial", "sep_2spk_full"):
        spec, seconds = load_spec(name), []
        for _ in range(repeats):
            begin = time.perf_counter()
            plans = [plan_split(spec, split, table, load) for split, table in pools.items()]
            seconds.append(time.perf_counter() - begin)
        mixtures = sum(plan.table.num_rows for plan in plans)
        anew = sum(plan.report.get("overlap_ratios_drawn_anew", 0) for plan in plans)
        twice = sum(plan.report["pairs"]["most_uses"] > 1 for plan in plans)
        print(
            f"{name}: {mixtures:,} mixtures planned in {statistics.median(seconds):.2f} s (below 3 wanted); "
            f"{anew} ratios drawn anew, {twice} splits with a pair used twice"
        )


if __name__ == "__main__":
    main()
