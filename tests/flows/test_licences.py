"""Licence and citation travel: from corpora of speech, noise and rooms into sets, and into what `yuliao` says of these."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from catalog.manifests import Licence, read_manifest
from catalog.roots import Root, open_root
from flows.cli import run
from flows.generic import FORMS
from flows.generic.own import Own
from flows.mixtures.build import build
from flows.recordings.ingest import ingest
from flows.specs import load_spec

RATE_HZ = 16_000
FREE = Licence(name="CC-BY-4.0", commercial_use=True, attribution="The free ones")
CLOSED = Licence(name="CC-BY-NC-4.0", commercial_use=False, attribution="The closed ones", notes="ask before use")
COUNTS = {"train": {"mixtures": 6}}


@pytest.fixture
def own(root: Root, tmp_path: Path) -> Callable[..., None]:
    """`own("rain", "noise", CLOSED, signals)`: a corpus of files, under a licence."""

    def own(name: str, kind: Any, licence: Licence, signals: list[Any]) -> None:
        for k, signal in enumerate(signals):
            path = tmp_path / name / "all" / f"{k}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            data = io.BytesIO()
            soundfile.write(data, signal, RATE_HZ, format="WAV", subtype="PCM_16")
            path.write_bytes(data.getvalue())
        adapter = FORMS["folder"](Own(name, RATE_HZ, kind, pattern="{split}/{id}.wav"))
        ingest(replace(adapter, licence=licence, citation=f"{name}, 2026."), [tmp_path / name], root=root.url, workers=1)

    return own


def noises() -> list[Any]:
    return list(np.random.default_rng(1).normal(0, 0.05, (4, 3 * RATE_HZ)))


def responses() -> list[Any]:
    decay = np.exp(-np.arange(4000) / 400)
    found = np.random.default_rng(2).normal(0, 0.05, (3, 4000)) * decay
    found[:, 20] = 0.9
    return list(found)


def listed(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert run(["list"]) == 0
    return next(line for line in capsys.readouterr().out.splitlines() if line.startswith(f"{name}@"))


@pytest.mark.parametrize("root_url", ["folder"], indirect=True)  # manifests and cards are written alike in S3
@pytest.mark.parametrize("storage", ["audio", "plan"])
@pytest.mark.parametrize("closed", ["none", "noise", "rooms"])
def test_a_set_is_as_restricted_as_the_strictest_of_what_it_is_made_from(
    root: Root,
    ingest_talk: Any,
    own: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    closed: str,
    storage: str,
) -> None:
    """Be it the noise or the rooms; `list`, `show`, the card and the note beside an export say so, and name everybody."""
    ingest_talk(root.url)
    own("rain", "noise", CLOSED if closed == "noise" else FREE, noises())
    own("halls", "rir", CLOSED if closed == "rooms" else FREE, responses())
    asked = {
        "corpus": "librispeech",
        "splits": COUNTS,
        "storage": storage,
        "noise": {"corpus": "rain"},
        "rooms": {"corpus": "halls"},
    }
    build(load_spec("sep_2spk_full", asked), name="noisy", root=root.url, workers=1)
    manifest = read_manifest(open_root(root.url), "noisy", 1)
    assert sorted(pin.name for pin in manifest.inputs) == ["halls", "librispeech", "rain"]
    assert manifest.licence.commercial_use is (closed == "none")
    assert {"LibriSpeech (c) 2014 by Vassil Panayotov"} < set(manifest.licence.attribution.split("; "))
    assert ("no commercial use" in listed("noisy", capsys)) == (closed != "none")
    assert "commercial" not in listed("librispeech", capsys)
    assert run(["show", "noisy"]) == 0
    shown = capsys.readouterr().out
    for said in ("LibriSpeech: an ASR corpus", "rain, 2026.", "halls, 2026."):
        assert said in shown
    card = root.read("noisy/versions/1/README.md").decode()
    assert ("commercial use not allowed" in card) == (closed != "none")
    assert ("CC-BY-NC-4.0" in card) == (closed != "none")
