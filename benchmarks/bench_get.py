"""Rows per second of `catalog.get` against three WAV files per row read with soundfile, and of one-second crops.

    python benchmarks/bench_get.py [--rows 1000] [--repeats 5]

Every figure is one pass over the set in a process of its own, files in the page cache, each row dropped before the next is read.
Seconds are those of the process (user and system, one thread): on an idle machine the wall's, on a busy one still comparable.
"""

import argparse
import hashlib
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

SAMPLE_RATE_HZ = 16_000
NUM_SAMPLES = 72_000  # 4.5 s
SIGNALS = ("mixture", "s1", "s2")
SIDES = ("soundfile", "catalog.get", "catalog.get, audio columns", "catalog.get, segment=1.0")
NAME = "bench_get"


def write_set(folder: Path, num_rows: int) -> None:
    """The same signals as a catalog version and as WAV files."""
    import soundfile

    from catalog import Licence, publish
    from catalog.kinds import separation_schema
    from catalog.roots import open_root
    from catalog.shards import ShardWriter
    from synth.rows.layout import Layout

    generator = np.random.default_rng(0)
    schema = separation_schema(Layout(2), SAMPLE_RATE_HZ)
    (folder / "wav").mkdir()
    root = folder / "catalog"
    with ShardWriter(open_root(root), NAME, "train", schema) as writer:
        for first in range(0, num_rows, 100):
            rows = []
            for k in range(first, min(first + 100, num_rows)):
                s1, s2 = generator.integers(-9000, 9000, (2, NUM_SAMPLES)).astype(np.int16)
                signals = {"mixture": s1 + s2, "s1": s1, "s2": s2}
                for signal, samples in signals.items():
                    soundfile.write(folder / "wav" / f"{k}_{signal}.wav", samples, SAMPLE_RATE_HZ, subtype="PCM_16")
                rows.append(make_row(k, signals))
            writer.write(pa.RecordBatch.from_pylist(rows, schema))
        shard = writer.close()
    publish(
        NAME,
        kind="separation",
        splits={"train": [shard]},
        fingerprint="bench",
        licence=Licence(name="CC0-1.0"),
        sample_rate_hz=SAMPLE_RATE_HZ,
        n_src=2,
        root=root,
    )


def make_row(k: int, signals: dict[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
    """A row of kind `separation` with every column filled as a build fills it."""
    from synth import wav

    digest = hashlib.sha256(str(k).encode()).hexdigest()
    return {name: {"bytes": wav.encode(samples, SAMPLE_RATE_HZ), "path": None} for name, samples in signals.items()} | {
        "id": digest[:24],
        "source_ids": [f"u{k}a", f"u{k}b"],
        "speaker_ids": [f"s{k}a", f"s{k}b"],
        "genders": ["female", "male"],
        "texts": ["今天天氣很好", "我們去公園散步吧"],
        "offsets_samples": [0, 1000],
        "starts_samples": [0, 0],
        "lengths_samples": [NUM_SAMPLES, NUM_SAMPLES - 1000],
        "num_samples": NUM_SAMPLES,
        "sample_rate_hz": SAMPLE_RATE_HZ,
        "gains": [0.5, 0.4],
        "sir_db": [1.25],
        "sir_db_asked": [1.2],
        "overlap_ratio": 0.5,
        "overlap_ratio_asked": 0.5,
        "overlap_ratio_draws": 1,
        "clip_gain_db": 0.0,
        "peak_bound_dbfs": -1.0,
        "peak_dbfs": -5.0,
        "source_sha256s": [digest, digest],
        "row_digest": digest,
    }


def reader(side: str, folder: Path) -> tuple[Callable[[int], object], int]:
    """What reads row i on this side, and how many rows there are."""
    if side == "soundfile":
        import soundfile

        def read(i: int) -> object:
            return {signal: soundfile.read(folder / "wav" / f"{i}_{signal}.wav", dtype="float32") for signal in SIGNALS}

        return read, len(list((folder / "wav").glob("*_mixture.wav")))

    from catalog.get import get

    dataset = get(
        NAME,
        split="train",
        root=folder / "catalog",
        columns=SIGNALS if side.endswith("audio columns") else None,
        segment=1.0 if side.endswith("segment=1.0") else None,
    )
    return dataset.__getitem__, len(dataset)


def measure(side: str, order: str, folder: Path) -> float:
    """Rows per second of process time in one pass, opening not counted."""
    read, num_rows = reader(side, folder)
    indices = list(range(num_rows))
    if order == "shuffled":
        random.Random(0).shuffle(indices)
    begin = time.process_time()
    for i in indices:
        read(i)
    return num_rows / (time.process_time() - begin)


def measure_apart(side: str, order: str, folder: Path) -> float:
    """`measure` in a fresh process."""
    code = f"import bench_get, pathlib; print(bench_get.measure({side!r}, {order!r}, pathlib.Path({str(folder)!r})))"
    environment_paths = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {environment_paths!r}; {code}"],
        check=True,
        stdout=subprocess.PIPE,
        env={"YULIAO_HOME": str(folder / "home"), "PATH": "/usr/bin:/bin"},
        timeout=600,
    )
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parents[1]))
    with tempfile.TemporaryDirectory(prefix="yuliao-bench-") as temporary:
        folder = Path(temporary)
        write_set(folder, arguments.rows)
        measured: dict[str, dict[str, list[float]]] = {
            order: {side: [] for side in SIDES} for order in ("sequential", "shuffled")
        }
        for repeat in range(arguments.repeats + 1):  # the first round fills the page cache
            for order, sides in measured.items():
                for side, figures in sides.items():
                    figure = measure_apart(side, order, folder)
                    if repeat:
                        figures.append(figure)
    if arguments.json:
        print(json.dumps(measured, indent=2))
        return
    print(f"{arguments.rows} rows of {len(SIGNALS)} signals, {NUM_SAMPLES / SAMPLE_RATE_HZ} s; median of {arguments.repeats}")
    print(f"{'':12}{'':30}{'rows/s':>10}{'min':>10}{'max':>10}{'/soundfile':>12}{'/whole':>8}")
    for order, sides in measured.items():
        medians = {side: statistics.median(figures) for side, figures in sides.items()}
        for side, figures in sides.items():
            print(
                f"{order:12}{side:30}{medians[side]:10.0f}{min(figures):10.0f}{max(figures):10.0f}"
                f"{medians[side] / medians['soundfile']:12.2f}{medians[side] / medians['catalog.get']:8.2f}"
            )


if __name__ == "__main__":
    main()
