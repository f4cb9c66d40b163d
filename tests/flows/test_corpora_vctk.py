"""VCTK: paths and metadata as in the official archive, and an ingest of one."""

from collections.abc import Callable
from pathlib import Path

import pytest

import catalog
from flows import corpora
from flows.adapter import Metadata, Utterance
from flows.recordings.ingest import ingest

VCTK = corpora.get("vctk")
SPEAKERS = """\
ID  AGE  GENDER  ACCENTS  REGION COMMENTS
p225  23  F    English    Southern  England
p280  25  F    French     France    (mic2 files unavailable)
s5    24  M    British
p999
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("wav48_silence_trimmed/p225/p225_001_mic1.flac", ("p225_001", "p225", "p225_001", "all")),
        ("VCTK-Corpus-0.92/wav48_silence_trimmed/s5/s5_012_mic1.flac", ("s5_012", "s5", "s5_012", "all")),
        ("wav48_silence_trimmed/p225/p225_001_mic2.flac", None),
        ("wav48_silence_trimmed/p225/p226_001_mic1.flac", None),
        ("txt/p225/p225_001.txt", None),
    ],
)
def test_paths(path: str, expected: tuple[str, str, str, str] | None) -> None:
    """One of two microphones."""
    assert VCTK.identify is not None
    assert VCTK.identify(path) == (expected and Utterance(*expected))


def test_speakers() -> None:
    """Columns are aligned with blanks; what is not understood is kept for the report."""
    metadata = Metadata()
    VCTK.metadata["speaker-info.txt"](SPEAKERS, metadata)
    assert metadata.genders == {"p225": "female", "p280": "female", "s5": "male"}
    assert metadata.not_understood == ["p999"]


def test_ingest(root_url: str, write_audio: Callable[..., bytes], pack_archive: Callable[..., Path]) -> None:
    """Each text lies in a file of its own; p315 has none."""
    files = {
        "speaker-info.txt": SPEAKERS,
        "txt/p225/p225_001.txt": "Please call Stella.\n",
        "wav48_silence_trimmed/p225/p225_001_mic1.flac": write_audio("flac", 48_000),
        "wav48_silence_trimmed/p225/p225_001_mic2.flac": write_audio("flac", 48_000),
        "wav48_silence_trimmed/p315/p315_001_mic1.flac": write_audio("flac", 48_000),
    }
    source = pack_archive("VCTK-Corpus-0.92.zip", files)
    assert ingest("vctk", [source], workers=1).created
    one, other = catalog.get("vctk", split="train")
    assert (one["id"], one["text"], one["gender"], one["sample_rate_hz"]) == ("p225_001", "Please call Stella.", "female", 48_000)
    assert (other["id"], other["text"], other["gender"]) == ("p315_001", None, "unknown")
    assert not ingest("vctk", [source], workers=1).created
