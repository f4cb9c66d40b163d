"""kill -9 while a corpus in parts, VoxCeleb1, is fetched and ingested: what is there is kept, and the rows are the same."""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from hashlib import md5
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import catalog
from catalog.manifests import dataset_names
from catalog.roots import open_root
from flows import corpora
from flows.adapter import Archive, Corpus
from flows.fetch.download import download, folder_of
from flows.recordings.ingest import ingest
from synth import wav

# The command, with the adapter of the test; killed by itself at a moment of the ingest, or never.
PROGRAM = """
import os, pathlib, pickle, signal, sys
from flows import cli
from flows.recordings import ingest
from flows.corpora import voxceleb1

fatal, left = sys.argv[2], int(sys.argv[3])
voxceleb1.CORPUS = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes())
ingest.CHUNK_BYTES = 200_000
function = getattr(ingest, fatal)

def counted(*args, **kwargs):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return function(*args, **kwargs)

setattr(ingest, fatal, counted)
if __name__ == "__main__":
    sys.exit(cli.run(["ingest", "voxceleb1", "--workers", "1"]))
"""
DEV, CUT = "vox1_dev_wav.zip", "vox1_dev_wav_partac"


@pytest.fixture
def served(file_server: Any, official: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """VoxCeleb1 in six files on a server; its parts are of 150 KB, so that they can be cut."""
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("VOXCELEB_KEY", "s3cr3t")
    monkeypatch.setenv("YULIAO_CATALOG", str(tmp_path / "catalog"))
    files = official("voxceleb1").files
    random = np.random.default_rng(0)
    paths = [f"wav/id1000{speaker}/1zcIwhmdeo4/{k:05}.wav" for speaker in (1, 2) for k in range(10)]
    noise = {path: wav.encode(random.integers(-9000, 9000, 16_000).astype(np.int16), 16_000) for path in paths}
    files[DEV] = sys.modules["official_sound"].zipped(noise)

    def declared(archive: Archive, data: bytes) -> Archive:
        count = len(archive.parts)
        cuts = [data[k * len(data) // count : (k + 1) * len(data) // count] for k in range(count)]
        parts = tuple(declared(part, cut) for part, cut in zip(archive.parts, cuts, strict=True))
        if not parts:
            file_server.files[archive.file] = data
        return replace(archive, size_bytes=None, md5=md5(data).hexdigest(), sha256="", urls=(), parts=parts)

    adapter = corpora.get("voxceleb1")
    archives = tuple(declared(archive, files[archive.file]) for archive in adapter.archives)
    return replace(adapter, archives=archives, mirrors=(f"{file_server.url}/{{file}}?key={{key}}",))


@pytest.fixture
def command(served: Corpus, tmp_path: Path, process_environment: dict[str, str]) -> Callable[..., subprocess.Popen[bytes]]:
    """`command("stage", 2)`: starts `yuliao ingest voxceleb1` in a process that dies when it does so for the second time."""
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "adapter.pickle").write_bytes(pickle.dumps(served))
    environment = process_environment | {name: os.environ[name] for name in ("NETRC", "VOXCELEB_KEY", "YULIAO_CATALOG")}
    arguments = [sys.executable, str(tmp_path / "program.py"), str(tmp_path / "adapter.pickle")]

    def command(fatal: str = "publish", times: int = 0) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*arguments, fatal, str(times)], env=environment, stdout=subprocess.DEVNULL)

    return command


@pytest.fixture
def undisturbed(served: Corpus, tmp_path: Path) -> Callable[[Path], str]:
    """`undisturbed(folder)`: the digest of all rows of these files, ingested by somebody who is not killed."""

    def undisturbed(folder: Path) -> str:
        ingest(served, [folder], root=tmp_path / "undisturbed", workers=1)
        return catalog.manifest("voxceleb1", root=tmp_path / "undisturbed").rows_digest

    return undisturbed


def test_killed_while_parts_come(
    served: Corpus, file_server: Any, command: Callable[..., subprocess.Popen[bytes]], undisturbed: Callable[[Path], str]
) -> None:
    """Finished parts are not asked for again, a half part goes on at its last byte."""
    file_server.cut_after_bytes[CUT] = [100_000, *[0] * 20]  # and then the server has nothing for a while
    first = command()
    folder = folder_of(served)
    half, others = folder / f"{CUT}.part", [folder / file for file in file_server.files if file != CUT]
    deadline = time.monotonic() + 60
    while not (half.exists() and all(path.exists() for path in others)) and time.monotonic() < deadline:
        assert first.poll() is None
        time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert half.stat().st_size == 100_000
    file_server.cut_after_bytes.clear()
    asked = len(file_server.requests)
    assert command().wait(timeout=60) == 0
    assert file_server.requests[asked:] == [(f"/{CUT}?key=s3cr3t", "bytes=100000-")]
    assert catalog.manifest("voxceleb1").rows_digest == undisturbed(folder)


def test_killed_while_it_is_ingested(
    served: Corpus, file_server: Any, command: Callable[..., subprocess.Popen[bytes]], undisturbed: Callable[[Path], str]
) -> None:
    """At the first chunk, in the middle, among the shards, right before the commit: nothing is listed, nothing fetched again."""
    download(served)
    asked = len(file_server.requests)
    for fatal, times in (("stage", 1), ("stage", 3), ("write_shard", 2), ("publish", 1)):
        assert command(fatal, times).wait(timeout=60) == -signal.SIGKILL
        assert dataset_names(open_root(None)) == []
    assert command().wait(timeout=60) == 0
    assert catalog.manifest("voxceleb1").rows_digest == undisturbed(folder_of(served))
    assert catalog.manifest("voxceleb1").version == 1
    assert catalog.verify("voxceleb1").ok
    assert len(file_server.requests) == asked
