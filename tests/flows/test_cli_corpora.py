"""`yuliao corpora`, `ingest` without --from, `ingest --dry-run` and `forget`, as commands."""

import dataclasses
import hashlib
import json
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from catalog.manifests import versions
from catalog.roots import open_root
from flows import corpora
from flows.adapter import Access, Archive
from flows.cli import run


@pytest.fixture
def tiny(file_server: Any, ingest_talk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Corpus `tiny`: a tar archive in LibriSpeech's layout on a server that answers to the right key."""
    import io
    import tarfile

    ingest_talk(str(tmp_path / "elsewhere"), utterances=2)
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        tar.add(tmp_path / "LibriSpeech", "LibriSpeech")
    file_server.files["tiny.tar.gz"] = data.getvalue()
    declared = Archive("tiny.tar.gz", len(data.getvalue()), hashlib.md5(data.getvalue()).hexdigest())
    corpus = dataclasses.replace(
        corpora.get("librispeech"),
        name="tiny",
        title="Tiny",
        hours=0.01,
        archives=(declared,),
        mirrors=(f"{file_server.url}/{{file}}?key={{key}}",),
        access=Access("ask at https://example.org/form", key_variable="TINY_KEY"),
    )
    known = corpora.names()
    module = types.ModuleType("flows.corpora.tiny")
    module.CORPUS = corpus
    monkeypatch.setitem(sys.modules, "flows.corpora.tiny", module)
    monkeypatch.setattr(corpora, "names", lambda: sorted([*known, "tiny"]))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    return file_server


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert run([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_corpora_lists_all_with_what_is_ingested(capsys: pytest.CaptureFixture[str], tiny: Any, monkeypatch: Any) -> None:
    """Sound and text; licences, logins and sizes as the adapters have them."""
    monkeypatch.setenv("TINY_KEY", "secret")
    assert run(["ingest", "tiny", "--workers", "1"]) == 0
    capsys.readouterr()
    found = {corpus["name"]: corpus for corpus in said(capsys, "corpora")}
    assert {"aishell1", "voxceleb1", "voxceleb2", "librispeech", "drcd", "cmrc2018"} <= found.keys()
    assert found["tiny"]["versions"] == [1]
    assert found["aishell1"]["versions"] == []
    assert (found["voxceleb1"]["login"], found["aishell1"]["login"]) == (True, False)
    assert found["aishell1"]["size_bytes"] == 15_582_913_665 + 1_246_920
    assert found["voxceleb1"]["size_bytes"] is None
    assert run(["corpora"]) == 0
    table = capsys.readouterr().out
    assert "voxceleb2" in table
    assert "commercial use" in table


def test_ingest_without_from_fetches_and_goes_on(
    capsys: pytest.CaptureFixture[str], tiny: Any, monkeypatch: Any, home: Path
) -> None:
    """First it says what it needs, then it needs nothing more; a second run fetches nothing and publishes nothing."""
    assert run(["ingest", "tiny"]) == 2
    error = capsys.readouterr().err
    assert "https://example.org/form" in error
    assert "TINY_KEY" in error
    assert "tiny.tar.gz" in error
    assert "yuliao ingest tiny" in error
    monkeypatch.setenv("TINY_KEY", "secret")
    assert said(capsys, "ingest", "tiny", "--workers", "1")["splits"]["train"]["rows"] == 16
    assert (home / "downloads" / "tiny" / "tiny.tar.gz").exists()
    asked = len(tiny.requests)
    assert said(capsys, "ingest", "tiny", "--workers", "1")["created"] is False
    assert len(tiny.requests) == asked == 1
    assert said(capsys, "ingest", "tiny", "--workers", "1", "--sample", "3")["splits"]["train"]["rows"] == 3
    assert versions(open_root(None), "tiny_sample") == [1]


def test_dry_run_says_what_would_be_fetched_and_asks_nobody(
    capsys: pytest.CaptureFixture[str], tiny: Any, monkeypatch: Any
) -> None:
    """Files, sizes, disk, time; the key is not in it."""
    monkeypatch.setenv("TINY_KEY", "secret")
    found = said(capsys, "ingest", "tiny", "--dry-run")
    size_bytes = len(tiny.files["tiny.tar.gz"])
    assert found["files"] == [{"file": "tiny.tar.gz", "size_bytes": size_bytes, "have_bytes": 0, "host": "127.0.0.1"}]
    assert found["fetch_bytes"] == size_bytes
    assert found["catalog_bytes"] == round(0.01 * 3600 * 16_000 * 2)
    assert found["fetch_s"] > 0
    assert found["ingest_s"] > 0
    assert run(["ingest", "tiny", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "tiny.tar.gz" in out
    assert "secret" not in out
    assert tiny.requests == []
    assert run(["ingest", "aishell1", "--dry-run"]) == 0
    assert "data_aishell.tgz" in capsys.readouterr().out


def test_forget_says_what_still_holds_the_speaker(capsys: pytest.CaptureFixture[str], tiny: Any, monkeypatch: Any) -> None:
    """And how to make it anew; --purge removes it."""
    monkeypatch.setenv("TINY_KEY", "secret")
    said(capsys, "ingest", "tiny", "--workers", "1")
    assert run(["forget", "1001", "--corpus", "tiny"]) == 0
    out = capsys.readouterr().out
    assert "tiny@2 holds nothing of 1001 (2 utterances left out)" in out
    assert "tiny@1" in out
    assert "--purge" in out
    done = said(capsys, "forget", "1001", "--corpus", "tiny", "--purge")
    assert (done["version"], done["purged"], [holder["version"] for holder in done["holders"]]) == ("tiny@2", True, ["tiny@1"])
    assert versions(open_root(None), "tiny") == [2]
    assert run(["forget", "9", "--corpus", "tiny"]) == 2


def test_text_is_fetched_too(capsys: pytest.CaptureFixture[str], file_server: Any, monkeypatch: Any, home: Path) -> None:
    """DRCD's three files, as a commit of its repository has them; only the rows of the corpus come out."""
    from flows.text import corpora as of_text

    article = {"title": "t", "id": "1", "paragraphs": [{"context": "臺北在北部。", "id": "1-1", "qas": []}]}
    article["paragraphs"][0]["qas"] = [
        {"id": f"1-1-{k}", "question": "在哪?", "answers": [{"id": "1", "text": "北部", "answer_start": 3}]} for k in range(3)
    ]
    drcd = of_text.get("drcd")
    archives = []
    for archive in drcd.archives:
        data = json.dumps({"version": "1.3", "data": [article]}, ensure_ascii=False).replace("1-1", archive.file[5:7]).encode()
        file_server.files[archive.file] = data
        archives.append(Archive(archive.file, len(data), sha256=hashlib.sha256(data).hexdigest()))
    made = dataclasses.replace(drcd, archives=tuple(archives), mirrors=(f"{file_server.url}/{{file}}",))
    monkeypatch.setattr(sys.modules["flows.text.corpora.drcd"], "CORPUS", made)
    assert [file["file"] for file in said(capsys, "ingest", "drcd", "--dry-run")["files"]] == [
        "DRCD_training.json",
        "DRCD_dev.json",
        "DRCD_test.json",
    ]
    assert run(["ingest", "drcd"]) == 0, capsys.readouterr().err
    assert {path.name for path in (home / "downloads" / "drcd").glob("DRCD*")} == set(file_server.files)
    assert run(["corpora"]) == 0
