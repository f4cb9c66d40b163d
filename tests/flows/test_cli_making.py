"""`yuliao ingest`, `plan` and `build` from outside, on a corpus of four utterances."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import soundfile

from catalog.errors import DiskFullError
from flows.cli import run

TEST_ONLY = ["--set", "splits.train.mixtures=0", "--set", "splits.validation.mixtures=0", "--set", "splits.test.mixtures=4"]


@pytest.fixture
def librispeech(tmp_path, home, monkeypatch, capsys) -> Path:
    """The folder of two speakers' utterances, ingested already."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    random = np.random.default_rng(0)
    for speaker in ("61", "121"):
        chapter = tmp_path / "LibriSpeech" / "test-clean" / speaker / "1"
        chapter.mkdir(parents=True)
        for number in range(2):
            samples = (random.normal(size=16_000) * 3000).astype(np.int16)
            soundfile.write(chapter / f"{speaker}-1-{number:04}.flac", samples, 16_000)
    assert document(capsys, "ingest", "librispeech", "--from", str(tmp_path / "LibriSpeech"))["created"] is True
    return tmp_path / "LibriSpeech"


def document(capsys, *arguments: str):
    """What a command prints with --json: one document on stdout. How far it is goes to stderr."""
    assert run([*arguments, "--json", *(["--workers", "1"] if arguments[0] != "plan" else [])]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_same_again_publishes_nothing(capsys, librispeech):
    ingested = document(capsys, "ingest", "librispeech", "--from", str(librispeech))
    assert (ingested["version"], ingested["created"], ingested["splits"]["test"]["rows"]) == (1, False, 4)
    for created in (True, False):
        built = document(capsys, "build", "sep_2spk_full", "--corpus", "librispeech", *TEST_ONLY)
        assert (built["name"], built["version"], built["created"]) == ("sep_2spk_full", 1, created)
    assert run(["build", "sep_2spk_full", "--corpus", "librispeech", *TEST_ONLY]) == 0
    assert "nothing published" in capsys.readouterr().out


def test_overrides_stand_in_the_manifest_and_another_name_is_another_dataset(capsys, librispeech):
    document(
        capsys, "build", "sep_2spk_full", "--name", "mine", "--corpus", "librispeech", *TEST_ONLY, "--set", "levels.sir_db=0"
    )
    assert run(["show", "mine", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["overrides"] == {
        "corpus": "librispeech",
        "splits.train.mixtures": 0,
        "splits.validation.mixtures": 0,
        "splits.test.mixtures": 4,
        "levels.sir_db": 0,
    }
    assert shown["inputs"][0]["name"] == "librispeech"


def test_a_dry_run_says_what_would_be_made_and_makes_nothing(capsys, librispeech):
    would = document(capsys, "build", "sep_2spk_partial", "--corpus", "librispeech", *TEST_ONLY, "--dry-run")
    assert would["splits"]["test"]["mixtures"] == 4 and would["size_bytes"] > 0
    assert run(["build", "sep_2spk_partial", "--corpus", "librispeech", *TEST_ONLY, "--dry-run"]) == 0
    assert "mixtures" in capsys.readouterr().out
    assert run(["show", "sep_2spk_partial"]) == 2


def test_a_plan_is_an_arrow_file(capsys, librispeech, tmp_path):
    to = tmp_path / "plan.arrow"
    planned = document(capsys, "plan", "sep_2spk_partial", "--corpus", "librispeech", *TEST_ONLY, "--to", str(to))
    assert (planned["path"], planned["rows"]) == (str(to), {"test": 4})
    table = pa.ipc.open_file(to).read_all()
    assert table.num_rows == 4 and {"gains", "overlap_ratio", "sir_db_asked"} <= set(table.column_names)


@pytest.mark.parametrize(
    "more", [["--name", "é"], ["--name", "n" * 200], ["--set", "name=é"], ["--set", "name=a/b"], ["--set", "name="]]
)
def test_a_dry_run_refuses_the_names_that_a_build_refuses(capsys, librispeech, more):
    """And as early, before it has looked for the corpus."""
    said = []
    for dry in ([], ["--dry-run"]):
        assert run(["build", "sep_2spk_full", "--corpus", "nowhere", *TEST_ONLY, *more, *dry]) == 2
        printed = capsys.readouterr()
        assert printed.out == "" and printed.err.count("\n") == 1
        said.append(printed.err)
    assert said[0] == said[1] and "name" in said[0]


@pytest.mark.parametrize(
    ("error", "code", "begins"),
    [(KeyboardInterrupt(), 130, "interrupted; "), (DiskFullError("no space left to write a: free some"), 2, "no space left")],
)
def test_an_interrupt_and_a_full_disk_say_what_the_same_command_does_again(capsys, librispeech, monkeypatch, error, code, begins):
    """A build keeps its shards; ingest keeps nothing that it made."""

    def failing(*_, **__):
        raise error

    monkeypatch.setattr("flows.mixtures.build.build", failing)
    monkeypatch.setattr("flows.recordings.ingest.ingest", failing)
    ends = {
        (
            "build",
            "sep_2spk_full",
            "--corpus",
            "librispeech",
        ): "finished shards are kept, and the same command goes on behind them\n",
        ("ingest", "librispeech", "--from", str(librispeech)): "the same command starts anew, with the files that were fetched\n",
    }
    for arguments, end in ends.items():
        assert run(arguments) == code
        (line,) = [line for line in capsys.readouterr().err.splitlines(keepends=True) if "error" in line]
        assert line.startswith(f"yuliao: error: {begins}") and line.endswith(end)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["--corpus", "librispech"], "librispeech"),
        (["--corpus", "librispeech", "--set", "sample_rate_hz=44100"], "44"),
        (["--corpus", "librispeech", "--name", "../mine"], "not usable"),
    ],
)
def test_what_cannot_be_built_is_one_line(capsys, librispeech, more, expected):
    assert run(["build", "sep_2spk_full", *TEST_ONLY, *more]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and expected in printed.err
    assert printed.err.startswith("yuliao: error: ") and printed.err.count("\n") == 1
