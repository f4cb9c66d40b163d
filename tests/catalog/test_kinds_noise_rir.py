"""Kinds `noise` and `rir`: published, read and verified with one channel and several, int16 and float32."""

import hashlib
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import catalog
from catalog.kinds import noise_schema, rir_schema
from catalog.roots import Root
from synth import wav

RATE_HZ = 16_000


def signal(seed: int, shape: tuple[int, ...], dtype: str) -> wav.Signal:
    random = np.random.default_rng(seed)
    if dtype == "int16":
        return random.integers(-32768, 32768, shape).astype(np.int16)
    return random.standard_normal(shape).astype(np.float32)


SIGNALS = [signal(0, (800,), "int16"), signal(1, (3, 500), "int16"), signal(2, (700,), "float32"), signal(3, (8, 640), "float32")]


def batch(examples: ModuleType, schema: pa.Schema, **changed: Any) -> pa.RecordBatch:
    """One row for each of `SIGNALS`."""
    rows = []
    for k, samples in enumerate(SIGNALS):
        fields = {
            "id": f"r{k}",
            "audio": {"bytes": wav.encode_signal(samples, RATE_HZ), "path": None},
            "category": "recorded",
            "recording_id": f"r{k}",
            "official_split": "all",
            "sample_rate_hz": RATE_HZ,
            "num_samples": samples.shape[-1],
            "num_channels": samples.size // samples.shape[-1],
            "duration_s": samples.shape[-1] / RATE_HZ,
            "audio_sha256": hashlib.sha256(samples.T.tobytes()).hexdigest(),
            **changed,
        }
        frames = {"frame_energies": [1], "frame_peaks": [1]} if "frame_peaks" in schema.names else {"room_id": None}
        rows.append(examples._digested(fields | frames, schema))
    return pa.RecordBatch.from_pylist(rows, schema=schema)


def publish(examples: ModuleType, root: Root, kind: str, **changed: Any) -> None:
    schema = {"noise": noise_schema, "rir": rir_schema}[kind](RATE_HZ)
    splits = {"train": [examples.write_shard(root, "set", "train", batch(examples, schema, **changed))]}
    catalog.publish("set", kind=kind, splits=splits, fingerprint="a", licence=examples.LICENCE, sample_rate_hz=RATE_HZ)


def expected(samples: wav.Signal) -> np.ndarray[Any, Any]:
    return samples.astype(np.float32) / (32768 if samples.dtype == np.int16 else 1)


@pytest.mark.parametrize("kind", ["noise", "rir"])
def test_rows_read_as_they_were_written(root: Root, examples: ModuleType, kind: str) -> None:
    """[samples] for mono, [channels, samples] for several; float32 as it is; writable; verified."""
    publish(examples, root, kind)
    rows = catalog.get("set", split="train")
    for row, samples in zip(rows, SIGNALS, strict=True):
        assert row["audio"]["sampling_rate"] == RATE_HZ
        assert row["audio"]["array"].dtype == np.float32
        assert row["audio"]["array"].flags.writeable
        np.testing.assert_array_equal(row["audio"]["array"], expected(samples))
    assert catalog.verify("set").ok


def test_crops_are_the_same_span_in_every_channel(root: Root, examples: ModuleType) -> None:
    """And zeros behind the end of a shorter row."""
    publish(examples, root, "rir")
    length = 600
    for row, samples in zip(catalog.get("set", split="train", segment=length / RATE_HZ, seed=5), SIGNALS, strict=True):
        crop, whole = row["audio"]["array"], expected(samples)
        assert crop.shape == (*samples.shape[:-1], length)
        if samples.shape[-1] < length:
            np.testing.assert_array_equal(crop[..., : samples.shape[-1]], whole)
            assert not crop[..., samples.shape[-1] :].any()
            assert row["num_samples"] == samples.shape[-1]
        else:
            starts = range(samples.shape[-1] - length + 1)
            assert any(np.array_equal(crop, whole[..., start : start + length]) for start in starts)


@pytest.mark.parametrize("changed", [{"num_samples": 7}, {"num_channels": 9}, {"sample_rate_hz": 8000}, {"audio_sha256": "0"}])
def test_columns_that_are_not_those_of_the_audio_are_found(root: Root, examples: ModuleType, changed: dict[str, Any]) -> None:
    publish(examples, root, "noise", **changed)
    (problem,) = catalog.verify("set").problems
    assert problem.endswith("is not that of the audio in 4 rows (r0, r1, r2, ...)")


def test_a_room_belongs_to_one_split(root: Root, examples: ModuleType) -> None:
    """As recordings do."""
    schema = rir_schema(RATE_HZ)
    rows = batch(examples, schema).to_pylist()
    splits = {}
    for split, row in zip(("train", "test"), rows[:2], strict=True):
        changed = examples._digested({**row, "room_id": "large-Room001"}, schema)
        splits[split] = [examples.write_shard(root, "set", split, pa.RecordBatch.from_pylist([changed], schema=schema))]
    with pytest.raises(catalog.CatalogError, match=r"room_id stand in both train and test \('large-Room001'\)"):
        catalog.publish("set", kind="rir", splits=splits, fingerprint="a", licence=examples.LICENCE)
