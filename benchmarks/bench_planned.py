"""Sets that are stored as their plan: planned and published at full size, and read against WAV files by soundfile.

    python -m benchmarks.bench_planned [--mixtures 1000] [--repeats 3]

Rows/s are of process time, each side in a fresh process, files in the page cache, each row dropped before the next is read.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.bench_plan import SIZES, loading, pool
from benchmarks.corpus import write_librispeech
from catalog import Licence
from catalog.manifests import read_manifest
from catalog.publish import publish
from catalog.roots import open_root
from flows.mixtures.shards import store_plan
from flows.specs import load_spec
from synth.plan.split import plan_split
from synth.rows.layout import Layout

SIGNALS = ("mixture", "s1", "s2")
SIDES = ("soundfile", "stored", "planned", "planned, segment=1.0")


def full_size(folder: Path) -> None:
    """Plan and publish 130,000 mixtures of a corpus of AISHELL-1's measures, whose audio is not there."""
    spec = load_spec("sep_2spk_partial", {"storage": "plan"})
    pools = {split: pool(*size, seed) for seed, (split, size) in enumerate(SIZES.items())}
    load = loading(*pools.values())
    root, shards = open_root(folder / "full"), {}
    begin = time.perf_counter()
    for split, table in pools.items():
        plan = plan_split(spec, split, table, load).table
        shards[split] = [store_plan(root, spec.name, split, plan, Layout.of(spec), spec.sample_rate_hz)]
    published = publish(
        spec.name,
        kind="separation",
        splits=shards,
        fingerprint="bench",
        licence=Licence(name="CC0-1.0"),
        sample_rate_hz=16000,
        n_src=2,
        storage="plan",
        root=folder / "full",
    )
    seconds = time.perf_counter() - begin
    size_mb = sum(split.size_bytes for split in read_manifest(root, published.name, 1).splits.values()) / 1e6
    print(
        f"130,000 mixtures planned and published in {seconds:.1f} s (below 30 wanted), {size_mb:.0f} MB (below 60 wanted)",
        flush=True,
    )


def write_sets(folder: Path, mixtures: int) -> None:
    """The same set stored, planned, and as WAV files."""
    import soundfile

    from catalog.get import get
    from flows.mixtures.build import build
    from flows.recordings.ingest import ingest

    write_librispeech(folder, speakers=20, utterances=20)
    ingest("librispeech", [folder / "LibriSpeech"], root=folder / "catalog")
    overrides: dict[str, Any] = {
        "corpus": "librispeech",
        "splits": {"train": {"mixtures": mixtures}},
        "split_proportions": {"train": 1.0},
    }
    for name, storage in (("stored", "audio"), ("planned", "plan")):
        build(load_spec("sep_2spk_partial", {**overrides, "storage": storage}), name=name, root=folder / "catalog")
    (folder / "wav").mkdir()
    for k, row in enumerate(get("stored", split="train", root=folder / "catalog")):
        for signal in SIGNALS:
            soundfile.write(folder / "wav" / f"{k}_{signal}.wav", row[signal]["array"], 16000, subtype="PCM_16")


def rows_per_s(side: str, folder: Path, mixtures: int) -> float:
    """One pass over the set."""
    read: Any
    if side == "soundfile":
        import soundfile

        def read(k: int) -> object:
            return [soundfile.read(folder / "wav" / f"{k}_{signal}.wav", dtype="float32") for signal in SIGNALS]
    else:
        from catalog.get import get

        segment = 1.0 if "segment" in side else None
        read = get(side.split(",")[0], split="train", segment=segment, root=folder / "catalog").__getitem__
        read(0)  # opening is not counted
    begin = time.process_time()
    for k in range(mixtures):
        read(k)
    return mixtures / (time.process_time() - begin)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mixtures", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        print(rows_per_s(arguments.side, arguments.folder, arguments.mixtures))
        return
    with tempfile.TemporaryDirectory(prefix="yuliao-bench-") as temporary:
        folder = Path(temporary)
        os.environ["YULIAO_HOME"] = str(folder / "home")
        full_size(folder)
        write_sets(folder, arguments.mixtures)
        measured: dict[str, list[float]] = {side: [] for side in SIDES}
        for repeat in range(arguments.repeats + 1):  # the first round fills the page cache
            for side, figures in measured.items():
                command = ["-m", "benchmarks.bench_planned", "--side", side, "--folder", temporary]
                command += ["--mixtures", str(arguments.mixtures)]
                done = subprocess.run([sys.executable, *command], check=True, stdout=subprocess.PIPE, text=True)
                if repeat:
                    figures.append(float(done.stdout))
    print(f"{arguments.mixtures} rows of {len(SIGNALS)} signals, 6.3 s on average; median of {arguments.repeats}")
    for side, figures in measured.items():
        ratio = statistics.median(a / b for a, b in zip(figures, measured["soundfile"], strict=True))
        print(f"{side:22}{statistics.median(figures):10.0f} rows/s{ratio:8.1f} x soundfile")
    print("wanted: planned at least 5 x soundfile")


if __name__ == "__main__":
    main()
