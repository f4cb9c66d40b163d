"""What every text adapter keeps to; the files of each are in test_text_corpora_mrc.py, _csc.py and _labels.py."""

import zipfile
from pathlib import Path

import pytest

from catalog.leakage import DISJOINT_COLUMNS
from catalog.names import is_name
from catalog.text_kinds import text_schema
from flows.cli import run
from flows.text import corpora
from flows.text.adapter import Notes, TextCorpus, TextError, TextFile
from flows.text.files import text_files


@pytest.fixture(params=corpora.names())
def corpus(request: pytest.FixtureRequest) -> TextCorpus:
    return corpora.get(request.param)


def test_declared_facts_are_complete(corpus: TextCorpus) -> None:
    assert is_name(corpus.name)
    assert corpus.name in corpora.names()
    assert corpus.title
    assert corpus.licence.name
    assert corpus.homepage.startswith(("https://", "http://"))
    assert corpus.language in ("zh", "zh-TW", "zh-CN", "en")
    assert set(corpus.files.values()) <= set(corpus.splits)
    assert set(corpus.splits.values()) <= {"train", "validation", "test"}
    assert set(corpus.known_overlaps) <= set(DISJOINT_COLUMNS)
    assert bool(corpus.labels) == (corpus.kind in ("ner", "pairs", "cls"))
    assert "row_digest" in text_schema(corpus.kind, corpus.labels).names


def test_a_file_without_rows_gives_none(corpus: TextCorpus) -> None:
    """Or is refused by an error of ours."""
    for data in (b"", b"\n\n", b"[]", b'{"data": []}', b"\xff\xff", b"[1]", b"{}"):
        try:
            assert list(corpus.read(TextFile("x.json", data), Notes())) in ([], [{"source_id": "/x", "text": "x", "label": 0}])
        except TextError as error:
            assert "\n" not in str(error)


def test_who_cannot_fetch_is_told_how_to_come_by_the_files(corpus: TextCorpus, capsys: pytest.CaptureFixture[str]) -> None:
    """Where to ask, under which names the files are known, the command to go on with; in one line."""
    if corpus.archives:
        return
    assert run(["ingest", corpus.name]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "https://" in said or "http://" in said
    assert all(pattern in said for pattern in corpus.files)
    assert f"`yuliao ingest {corpus.name} --from FOLDER`" in said


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    path = tmp_path / "drcd.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("DRCD_dev.json", "一" * 10_000)
    data = bytearray(path.read_bytes())
    data[40] ^= 0xFF
    path.write_bytes(data)
    return path


def test_a_damaged_zip_is_refused(damaged: Path) -> None:
    with pytest.raises(TextError, match="damaged"):
        list(text_files([damaged]))
