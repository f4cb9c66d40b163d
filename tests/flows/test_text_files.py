"""Files of text corpora: which are read, and what is said of those that cannot be."""

import os
import tarfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from flows.text import corpora
from flows.text.adapter import Notes, TextError, TextFile
from flows.text.files import text_files


def test_a_folder_that_may_not_be_opened_is_no_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files would be missing from the corpus, and nobody would know."""
    (tmp_path / "closed").mkdir()
    (tmp_path / "own.json").write_text("{}", encoding="utf-8")
    scandir = os.scandir

    def refusing(path: str) -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(TextError, match="closed: Permission denied; make it readable"):
        list(text_files([tmp_path]))


def test_what_is_no_file_of_the_corpus_is_not_read(tmp_path: Path) -> None:
    """In a folder, a zip and a tar archive alike: it may be of any size. Its name is told nevertheless."""
    for name in ("train.json", "film.bin"):
        (tmp_path / name).write_bytes(b"data")
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as zipped, tarfile.open(tmp_path / "t.tar", "w") as tarred:
        for name in ("train.json", "film.bin"):
            zipped.write(tmp_path / name, name)
            tarred.add(tmp_path / name, name)
    for source in (tmp_path, tmp_path / "z.zip", tmp_path / "t.tar", tmp_path / "film.bin"):
        found = {PurePosixPath(file.path).name: file.data for file in text_files([source], lambda path: path.endswith(".json"))}
        assert found.pop("film.bin") == b""
        assert found.pop("train.json", b"data") == b"data"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "own.json: the file is empty"),
        (" \n", "own.json: the file is empty"),
        ("[" * 100_000, r"not readable JSON \(nested too deeply\)"),
        ("9" * 5_000, r"not readable JSON \([^;()]*\([^)]*\)[^;()]*\); fetch it again"),
        ("null", "the document: Input should be an object; this is not the form"),
    ],
)
def test_mistakes_of_json_are_told_in_words_of_json(text: str, said: str) -> None:
    with pytest.raises(TextError, match=said) as refused:
        list(corpora.get("mrc_own").read(TextFile("own.json", text.encode()), Notes()))
    assert "_Squad" not in str(refused.value)
    assert "sys." not in str(refused.value)
