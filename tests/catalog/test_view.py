"""A version's folder opens with plain `datasets`, and its card says what people must know."""

import shutil
from pathlib import Path
from types import ModuleType

import datasets

import catalog
from catalog.manifests import pin
from catalog.roots import FolderRoot, Root


def test_folder_opens_with_plain_datasets(tmp_path: Path, examples: ModuleType) -> None:
    """Audio as undecoded bytes, without torch; also after the catalog was moved."""
    root = FolderRoot(tmp_path / "catalog")
    batch = examples.speech_batch(1, rows=6)
    splits = {
        "train": [examples.write_shard(root, "speech", "train", batch.slice(start, 3)) for start in (0, 3)],
        "test": [examples.write_shard(root, "speech", "test", examples.speech_batch(1, split="test"))],
    }
    catalog.publish("speech", kind="speech", splits=splits, fingerprint="a", licence=examples.LICENCE, root=root.url)
    shutil.move(tmp_path / "catalog", tmp_path / "moved")
    opened = datasets.load_from_disk(str(tmp_path / "moved/speech/versions/1"))
    assert isinstance(opened, datasets.DatasetDict)
    assert {split: len(rows) for split, rows in opened.items()} == {"train": 6, "test": 4}
    assert opened["train"].features["audio"] == datasets.Audio(sampling_rate=16000, decode=False)
    assert list(opened["train"]) == batch.to_pylist()


def test_separation_opens_too(tmp_path: Path, examples: ModuleType) -> None:
    examples.publish_separation(FolderRoot(tmp_path), "mixtures", "a", 1)
    rows = datasets.load_from_disk(str(tmp_path / "mixtures/versions/1"))["train"]
    assert list(rows) == examples.separation_batch(1).to_pylist()


def test_split_without_rows_does_not_spoil_the_others(tmp_path: Path, examples: ModuleType) -> None:
    root = FolderRoot(tmp_path)
    splits = {"train": [examples.write_shard(root, "speech", "train", examples.speech_batch(1))], "validation": []}
    catalog.publish("speech", kind="speech", splits=splits, fingerprint="a", licence=examples.LICENCE, root=root.url)
    assert list(datasets.load_from_disk(str(tmp_path / "speech/versions/1"))) == ["train"]
    assert catalog.manifest("speech", root=root.url).splits["validation"].rows == 0
    assert catalog.verify("speech", root=root.url).ok


def test_card_says_what_people_must_know(root: Root, examples: ModuleType) -> None:
    examples.publish_speech(root, "speech", "a", 1)
    examples.publish_separation(
        root,
        "mixtures",
        "f1",
        1,
        inputs=[pin(root, "speech", 1)],
        citation="Them, 2026",
        overrides={"splits.train.mixtures": 4},
        spec={"seed": 7},
        report={"quarantined": 2},
        statistics={"hours_theirs": 112},
        software={"numpy": "2"},
    )
    card = root.read("mixtures/versions/1/README.md").decode()
    for expected in (
        "# mixtures@1",
        "fingerprint `f1`",
        "| train | 4 |",
        "CC-BY-4.0; commercial use allowed",
        "Somebody",
        "Them, 2026",
        "**Built with overrides**: `splits.train.mixtures=4`",
        "speech@1 (manifest `",
        "quarantined: 2",
        "hours_theirs: 112",
        "seed: 7",
        "stems sum to the mixture to the last bit",
    ):
        assert expected in card


def test_card_sets_our_size_beside_that_of_the_published_set(root: Root, examples: ModuleType) -> None:
    sizes = {"mixtures": 2000, "hours": 2.481, "published_mixtures": 90000, "published_hours": 112.0}
    examples.publish_separation(root, "mixtures", "a", 1, statistics={"train": {**sizes, "sir_db": {"mean": 0.1}}})
    card = root.read("mixtures/versions/1/README.md").decode()
    table = (
        "| split | mixtures | as published | hours | as published |\n"
        "|---|---:|---:|---:|---:|\n"
        "| train | 2,000 | 90,000 | 2.481 | 112.0 |\n"
    )
    assert card.index(table) < card.index("```yaml"), "above the figures for programs"
    examples.publish_separation(root, "own", "a", 1, statistics={"train": {"mixtures": 2000, "hours": 2.481}, "seed": 1})
    assert "as published" not in root.read("own/versions/1/README.md").decode()
