"""`segment=`: keyed crops, the same span in every stem, short rows padded; `set_epoch`."""

import copy
import pickle
from pathlib import Path
from types import ModuleType
from typing import Any

import datasets
import numpy as np
import pytest

import catalog
from catalog.roots import open_root

RATE_HZ = 16000
SEGMENT = 500  # samples
SEGMENT_S = SEGMENT / RATE_HZ


@pytest.fixture
def url(tmp_path: Path, examples: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`sep` with 6 rows of 400 to 402 samples and 6 of 4,000 to 4,005."""
    folder = tmp_path / "catalog"
    monkeypatch.setenv("YULIAO_CATALOG", str(folder))
    root = open_root(folder)
    batches = [examples.separation_batch(1, 6, num_samples=400), examples.separation_batch(2, 6, num_samples=4000)]
    publish = {"kind": "separation", "fingerprint": "x", "licence": examples.LICENCE, "root": folder}
    catalog.publish("sep", splits={"train": [examples.write_shard(root, "sep", "train", batch) for batch in batches]}, **publish)
    return folder


def arrays(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name]["array"] for name in ("mixture", "s1", "s2") if name in row}


def start_of(crop: np.ndarray, whole: np.ndarray) -> int:
    """Where in `whole` the crop lies; exactly one place."""
    windows = np.lib.stride_tricks.sliding_window_view(whole, len(crop))
    (starts,) = np.nonzero((windows == crop).all(axis=1))
    assert len(starts) == 1
    return int(starts[0])


def test_a_crop_is_one_span_of_every_stem(url: Path) -> None:
    """As long as asked, found in the whole row at the same place for all signals; `num_samples` is its length."""
    whole, crops = catalog.get("sep", split="train"), catalog.get("sep", split="train", segment=SEGMENT_S)
    starts = []
    for i in range(6, 12):
        places = {start_of(crop, arrays(whole[i])[name]) for name, crop in arrays(crops[i]).items()}
        assert len(places) == 1
        starts.append(places.pop())
        assert all(len(array) == SEGMENT for array in arrays(crops[i]).values())
        assert crops[i]["num_samples"] == SEGMENT
    assert len(set(starts)) > 3


def test_short_rows_are_padded_and_say_so(url: Path) -> None:
    """The whole row, then zeros, also in memory that was used before; `num_samples` counts the real ones."""
    whole, crops = catalog.get("sep", split="train"), catalog.get("sep", split="train", segment=SEGMENT_S)
    for i in range(6):
        dirty = arrays(crops[11])
        for array in dirty.values():
            array[:] = 9
        del dirty, array
        row = crops[i]
        assert row["num_samples"] == whole[i]["num_samples"] == 400 + i
        for name, array in arrays(row).items():
            np.testing.assert_array_equal(array[: 400 + i], arrays(whole[i])[name])
            assert not array[400 + i :].any()
            assert len(array) == SEGMENT
        del array


def test_crops_are_keyed_by_seed_epoch_and_row(url: Path) -> None:
    """Not by order, selection, other columns, process or the version of the read; another seed or epoch, other crops."""

    def mixtures(rows: datasets.Dataset) -> dict[str, bytes]:
        return {row["id"]: row["mixture"]["array"].tobytes() for row in rows if row["num_samples"] == SEGMENT}

    def read(**how: Any) -> datasets.Dataset:
        return catalog.get("sep", split="train", segment=SEGMENT_S, **how)

    expected = mixtures(read(seed=1, epoch=2))
    rows = read(seed=1, epoch=2)
    for same in (
        rows.shuffle(seed=9),
        rows.select([11, 7, 8, 9, 10, 6]),
        pickle.loads(pickle.dumps(rows)),
        datasets.concatenate_datasets([rows, rows]),
        rows.filter(lambda row: row["num_samples"] == SEGMENT),
        rows.map(lambda row: {"loudest": float(row["mixture"]["array"].max())}),
        read(seed=1, epoch=2, columns=["id", "num_samples", "mixture"]),
        rows.iter(5),
    ):
        parts = [same] if isinstance(same, datasets.Dataset) else [datasets_rows(batch) for batch in same]
        assert {k: v for part in parts for k, v in mixtures(part).items()} == expected
    for other in (read(seed=2, epoch=2), read(seed=1, epoch=3)):
        assert all(crop != expected[key] for key, crop in mixtures(other).items())


def datasets_rows(batch: dict[str, list[Any]]) -> Any:
    return [{name: batch[name][k] for name in batch} for k in range(len(batch["id"]))]


def test_columns_of_crops(url: Path) -> None:
    """Only those asked for come out, although the crop is keyed by the id; columns one by one are the same crops."""
    rows = catalog.get("sep", split="train", segment=SEGMENT_S, columns=["mixture", "s2"])
    every = catalog.get("sep", split="train", segment=SEGMENT_S)
    assert set(rows[7]) == set(rows[:3]) == {"mixture", "s2"}
    np.testing.assert_array_equal(rows[7]["s2"]["array"], every[7]["s2"]["array"])
    np.testing.assert_array_equal(rows["s2"][7]["array"], every[7]["s2"]["array"])
    np.testing.assert_array_equal(list(every["s2"])[7]["array"], every[7]["s2"]["array"])
    assert catalog.get("sep", split="train", segment=SEGMENT_S, columns=["texts"]).column_names == ["texts"]
    with pytest.raises(catalog.CatalogError, match="keep the columns 'id' and 'num_samples'"):
        rows.select_columns(["mixture"])[0]


def test_set_epoch_reaches_every_copy(url: Path) -> None:
    """All splits, and whatever was made of them before; the cache of map never gives the crops of another epoch."""

    def energy(row: dict[str, Any]) -> dict[str, Any]:
        return {"energy": float(np.square(row["mixture"]["array"]).sum())}

    both = catalog.get("sep", segment=SEGMENT_S)
    rows = both["train"]
    made = [
        rows.select([11]),
        rows.shuffle(seed=1),
        copy.deepcopy(rows),
        rows.with_format(None).with_format(**rows.format),
        pickle.loads(pickle.dumps(rows)),
    ]
    seen = []
    for epoch in (0, 1, 0):
        catalog.set_epoch(both, epoch)
        fresh = catalog.get("sep", split="train", segment=SEGMENT_S, epoch=epoch)
        by_id = {row["id"]: row["mixture"]["array"] for row in fresh}
        for part in [rows, *made]:
            for row in part:
                np.testing.assert_array_equal(row["mixture"]["array"], by_id[row["id"]])
        seen.append(rows.map(energy)["energy"][:])
        assert seen[-1] == [energy(row)["energy"] for row in rows]
    assert seen[0] == seen[2] != seen[1]
    catalog.set_epoch(made[0], 8)
    assert rows.format["format_kwargs"]["reading"].epoch.value == 8


def test_set_epoch_of_whole_rows_and_of_others(url: Path) -> None:
    """Whole rows are the same in every epoch; what does not come from here is refused."""
    rows = catalog.get("sep", split="train")
    catalog.set_epoch(rows, 3)
    for other in (datasets.Dataset.from_dict({"a": [1]}), rows.with_format(None), [rows]):
        with pytest.raises(catalog.CatalogError, match=r"catalog\.get"):
            catalog.set_epoch(other, 3)


def test_a_crop_stored_by_map_is_not_cropped_again(url: Path) -> None:
    """It has the length of a segment already, whatever the row's own length says."""
    rows = catalog.get("sep", split="train", segment=SEGMENT_S)
    halved = rows.map(lambda row: {"s1": {"array": row["s1"]["array"] * 0.5, "sampling_rate": RATE_HZ}})
    for k in range(12):
        np.testing.assert_allclose(halved[k]["s1"]["array"], rows[k]["s1"]["array"] * 0.5, atol=0.5 / 32768)
