"""Speech Commands: paths and lists as in the official archive, and an ingest of one."""

from collections.abc import Callable
from pathlib import Path

import pytest

import catalog
from flows import corpora
from flows.adapter import Metadata, Utterance
from flows.recordings.ingest import ingest
from synth.errors import YuliaoError

COMMANDS = corpora.get("speech_commands_v2")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("right/a69b9b3e_nohash_0.wav", ("right_a69b9b3e_nohash_0", "a69b9b3e", "right_a69b9b3e_nohash_0", "train", "right")),
        ("commands/go/00f0204f_nohash_12.wav", ("go_00f0204f_nohash_12", "00f0204f", "go_00f0204f_nohash_12", "train", "go")),
        ("_background_noise_/pink_noise.wav", None),
        ("_silence_/a69b9b3e_nohash_0.wav", None),
        ("testing_list.txt", None),
    ],
)
def test_paths(path: str, expected: tuple[str, str, str, str, str] | None) -> None:
    """The word is part of the id, because files have the same names in the folders of all words."""
    assert COMMANDS.identify is not None
    assert COMMANDS.identify(path) == (expected and Utterance(*expected))


def test_lists() -> None:
    """What is not understood is kept for the report."""
    metadata = Metadata()
    COMMANDS.metadata["testing_list.txt"]("right/a69b9b3e_nohash_0.wav\nwhat\n", metadata)
    assert metadata.facts["right_a69b9b3e_nohash_0"] == "test"
    assert metadata.not_understood == ["what"]


@pytest.fixture
def files(write_audio: Callable[..., bytes]) -> dict[str, bytes | str]:
    """The archive; its lists may stand behind the audio."""
    return {
        "./_background_noise_/pink_noise.wav": write_audio(),
        "./right/a69b9b3e_nohash_0.wav": write_audio(),
        "./right/00f0204f_nohash_0.wav": write_audio(seconds=0.07),
        "./go/00f0204f_nohash_0.wav": write_audio(),
        "./go/b0000000_nohash_0.wav": write_audio(),
        "./testing_list.txt": "right/a69b9b3e_nohash_0.wav\n",
        "./validation_list.txt": "go/b0000000_nohash_0.wav\n",
    }


def test_ingest(root_url: str, files: dict[str, bytes | str], pack_archive: Callable[..., Path]) -> None:
    """The splits are those of the lists, the texts are the words."""
    source = pack_archive("speech_commands_v0.02.tar.gz", files)
    assert ingest("speech_commands_v2", [source], workers=1).created
    rows = catalog.get("speech_commands_v2")
    assert {split: {row["id"]: row["text"] for row in rows[split]} for split in rows} == {
        "train": {"right_00f0204f_nohash_0": "right", "go_00f0204f_nohash_0": "go"},
        "validation": {"go_b0000000_nohash_0": "go"},
        "test": {"right_a69b9b3e_nohash_0": "right"},
    }
    assert not ingest("speech_commands_v2", [source], workers=1).created


def test_without_its_lists_nothing_is_taken_for_training(
    root_url: str, files: dict[str, bytes | str], pack_archive: Callable[..., Path]
) -> None:
    del files["./testing_list.txt"]
    with pytest.raises(YuliaoError, match="speech_commands_v2"):
        ingest("speech_commands_v2", [pack_archive("speech_commands_v0.02.tar.gz", files)], workers=1)
