"""`catalog.get`: names, versions, splits, columns; rows as they were stored; errors of one line."""

import os
import pickle
import pickletools
from pathlib import Path
from types import ModuleType
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pytest

import catalog
from catalog.roots import Root, open_root
from synth import wav

SIGNALS = ("mixture", "s1", "s2")


def publish_splits(
    examples: ModuleType, root: Root, shards: int = 3, fingerprint: str = "a", seed: int = 0
) -> list[dict[str, Any]]:
    """`sep` with train (of some shards) and test; returns the stored rows of train, undecoded."""
    train = [examples.separation_batch(seed + k, rows=4, num_samples=800 + 10 * k) for k in range(shards)]
    test = examples.separation_batch(seed + 900, rows=2, split="test")
    splits = {
        "train": [examples.write_shard(root, "sep", "train", batch) for batch in train],
        "test": [examples.write_shard(root, "sep", "test", test)],
    }
    catalog.publish(
        "sep",
        kind="separation",
        splits=splits,
        fingerprint=fingerprint,
        licence=examples.LICENCE,
        sample_rate_hz=examples.RATE_HZ,
        n_src=2,
        root=root.url,
    )
    return [row for batch in train for row in batch.to_pylist()]


def decoded(stored: dict[str, Any]) -> dict[str, Any]:
    """What a stored row must read as, by the definition of PCM16."""
    return {
        name: wav.decode(value["bytes"]).astype(np.float64) / 32768 if name in SIGNALS else value
        for name, value in stored.items()
    }


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row that was read, signals as bare arrays, their types checked."""
    for name in SIGNALS:
        if name in row:
            assert set(row[name]) == {"array", "sampling_rate"}
            assert row[name]["sampling_rate"] == 16000
            assert row[name]["array"].dtype == np.float32
            assert row[name]["array"].flags.writeable
    return {name: row[name]["array"] if name in SIGNALS else row[name] for name in row}


def assert_same(row: dict[str, Any], expected: dict[str, Any]) -> None:
    assert list(row) == list(expected)
    for name, value in row.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, expected[name])
        else:
            assert value == expected[name], name


def test_rows_are_what_was_stored(root: Root, examples: ModuleType) -> None:
    """Every column of every row, audio as int16 / 32768, in a real DatasetDict; from a folder and from S3."""
    stored = publish_splits(examples, root)
    both = catalog.get("sep")
    assert isinstance(both, datasets.DatasetDict)
    assert [(split, len(part)) for split, part in both.items()] == [("train", 12), ("test", 2)]
    assert isinstance(both["train"], datasets.Dataset)
    for i, expected in enumerate(stored):
        assert_same(plain(both["train"][i]), decoded(expected))
    assert_same(plain(catalog.get("sep", split="test", root=root.url)[0]), plain(both["test"][0]))


def test_no_storage_object_in_what_get_returns(root: Root, examples: ModuleType) -> None:
    """A file system of fsspec hangs in forked workers: neither the datasets nor their pickles know one."""
    publish_splits(examples, root)
    got = catalog.get("sep", segment=0.02)
    opcodes = pickletools.genops(pickle.dumps(got))
    modules = {str(argument) for _, argument, _ in opcodes if isinstance(argument, str)}
    assert not [module for module in modules if "fsspec" in module or "s3fs" in module or "catalog.roots" in module]


@pytest.mark.server
def test_only_the_blobs_asked_for_come_from_s3(s3_url: str, home: Path, examples: ModuleType) -> None:
    """One split brings its own blobs and no others."""
    root = open_root(s3_url)
    publish_splits(examples, root)
    fetched = {path for path in (home / "cache").rglob("*") if path.is_file() and not path.is_symlink()}
    for path in fetched:
        path.unlink()  # publishing may have left copies
    catalog.get("sep", split="test", root=s3_url)
    links = [path for path in (home / "cache").rglob("*.arrow") if path.is_symlink()]
    assert [link.name for link in links] == ["test-00000.arrow"]
    files = [path for path in (home / "cache").rglob("*.arrow") if path.is_file() and not path.is_symlink()]
    assert files == [link.resolve() for link in links]


def test_version_by_number_and_tag(tmp_path: Path, examples: ModuleType) -> None:
    """The newest without one; NAME@V and version= are the same; two that differ are refused."""
    root = open_root(tmp_path / "catalog")
    first = publish_splits(examples, root, fingerprint="a")
    second = publish_splits(examples, root, fingerprint="b", seed=50)
    catalog.tag("sep@1", "paper", root=root.url)

    def first_id(name: str, **how: Any) -> str:
        return str(catalog.get(name, split="train", root=root.url, **how)[0]["id"])

    assert first_id("sep") == first_id("sep@2") == first_id("sep", version="2") == second[0]["id"]
    assert (
        first_id("sep@1") == first_id("sep", version=1) == first_id("sep@paper") == first_id("sep@1", version=1) == first[0]["id"]
    )
    with pytest.raises(catalog.CatalogError, match="two versions"):
        catalog.get("sep@1", version=2, root=root.url)


@pytest.mark.parametrize(
    ("name", "how", "error", "text"),
    [
        ("sap", {}, catalog.DatasetNotFound, "did you mean 'sep'"),
        ("sep@7", {}, catalog.DatasetNotFound, "'7'"),
        ("sep", {"version": "nosuch"}, catalog.DatasetNotFound, "'nosuch'"),
        ("sep", {"split": "trian"}, catalog.DatasetNotFound, "did you mean 'train'"),
        ("sep", {"columns": ["mixtures"]}, catalog.CatalogError, "did you mean 'mixture'"),
        ("sep", {"segment": 0}, catalog.CatalogError, "positive number of seconds"),
        ("sep", {"segment": float("nan")}, catalog.CatalogError, "positive number of seconds"),
        ("../sep", {}, catalog.CatalogError, "not usable"),
    ],
)
def test_mistakes_are_answered_in_one_line(
    tmp_path: Path, examples: ModuleType, name: str, how: dict[str, Any], error: type[Exception], text: str
) -> None:
    """What was wrong, with near matches."""
    root = open_root(tmp_path / "catalog")
    publish_splits(examples, root, shards=1)
    with pytest.raises(error, match=text) as caught:
        catalog.get(name, root=root.url, **how)
    assert "\n" not in str(caught.value)


def test_a_missing_or_damaged_blob_is_named(tmp_path: Path, examples: ModuleType) -> None:
    """Missing: at get. No WAV where one must be: at the row."""
    root = open_root(tmp_path / "catalog")
    row = examples.separation_batch(0, rows=1)
    bad = row.set_column(2, row.schema.field(2), pa.array([{"bytes": b"fLaC" * 20, "path": None}], row.schema.field(2).type))
    shard = examples.write_shard(root, "sep", "train", bad)
    fixed = {"kind": "separation", "fingerprint": "x", "licence": examples.LICENCE, "root": root.url}
    catalog.publish("sep", splits={"train": [shard]}, **fixed)
    with pytest.raises(catalog.IntegrityError, match="row train0-0, column 's1'"):
        catalog.get("sep", split="train", root=root.url)[0]
    (tmp_path / "catalog" / "sep" / "blobs" / f"{shard.blob}.arrow").unlink()
    with pytest.raises(catalog.IntegrityError, match=shard.blob):
        catalog.get("sep", root=root.url)


def test_overrides_show(tmp_path: Path, examples: ModuleType) -> None:
    """Whoever loads a version that was not built as its spec says can see it."""
    root = tmp_path / "catalog"
    examples.publish_separation(open_root(root), "sep", "x", 1, overrides={"splits.train.mixtures": 4})
    assert catalog.get("sep", split="train", root=root).info.description == "sep@1, built with overrides: splits.train.mixtures=4"
    examples.publish_separation(open_root(root), "sep", "y", 1)
    assert catalog.get("sep", split="train", root=root).info.description == "sep@2"


def test_columns(tmp_path: Path, examples: ModuleType) -> None:
    """Exactly those, in the order of the schema; the others are not even mapped."""
    root = open_root(tmp_path / "catalog")
    stored = publish_splits(examples, root)
    got = catalog.get("sep", split="train", columns=["s2", "id"], root=root.url)
    assert got.column_names == ["id", "s2"]
    assert_same(plain(got[5]), {name: decoded(stored[5])[name] for name in ("id", "s2")})
    assert catalog.get("sep", split="train", columns="id", root=root.url)[0] == {"id": stored[0]["id"]}


def test_null_audio_stays_null(tmp_path: Path, examples: ModuleType) -> None:
    """A row without audio reads as None and leaves the others as they are."""
    root = open_root(tmp_path / "catalog")
    batch = examples.separation_batch(0, rows=3)
    cells = batch.column("s1").to_pylist()
    cells[1] = None
    batch = batch.set_column(2, batch.schema.field(2), pa.array(cells, batch.schema.field(2).type))
    shard = examples.write_shard(root, "sep", "train", batch)
    catalog.publish("sep", kind="separation", splits={"train": [shard]}, fingerprint="x", licence=examples.LICENCE, root=root.url)
    for segment in (None, 0.01):
        got = catalog.get("sep", split="train", segment=segment, root=root.url)
        assert [row["s1"] is None for row in got] == [False, True, False]
        assert all(len(row["mixture"]["array"]) == (160 if segment else row["num_samples"]) for row in got)


def test_speech(tmp_path: Path, examples: ModuleType) -> None:
    """The other kind of dataset reads the same way."""
    root = open_root(tmp_path / "catalog")
    examples.publish_speech(root, "talk", "x", seed=1)
    row = catalog.get("talk", split="train", root=root.url)[1]
    stored = examples.speech_batch(1).to_pylist()[1]
    np.testing.assert_array_equal(row.pop("audio")["array"], wav.decode(stored.pop("audio")["bytes"]) / 32768)
    assert row == stored


def test_versions_are_read_in_place(tmp_path: Path, home: Path, examples: ModuleType) -> None:
    """A catalog in a folder is mapped, not copied: the cache holds links."""
    root = open_root(tmp_path / "catalog")
    publish_splits(examples, root)
    catalog.get("sep", root=root.url)
    cached = [path for path in (home / "cache").rglob("*") if not path.is_dir() or path.is_symlink()]
    assert len(cached) == 4
    assert all(path.is_symlink() and path.resolve().parent == tmp_path / "catalog" / "sep" / "blobs" for path in cached)


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path, examples: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line that names YULIAO_HOME."""
    root = open_root(tmp_path / "catalog")
    publish_splits(examples, root, shards=1)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("YULIAO_HOME", os.fspath(tmp_path / "file"))
    with pytest.raises(catalog.CatalogError, match="set YULIAO_HOME"):
        catalog.get("sep", root=root.url)
