"""Noise and rooms from spec to published set: planning at full size, and whole builds.

    python -m benchmarks.bench_surroundings [--mixtures 1000] [--repeats 3] [--sets rooms ...]

Prints CPU seconds to plan 130,000 mixtures with noise, and those of whole builds with one worker, less what importing takes: two
sources with noise; two microphones that hear both in a room, and noise of two channels; one microphone in a room, with RIRs of
0.5 s, the measuring of the plan included. Beside the first two stands a bare numpy loop that writes the same bytes.
"""

import argparse
import hashlib
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.bench_plan import FRAME, SIZES, loading, pool
from benchmarks.bench_plan import _lists as frames_in_chunks
from benchmarks.corpus import SAMPLE_RATE_HZ, measure, write_librispeech

NOISES = 930  # as many as MUSAN has
IMPORTS = {  # pyarrow takes pandas where there is one
    "yuliao": ("flows.mixtures.build", "flows.mixtures.shards", "flows.specs", "pandas"),
    "numpy": ("scipy.signal", "synth.wav"),
}
ROOMS = 100  # of two RIRs each: each is used for ten mixtures
SETS: dict[str, dict[str, Any]] = {
    "noise": {"noise": {"corpus": "noises_1"}},
    "two microphones": {"rooms": {"corpus": "rirs_2", "microphones": 2}, "noise": {"corpus": "noises_2"}},
    "rooms": {"rooms": {"corpus": "rirs_1"}},
}
NUMPY = ("noise", "two microphones")
PLANNING = "planning"


def spec_of(which: str, mixtures: int) -> Any:
    """The set of that name."""
    from flows.specs import load_spec

    splits = {split: {"mixtures": mixtures if split == "train" else 0} for split in SIZES}
    name = which.replace(" ", "_")
    return load_spec("sep_2spk_partial", {"corpus": "librispeech", "splits": splits, "name": name, **SETS[which]})


def publish(url: str, kind: str, channels: int) -> None:
    """A corpus of noises of 60 s, or of decays of 0.5 s, of so many channels."""
    import catalog
    from catalog.kinds import noise_schema, rir_schema
    from catalog.roots import open_root
    from catalog.shards import ShardWriter, row_digest
    from flows.recordings.staging import frames
    from synth import wav

    random, root, name = np.random.default_rng(channels), open_root(url), f"{kind}s_{channels}"
    schema = noise_schema(SAMPLE_RATE_HZ) if kind == "noise" else rir_schema(SAMPLE_RATE_HZ)
    with ShardWriter(root, name, "train", schema) as writer:
        for number in range(20 if kind == "noise" else 2 * ROOMS):
            length = 60 * SAMPLE_RATE_HZ if kind == "noise" else SAMPLE_RATE_HZ // 2
            signal = random.standard_normal((channels, length))
            if kind == "noise":
                signal = (signal * 1500).astype(np.int16)
            else:
                signal = (signal * 10 ** (-6 * np.arange(length) / SAMPLE_RATE_HZ)).astype(np.float32)
                signal[:, 100] = 5
            signal = signal[0] if channels == 1 else signal
            encoded = wav.encode_signal(signal, SAMPLE_RATE_HZ)
            row = {
                "id": f"{kind}-{number}",
                "category": kind,
                "recording_id": f"{kind}-{number}",
                "official_split": "train",
                "sample_rate_hz": SAMPLE_RATE_HZ,
                "num_samples": length,
                "num_channels": channels,
                "duration_s": length / SAMPLE_RATE_HZ,
                "audio_sha256": hashlib.sha256(np.ascontiguousarray(signal.T)).hexdigest(),
                **({} if kind == "noise" else {"room_id": f"room-{number // 2}"}),
            }
            row["row_digest"] = row_digest(row)
            row["audio"] = {"bytes": encoded, "path": None}
            if kind == "noise":
                row["frame_energies"], row["frame_peaks"] = frames(signal, SAMPLE_RATE_HZ)
            writer.write(pa.RecordBatch.from_pylist([row], schema=schema))
        shard = writer.close()
    licence = catalog.Licence(name="CC0-1.0", commercial_use=True)
    catalog.publish(
        name, kind=kind, splits={"train": [shard]}, fingerprint=name, licence=licence, root=url, sample_rate_hz=SAMPLE_RATE_HZ
    )


def build(which: str, mixtures: int, name: str) -> None:
    """`yuliao build` itself, in the catalog of the environment."""
    from flows.mixtures.build import build

    build(spec_of(which, mixtures), name=name, workers=1)


def bare_numpy(plan: Path, url: str, noises: str, rooms: str, out: Path) -> None:
    """The least that can be done in numpy and scipy: stems and sum of decoded sources, the same bytes written."""
    from scipy.signal import fftconvolve

    from catalog.inputs import loads_of, open_inputs
    from catalog.manifests import pin, read_manifest
    from catalog.rirs import open_rirs
    from catalog.roots import open_root
    from synth import wav

    root = open_root(url)
    loads = loads_of(open_inputs(root, [pin(root, "librispeech", 1), pin(root, noises, 1)]), SAMPLE_RATE_HZ, 2 if rooms else 1)
    rirs = open_rirs(root, read_manifest(root, rooms, 1), SAMPLE_RATE_HZ, 2) if rooms else None
    rows = pa.ipc.open_file(str(plan)).read_all().to_pylist()
    with (out / "everything.bin").open("wb") as file:
        for row in rows:
            length = row["num_samples"]
            signals: list[NDArray[Any]] = []
            for k in (0, 1):
                dry = np.zeros(length)
                samples = loads.speech(row["source_ids"][k])
                offset = row["offsets_samples"][k]
                dry[offset : offset + len(samples)] = row["gains"][k] * samples
                if rirs is not None:
                    heard = [fftconvolve(dry, channel)[:length] for channel in rirs.load(row["rir_ids"][k])]
                    signals.append(np.rint(np.stack(heard)).astype(np.int16))
                else:
                    signals.append(np.rint(dry).astype(np.int16))
            noise = np.zeros_like(signals[0])
            for noise_id, start, size, offset, gain in zip(
                *(row[f"noise_{name}"] for name in ("ids", "starts_samples", "lengths_samples", "offsets_samples", "gains")),
                strict=True,
            ):
                piece = loads.noise(noise_id)[..., start : start + size]
                noise[..., offset : offset + size] += np.rint(gain * piece).astype(np.int16)
            for signal in (np.sum([*signals, noise], axis=0, dtype=np.int16), *signals, noise):
                file.write(wav.header(length, SAMPLE_RATE_HZ, 1 if signal.ndim == 1 else len(signal)))
                file.write(np.ascontiguousarray(signal.T).tobytes())


def noises_never_recorded(seed: int) -> pa.Table:
    """Lengths and frames of noises of 20 to 60 s."""
    random = np.random.default_rng(seed)
    frames = random.integers(2000, 6000, NOISES)
    ends = np.cumsum(frames)
    energies = (random.gamma(2.0, 0.5, ends[-1]) * 1e8).astype(np.int64)
    ids = [f"noise-{seed}-{number}" for number in range(NOISES)]
    return pa.table(
        {
            "id": ids,
            "corpus": ["mono"] * NOISES,
            "num_channels": pa.array([1] * NOISES, pa.int32()),
            "audio_sha256": [hashlib.sha256(noise_id.encode()).hexdigest() for noise_id in ids],
            "num_samples": frames * FRAME,
            "frame_energies": frames_in_chunks(energies, ends, pa.int64()),
            "frame_peaks": frames_in_chunks(np.full(ends[-1], 4000), ends, pa.uint16()),
        }
    )


def planned(repeats: int) -> None:
    """Planning at full size, as `bench_plan` has it, with noise."""
    from flows.specs import load_spec
    from synth.levelling.surroundings import Surroundings
    from synth.noise.sources import Recordings
    from synth.plan.split import plan_split

    spec = load_spec("sep_2spk_partial", {"noise": {"corpus": "noises_1"}})
    pools = {split: pool(*size, seed) for seed, (split, size) in enumerate(SIZES.items())}
    load, around = loading(*pools.values()), {}
    for seed, split in enumerate(SIZES):
        recordings = Recordings(noises_never_recorded(seed), np.arange(NOISES))
        around[split] = Surroundings(noises=recordings, load_noise=loading(recordings.table))
    seconds = []
    for _ in range(repeats):
        begin = time.process_time()
        plans = [plan_split(spec, split, table, load, around=around[split]) for split, table in pools.items()]
        seconds.append(time.process_time() - begin)
    mixtures = sum(plan.table.num_rows for plan in plans)
    print(f"{mixtures:,} mixtures with noise planned in {statistics.median(seconds):.2f} CPU-s")


def builds(sets: Sequence[str], mixtures: int, repeats: int, folder: Path) -> None:
    """Whole builds of some of `SETS`, each in a process of its own and with nothing kept from the one before."""
    from flows.mixtures.build import write_plan
    from flows.recordings.ingest import ingest

    url = str(folder / "catalog")
    write_librispeech(folder, 20, 20)
    ingest("librispeech", [folder / "LibriSpeech"], root=url)
    for kind, channels in (("noise", 1), ("noise", 2), ("rir", 1), ("rir", 2)):
        publish(url, kind, channels)
    here = ("-m", "benchmarks.bench_surroundings")
    importing = {
        side: statistics.median(measure("-c", f"import {', '.join(modules)}").cpu_s for _ in range(repeats))
        for side, modules in IMPORTS.items()
    }
    for which in sets:
        plan = folder / "plan.arrow"
        write_plan(spec_of(which, mixtures), plan, root=url)
        seconds = sum(pa.ipc.open_file(str(plan)).read_all()["num_samples"].to_numpy()) / SAMPLE_RATE_HZ
        times: dict[str, list[float]] = {"yuliao": [], "numpy": []}
        for number in range(repeats):
            fresh = {"YULIAO_CATALOG": url, "YULIAO_HOME": str(folder / f"home {which} {number}")}
            done = measure(*here, "build", which, str(mixtures), f"{which.replace(' ', '_')}_{number}", env=fresh)
            times["yuliao"].append(done.cpu_s - importing["yuliao"])
            if which in NUMPY:
                inputs = ("noises_1", "") if which == "noise" else ("noises_2", "rirs_2")
                loop = measure(*here, "numpy", str(plan), url, *inputs, str(folder))
                times["numpy"].append(loop.cpu_s - importing["numpy"])
        ours = statistics.median(times["yuliao"])
        beside = f"; numpy {statistics.median(times['numpy']) / ours:.2f} times that" if times["numpy"] else ""
        wanted = " (at least 400 wanted)" if which == "rooms" else ""
        print(f"{which}: {seconds / 3600:.2f} h built in {ours:.1f} CPU-s, {seconds / ours:.0f} times real time{wanted}{beside}")


def main(arguments: Sequence[str]) -> None:
    """Measure and print; or be one of the sides."""
    if arguments[:1] == ["build"]:
        return build(arguments[1], int(arguments[2]), arguments[3])
    if arguments[:1] == ["numpy"]:
        return bare_numpy(Path(arguments[1]), *arguments[2:5], out=Path(arguments[5]))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mixtures", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sets", nargs="+", choices=(PLANNING, *SETS), default=(PLANNING, *SETS))
    options = parser.parse_args(arguments)
    if PLANNING in options.sets:
        planned(options.repeats)
    with tempfile.TemporaryDirectory() as folder:
        builds([which for which in options.sets if which != PLANNING], options.mixtures, options.repeats, Path(folder))
    return None


if __name__ == "__main__":
    main(sys.argv[1:])
