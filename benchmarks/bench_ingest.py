"""Ingest of an AISHELL-1-like archive against unpacking it with tar, in one run.

python benchmarks/bench_ingest.py [SPEAKERS]     (100 utterances of 4.5 s each; noise that gzip shrinks as it does speech)
"""

import gzip
import io
import os
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from flows.ingest import ingest
from synth import wav

SAMPLE_RATE_HZ = 16_000
UTTERANCES_PER_SPEAKER = 100


def make_corpus(folder: Path, speakers: int) -> None:
    """`data_aishell.tgz` in the official layout, its transcript last."""
    generator = np.random.default_rng(1)
    lines = []
    with tarfile.open(folder / "data_aishell.tgz", "w:gz", compresslevel=1) as outer:
        for speaker in range(2, 2 + speakers):
            split = ("train", "train", "train", "dev", "test")[speaker % 5]
            files = {}
            for number in range(UTTERANCES_PER_SPEAKER):
                utterance = f"BAC009S{speaker:04}W{number:04}"
                samples = np.rint(generator.standard_normal(72_000) * 1000).astype(np.int16)
                files[f"{split}/S{speaker:04}/{utterance}.wav"] = wav.encode(samples, SAMPLE_RATE_HZ)
                lines.append(f"{utterance} 今天 天气 很 好\n")
            inner = io.BytesIO()
            with (
                gzip.GzipFile(fileobj=inner, mode="wb", compresslevel=1) as stream,
                tarfile.open(fileobj=stream, mode="w") as tar,
            ):
                for path, data in files.items():
                    _add(tar, path, data)
            _add(outer, f"data_aishell/wav/S{speaker:04}.tar.gz", inner.getvalue())
        _add(outer, "data_aishell/transcript/aishell_transcript_v0.8.txt", "".join(lines).encode())


def _add(tar: tarfile.TarFile, path: str, data: bytes) -> None:
    member = tarfile.TarInfo(path)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def unpack(archive: Path, folder: Path) -> None:
    """tar for the archive, and for the speakers' archives in it."""
    folder.mkdir()
    subprocess.run(["tar", "xzf", archive, "-C", folder], check=True)
    inner = folder / "data_aishell" / "wav"
    for path in sorted(inner.glob("*.tar.gz")):
        subprocess.run(["tar", "xzf", path, "-C", inner], check=True)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of CPU over this process and its children."""
    clock_s, cpu_s = time.perf_counter(), sum(os.times()[:4])
    work()
    return time.perf_counter() - clock_s, sum(os.times()[:4]) - cpu_s


def main() -> None:
    speakers = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_corpus(folder, speakers)
        size_mb = (folder / "data_aishell.tgz").stat().st_size / 1e6
        print(f"{speakers * UTTERANCES_PER_SPEAKER} utterances, {size_mb:.0f} MB packed")
        tar_s, tar_cpu_s = timed(lambda: unpack(folder / "data_aishell.tgz", folder / "unpacked"))
        print(f"tar xzf, inner archives too {tar_s:6.1f} s, {tar_cpu_s:6.1f} CPU-s")
        for workers in (1, 2):
            root = folder / f"catalog{workers}"
            seconds, cpu_s = timed(partial(ingest, "aishell1", [folder / "data_aishell.tgz"], root=root, workers=workers))
            ratios = f"{seconds / tar_s:.2f} and {cpu_s / tar_cpu_s:.2f} times tar"
            print(f"ingest, {workers} worker(s)         {seconds:6.1f} s, {cpu_s:6.1f} CPU-s: {ratios}")
        for who, what in ((resource.RUSAGE_SELF, "this process"), (resource.RUSAGE_CHILDREN, "the largest worker")):
            print(f"peak memory of {what}: {resource.getrusage(who).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
