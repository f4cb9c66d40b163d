"""Recordings that two corpora have in common: MUSAN's noises in RIRS_NOISES, and what nobody declared."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import catalog
from catalog.errors import CatalogError
from flows import corpora
from flows.cli import run
from flows.generic import FORMS
from flows.generic.own import Own
from flows.recordings.ingest import ingest
from flows.recordings.same import Shared, same_recordings
from synth import wav


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("YULIAO_CATALOG", str(tmp_path / "catalog"))
    return str(tmp_path / "catalog")


@pytest.fixture
def ingested(official: Callable[[str], Any], tmp_path: Path) -> Callable[..., None]:
    """`ingested("musan")`: from its small official archives, under names that are not official."""

    def ingested(name: str, **options: Any) -> None:
        folder = tmp_path / "archives" / name
        folder.mkdir(parents=True, exist_ok=True)
        for file, data in official(name).files.items():
            (folder / f"my-{file}").write_bytes(data)
        ingest(name, sorted(folder.iterdir()), workers=1, **options)

    return ingested


def test_musans_noises_are_found_in_rirs_noises(ingested: Callable[..., None]) -> None:
    """From either side, declared by both; the responses of the same archive are none of them, and a sample is no other corpus."""
    for name in ("musan", "rirs_noises", "rirs_noises_noise"):
        ingested(name)
    ingested("musan", sample=4)
    examples = [(f"noise-free-sound-{k:04}",) * 2 for k in range(2)]
    assert same_recordings("rirs_noises_noise") == [
        Shared("musan@1", 2, True, examples),
        Shared("musan_sample@1", 1, True, examples[:1]),
    ]
    assert same_recordings("musan") == [Shared("rirs_noises_noise@1", 2, True, examples)]
    assert same_recordings("musan@1") == same_recordings("musan")
    assert same_recordings("rirs_noises") == []


def test_what_nobody_declared_is_found_too(
    ingested: Callable[..., None], official: Callable[[str], Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a corpus of one's own, under other names and in other bytes around the same samples; as the command prints it."""
    ingested("librispeech")
    row = catalog.get("librispeech", split="test")[0]
    samples = (row["audio"]["array"] * 32768).astype("int16")
    mine = tmp_path / "mine" / "somebody" / "copied.wav"
    mine.parent.mkdir(parents=True)
    junk = b"LIST\x04\x00\x00\x00INFO"
    data = wav.encode(samples, 16_000)
    mine.write_bytes(data[:4] + (len(data) - 8 + len(junk)).to_bytes(4, "little") + data[8:36] + junk + data[36:])
    ingest(FORMS["folder"](Own("my_voices", 16_000)), [tmp_path / "mine"], workers=1)
    found = Shared("librispeech@1", 1, False, [("somebody-copied", row["id"])])
    assert same_recordings("my_voices") == [found]
    capsys.readouterr()
    assert run(["show", "my_voices", "--shared", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["shared"]
    assert told == [asdict(found) | {"examples": [["somebody-copied", row["id"]]]}]
    assert run(["show", "my_voices", "--shared"]) == 0
    assert "librispeech@1" in capsys.readouterr().out


def test_the_makers_word_stands_in_the_version(ingested: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    """Also where the other corpus is not in the catalog."""
    ingested("musan")
    assert catalog.manifest("musan").report["shares_recordings_with"] == ["rirs_noises_noise"]
    assert run(["show", "musan", "--shared"]) == 0
    printed = capsys.readouterr().out
    assert "rirs_noises_noise" in printed
    assert "no other corpus of the catalog has any of these recordings" in printed


def test_declarations_go_both_ways() -> None:
    for name in corpora.names():
        for other in corpora.get(name).shares_recordings_with:
            assert name in corpora.get(other).shares_recordings_with


def test_text_has_no_recordings(official: Callable[[str], Any], tmp_path: Path) -> None:
    from flows.text.ingest import ingest as ingest_text

    for file, data in official("drcd").files.items():
        (tmp_path / file).write_bytes(data)
    ingest_text("drcd", [tmp_path / file for file in official("drcd").files])
    with pytest.raises(CatalogError, match="drcd is no corpus of sound"):
        same_recordings("drcd")


def test_silence_is_no_recording_in_common(tmp_path: Path) -> None:
    """Clips without a sound are alike wherever they come from."""
    for name in ("one", "other"):
        for clip, samples in (("silent", np.zeros(1600, np.int16)), ("loud", np.full(1600, 7, np.int16))):
            path = tmp_path / name / "speaker" / f"{clip}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(wav.encode(samples, 16_000))
        ingest(FORMS["folder"](Own(name, 16_000)), [tmp_path / name], workers=1)
    assert same_recordings("one") == [Shared("other@1", 1, False, [("speaker-loud", "speaker-loud")])]
