"""The demo corpus: spoken, in AISHELL-1's form, and taken in by the real ingest."""

import builtins
import hashlib
import tarfile
from pathlib import Path
from typing import Any

import pytest

from catalog.manifests import read_manifest
from catalog.roots import open_root
from flows.demo.corpus import SPEAKERS, UTTERANCES_PER_SPEAKER, WITHOUT_TRANSCRIPT, DemoCorpusError, speak_corpus
from flows.recordings.ingest import ingest


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    speak_corpus(folder)
    return folder


def test_it_has_the_official_layout(spoken: Path) -> None:
    """Names and order of members as in AISHELL-1's archives."""
    with tarfile.open(spoken / "data_aishell.tgz") as outer:
        names = outer.getnames()
        assert names[:2] == ["data_aishell/transcript/aishell_transcript_v0.8.txt", "data_aishell/wav/S0002.tar.gz"]
        assert len(names) == 1 + len(SPEAKERS)
        with tarfile.open(fileobj=outer.extractfile(names[1])) as inner:
            assert inner.getnames()[0] == "train/S0002/BAC009S0002W0122.wav"
            assert len(inner.getnames()) == UTTERANCES_PER_SPEAKER
    with tarfile.open(spoken / "resource_aishell.tgz") as resource:
        info = resource.extractfile("resource_aishell/speaker.info")
        assert info is not None
        assert info.read().decode().splitlines()[:2] == ["0002 F", "0003 M"]


def test_it_is_the_same_every_time(spoken: Path, tmp_path: Path) -> None:
    """To the last bit, though espeak-ng seeds its noise by the clock and goes on from call to call."""
    for path in speak_corpus(tmp_path):
        assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256((spoken / path.name).read_bytes()).digest()


def test_it_is_ingested_whole(spoken: Path, tmp_path: Path) -> None:
    """24 speakers of both genders, 12 utterances each, no sentence or speaker in two splits, speech of ordinary length."""
    ingest("aishell1", [spoken], root=tmp_path / "catalog", workers=1)
    manifest = read_manifest(open_root(tmp_path / "catalog"), "aishell1", 1)
    assert manifest.report["utterances"] == 24 * 12
    assert manifest.report["without_text"] == len(WITHOUT_TRANSCRIPT)
    assert manifest.report["without_gender"] == manifest.report["quarantined"]["count"] == 0
    assert {split: entry.rows for split, entry in manifest.splits.items()} == {"train": 216, "validation": 36, "test": 36}
    assert manifest.statistics["speakers_by_gender"] == {"female": 12, "male": 12}
    for sizes in manifest.statistics["splits"].values():
        assert set(sizes["speakers_by_gender"]) == {"female", "male"}
    assert manifest.statistics["duration_s"]["min"] > 1.0
    assert manifest.statistics["duration_s"]["max"] < 8.0


def test_without_espeak_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And writes nothing."""
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "espeakng_loader":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DemoCorpusError, match=r"pip install yuliao\[demo\]"):
        speak_corpus(tmp_path / "out")
    assert not (tmp_path / "out").exists()
