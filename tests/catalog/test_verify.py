"""Whatever is changed after publishing shows."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import catalog
from catalog.manifests import pin
from catalog.promises import broken_mixtures
from catalog.roots import FolderRoot, Root
from catalog.shards import blob_path
from synth import wav


def replace(root: Root, path: str, data: bytes) -> None:
    """Change a stored file behind the catalog's back."""
    if isinstance(root, FolderRoot):
        (root.folder / path).chmod(0o644)
    root.write(path, data)


def first_blob(root: Root, name: str) -> str:
    manifest = catalog.manifest(name)
    return blob_path(name, manifest.splits["train"].shards[0].blob)


def test_sound_versions_pass(root: Root, examples: ModuleType) -> None:
    examples.publish_speech(root, "speech", "a", 1)
    examples.publish_separation(root, "mixtures", "a", 1, inputs=[pin(root, "speech", 1)])
    done: list[int] = []
    speech = catalog.verify("speech", progress=done.append)
    assert (speech.ok, speech.problems, speech.rows, speech.version) == (True, [], 8, 1)
    assert sum(done) == speech.size_bytes > 0
    assert catalog.verify("mixtures@1").problems == []


@pytest.mark.parametrize(
    ("root_url", "place"),
    [
        ("folder", 0.0),
        ("folder", 0.1),
        ("folder", 0.5),
        ("folder", 0.9),
        ("folder", 1.0),
        pytest.param("s3", 0.5, marks=pytest.mark.server),
    ],
    indirect=["root_url"],
)
def test_one_flipped_bit_is_found(root: Root, examples: ModuleType, place: float) -> None:
    """Anywhere in the blob, in its Arrow framing too; on S3 although the local cache still has the sound bytes."""
    examples.publish_speech(root, "speech", "a", 1)
    path = first_blob(root, "speech")
    data = bytearray(root.read(path))
    data[int(place * (len(data) - 1))] ^= 1
    replace(root, path, bytes(data))
    result = catalog.verify("speech")
    assert not result.ok
    assert len(result.problems) == 1
    assert "was changed" in result.problems[0]
    assert path.split("/")[-1][:12] in result.problems[0]
    assert f"delete {root.url}/{path} and run the same build or ingest again" in result.problems[0]


def test_truncated_blob_is_found_and_a_rebuild_heals(root: Root, examples: ModuleType) -> None:
    examples.publish_speech(root, "speech", "a", 1)
    path = first_blob(root, "speech")
    sound = root.read(path)
    replace(root, path, sound[:-100])
    assert not catalog.verify("speech").ok
    assert not examples.publish_speech(root, "speech", "a", 1).created
    assert catalog.verify("speech").ok, "what writes the blob anew heals it in its place"
    root.remove(path)
    assert "is missing" in catalog.verify("speech").problems[0]
    assert not examples.publish_speech(root, "speech", "a", 1).created
    assert root.read(path) == sound
    assert catalog.verify("speech").ok


def test_edited_manifest_shows_through_what_is_made_from_it(root: Root, examples: ModuleType) -> None:
    """Seen from the edited version, from the one that pins it, and from one that pins that."""
    examples.publish_speech(root, "speech", "a", 1)
    examples.publish_separation(root, "mixtures", "a", 1, inputs=[pin(root, "speech", 1)])
    examples.publish_separation(root, "further", "a", 2, inputs=[pin(root, "mixtures", 1)])
    edited = root.read("speech/manifests/1.json").replace(b"Somebody", b"Nobody")
    replace(root, "speech/manifests/1.json", edited)
    (own,) = catalog.verify("speech").problems
    assert own.startswith("speech@1: its manifest was edited after mixtures@1 was made from it")
    for name in ("mixtures", "further"):
        (problem,) = catalog.verify(name).problems
        assert problem.startswith("mixtures@1: its input speech@1 has an edited manifest")


def test_edited_totals_show_without_anybody_pinning(root: Root, examples: ModuleType) -> None:
    examples.publish_speech(root, "speech", "a", 1)
    manifest = root.read("speech/manifests/1.json")
    replace(root, "speech/manifests/1.json", manifest.replace(b'"rows": 4', b'"rows": 5', 1))
    assert not catalog.verify("speech").ok
    replace(root, "speech/manifests/1.json", b'{"format": 1}')
    (problem,) = catalog.verify("speech").problems
    assert problem.startswith("manifest of speech@1: ")
    assert "\n" not in problem


def test_manifest_of_another_version_is_found(root: Root, examples: ModuleType) -> None:
    for fingerprint, seed in (("a", 1), ("b", 2)):
        examples.publish_speech(root, "speech", fingerprint, seed)
    replace(root, "speech/manifests/1.json", root.read("speech/manifests/2.json"))
    assert catalog.verify("speech@1").problems == ["manifest of speech@1: it is that of speech@2; restore its own"]


def test_missing_input_is_found(root: Root, examples: ModuleType) -> None:
    examples.publish_speech(root, "speech", "a", 1)
    examples.publish_separation(root, "mixtures", "a", 1, inputs=[pin(root, "speech", 1)])
    root.remove("speech/manifests/1.json")
    assert catalog.verify("mixtures").problems == ["mixtures@1: its input speech@1 is missing"]


def with_sample(batch: pa.RecordBatch, column: str, row: int, sample: int, change: int) -> pa.RecordBatch:
    """The batch with one sample changed."""
    rows = batch.to_pylist()
    samples = wav.decode(rows[row][column]["bytes"]).copy()
    samples[sample] += change
    rows[row][column]["bytes"] = wav.encode(samples, 16000)
    return pa.RecordBatch.from_pylist(rows, schema=batch.schema)


@pytest.mark.parametrize(("column", "row", "sample"), [("mixture", 0, 0), ("s1", 2, -1), ("s2", 3, 400), ("mixture", 3, -1)])
def test_mixture_that_is_not_the_sum_of_its_stems_is_found(
    root: Root, examples: ModuleType, column: str, row: int, sample: int
) -> None:
    """One LSB in one sample, in a blob and manifest that agree with each other."""
    batch = with_sample(examples.separation_batch(1), column, row, sample, 1)
    splits = {"train": [examples.write_shard(root, "mixtures", "train", batch.slice(0, 1), batch.slice(1))]}
    catalog.publish(
        "mixtures", kind="separation", splits=splits, fingerprint="a", licence=examples.LICENCE, n_src=2, sample_rate_hz=16000
    )
    (problem,) = catalog.verify("mixtures").problems
    assert problem.endswith(f"mixture is not the sum of the stems in 1 rows (train1-{row})")


@given(
    st.integers(0, 3), st.sampled_from(["mixture", "s1", "s2", "s3"]), st.integers(0, 49), st.integers(-3, 3), st.integers(0, 2)
)
def test_any_change_of_any_sample_breaks_the_promise(
    examples: ModuleType, row: int, column: str, sample: int, change: int, first: int
) -> None:
    """Also in a slice of a batch, whose buffers begin before its first row."""
    batch = with_sample(examples.separation_batch(1, n_src=3, num_samples=50), column, row, sample, change).slice(first)
    ids = [line.split("(")[1].rstrip(")") for line in broken_mixtures(batch)]
    assert ids == ([f"train1-{row}"] if change and row >= first else [])


def test_sum_that_wraps_around_is_no_sum(root: Root, examples: ModuleType) -> None:
    """Stems of 30,000 make 60,000, which an int16 would show as -5,536."""
    batch = examples.separation_batch(1, rows=1)
    rows = batch.to_pylist()
    loud = np.full(801, 30_000, np.int16)
    rows[0] |= {"s1": examples.cell(loud), "s2": examples.cell(loud), "mixture": examples.cell(loud + loud)}
    splits = {"train": [examples.write_shard(root, "mixtures", "train", pa.RecordBatch.from_pylist(rows, schema=batch.schema))]}
    catalog.publish("mixtures", kind="separation", splits=splits, fingerprint="a", licence=examples.LICENCE)
    assert not catalog.verify("mixtures").ok


def test_stems_of_other_lengths_and_foreign_audio_are_found(root: Root, examples: ModuleType) -> None:
    for name, changed in (("shorter", examples.cell(np.zeros(5, np.int16))), ("foreign", {"bytes": b"fLaC" * 30, "path": None})):
        batch = examples.separation_batch(1)
        rows = batch.to_pylist()
        rows[1]["s2"] = changed
        splits = {"train": [examples.write_shard(root, name, "train", pa.RecordBatch.from_pylist(rows, schema=batch.schema))]}
        catalog.publish(name, kind="separation", splits=splits, fingerprint="a", licence=examples.LICENCE)
        assert not catalog.verify(name).ok


def test_non_additive_sets_are_not_held_to_the_sum(root: Root, examples: ModuleType) -> None:
    batch = with_sample(examples.separation_batch(1), "mixture", 0, 0, 1)
    splits = {"train": [examples.write_shard(root, "replayed", "train", batch)]}
    catalog.publish("replayed", kind="separation", splits=splits, fingerprint="a", licence=examples.LICENCE, additive=False)
    assert catalog.verify("replayed").ok


def test_speech_digest_that_is_not_that_of_its_samples_is_found(root: Root, examples: ModuleType) -> None:
    batch = with_sample(examples.speech_batch(1), "audio", 2, 7, 1)
    splits = {"train": [examples.write_shard(root, "speech", "train", batch)]}
    catalog.publish("speech", kind="speech", splits=splits, fingerprint="a", licence=examples.LICENCE)
    (problem,) = catalog.verify("speech").problems
    assert problem.endswith("audio_sha256 is not that of the samples in 1 rows (train1-2)")


def test_view_is_made_again(tmp_path: Path, examples: ModuleType) -> None:
    root = FolderRoot(tmp_path)
    examples.publish_speech(root, "speech", "a", 1)
    before = {path: path.read_bytes() for path in (tmp_path / "speech/versions").rglob("*") if path.is_file()}
    root.remove("speech/versions")
    assert catalog.verify("speech", root=tmp_path).ok
    assert {path: path.read_bytes() for path in (tmp_path / "speech/versions").rglob("*") if path.is_file()} == before
