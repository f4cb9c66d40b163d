"""Ingest of an AISHELL-1-like archive against tar, and of VoxCeleb-like parts against cat and unzip, in one run.

python benchmarks/bench_ingest.py [SPEAKERS]     (100 utterances of 4.5 s each; noise that gzip shrinks as it does speech)
"""

import gzip
import hashlib
import io
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from flows import corpora
from flows.adapter import Archive, Corpus
from flows.recordings.ingest import ingest
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


def make_voxceleb(folder: Path, speakers: int) -> Corpus:
    """A dev archive in VoxCeleb1's layout, cut into its four parts; the adapter with the checksums that are official for such."""
    generator = np.random.default_rng(2)
    whole = folder / "whole.zip"
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for speaker in range(10_001, 10_001 + speakers):
            for number in range(UTTERANCES_PER_SPEAKER):
                samples = np.rint(generator.standard_normal(72_000) * 1000).astype(np.int16)
                archive.writestr(f"wav/id{speaker}/a_b-c{number // 10:06}/{number:05}.wav", wav.encode(samples, SAMPLE_RATE_HZ))
    adapter = corpora.get("voxceleb1")
    dev = adapter.archives[0]
    size_bytes = whole.stat().st_size
    parts = []
    with whole.open("rb") as file:
        for part in dev.parts:
            data = file.read(-(-size_bytes // len(dev.parts)))
            (folder / part.file).write_bytes(data)
            parts.append(Archive(part.file, md5=hashlib.md5(data).hexdigest(), sha256=hashlib.sha256(data).hexdigest()))
    with whole.open("rb") as file:
        digest = hashlib.file_digest(file, "md5").hexdigest()
    whole.unlink()
    return replace(adapter, archives=(Archive(dev.file, md5=digest, parts=tuple(parts)),))


def join_and_unzip(parts: Sequence[Path], folder: Path) -> None:
    """What the makers' page says to do."""
    folder.mkdir()
    with (folder / "joined.zip").open("wb") as joined:
        subprocess.run(["cat", *parts], stdout=joined, check=True)
    subprocess.run(["unzip", "-q", folder / "joined.zip", "-d", folder], check=True)


def compare(what: str, by_hand: Callable[[], object], corpus: str | Corpus, sources: Sequence[Path], folder: Path) -> None:
    """Time `by_hand` and ingests of the same files, with nothing known of their checksums before."""
    hand_s, hand_cpu_s = timed(by_hand)
    print(f"{what:30}{hand_s:6.1f} s, {hand_cpu_s:6.1f} CPU-s")
    for workers in (1, 2):
        home = folder / f"home{workers}"
        os.environ["YULIAO_HOME"] = str(home)
        seconds, cpu_s = timed(partial(ingest, corpus, sources, root=home / "catalog", workers=workers))
        ratios = f"{seconds / hand_s:.2f} and {cpu_s / hand_cpu_s:.2f} times as much"
        print(f"  ingest, {workers} worker(s)         {seconds:6.1f} s, {cpu_s:6.1f} CPU-s: {ratios}")
        shutil.rmtree(home)


def main() -> None:
    speakers = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "aishell1"
        folder.mkdir()
        make_corpus(folder, speakers)
        archive = folder / "data_aishell.tgz"
        print(f"{speakers * UTTERANCES_PER_SPEAKER} utterances, {archive.stat().st_size / 1e6:.0f} MB packed")
        compare("tar xzf, inner archives too", lambda: unpack(archive, folder / "unpacked"), "aishell1", [archive], folder)
        shutil.rmtree(folder)
        folder = Path(name) / "voxceleb1"
        folder.mkdir()
        adapter = make_voxceleb(folder, speakers)
        parts = [folder / part.file for part in adapter.archives[0].parts]
        compare("cat parts, then unzip", lambda: join_and_unzip(parts, folder / "unpacked"), adapter, parts, folder)
    for who, what in ((resource.RUSAGE_SELF, "this process"), (resource.RUSAGE_CHILDREN, "the largest worker")):
        print(f"peak memory of {what}: {resource.getrusage(who).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
