"""Words of a corpus in its sessions, by the command: where a line of CTM says that a word is, its samples are."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

import catalog
from flows.cli import run
from synth.degradations.chains import apply_degradations

RATE_HZ = 16_000
SPEED: dict[str, Any] = {"transform": "speed", "probability": 0.5, "parameters": {"rate": 1.25}}
SETS: dict[str, dict[str, Any]] = {
    "talk": {"n_src": 3, "overlap": {"mode": "conversation"}, "length": {"seconds": 6}},
    "cut": {"overlap": {"mode": "partial"}, "length": {"seconds": 0.6}, "storage": "plan"},
    "fast": {"n_src": 3, "overlap": {"mode": "conversation"}, "length": {"seconds": 6}, "degradations": {"sources": [SPEED]}},
}


@pytest.fixture
def corpus(home: Path, ingest_talk: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, NDArray[np.int16]]:
    """A corpus ingested, by id."""
    url = str(tmp_path / "catalog")
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("YULIAO_CATALOG", url)
    ingest_talk(url)
    rows = catalog.get("librispeech", split="train")
    return {row["id"]: np.rint(row["audio"]["array"] * 32768).astype(np.int16) for row in rows}


def write_words(path: Path, corpus: dict[str, NDArray[np.int16]]) -> dict[str, tuple[str, int, int]]:
    """Five words in each utterance, last ones first; of each the utterance, its first sample and the one behind its last."""
    known: dict[str, tuple[str, int, int]] = {}
    lines = []
    for utterance_id, samples in corpus.items():
        edges = np.linspace(320, len(samples) - 320, 6).astype(int).tolist()
        for k in reversed(range(5)):
            word = f"{utterance_id}:第{k}字"
            known[word] = (utterance_id, edges[k], edges[k + 1])
            lines.append(f"{utterance_id} 1 {edges[k] / RATE_HZ:.6f} {(edges[k + 1] - edges[k]) / RATE_HZ:.6f} {word} 1.00")
    path.write_text("\n".join([";; forced alignments", *lines]) + "\n", encoding="utf-8")
    return known


def build(name: str, path: Path) -> None:
    spec = {"name": name, "kind": "separation", "corpus": "librispeech", "splits": {"train": {"mixtures": 6}}, **SETS[name]}
    path.write_text(yaml.safe_dump(spec), encoding="utf-8")
    assert run(["build", str(path), "--workers", "1"]) == 0


@pytest.mark.parametrize("name", SETS)
def test_a_word_is_heard_where_its_line_says(
    name: str, corpus: dict[str, NDArray[np.int16]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = write_words(tmp_path / "words.ctm", corpus)
    build(name, tmp_path / "spec.yaml")
    out = tmp_path / "out"
    assert run(["export", name, "--format", "ctm", "--words", str(tmp_path / "words.ctm"), "--to", str(out)]) == 0
    assert "left out" not in capsys.readouterr().out
    lines = [line.split() for line in (out / f"{name}-train.ctm").read_text(encoding="utf-8").splitlines()]
    rows = {row["id"]: row for row in catalog.get(name, split="train")}
    assert {line[0] for line in lines} == set(rows)
    assert lines == sorted(lines, key=lambda line: (list(rows).index(line[0]), int(line[1]), float(line[2])))
    heard: dict[str, int] = dict.fromkeys(rows, 0)
    whole = 0
    for row_id, channel, begin_s, duration_s, word in lines:
        row, (utterance_id, first, behind) = rows[row_id], known[word]
        begin, length = round(float(begin_s) * RATE_HZ), round(float(duration_s) * RATE_HZ)
        said = np.asarray(row[f"s{channel}"]["array"][begin : begin + length], dtype=np.float64)
        steps = _steps(row, utterance_id)
        by = steps[0]["rate"] if steps else 1.0
        recording = apply_degradations(corpus[utterance_id], RATE_HZ, steps).astype(np.float64)
        first, behind = round(first / by), round(behind / by)
        # A word that is cut is there from its begin, up to its end, or from within; somewhere in it these samples are.
        places = range(first, behind - length + 1)
        assert any(_same(said, recording[at : at + length]) for at in places), (row_id, word)
        whole += length == behind - first
        heard[row_id] += length
    assert whole > len(lines) / 2
    # The words leave out 20 ms at either end of an utterance; nothing else that is heard is without a word.
    for row_id, row in rows.items():
        edges = 2 * 320 * len(row["lengths_samples"])
        assert sum(row["lengths_samples"]) - edges <= heard[row_id] <= sum(row["lengths_samples"])


def _steps(row: dict[str, Any], utterance_id: str) -> list[dict[str, Any]]:
    steps = row.get("source_degradations") or []
    return json.loads((steps and steps[row["source_ids"].index(utterance_id)]) or "[]")


def _same(said: NDArray[np.float64], recorded: NDArray[np.float64]) -> bool:
    """But for a gain, and rounding."""
    norms = np.linalg.norm(said) * np.linalg.norm(recorded)
    return bool(norms and said @ recorded / norms > 0.999)


def test_words_of_another_corpus_are_one_line(
    corpus: dict[str, NDArray[np.int16]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build("talk", tmp_path / "spec.yaml")
    (tmp_path / "words.ctm").write_text("1000-7-0001.flac 1 0 1 x\n", encoding="utf-8")
    asked = ["export", "talk", "--to", str(tmp_path / "out"), "--format"]
    capsys.readouterr()
    for arguments, said in {
        ("ctm",): "needs the times of words",
        ("ctm", "--words", str(tmp_path / "words.ctm")): "did you mean '1000-7-0001.flac'",
        ("rttm", "--words", str(tmp_path / "words.ctm")): "takes no words",
    }.items():
        assert run([*asked, *arguments]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert said in captured.err
        assert captured.err.count("\n") == 1
    assert not (tmp_path / "out").exists()
