"""AISHELL-3: paths, metadata and text as in the official archive, and an ingest of one."""

from collections.abc import Callable
from pathlib import Path

import pytest

import catalog
from flows import corpora
from flows.adapter import Metadata, Utterance
from flows.recordings.ingest import ingest

AISHELL3 = corpora.get("aishell3")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("train/wav/SSB0005/SSB00050001.wav", ("SSB00050001", "SSB0005", "SSB00050001", "train")),
        ("data_aishell3/test/wav/SSB0139/SSB01390002.wav", ("SSB01390002", "SSB0139", "SSB01390002", "test")),
        ("train/wav/SSB0005/SSB00060001.wav", None),
        ("train/content.txt", None),
    ],
)
def test_paths(path: str, expected: tuple[str, str, str, str] | None) -> None:
    """With a folder around it or, as in the archive, without."""
    assert AISHELL3.identify is not None
    assert AISHELL3.identify(path) == (expected and Utterance(*expected))


@pytest.mark.parametrize(
    ("original", "text"),
    [
        ("广 guang3 州 zhou1 女 nv3", "广州女"),
        ("花 huar1 儿 开 kai1", "花儿开"),
        ("绿 lü4 色 se4 ok ok1", "绿色ok"),
    ],
)
def test_readings_are_no_text(original: str, text: str) -> None:
    """They are told by their form: with erhua there is one less than characters."""
    assert AISHELL3.normalise(original) == text


def test_metadata() -> None:
    """Comments begin with #; what is not understood is kept for the report."""
    metadata = Metadata()
    AISHELL3.metadata["content.txt"]("SSB00050001.wav\t广 guang3\nSSB00050002.wav\n", metadata)
    AISHELL3.metadata["spk-info.txt"]("# a comment\n\nSSB0005\tB\tfemale\tnorth\nSSB0009\tC\tmale\tsouth\nSSB1\n", metadata)
    assert metadata.texts == {"SSB00050001": "广 guang3"}
    assert metadata.genders == {"SSB0005": "female", "SSB0009": "male"}
    assert metadata.not_understood == ["SSB00050002.wav", "SSB1"]


def test_ingest(root_url: str, write_audio: Callable[..., bytes], pack_archive: Callable[..., Path]) -> None:
    """Both splits have a file of texts of the same name."""
    files = {
        "spk-info.txt": "# speaker\tage group\tgender\taccent\nSSB0005\tB\tfemale\tnorth\n",
        "train/content.txt": "SSB00050001.wav\t广 guang3 州 zhou1\n",
        "train/wav/SSB0005/SSB00050001.wav": write_audio(sample_rate_hz=44_100),
        "test/content.txt": "SSB01390002.wav\t女 nv3\n",
        "test/wav/SSB0139/SSB01390002.wav": write_audio(sample_rate_hz=44_100),
    }
    source = pack_archive("aishell3.tgz", files)
    assert ingest("aishell3", [source], workers=1).created
    (train,), (test,) = catalog.get("aishell3", split="train"), catalog.get("aishell3", split="test")
    assert (train["text"], train["text_original"], train["gender"]) == ("广州", "广 guang3 州 zhou1", "female")
    assert (test["text"], test["gender"], test["sample_rate_hz"]) == ("女", "unknown", 44_100)
    assert not ingest("aishell3", [source], workers=1).created
