"""Small datasets for tests; a program too, that publishes one after a line of input: `URL NAME FINGERPRINT SEED [SHARDS]`."""

import hashlib
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from catalog import Licence, Published, publish
from catalog.building import Building
from catalog.kinds import audio_columns, separation_schema, speech_schema
from catalog.roots import Root, open_root
from catalog.shards import Shard, ShardWriter, row_digest
from synth import wav
from synth.levels.frames import measure_frames
from synth.rows.layout import Layout

RATE_HZ = 16000
LICENCE = Licence(name="CC-BY-4.0", commercial_use=True, attribution="Somebody")


def noise(seed: int, num_samples: int, level: int = 8000) -> NDArray[np.int16]:
    """int16 [num_samples], uniform within +-level."""
    return np.random.default_rng(seed).integers(-level, level + 1, num_samples).astype(np.int16)


def cell(samples: NDArray[np.int16]) -> dict[str, Any]:
    """An audio cell."""
    return {"bytes": wav.encode(samples, RATE_HZ), "path": None}


def speech_batch(seed: int, rows: int = 4, split: str = "train", **changed: Any) -> pa.RecordBatch:
    """Utterances of one speaker, who depends on (seed, split); `changed` replaces columns of every row."""
    schema = speech_schema(RATE_HZ)
    speaker = f"{split}{seed}"
    table = []
    for k in range(rows):
        samples = noise(int(hashlib.sha256(f"{speaker}-{k}".encode()).hexdigest()[:8], 16), 1600 + 160 * k)
        energies, peaks = measure_frames(samples, RATE_HZ)
        row = {
            "id": f"{speaker}-{k}",
            "audio": cell(samples),
            "text": f"第{k}句",
            "text_original": f"第{k}句。",
            "speaker_id": speaker,
            "gender": "female",
            "language": "zh-CN",
            "recording_id": f"{speaker}-r{k}",
            "official_split": split,
            "sample_rate_hz": RATE_HZ,
            "num_samples": len(samples),
            "duration_s": len(samples) / RATE_HZ,
            "audio_sha256": hashlib.sha256(samples.tobytes()).hexdigest(),
            "frame_energies": energies.tolist(),
            "frame_peaks": peaks.tolist(),
            **changed,
        }
        table.append(_digested(row, schema))
    return pa.RecordBatch.from_pylist(table, schema=schema)


def separation_batch(seed: int, rows: int = 4, split: str = "train", n_src: int = 2, num_samples: int = 800) -> pa.RecordBatch:
    """Mixtures that are the sum of their stems; speakers and sources depend on (seed, split)."""
    schema = separation_schema(Layout(n_src), RATE_HZ)
    table = []
    for k in range(rows):
        length = num_samples + k
        stems = [noise(1000 * seed + 10 * k + s, length) for s in range(n_src)]
        ids = [f"{split}{seed}-{k}-{s}" for s in range(n_src)]
        row = {field.name: None for field in schema} | {
            "id": f"{split}{seed}-{k}",
            "mixture": cell(np.sum(stems, axis=0, dtype=np.int16)),
            **{f"s{s + 1}": cell(stem) for s, stem in enumerate(stems)},
            "source_ids": ids,
            "stem_numbers": list(range(1, n_src + 1)),
            "speaker_ids": [f"{split}-speaker{s}" for s in range(n_src)],
            "num_samples": length,
            "sample_rate_hz": RATE_HZ,
            "source_sha256s": [hashlib.sha256(source.encode()).hexdigest() for source in ids],
        }
        table.append(_digested(row, schema))
    return pa.RecordBatch.from_pylist(table, schema=schema)


def _digested(row: dict[str, Any], schema: pa.Schema) -> dict[str, Any]:
    unhashed = {*audio_columns(schema), "frame_energies", "frame_peaks", "row_digest"}
    return {**row, "row_digest": row_digest({name: value for name, value in row.items() if name not in unhashed})}


def write_shard(root: Root, name: str, split: str, *batches: pa.RecordBatch) -> Shard:
    """One finished shard."""
    with ShardWriter(root, name, split, batches[0].schema) as writer:
        for batch in batches:
            writer.write(batch)
        return writer.close()


def publish_speech(root: Root, name: str, fingerprint: str, seed: int, **more: Any) -> Published:
    """A speech dataset of two splits; its content depends on the seed."""
    splits = {split: [write_shard(root, name, split, speech_batch(seed, split=split))] for split in ("train", "test")}
    return publish(
        name,
        kind="speech",
        splits=splits,
        fingerprint=fingerprint,
        root=root.url,
        **{"licence": LICENCE, "sample_rate_hz": RATE_HZ, **more},
    )


def publish_separation(root: Root, name: str, fingerprint: str, seed: int, **more: Any) -> Published:
    """A separation dataset of one split."""
    splits = {"train": [write_shard(root, name, "train", separation_batch(seed))]}
    fixed = {"kind": "separation", "splits": splits, "fingerprint": fingerprint, "root": root.url}
    return publish(name, **{"licence": LICENCE, "sample_rate_hz": RATE_HZ, "n_src": 2, **fixed, **more})


def main(url: str, name: str, fingerprint: str, seed: int, shards: int, before_publishing: Callable[[], object] = bool) -> None:
    """Build shard by shard with a journal, saying when each is finished, and publish."""
    root = open_root(url)
    building = Building(root, name, fingerprint)
    finished = building.finished()
    for k in range(shards):
        if f"train-{k}" not in finished:
            finished[f"train-{k}"] = write_shard(root, name, "train", speech_batch(100 * seed + k, split="train"))
            building.record(f"train-{k}", finished[f"train-{k}"])
            print("shard", k, flush=True)
            time.sleep(0.05)
    splits = {"train": [finished[f"train-{k}"] for k in range(shards)]}
    print("ready", flush=True)
    before_publishing()
    published = publish(name, kind="speech", splits=splits, fingerprint=fingerprint, licence=LICENCE, root=url)
    print("published", published.version, published.created, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5]) if len(sys.argv) > 5 else 1, sys.stdin.readline)
