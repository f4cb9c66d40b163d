"""MUSAN: paths as in the official archive, and an ingest of one."""

from collections.abc import Callable
from pathlib import Path

import pytest

import catalog
from flows import corpora
from flows.adapter import Sound
from flows.recordings.ingest import ingest

MUSAN = corpora.get("musan")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("musan/noise/free-sound/noise-free-sound-0000.wav", ("noise-free-sound-0000", "noise", "noise-free-sound-0000", "all")),
        ("music/fma-western-art/music-fma-wa-0001.wav", ("music-fma-wa-0001", "music", "music-fma-wa-0001", "all")),
        ("musan/speech/us-gov/speech-us-gov-0012.wav", ("speech-us-gov-0012", "speech", "speech-us-gov-0012", "all")),
        ("musan/noise/free-sound/music-fma-0000.wav", None),
        ("musan/noise/free-sound/._noise-free-sound-0000.wav", None),
        ("musan/noise/free-sound/ANNOTATIONS", None),
    ],
)
def test_paths(path: str, expected: tuple[str, str, str, str] | None) -> None:
    """Folder and file must name the same category."""
    assert MUSAN.identify is not None
    assert MUSAN.identify(path) == (expected and Sound(*expected))


def test_ingest(root_url: str, write_audio: Callable[..., bytes], pack_archive: Callable[..., Path]) -> None:
    """Rows of kind noise, each with its category; a second ingest is none."""
    files = {
        "musan/README": "MUSAN",
        "musan/music/fma/ANNOTATIONS": "music-fma-0000 jazz N somebody\n",
        "musan/music/fma/music-fma-0000.wav": write_audio(),
        "musan/noise/sound-bible/noise-sound-bible-0000.wav": write_audio(seconds=0.305),
        "musan/speech/librivox/speech-librivox-0000.wav": write_audio(),
    }
    source = pack_archive("musan.tar.gz", files)
    assert ingest("musan", [source], workers=1).created
    rows = catalog.get("musan", split="train")
    assert {row["id"]: row["category"] for row in rows} == {
        "music-fma-0000": "music",
        "noise-sound-bible-0000": "noise",
        "speech-librivox-0000": "speech",
    }
    noise = next(row for row in rows if row["category"] == "noise")
    assert (noise["num_samples"], noise["num_channels"], len(noise["frame_peaks"])) == (4880, 1, 31)
    assert catalog.verify("musan").ok
    assert not ingest("musan", [source], workers=1).created
