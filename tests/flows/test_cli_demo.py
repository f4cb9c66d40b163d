"""`yuliao demo`, as somebody runs it who has just cloned the repository."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from flows.cli import run

YULIAO = [sys.executable, "-c", "from flows.cli import main; main()"]
MADE = [
    *("aishell1@1", "musan@1", "demand@1", "sep_2spk_full@1", "sep_2spk_partial@1"),
    *("enh_aishell_noisy@1", "enh_aishell_noisy_4mic@1", "enh_voicebank_style@1"),
]


@pytest.mark.slow
def test_demo_makes_loadable_sets_once_and_nothing_of_the_user(tmp_path, home, process_environment, monkeypatch, capsys):
    first = run_demo(tmp_path, process_environment)
    assert [line for line in first if line.endswith(": published, verified")] == [f"{name}: published, verified" for name in MADE]

    load = "\n".join(line.strip() for line in first[first.index("Load them:") + 1 :] if line.strip())
    check = "import json; print(json.dumps([len(train), len(train[0]['texts']), str(train[0]['mixture']['array'].dtype)]))"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", f"{load}\n{check}"],
        cwd=elsewhere,
        env=process_environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert len(load.splitlines()) == 3
    assert json.loads(done.stdout.splitlines()[-1]) == [120, 2, "float32"]

    monkeypatch.chdir(tmp_path)
    assert run(["demo"]) == 0
    second = capsys.readouterr().out.splitlines()
    assert [line for line in second if line.endswith(", verified")] == [f"{name}: there already, verified" for name in MADE]
    assert not (home / "catalog").exists()


def run_demo(folder: Path, environment: dict[str, str]) -> list[str]:
    done = subprocess.run([*YULIAO, "demo"], cwd=folder, env=environment, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
