"""What `ingest --encoding` costs and saves: disk, ingest, reading, building a set; each as a multiple of `wav`.

    python -m benchmarks.bench_encodings [--data FOLDER] [--speakers 20] [--repeats 3]

The same recordings as FLAC and as AAC of 64 kbit/s. FOLDER holds real ones in LibriSpeech's layout; without it they are made up.
Seconds are CPU seconds of one process each, imports not counted; reading is one pass in order, the files in the page cache.
"""

import argparse
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile

from benchmarks.corpus import write_librispeech

SAMPLE_RATE_HZ = 16_000
UTTERANCES_PER_SPEAKER = 30
# Name of the side, form of the files that are ingested, encoding.
SIDES = (("wav", "flac", "wav"), ("flac", "flac", "flac"), ("source (FLAC)", "flac", "source"), ("source (AAC)", "m4a", "source"))


def write_m4a(flac: Path, folder: Path) -> None:
    """The recordings of `flac` as AAC, as VoxCeleb2 has its own."""
    for path in sorted(flac.resolve().glob("**/*.flac")):
        samples, _ = soundfile.read(path, dtype="float32")
        data = io.BytesIO()
        with av.open(data, "w", format="ipod") as container:
            stream: Any = container.add_stream("aac", rate=SAMPLE_RATE_HZ, layout="mono")
            stream.bit_rate = 64_000
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None]), format="fltp", layout="mono")
            frame.sample_rate = SAMPLE_RATE_HZ
            container.mux([*stream.encode(frame), *stream.encode(None)])
        to = folder / path.parent.parent.name / f"{path.stem}.m4a"
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(data.getvalue())


def ingest_once(form: str, encoding: Any, folder: str) -> float:
    """CPU seconds of an ingest by one worker, as the dataset `voices`."""
    from flows.generic import FORMS
    from flows.generic.own import Own
    from flows.recordings.ingest import ingest

    pattern = "{speaker}/{recording}/{id}.flac" if form == "flac" else "{speaker}/{id}.m4a"
    adapter = FORMS["folder"](Own("voices", SAMPLE_RATE_HZ, pattern=pattern))
    begin = time.process_time()
    ingest(adapter, [Path(folder, form)], encoding=encoding, workers=1)
    return time.process_time() - begin


def build_once(mixtures: int) -> float:
    """CPU seconds of a build by one worker."""
    from flows.mixtures.build import build
    from flows.specs import load_spec

    spec = load_spec("sep_2spk_partial", {"corpus": "voices", "splits": {"train": {"mixtures": mixtures}}})
    begin = time.process_time()
    build(spec, workers=1)
    return time.process_time() - begin


def read_once(segment: float | None) -> float:
    """CPU seconds of a pass over the audio of the dataset `voices`, its pages and libraries in memory."""
    import catalog

    rows = catalog.get("voices", split="train", columns=["audio"], segment=segment)
    for _ in range(2):
        begin = time.process_time()
        for k in range(len(rows)):
            rows[k]
        seconds = time.process_time() - begin
    return seconds


def apart(call: str, home: str) -> float:
    """A function of this module in a process and, as YULIAO_HOME, a folder of its own."""
    environment = {name: value for name, value in os.environ.items() if name != "YULIAO_CATALOG"}
    environment |= {"YULIAO_HOME": home, "PYTHONPATH": str(Path(__file__).parents[1])}
    code = f"from benchmarks import bench_encodings; print(bench_encodings.{call})"
    done = subprocess.run([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout)


def figures(form: str, encoding: str, folder: Path, mixtures: int) -> dict[str, float]:
    """Of one side."""
    with tempfile.TemporaryDirectory(dir=folder) as home:
        ingest_s = apart(f"ingest_once({form!r}, {encoding!r}, {str(folder)!r})", home)
        blobs = Path(home, "catalog", "voices", "blobs").iterdir()
        return {
            "disk": sum(blob.stat().st_size for blob in blobs),
            "ingest": ingest_s,
            "read rows": apart("read_once(None)", home),
            "read segment=1.0": apart("read_once(1.0)", home),
            "build": apart(f"build_once({mixtures})", home),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--speakers", type=int, default=20)
    parser.add_argument("--mixtures", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="yuliao-bench-") as temporary:
        folder = Path(temporary)
        if arguments.data is None:
            write_librispeech(folder, arguments.speakers, UTTERANCES_PER_SPEAKER)
        (folder / "flac").symlink_to((arguments.data or folder / "LibriSpeech").resolve())
        write_m4a(folder / "flac", folder / "m4a")
        found: dict[str, dict[str, list[float]]] = {side: {} for side, _, _ in SIDES}
        for _ in range(arguments.repeats):
            for side, form, encoding in SIDES:
                for what, figure in figures(form, encoding, folder, arguments.mixtures).items():
                    found[side].setdefault(what, []).append(figure)
    medians = {side: {what: statistics.median(each) for what, each in of_side.items()} for side, of_side in found.items()}
    print(f"times wav; median of {arguments.repeats}")
    print(f"{'':16}" + "".join(f"{what:>18}" for what in medians["wav"]))
    for side, of_side in medians.items():
        print(f"{side:16}" + "".join(f"{figure / medians['wav'][what]:18.2f}" for what, figure in of_side.items()))


if __name__ == "__main__":
    main()
