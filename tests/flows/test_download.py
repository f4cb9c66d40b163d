"""Downloads from a real HTTP server that cuts connections, lies and refuses."""

import dataclasses
import hashlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from catalog.errors import DiskFullError
from flows import corpora
from flows.adapter import Access, Archive, Corpus
from flows.fetch import download, transfer
from flows.fetch.checksums import WrongChecksum
from flows.fetch.download import AccessNeeded, wanted
from flows.fetch.download import download as fetch
from flows.fetch.transfer import DownloadError

KEY = "s3cr3t-k3y"
DATA = {name: bytes(range(256)) * size for name, size in (("a.tgz", 4000), ("b.tgz", 900), ("c.tgz", 1))}


@pytest.fixture(autouse=True)
def in_no_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(transfer, "BACKOFF_S", 0.001)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


def declared(file: str, **changes: Any) -> Archive:
    data = DATA[file]
    facts = {"size_bytes": len(data), "md5": hashlib.md5(data).hexdigest(), "sha256": hashlib.sha256(data).hexdigest()}
    return Archive(file, **{**facts, **changes})


def corpus(*archives: Archive, mirrors: tuple[str, ...], access: Access | None = None) -> Corpus:
    return dataclasses.replace(
        corpora.get("aishell1"), name="tiny", title="Tiny", archives=archives, mirrors=mirrors, access=access
    )


def lying_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


def test_all_files_come_and_come_once(file_server: Any) -> None:
    """Into the downloads folder of YULIAO_HOME; a second run asks the server for nothing."""
    file_server.files = DATA
    tiny = corpus(*map(declared, DATA), mirrors=(f"{file_server.url}/{{file}}",))
    assert [(file.file, file.size_bytes, file.have_bytes) for file in wanted(tiny)] == [
        (name, len(data), 0) for name, data in DATA.items()
    ]
    told: list[tuple[int, int | None, str]] = []
    folder = fetch(tiny, progress=lambda *said: told.append(said))
    assert folder == Path(os.environ["YULIAO_HOME"]) / "downloads" / "tiny"
    assert lying_in(folder) == DATA
    total = sum(map(len, DATA.values()))
    assert told[-1] == (total, total, "B")
    asked = len(file_server.requests)
    fetch(tiny)
    assert wanted(tiny) == []
    assert len(file_server.requests) == asked == 3


def test_a_cut_connection_goes_on_where_it_was_cut(file_server: Any) -> None:
    """Twice; not a byte is sent again."""
    file_server.files = DATA
    file_server.cut_after_bytes["a.tgz"] = [300_000, 500_000]
    folder = fetch(corpus(declared("a.tgz"), mirrors=(f"{file_server.url}/{{file}}",)))
    assert lying_in(folder) == {"a.tgz": DATA["a.tgz"]}
    assert [asked for _, asked in file_server.requests] == ["", "bytes=300000-", "bytes=800000-"]
    assert file_server.served_bytes == len(DATA["a.tgz"])


def test_a_server_that_ignores_ranges_begins_anew(file_server: Any) -> None:
    """What came before is dropped, not doubled."""
    file_server.files = DATA
    file_server.cut_after_bytes["a.tgz"] = [300_000]
    file_server.ignores_ranges = {"a.tgz"}
    told: list[int] = []
    folder = fetch(
        corpus(declared("a.tgz"), mirrors=(f"{file_server.url}/{{file}}",)), progress=lambda done, total, unit: told.append(done)
    )
    assert lying_in(folder) == {"a.tgz": DATA["a.tgz"]}
    assert told[-1] == len(DATA["a.tgz"])


def test_without_a_checksum_nothing_is_pieced_together(file_server: Any) -> None:
    """Nobody could tell whether the rest belongs to the same file."""
    file_server.files = DATA
    file_server.cut_after_bytes["a.tgz"] = [300_000]
    folder = fetch(corpus(Archive("a.tgz"), mirrors=(f"{file_server.url}/{{file}}",)))
    assert lying_in(folder) == {"a.tgz": DATA["a.tgz"]}
    assert [asked for _, asked in file_server.requests] == ["", ""]


def test_the_next_mirror_is_taken(file_server: Any) -> None:
    """After 404, 401, wrong bytes, a wrong size, a web page, a dead host; and what the first one sent is used by the next."""
    wrong = {"wrong/a.tgz": DATA["a.tgz"][:-1] + b"?", "short/a.tgz": DATA["a.tgz"][:-1], "page/a.tgz": b"<html>sorry</html>"}
    file_server.files = {"good/a.tgz": DATA["a.tgz"], "half/a.tgz": DATA["a.tgz"], **wrong}
    file_server.statuses["login/a.tgz"] = [401]
    file_server.cut_after_bytes["half/a.tgz"] = [500_000, *[0] * 20]
    places = ("nowhere", "login", "wrong", "short", "page", "half", "good")
    mirrors = ("http://127.0.0.1:9/{file}", *(f"{file_server.url}/{place}/{{file}}" for place in places))
    folder = fetch(corpus(declared("a.tgz"), mirrors=mirrors))
    assert lying_in(folder) == {"a.tgz": DATA["a.tgz"]}
    assert file_server.requests[-1] == ("/good/a.tgz", "bytes=500000-")


def test_a_busy_server_is_asked_again(file_server: Any) -> None:
    """503 and 429, a few times."""
    file_server.files = DATA
    file_server.statuses["b.tgz"] = [503, 429, 500]
    assert lying_in(fetch(corpus(declared("b.tgz"), mirrors=(f"{file_server.url}/{{file}}",)))) == {"b.tgz": DATA["b.tgz"]}
    assert len(file_server.requests) == 4


def test_pauses_grow_and_a_server_may_ask_for_longer_ones() -> None:
    """Doubling, with jitter; Retry-After in seconds or as a date."""
    import httpx

    assert transfer._retry_after_s(httpx.Response(503, headers={"Retry-After": "7"})) == 7.0
    assert transfer._retry_after_s(httpx.Response(503, headers={"Retry-After": "Fri, 20 Nov 2020 10:00:00 GMT"})) == 0.0
    assert transfer._retry_after_s(httpx.Response(503, headers={"Retry-After": "soon"})) is None
    assert transfer._retry_after_s(httpx.Response(503)) is None


def test_what_no_mirror_gives_is_an_error_that_says_what_each_said(file_server: Any) -> None:
    """In one line; nothing that looks whole is left, and no other file is asked for without end."""
    file_server.files = {"wrong/a.tgz": DATA["a.tgz"][:-1] + b"?", "large/a.tgz": DATA["a.tgz"] + b"?"}
    file_server.statuses["busy/a.tgz"] = [503] * 50
    mirrors = tuple(f"{file_server.url}/{place}/{{file}}" for place in ("nowhere", "wrong", "large", "busy"))
    tiny = corpus(declared("a.tgz"), mirrors=mirrors)
    with pytest.raises(
        DownloadError,
        match=r"a\.tgz is not to be had: .*no such file \(404\);.*its .* is .*;.*1,024,001 bytes.*answers 503 \(6 attempts\)",
    ) as error:
        fetch(tiny)
    assert "\n" not in str(error.value)
    assert "a.tgz" not in lying_in(download.folder_of(tiny))


def test_a_wrong_file_that_lies_there_is_named(file_server: Any) -> None:
    """Not overwritten: perhaps the user put it there."""
    file_server.files = DATA
    tiny = corpus(declared("a.tgz"), mirrors=(f"{file_server.url}/{{file}}",))
    folder = download.folder_of(tiny)
    folder.mkdir(parents=True)
    (folder / "a.tgz").write_bytes(b"other")
    with pytest.raises(WrongChecksum, match=r"a\.tgz: its size is 5, not 1024000; remove it"):
        fetch(tiny)
    (folder / "a.tgz").write_bytes(DATA["a.tgz"][:-1] + b"?")
    with pytest.raises(WrongChecksum, match=r"its (MD5|SHA-256) is"):
        wanted(tiny)


def test_too_small_a_disk_is_noticed_before_anything_is_fetched(file_server: Any) -> None:
    file_server.files = DATA
    with pytest.raises(DiskFullError, match="still to be fetched"):
        fetch(corpus(declared("a.tgz", size_bytes=10**18), mirrors=(f"{file_server.url}/{{file}}",)))
    assert file_server.requests == []


def test_two_processes_fetch_a_file_once(file_server: Any) -> None:
    """The second one waits and then finds it there."""
    file_server.files = DATA
    file_server.seconds_per_chunk = 0.02
    tiny = corpus(declared("a.tgz"), mirrors=(f"{file_server.url}/{{file}}",))
    both = [threading.Thread(target=fetch, args=(tiny,)) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert file_server.served_bytes == len(DATA["a.tgz"])
    assert lying_in(download.folder_of(tiny)) == {"a.tgz": DATA["a.tgz"]}


_CHILD = """
import dataclasses, sys
from flows import corpora
from flows.adapter import Archive
from flows.fetch.download import download
archive = Archive("a.tgz", int(sys.argv[2]), sys.argv[3])
tiny = dataclasses.replace(corpora.get("aishell1"), name="tiny", archives=(archive,), mirrors=(sys.argv[1] + "/{file}",))
download(tiny)
"""


def test_a_killed_download_is_taken_up(file_server: Any) -> None:
    """kill -9 in the middle; the next run, another process, asks for the rest only."""
    file_server.files = DATA
    file_server.seconds_per_chunk = 0.1
    archive = declared("a.tgz")
    arguments = [sys.executable, "-c", _CHILD, file_server.url, str(archive.size_bytes), archive.md5]
    child = subprocess.Popen(arguments)
    deadline = time.monotonic() + 60
    part = Path(os.environ["YULIAO_HOME"]) / "downloads" / "tiny" / "a.tgz.part"
    while not (part.exists() and part.stat().st_size > 200_000) and time.monotonic() < deadline:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    kept = part.stat().st_size
    assert 0 < kept < len(DATA["a.tgz"])
    file_server.seconds_per_chunk = 0.0
    subprocess.run(arguments, check=True)
    assert file_server.requests[-1] == ("/a.tgz", f"bytes={kept}-")
    assert lying_in(part.parent) == {"a.tgz": DATA["a.tgz"]}


def keyed(file_server: Any) -> Corpus:
    access = Access("ask for a key at https://example.org/form", key_variable="TINY_KEY")
    mirrors = (f"{file_server.url}/get?file={{file}}&key={{key}}",)
    return corpus(declared("a.tgz"), declared("b.tgz"), mirrors=mirrors, access=access)


def test_without_a_key_the_error_says_what_to_get_and_how_to_go_on(file_server: Any) -> None:
    """Files, names, sizes, checksums, where to, the next command; files that are there already are not asked for."""
    tiny = keyed(file_server)
    folder = download.folder_of(tiny)
    with pytest.raises(AccessNeeded) as error:
        fetch(tiny)
    text = str(error.value)
    assert "https://example.org/form" in text
    assert "TINY_KEY" in text
    assert str(folder) in text
    for name in ("a.tgz", "b.tgz"):
        assert f"{name} ({'1.0 MB' if name == 'a.tgz' else '230.4 kB'}, MD5 {hashlib.md5(DATA[name]).hexdigest()})" in text
    assert text.endswith("go on with `yuliao ingest tiny`")
    (folder / "a.tgz").write_bytes(DATA["a.tgz"])
    with pytest.raises(AccessNeeded) as error:
        fetch(tiny)
    assert "a.tgz (" not in str(error.value)
    (folder / "b.tgz").write_bytes(DATA["b.tgz"])
    assert fetch(tiny) == folder


@pytest.mark.parametrize("how", ["environment", "netrc"])
@pytest.mark.parametrize("outcome", ["works", "refused", "broken"])
def test_a_key_goes_nowhere_but_into_the_request(
    file_server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture, how: str, outcome: str
) -> None:
    """Not into errors, their causes, logs at the finest level, or any file that is written."""
    caplog.set_level(logging.DEBUG)
    if how == "environment":
        monkeypatch.setenv("TINY_KEY", KEY)
    else:
        (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login me password {KEY}\n")
    tiny = dataclasses.replace(keyed(file_server), archives=(declared("a.tgz"),))
    file_server.files = {"get": DATA["a.tgz"]}
    if outcome == "works":
        fetch(tiny)
    else:
        file_server.statuses["get"] = [403] * 9 if outcome == "refused" else []
        file_server.cut_after_bytes["get"] = [0] * 99
        with pytest.raises(DownloadError) as error:
            fetch(tiny)
        link: BaseException | None = error.value
        while link is not None:
            assert KEY not in f"{link!s}{link!r}"
            assert link.__suppress_context__ or link.__context__ is None
            link = link.__cause__
    assert any(KEY in path for path, _ in file_server.requests)
    assert KEY not in caplog.text
    home = Path(os.environ["YULIAO_HOME"])
    for path in home.rglob("*"):
        assert KEY not in path.name
        assert path.is_dir() or KEY.encode() not in path.read_bytes()


def test_a_password_of_netrc_is_used(file_server: Any, tmp_path: Path) -> None:
    """For a host that asks for a login; without it the error says so."""
    file_server.files = DATA
    file_server.password = KEY
    tiny = corpus(declared("c.tgz"), mirrors=(f"{file_server.url}/{{file}}",))
    with pytest.raises(DownloadError, match=r"asks for a login \(401\)"):
        fetch(tiny)
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login user password {KEY}\n")
    assert lying_in(fetch(tiny)) == {"c.tgz": DATA["c.tgz"]}


def test_a_netrc_that_cannot_be_read_is_an_error_that_quotes_nothing_of_it(file_server: Any, tmp_path: Path) -> None:
    """Python's own error quotes the token, which may be the password."""
    file_server.files = DATA
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login user\n{KEY}\n")
    with pytest.raises(Exception, match=r"line \d is not as netrc wants it") as error:
        fetch(corpus(declared("c.tgz"), mirrors=(f"{file_server.url}/{{file}}",)))
    assert KEY not in str(error.value)
    assert error.value.__suppress_context__
