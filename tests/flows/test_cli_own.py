"""`yuliao ingest NAME --as FORM`: the options of corpora of one's own."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import catalog
from flows.cli import run


def test_a_folder_of_ones_own(
    root_url: str, tmp_path: Path, write_audio: Callable[..., bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    """With name, licence and language as given."""
    (tmp_path / "voices" / "amy").mkdir(parents=True)
    (tmp_path / "voices" / "amy" / "1.wav").write_bytes(write_audio())
    arguments = [
        "--from",
        str(tmp_path / "voices"),
        "--as",
        "folder",
        "--rate",
        "16000",
        "--language",
        "zh-TW",
        "--licence",
        "CC0-1.0",
    ]
    assert run(["ingest", "my_voices", *arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["splits"]["train"]["rows"] == 1
    (row,) = catalog.get("my_voices", split="train")
    assert (row["id"], row["speaker_id"], row["language"]) == ("amy-1", "amy", "zh-TW")
    assert catalog.manifest("my_voices").licence.name == "CC0-1.0"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["mine", "--pattern", "{id}.wav"], "pattern describe a corpus of your own: say with --as"),
        (["mine", "--as", "folder"], "needs --rate HZ"),
        (["mine", "--as", "kaldi", "--rate", "16000", "--pattern", "{id}.wav"], "--pattern goes with --as folder"),
        (["musan", "--as", "folder", "--rate", "16000"], "'musan' is a corpus that yuliao knows"),
        (["../mine", "--as", "folder", "--rate", "16000"], "not usable"),
        (["mine", "--as", "folder", "--rate", "16001"], "multiple of 100"),
    ],
)
def test_bad_use(arguments: list[str], text: str, root_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ends with 2 and one line that says what to do."""
    assert run(["ingest", *arguments, "--from", str(tmp_path)]) == 2
    assert text in capsys.readouterr().err
