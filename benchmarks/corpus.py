"""A made-up corpus for benchmarks, of AISHELL-1's measures: lengths, levels, pauses; and figures of whole processes."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16000


def utterance(seed: int) -> NDArray[np.int16]:
    """Noise with the envelope of speech: syllables of 0.2 s, a pause at both ends; 1.2 to 14.5 s, 4.5 s on average."""
    random = np.random.default_rng(seed)
    length = int(np.clip(random.lognormal(np.log(4.3), 0.32), 1.2, 14.5) * SAMPLE_RATE_HZ)
    syllables = np.repeat(random.gamma(1.5, 0.5, length // 3200 + 1), 3200)[:length]
    envelope = np.minimum(syllables, np.interp(np.arange(length), [0, 4000, length - 4000, length], [0.01, 3, 3, 0.01]))
    noise = np.convolve(random.standard_normal(length + 7), np.hanning(8), mode="valid")
    return np.clip(noise * envelope * random.uniform(100, 900), -32768, 32767).astype(np.int16)


def write_librispeech(folder: Path, speakers: int, utterances: int) -> None:
    """A folder in LibriSpeech's layout: FLAC files of `speakers` times `utterances`."""
    for speaker in range(1000, 1000 + speakers):
        chapter = folder / "LibriSpeech" / "train-clean-100" / str(speaker) / "1"
        chapter.mkdir(parents=True)
        for number in range(utterances):
            sf.write(chapter / f"{speaker}-1-{number:04d}.flac", utterance(speaker * 1000 + number), SAMPLE_RATE_HZ)


@dataclass(frozen=True)
class Figures:
    """Of one finished process and all its children."""

    cpu_s: float
    wall_s: float
    peak_mb: float  # of the largest single process


def measure(*command: str, env: dict[str, str] | None = None) -> Figures:
    """Run `python COMMAND...` to its end and take the operating system's account of it."""
    account = (
        "import os, resource, subprocess, sys, time; begin = time.perf_counter();"
        "code = subprocess.run([sys.executable, *sys.argv[1:]], stdout=subprocess.DEVNULL).returncode;"
        "usage = resource.getrusage(resource.RUSAGE_CHILDREN);"
        "print(code, usage.ru_utime + usage.ru_stime, time.perf_counter() - begin, usage.ru_maxrss / 1024)"
    )
    environment = {**os.environ, **(env or {})}
    command = (sys.executable, "-c", account, *command)
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    code, cpu_s, wall_s, peak_mb = done.stdout.split()
    if code != "0":
        raise SystemExit(f"{' '.join(command[3:])} ended with {code}")
    return Figures(float(cpu_s), float(wall_s), float(peak_mb))
