"""`yuliao build --recipe` from outside."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from flows.cli import run

HEADER = "mixture_ID,source_1_path,source_1_gain,source_2_path,source_2_gain,noise_path,noise_gain\n"
LINES = """\
a,t/61/1/61-1-0000.flac,0.5,t/121/1/121-1-0000.flac,0.25,tt/n.wav,1
b,t/9/1/9-1-0000.flac,1,t/61/1/61-1-0000.flac,1,tt/o.wav,1
"""


@pytest.fixture
def metadata(tmp_path: Path, monkeypatch, capsys) -> Path:
    """A metadata file of two mixtures, of which the corpus of two utterances and the folder of one noise give the first."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for speaker in ("61", "121"):
        chapter = tmp_path / "LibriSpeech" / "test-clean" / speaker / "1"
        chapter.mkdir(parents=True)
        soundfile.write(chapter / f"{speaker}-1-0000.flac", (random.normal(size=16_000) * 3000).astype(np.int16), 16_000)
    (tmp_path / "wham" / "tt").mkdir(parents=True)
    soundfile.write(tmp_path / "wham" / "tt" / "n.wav", (random.normal(size=20_000) * 1000).astype(np.int16), 16_000)
    (tmp_path / "libri2mix_test-clean.csv").write_text(HEADER + LINES)
    assert run(["ingest", "librispeech", "--from", "LibriSpeech", "--workers", "1"]) == 0
    capsys.readouterr()
    return tmp_path / "libri2mix_test-clean.csv"


def built(capsys, *arguments: str):
    assert run(["build", "--recipe", "librimix", *arguments, "--workers", "1", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_recipe_is_built_and_says_what_is_missing(metadata, capsys):
    made = built(capsys, "--metadata", str(metadata), "--noise", "wham", "--sample-rate", "8000", "--mode", "max")
    assert (made["name"], made["version"], made["created"]) == ("librimix_2spk_8k_max", 1, True)
    assert made["splits"]["test"]["rows"] == 1
    assert made["report"]["test"]["missing"] == ["t/9/1/9-1-0000.flac", "tt/o.wav"]
    assert run(["verify", "librimix_2spk_8k_max"]) == 0
    assert run(["build", "--recipe", "librimix", "--metadata", str(metadata), "--noise", "wham", "--workers", "1"]) == 0
    assert "librimix_2spk_16k_min@1 test: 1 of 2 mixtures are left out; 2 sources are missing" in capsys.readouterr().err


def test_splits_types_and_names_are_taken(metadata, capsys):
    made = built(
        capsys, "--metadata", f"validation={metadata.name}", "--types", "mix_clean", "--name", "mine", "--corpus", "librispeech@1"
    )
    assert (made["name"], list(made["splits"])) == ("mine", ["validation"])
    assert run(["show", "mine", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["spec"]["types"] == ["mix_clean"] and shown["additive"] is False


def test_a_dry_run_names_everything_that_is_missing_and_makes_nothing(metadata, capsys):
    would = built(capsys, "--metadata", str(metadata), "--noise", "wham", "--dry-run")
    assert would["splits"]["test"]["mixtures"] == 1 and would["size_bytes"] == 6 * (44 + 32_000)
    assert would["splits"]["test"]["left_out"] == {"b": "missing: t/9/1/9-1-0000.flac, tt/o.wav"}
    assert run(["build", "--recipe", "librimix", "--metadata", str(metadata), "--noise", "wham", "--dry-run"]) == 0
    assert "test: 1 of 2 mixtures; 2 sources are missing\n  t/9/1/9-1-0000.flac\n  tt/o.wav\n" in capsys.readouterr().out
    assert run(["show", "librimix_2spk_16k_min"]) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say what to build"),
        (["sep_2spk_full", "--recipe", "librimix"], "say what to build"),
        (["--recipe", "librimix"], "needs its metadata"),
        (["sep_2spk_full", "--mode", "min"], "go with --recipe"),
        (["--recipe", "librimix", "--metadata", "m.csv", "--set", "seed=1"], "--set goes with SPEC"),
        (["--recipe", "librimx", "--metadata", "m.csv"], "did you mean 'librimix'"),
        (["--recipe", "librimix", "--metadata", "m.csv"], "need noise"),
        (["--recipe", "librimix", "--metadata", "test=m.csv", "--types", "mix_clean"], "m.csv: no such file"),
        (
            ["--recipe", "sparselibrimix", "--metadata", "libri2mix_test-clean.csv", "--types", "mix_clean"],
            "no metadata of SparseLibriMix",
        ),
        (["--recipe", "librimix", "--metadata", "libri2mix_test-clean.csv", "--noise", "nowhere"], "nowhere"),
        (["--recipe", "wsj0-mix", "--metadata", "m.txt"], "--activlev"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(metadata, capsys, arguments, said):
    assert run(["build", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
