"""Both kinds of storage keep the same promises."""

import errno
import hashlib
import http.client
import multiprocessing
import pickle
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from urllib.request import Request, urlopen

import pytest

from catalog import s3
from catalog.errors import CatalogError, DiskFullError, IntegrityError
from catalog.roots import FolderRoot, Root, open_root
from catalog.s3 import S3Root


def put(root: Root, data: bytes) -> str:
    """Store a blob; returns its path."""
    path = f"name/blobs/{hashlib.sha256(data).hexdigest()}.arrow"
    local = root.scratch("name") / "finished"
    local.write_bytes(data)
    root.put_blob(local, path)
    assert not local.exists()
    return path


def test_create_is_exclusive_and_write_replaces(root: Root) -> None:
    assert root.create("a/b/1.json", b"first")
    assert not root.create("a/b/1.json", b"second")
    assert root.read("a/b/1.json") == b"first"
    root.write("a/b/1.json", b"third")
    assert root.read("a/b/1.json") == b"third"


def test_listing_is_never_stale(root: Root) -> None:
    """A name is there as soon as it is written by anybody, and gone as soon as it is removed."""
    other = open_root(root.url)
    assert root.children("a") == []
    other.write("a/x/1", b"1")
    assert root.children("a") == ["x"]
    other.write("a/y", b"2")
    assert root.children("a") == ["x", "y"]
    assert root.children("") == ["a"]
    assert root.exists("a/y")
    assert root.exists("a/x")
    other.remove("a/x")
    other.remove("a/x")
    assert root.children("a") == ["y"]
    assert not root.exists("a/x")


@pytest.mark.server
def test_what_another_machine_writes_is_seen_at_once(s3_url: str, s3_server: str) -> None:
    """No listing is answered out of a cache."""
    root = open_root(s3_url)
    assert root.children("a") == []
    for name in ("x", "y"):
        path = s3_url.removeprefix("s3://")
        with urlopen(Request(f"{s3_server}/{path}/a/{name}", data=b"1", method="PUT"), timeout=10):
            pass
        assert name in root.children("a")
        assert root.exists(f"a/{name}")


def test_missing_files_raise_file_not_found(root: Root) -> None:
    for ask in (root.read, root.modified):
        with pytest.raises(FileNotFoundError):
            ask("no/where")
    with pytest.raises(FileNotFoundError):
        root.fetch("no/blobs/where.arrow").read_bytes()


def test_blob_comes_back_and_is_read_only(root: Root) -> None:
    path = put(root, b"content")
    fetched = root.fetch(path)
    assert fetched.read_bytes() == b"content"
    assert fetched.stat().st_mode & 0o777 == 0o444
    with root.stored(path) as file:
        assert file.read_bytes() == b"content"


def test_putting_a_blob_again_renews_it(root: Root) -> None:
    """gc goes by the date: a blob that a build counts on anew is young again."""
    path = put(root, b"content")
    before = root.modified(path)
    time.sleep(0.02 if isinstance(root, FolderRoot) else 1.1)  # S3 dates have whole seconds
    assert put(root, b"content") == path
    assert root.modified(path) > before
    assert root.read(path) == b"content"


def test_putting_a_damaged_blob_again_heals_it(root: Root) -> None:
    """On S3 too, where a copy of the object onto itself would renew the damage."""
    path = put(root, b"content")
    if isinstance(root, FolderRoot):
        (root.folder / path).chmod(0o644)
    root.write(path, b"c0ntent")
    assert put(root, b"content") == path
    with root.stored(path) as file:
        assert file.read_bytes() == b"content"


@pytest.mark.server
def test_blob_is_cached_by_digest_and_checked_as_it_comes(s3_url: str, home: Path) -> None:
    root = open_root(s3_url)
    path = put(root, b"content")
    cached = root.fetch(path)
    assert cached.is_relative_to(home)
    cached.unlink()
    assert root.fetch(path).read_bytes() == b"content"
    root.write(path, b"c0ntent")
    assert root.fetch(path).read_bytes() == b"content", "the cache answers, whatever happens to the bucket"
    cached.unlink()
    with pytest.raises(IntegrityError, match="SHA-256"):
        root.fetch(path)
    assert [file for file in home.rglob("*") if file.is_file()] == [], "nothing half-right stays"


@pytest.mark.server
def test_many_fetch_at_once(s3_url: str, home: Path) -> None:
    """All get the whole blob, nobody half of one."""
    root = open_root(s3_url)
    data = bytes(range(256)) * 4096
    path = put(root, data)
    root.fetch(path).unlink()
    with ThreadPoolExecutor(8) as pool:
        assert all(file.read_bytes() == data for file in pool.map(lambda _: open_root(s3_url).fetch(path), range(8)))
    assert len([file for file in home.rglob("*") if file.is_file()]) == 1


@pytest.mark.server
def test_a_forked_process_may_go_on_with_the_root(s3_url: str) -> None:
    """A connection inherited through a fork would hang; the child makes one of its own."""
    root = open_root(s3_url)
    root.write("a", b"1")
    child = multiprocessing.get_context("fork").Process(target=root.write, args=("b", b"2"))
    child.start()
    child.join(timeout=30)
    hung = child.exitcode is None
    if hung:
        child.kill()
    assert not hung
    assert child.exitcode == 0
    assert root.read("b") == b"2"
    assert pickle.loads(pickle.dumps(root)).read("b") == b"2"


@pytest.mark.server
def test_large_blobs_go_up_in_parts(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "_PART_BYTES", 5 << 20)
    data = bytes(range(256)) * (12 << 12)
    root = open_root(s3_url)
    path = put(root, data)
    root.fetch(path).unlink()
    assert root.fetch(path).read_bytes() == data


class Forgetful(BaseHTTPRequestHandler):
    """Hands everything on to a real server, but for If-None-Match."""

    protocol_version = "HTTP/1.1"  # answers Expect: 100-continue
    upstream = ""

    def forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        connection = http.client.HTTPConnection(self.upstream)
        headers = {key: value for key, value in self.headers.items() if key.lower() not in ("if-none-match", "host", "expect")}
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for key, value in answer.getheaders():
            if key.lower() not in ("transfer-encoding", "connection", "server", "date", "content-length"):
                self.send_header(key, value)
        self.send_header("Content-Length", answer.getheader("Content-Length") or str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = forward  # noqa: N815 - the names of http.server

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.fixture
def forgetful_url(s3_url: str, s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    handler = type("Handler", (Forgetful,), {"upstream": s3_server.removeprefix("http://")})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    s3._filesystem.cache_clear()
    yield s3_url
    s3._filesystem.cache_clear()
    server.shutdown()
    server.server_close()


@pytest.mark.server
def test_server_that_ignores_if_none_match_is_refused(forgetful_url: str, examples: ModuleType) -> None:
    root = open_root(forgetful_url)
    with pytest.raises(CatalogError, match="ignores If-None-Match"):
        examples.publish_speech(root, "speech", "a", 1)
    assert root.children("speech/manifests") == []
    assert not root.exists(".probe")


@pytest.mark.server
def test_missing_bucket_and_dead_server_are_one_line(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CatalogError, match="bucket does not exist"):
        open_root("s3://nobodys-bucket/x").create("a", b"")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3._filesystem.cache_clear()
    try:
        with pytest.raises(CatalogError, match="AWS_ENDPOINT_URL") as caught:
            open_root(s3_url).read("a")
        assert "\n" not in str(caught.value)
    finally:
        s3._filesystem.cache_clear()


def test_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = open_root(tmp_path)
    root.write("a/1.json", b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DiskFullError, match=r"a/1\.json"):
        root.write("a/1.json", b"new")
    with pytest.raises(DiskFullError):
        root.create("a/2.json", b"new")
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == ["1.json"]
    assert root.read("a/1.json") == b"old"


def test_addresses(tmp_path: Path) -> None:
    assert open_root(tmp_path) == FolderRoot(tmp_path)
    assert open_root("s3://bucket/prefix/") == S3Root("s3://bucket/prefix/")
    for wrong in ("gs://bucket", "s3://"):
        with pytest.raises(CatalogError):
            open_root(wrong)


@pytest.mark.server
def test_what_another_process_removes_meanwhile_is_removed(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen with two publishers of the same: both had seen the journal, and one of them took it away."""
    import s3fs

    monkeypatch.setattr(s3fs.S3FileSystem, "exists", lambda *asked, **how: True)
    open_root(s3_url).remove("set/building/f")
