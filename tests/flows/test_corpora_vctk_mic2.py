"""VCTK's second microphone: its files and no others, ids and texts of the first."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import catalog
from flows import corpora
from flows.adapter import Utterance
from flows.recordings.ingest import ingest


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("wav48_silence_trimmed/p225/p225_001_mic2.flac", ("p225_001", "p225", "p225_001", "all")),
        ("wav48_silence_trimmed/p225/p225_001_mic1.flac", None),
        ("wav48_silence_trimmed/p225/p226_001_mic2.flac", None),
        ("txt/p225/p225_001.txt", None),
    ],
)
def test_paths(path: str, expected: tuple[str, str, str, str] | None) -> None:
    """One of two microphones."""
    identify = corpora.get("vctk_mic2").identify
    assert identify is not None
    assert identify(path) == (expected and Utterance(*expected))


def test_both_stand_beside_each_other(root_url: str, official: Callable[[str], Any], tmp_path: Path) -> None:
    """The same utterances of the same archive, other samples."""
    [(file, data)] = official("vctk").files.items()
    (tmp_path / f"my-{file}").write_bytes(data)
    heard = []
    for name in ("vctk", "vctk_mic2"):
        ingest(name, [tmp_path / f"my-{file}"], workers=1)
        heard.append({row["id"]: row for row in catalog.get(name, split="train")})
    first, second = heard
    assert first.keys() == second.keys()
    for utterance, row in first.items():
        assert row["text"] == second[utterance]["text"]
        assert row["audio_sha256"] != second[utterance]["audio_sha256"]
