"""Rows under all that `datasets` does to a dataset: still decoded, small when pickled, nothing written into the catalog."""

import json
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import datasets
import numpy as np
import pytest

import catalog
from catalog.roots import open_root

SIGNALS = ("mixture", "s1", "s2")


def publish_train(examples: ModuleType, url: Path, shards: int, name: str = "sep", seed: int = 0) -> None:
    root = open_root(url)
    blobs = [examples.write_shard(root, name, "train", examples.separation_batch(seed + k)) for k in range(shards)]
    catalog.publish(
        name,
        kind="separation",
        splits={"train": blobs},
        fingerprint=f"{shards}-{seed}",
        licence=examples.LICENCE,
        sample_rate_hz=examples.RATE_HZ,
        n_src=2,
        root=url,
    )


@pytest.fixture
def rows(tmp_path: Path, examples: ModuleType) -> Iterator[datasets.Dataset]:
    """12 rows in 3 blobs of a catalog that nothing may change: it is read-only, and compared at the end."""
    url = tmp_path / "catalog"
    publish_train(examples, url, shards=3)
    folders = [url, *(path for path in url.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    before = contents(url)
    yield catalog.get("sep", split="train", root=url)
    after = contents(url)
    for folder in folders:
        folder.chmod(0o755)
    assert after == before  # root may write into read-only folders all the same


def contents(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*")}


def same(row: dict[str, Any], other: dict[str, Any]) -> bool:
    def bare(value: Any) -> Any:
        return (value["array"].tolist(), value["sampling_rate"]) if isinstance(value, dict) else value

    return list(row) == list(other) and all(bare(row[name]) == bare(other[name]) for name in row)


def double(row: dict[str, Any]) -> dict[str, Any]:
    return {"twice": 2 * len(row["mixture"]["array"])}


TRANSFORMS: dict[str, tuple[Callable[[datasets.Dataset], datasets.Dataset], list[int]]] = {
    "select a range": (lambda ds: ds.select(range(3, 7)), [3, 4, 5, 6]),
    "select a list": (lambda ds: ds.select([5, 2, 9]), [5, 2, 9]),
    "select twice": (lambda ds: ds.select([5, 2, 9]).select([2, 0]), [9, 5]),
    "shard": (lambda ds: ds.shard(4, 1, contiguous=False), [1, 5, 9]),
    "take and skip": (lambda ds: ds.skip(4).take(2), [4, 5]),
    "filter": (lambda ds: ds.filter(lambda row: len(row["s1"]["array"]) == 801), [1, 5, 9]),
    "filter by a column": (lambda ds: ds.filter(lambda n: n == 803, input_columns="num_samples"), [3, 7, 11]),
    "filter, then select": (lambda ds: ds.filter(lambda row: row["num_samples"] == 801).select([2]), [9]),
    "flatten": (lambda ds: ds.select([5, 2, 9]).flatten_indices(), [5, 2, 9]),
    "map of nothing": (lambda ds: ds.map(), list(range(12))),
    "copy": (lambda ds: pickle.loads(pickle.dumps(ds)), list(range(12))),
    "copy of a selection": (lambda ds: pickle.loads(pickle.dumps(ds.select([4, 1]))), [4, 1]),
    "concatenate": (lambda ds: datasets.concatenate_datasets([ds.select([3]), ds.select([1, 0])]), [3, 1, 0]),
    "format there and back": (lambda ds: ds.with_format(None).with_format(**ds.format), list(range(12))),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transformed_rows_decode(rows: datasets.Dataset, name: str) -> None:
    """Row by row, in batches, in columns and in turn, they are the rows that were chosen."""
    transform, expected = TRANSFORMS[name]
    made = transform(rows)
    assert len(made) == len(expected)
    assert all(same(made[k], rows[i]) for k, i in enumerate(expected))
    assert all(same(row, rows[i]) for row, i in zip(made, expected, strict=True))
    batch = made[:]
    assert all(same({name: batch[name][k] for name in batch}, rows[i]) for k, i in enumerate(expected))
    assert made["id"][:] == [rows[i]["id"] for i in expected]
    assert [len(cell["array"]) for cell in made["s2"]] == [rows[i]["num_samples"] for i in expected]


def test_shuffle_and_split_decode(rows: datasets.Dataset) -> None:
    """By id, whatever the order."""
    by_id = {row["id"]: row for row in rows}
    parts = rows.train_test_split(0.25, seed=1)
    for made in (
        rows.shuffle(seed=3),
        rows.sort("num_samples", reverse=True),
        datasets.concatenate_datasets(list(parts.values())),
    ):
        assert {row["id"] for row in made} == set(by_id)
        assert all(same(row, by_id[row["id"]]) for row in made)


def test_map_adds_columns_and_keeps_rows(rows: datasets.Dataset, home: Path) -> None:
    """Row-wise, batched, in two processes and one after the other; the files lie in the cache."""
    batched = rows.map(lambda batch: {"twice": [2 * len(x["array"]) for x in batch["mixture"]]}, batched=True, batch_size=5)
    for made in (rows.map(double), batched, rows.map(double, num_proc=2), rows.select([0, 1]).map(double).map(double)):
        for k, row in enumerate(made):
            assert row.pop("twice") == 2 * rows[k]["num_samples"]
            assert same(row, rows[k])
        assert all(home / "cache" in Path(file["filename"]).parents for file in made.cache_files)


def test_map_may_return_the_row_or_new_audio(rows: datasets.Dataset) -> None:
    """What it decoded goes back bit by bit; what it made is stored as PCM16, clipped at full scale."""

    def tag(row: dict[str, Any]) -> dict[str, Any]:
        row["tag"] = "語"
        return row

    def loud(row: dict[str, Any]) -> dict[str, Any]:
        return {"s1": {"array": row["s1"]["array"][:10] * 100, "sampling_rate": 8000}}

    tagged = rows.map(tag)
    assert tagged[2].pop("tag") == "語"
    assert all(same({name: row[name] for name in rows.column_names}, rows[k]) for k, row in enumerate(tagged))
    made = rows.map(loud)[3]["s1"]
    assert made["sampling_rate"] == 8000
    np.testing.assert_allclose(made["array"], np.clip(rows[3]["s1"]["array"][:10] * 100, -1, 32767 / 32768), atol=0.5 / 32768)


def test_default_format_gives_stored_bytes(rows: datasets.Dataset, tmp_path: Path) -> None:
    """Also what is saved to disk opens without us."""
    raw = rows.with_format(None)
    assert raw[0]["mixture"]["bytes"][:4] == b"RIFF"
    rows.save_to_disk(tmp_path / "saved")
    assert datasets.load_from_disk(tmp_path / "saved")[5] == raw[5]


def test_indices_as_datasets_has_them(rows: datasets.Dataset) -> None:
    """From the end, numpy's integers, lists with repeats; outside: IndexError; bool: TypeError."""
    assert same(rows[-1], rows[11])
    assert same(rows[np.int64(4)], rows[4])
    assert rows[[2, 2, -12]]["id"] == [rows[2]["id"], rows[2]["id"], rows[0]["id"]]
    assert [row["id"] for row in rows.__getitems__([3, 1])] == [rows[3]["id"], rows[1]["id"]]
    assert rows[8:2:-3]["id"] == [rows[8]["id"], rows[5]["id"]]
    assert rows[5:5] == {name: [] for name in rows.column_names}
    for index in (12, -13, [0, 12]):
        with pytest.raises(IndexError):
            rows[index]
    with pytest.raises(TypeError):
        rows[True]
    with pytest.raises(KeyError):
        rows.with_format(None)._getitem("mixtures")


def test_iteration_in_batches_and_as_stream(rows: datasets.Dataset) -> None:
    """`iter` with a last short batch, and an IterableDataset of several shards."""
    ids = [row["id"] for row in rows]
    assert [batch["id"] for batch in rows.iter(5)] == [ids[:5], ids[5:10], ids[10:]]
    assert [batch["id"] for batch in rows.iter(5, drop_last_batch=True)] == [ids[:5], ids[5:10]]
    stream = rows.to_iterable_dataset(num_shards=3)
    assert stream.num_shards == 3
    assert all(same(row, rows[k]) for k, row in enumerate(stream))


def test_kept_rows_are_never_overwritten(rows: datasets.Dataset) -> None:
    """Rows that are changed in place and kept stay so while others are read; the store does not change."""
    first = rows[0]["mixture"]["array"].copy()
    kept = []
    for k in range(12):
        row = rows[k]
        for name in SIGNALS:
            row[name]["array"][:] = k
        kept.append(row["s2"]["array"])
        del row
        rows[(k * 5) % 12]
    assert all((array == k).all() for k, array in enumerate(kept))
    np.testing.assert_array_equal(rows[0]["mixture"]["array"], first)


def test_pickles_stay_small(tmp_path: Path, examples: ModuleType) -> None:
    """A few KB for one blob and for three hundred, also after a shuffle and a map; and they read the same."""
    publish_train(examples, tmp_path / "catalog", shards=1, name="small")
    publish_train(examples, tmp_path / "catalog", shards=300, name="large")
    small = catalog.get("small", split="train", root=tmp_path / "catalog")
    large = catalog.get("large", split="train", root=tmp_path / "catalog")
    assert len(pickle.dumps(small)) < 4_000
    for made in (large, large.shuffle(seed=0), large.select(range(100, 1100)), large.with_format(None)):
        made[0]
        pickled = pickle.dumps(made)
        assert len(pickled) < 10_000
        assert pickle.loads(pickled)[700]["id"] == made[700]["id"]


FINGERPRINT = """
import json, sys, catalog
def double(row): return {"twice": 2 * row["num_samples"]}
got = {}
for name in sys.argv[2:]:
    rows = catalog.get(name, split="train", root=sys.argv[1])
    got[name] = [rows._fingerprint, *(made.cache_files[-1]["filename"] for made in (rows.map(double), rows.shuffle(seed=1)))]
print(json.dumps(got))
"""


def test_caches_are_reused_between_processes_not_between_versions(
    tmp_path: Path, home: Path, examples: ModuleType, process_environment: dict[str, str]
) -> None:
    """Two processes name the same files and the second writes none; another version, other files."""
    url = tmp_path / "catalog"
    publish_train(examples, url, shards=2)
    publish_train(examples, url, shards=2, seed=70)
    got = []
    for _ in range(2):
        command = [sys.executable, "-c", FINGERPRINT, str(url), "sep@1", "sep@2"]
        done = subprocess.run(command, env=process_environment, stdout=subprocess.PIPE, check=True)
        got.append((json.loads(done.stdout), contents(home / "cache")))
    assert got[0] == got[1]
    assert not set(got[0][0]["sep@1"]) & set(got[0][0]["sep@2"])


def test_a_plain_dataset_made_of_rows_unpickles_anywhere(
    rows: datasets.Dataset, tmp_path: Path, process_environment: dict[str, str]
) -> None:
    """A fresh process that never heard of the format reads it: the pickle brings it along."""
    both = datasets.concatenate_datasets([rows, rows])
    assert type(both) is datasets.Dataset
    (tmp_path / "pickled").write_bytes(pickle.dumps(both))
    code = "import pickle, sys; print(pickle.load(open(sys.argv[1], 'rb'))[13]['s1']['array'].sum())"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "pickled")], env=process_environment, stdout=subprocess.PIPE, check=True
    )
    assert done.stdout.decode().strip() == str(rows[1]["s1"]["array"].sum())
