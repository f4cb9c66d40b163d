"""THCHS-30: paths and text as in the official archive, and an ingest of one."""

from collections.abc import Callable
from pathlib import Path

import pytest

import catalog
from flows import corpora
from flows.adapter import Utterance
from flows.recordings.ingest import ingest

THCHS30 = corpora.get("thchs30")
TEXT = "他 仅 凭 腰部 l = 的 力量\nta1 jin3 ping2\nt a1 j in3 p ing2\n"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("data_thchs30/train/A11_0.wav", ("A11_0", "A11", "A11_0", "train")),
        ("data_thchs30/dev/B11_374.wav", ("B11_374", "B11", "B11_374", "dev")),
        ("data_thchs30/data/A11_0.wav", None),
        ("data_thchs30/train/A11_0.wav.trn", None),
    ],
)
def test_paths(path: str, expected: tuple[str, str, str, str] | None) -> None:
    """Audio of the splits; `data` holds it once more."""
    assert THCHS30.identify is not None
    assert THCHS30.identify(path) == (expected and Utterance(*expected))


def test_transcripts_are_those_in_data() -> None:
    """What is called so beside the audio of a split only names a file there."""
    assert THCHS30.transcript is not None
    assert THCHS30.transcript("data_thchs30/data/A11_0.wav.trn") == "A11_0"
    assert THCHS30.transcript("data_thchs30/train/A11_0.wav.trn") is None


def test_ingest(root_url: str, write_audio: Callable[..., bytes], pack_archive: Callable[..., Path]) -> None:
    """The text is the first of three lines without a stray "l ="; the original is all of it."""
    audio = {name: write_audio() for name in ("A11_0", "B11_374", "D4_750")}
    files: dict[str, bytes | str] = {}
    for name, data in audio.items():
        files |= {f"data_thchs30/data/{name}.wav": data, f"data_thchs30/data/{name}.wav.trn": TEXT}
    for part, name in (("train", "A11_0"), ("dev", "B11_374"), ("test", "D4_750")):
        files[f"data_thchs30/{part}/{name}.wav"] = audio[name]
        files[f"data_thchs30/{part}/{name}.wav.trn"] = f"../data/{name}.wav.trn\n"
    source = pack_archive("data_thchs30.tgz", files)
    assert ingest("thchs30", [source], workers=1).created
    rows = catalog.get("thchs30")
    assert {split: [row["id"] for row in rows[split]] for split in rows} == {
        "train": ["A11_0"],
        "validation": ["B11_374"],
        "test": ["D4_750"],
    }
    (row,) = rows["test"]
    assert (row["text"], row["text_original"], row["speaker_id"]) == ("他仅凭腰部的力量", TEXT.strip(), "D4")
    assert not ingest("thchs30", [source], workers=1).created
