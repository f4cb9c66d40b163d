"""Render + publish against two loops on the same pairs and signals: LibriMix's published way, and bare numpy.

    python -m benchmarks.bench_render [--mixtures 2000] [--repeats 3]

Prints CPU seconds of whole processes less what importing takes, seconds of mixture per CPU second, and ratios. The loops read
FLAC, as LibriSpeech comes; yuliao reads its corpus version, which ingest decoded once, so the numpy loop is also given without
its decoding. Two workers against one is measured by the wall clock, start of the workers included.
"""

import argparse
import importlib
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.corpus import SAMPLE_RATE_HZ, Figures, measure, write_librispeech

# What each side imports: its start-up, which is taken off.
IMPORTS = {
    "librimix": ("pandas", "scipy.signal", "soundfile"),
    "numpy": ("soundfile", "synth.wav"),
    "yuliao-1": ("flows.mixtures.build", "flows.mixtures.shards", "flows.specs"),
}


def librimix_way(plan: Path, corpus: Path, out: Path) -> None:
    """As LibriMix's script does it (create_librimix_from_metadata.py): per mixture a pandas row, each source read by soundfile,
    scaled in float, resampled by scipy (16 kHz to 16 kHz), padded, one WAV written per signal, the SNR of each source against
    the rest, and a line added to each of two metadata tables. Left out: its processes, and the noise."""
    import pandas as pd
    import soundfile as sf
    from scipy.signal import resample_poly

    rows = pa.ipc.open_file(str(plan)).read_all().to_pylist()
    table = pd.DataFrame(
        {
            "mixture_ID": [row["id"] for row in rows],
            **{
                f"{what}_{k}": [row[column][k] for row in rows]
                for k in (0, 1)
                for what, column in (("source", "source_ids"), ("gain", "gains"), ("offset", "offsets_samples"))
            },
            "length": [row["num_samples"] for row in rows],
        }
    )
    files = {path.stem: path for path in corpus.rglob("*.flac")}
    metrics = pd.DataFrame(columns=["mixture_ID", "source_1_SNR", "source_2_SNR"], dtype=object)
    metadata = pd.DataFrame(columns=["mixture_ID", "mixture_path", "source_1_path", "source_2_path", "length"], dtype=object)
    for _, row in table.iterrows():
        stems, paths = [], []
        for k in (0, 1):
            samples, _ = sf.read(files[row[f"source_{k}"]], dtype="float32")
            samples = resample_poly(samples * row[f"gain_{k}"], SAMPLE_RATE_HZ, SAMPLE_RATE_HZ)
            behind = row["length"] - row[f"offset_{k}"] - len(samples)
            stems.append(np.pad(samples, (row[f"offset_{k}"], behind), mode="constant"))
        mixture = np.zeros_like(stems[0])
        for stem in stems:
            mixture += stem
        for name, signal in (("s1", stems[0]), ("s2", stems[1]), ("mix_clean", mixture)):
            (out / name).mkdir(exist_ok=True)
            paths.append(str(out / name / f"{row['mixture_ID']}.wav"))
            sf.write(paths[-1], signal, SAMPLE_RATE_HZ)
        powers = [(np.mean(stem**2), np.mean((mixture - stem) ** 2)) for stem in stems]
        snrs = [10 * np.log10(source / (rest + 1e-10) + 1e-10) for source, rest in powers]
        metrics.loc[len(metrics)] = [row["mixture_ID"], *snrs]
        metadata.loc[len(metadata)] = [row["mixture_ID"], paths[2], paths[0], paths[1], len(mixture)]
    metrics.to_csv(out / "metrics.csv", index=False)
    metadata.to_csv(out / "mixture.csv", index=False)


def decoded(corpus: Path) -> dict[str, Any]:
    """Every source once, as int16."""
    import soundfile as sf

    return {path.stem: sf.read(path, dtype="int16")[0] for path in corpus.rglob("*.flac")}


def bare_numpy(plan: Path, corpus: Path, out: Path) -> None:
    """The least that can be done in numpy: each source decoded once, stems and sum computed, the same bytes written."""

    from synth import wav

    sources: dict[str, Any] = decoded(corpus)
    rows = pa.ipc.open_file(str(plan)).read_all().to_pylist()
    with (out / "everything.bin").open("wb") as file:
        for row in rows:
            stems = np.zeros((2, row["num_samples"]), dtype=np.int16)
            for k in (0, 1):
                samples = sources[row["source_ids"][k]]
                offset = row["offsets_samples"][k]
                stems[k, offset : offset + len(samples)] = np.rint(row["gains"][k] * samples)
            for signal in (stems.sum(axis=0, dtype=np.int16), *stems):
                file.write(wav.header(len(signal), SAMPLE_RATE_HZ))
                file.write(signal.tobytes())


def yuliao(mixtures: int, workers: int) -> None:
    """`yuliao build` itself, in the catalog of the environment."""
    from flows.mixtures.build import build
    from flows.specs import load_spec

    build(load_spec("sep_2spk_partial", _overrides(mixtures)), workers=workers)


def _overrides(mixtures: int) -> dict[str, Any]:
    return {
        "corpus": "librispeech",
        "splits": {"train": {"mixtures": mixtures}},
        "split_proportions": {"train": 1.0},
    }


def _prepare(folder: Path, mixtures: int) -> None:
    from flows.mixtures.build import write_plan
    from flows.recordings.ingest import ingest
    from flows.specs import load_spec

    write_librispeech(folder, speakers=20, utterances=20)
    ingest("librispeech", [folder / "LibriSpeech"])
    write_plan(load_spec("sep_2spk_partial", _overrides(mixtures)), folder / "plan")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mixtures", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        _run_side(arguments.side, arguments.folder, arguments.mixtures)
        return
    with tempfile.TemporaryDirectory(prefix="yuliao-bench-") as folder:
        _compare(Path(folder), arguments.mixtures, arguments.repeats)


def _run_side(side: str, folder: Path, mixtures: int) -> None:
    plan, corpus = folder / "plan", folder / "LibriSpeech"
    if side == "prepare":
        _prepare(folder, mixtures)
    elif side.startswith("imports-"):
        for module in IMPORTS[side.removeprefix("imports-")]:
            importlib.import_module(module)
    elif side == "decoding":
        decoded(corpus)
    elif side.startswith("yuliao"):
        yuliao(mixtures, int(side[-1]))
    else:
        with tempfile.TemporaryDirectory(dir=folder) as out:
            {"librimix": librimix_way, "numpy": bare_numpy}[side](plan, corpus, Path(out))


def _run(side: str, folder: Path, mixtures: int) -> Figures:
    """One side in a process of its own. A set that was built before is removed, so that nothing is found done already."""
    home = folder / "home"
    for left in (home / "catalog").glob("sep_*"):
        shutil.rmtree(left)
    env = {"YULIAO_HOME": str(home), "YULIAO_CATALOG": str(home / "catalog")}
    options = ("--side", side, "--folder", str(folder), "--mixtures", str(mixtures))
    return measure("-m", "benchmarks.bench_render", *options, env=env)


def _compare(folder: Path, mixtures: int, repeats: int) -> None:
    _run("prepare", folder, mixtures)
    hours = pc.sum(pa.ipc.open_file(str(folder / "plan")).read_all()["num_samples"]).as_py() / SAMPLE_RATE_HZ / 3600
    cpu_s: dict[str, list[float]] = {side: [] for side in (*IMPORTS, "numpy, decoded")}
    two_workers, peaks_mb = [], []
    for _ in range(repeats):
        for side in IMPORTS:  # in turn, so that a slow minute of the machine hits all of them
            figures = _run(side, folder, mixtures)
            cpu_s[side].append(figures.cpu_s - _run(f"imports-{side}", folder, mixtures).cpu_s)
        decoding = _run("decoding", folder, mixtures).cpu_s - _run("imports-numpy", folder, mixtures).cpu_s
        cpu_s["numpy, decoded"].append(cpu_s["numpy"][-1] - decoding)
        # Longer, since a worker takes most of a second to start.
        one, two = (_run(f"yuliao-{workers}", folder, 6 * mixtures) for workers in (1, 2))
        two_workers.append(one.wall_s / two.wall_s)
        peaks_mb += [one.peak_mb, two.peak_mb]
    print(f"{mixtures} mixtures, {hours:.2f} h, mixture + s1 + s2; medians of {repeats}; python {sys.version.split()[0]}")
    print(f"{'':16}{'CPU s':>8}{'x real time per core':>22}{'CPU / yuliao':>14}")
    for side, seconds in cpu_s.items():
        ratio = statistics.median(a / b for a, b in zip(seconds, cpu_s["yuliao-1"], strict=True))
        print(f"{side:16}{statistics.median(seconds):8.2f}{hours * 3600 / statistics.median(seconds):22,.0f}{ratio:14.2f}")
    print("wanted: librimix at least 10, numpy at least 0.7")
    print(f"{6 * mixtures} mixtures, one worker / two workers, wall: {statistics.median(two_workers):.2f} (at least 1.7 wanted)")
    print(f"largest process: {max(peaks_mb):.0f} MB (below 1000 wanted)")


if __name__ == "__main__":
    main()
