"""Builds that are killed, raced, or run out of disk: nothing half-done is listed, and the outcome is the same."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import catalog
from catalog.building import Building
from catalog.manifests import read_manifest, version_numbers
from catalog.roots import FolderRoot, open_root
from flows.mixtures.build import build
from flows.specs import load_spec

OVERRIDES = {
    "corpus": "librispeech",
    "splits.train.mixtures": 100,
    "splits.validation.mixtures": 10,
    "splits.test.mixtures": 10,
}
SHARD_BYTES = 1 << 18
S3 = pytest.mark.server

pytestmark = pytest.mark.slow

# What a user's `yuliao build` does, with small shards, and slowed down so that there is a middle to be killed in.
BUILDER = """
import importlib, os, signal, sys, time
import flows.mixtures.build
from flows.specs import load_spec
def dying(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
if __name__ == "__main__":
    root, name, workers, pause_s, dies_in = sys.argv[1:]
    if dies_in:
        module, function = dies_in.rsplit(".", 1)
        setattr(importlib.import_module(module), function, dying)
    def progress(done, total, unit):
        print(done, flush=True)
        time.sleep(float(pause_s))
    print(flows.mixtures.build.build(load_spec("sep_2spk_partial", {overrides!r}), name=name, root=root, workers=int(workers),
                            progress=progress, shard_bytes={shard_bytes}), flush=True)
""".replace("{overrides!r}", repr(OVERRIDES)).replace("{shard_bytes}", str(SHARD_BYTES))


@pytest.fixture
def builder(tmp_path: Path, process_environment: dict[str, str]) -> Any:
    """Starts a process that builds `name` in the catalog at `root_url`."""
    program = tmp_path / "builder.py"
    program.write_text(BUILDER)
    started: list[subprocess.Popen[str]] = []

    def start(
        root_url: str, name: str, workers: int = 2, pause_s: float = 0.0, dies_in: str = "", **settings: Any
    ) -> subprocess.Popen[str]:
        command = [sys.executable, str(program), root_url, name, str(workers), str(pause_s), dies_in]
        environment = {**os.environ, **process_environment}
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **settings
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _build(root_url: str, name: str, progress: Any = None) -> Any:
    """The same in this process, undisturbed."""
    spec = load_spec("sep_2spk_partial", OVERRIDES)
    return build(spec, name=name, root=root_url, workers=1, progress=progress, shard_bytes=SHARD_BYTES)


@dataclass(frozen=True)
class Made:
    """What a build has come to."""

    rows_digest: str
    blobs: set[str]


def _made(root_url: str, name: str) -> Made:
    manifest = read_manifest(open_root(root_url), name, 1)
    return Made(manifest.rows_digest, manifest.blobs)


@pytest.fixture(scope="module")
def remembered() -> dict[str, Made]:
    """For `undisturbed`."""
    return {}


@pytest.fixture
def undisturbed(tmp_path: Path, ingest_talk: Any, remembered: dict[str, Made]) -> Made:
    """What the build comes to that nobody kills, made once in a folder: it is the same wherever it lies."""
    if not remembered:
        root_url = str(tmp_path / "undisturbed")
        ingest_talk(root_url)
        _build(root_url, "undisturbed")
        remembered["made"] = _made(root_url, "undisturbed")
    return remembered["made"]


# Which shard was the last is nothing to the storage: S3 is tried once.
@pytest.mark.parametrize(
    ("root_url", "moment"),
    [("folder", 1), ("folder", 4), ("folder", 9), pytest.param("s3", 4, marks=S3)],
    indirect=["root_url"],
)
def test_a_build_killed_in_the_middle_goes_on_and_ends_the_same(
    root_url: str, ingest_talk: Any, builder: Any, undisturbed: Made, moment: int
) -> None:
    ingest_talk(root_url)
    process = builder(root_url, "killed", pause_s=0.05)
    for _ in range(moment + 1):  # the first line says that nothing is done yet
        assert process.stdout.readline().strip().isdigit()
    workers = _children(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 20
    while any(map(_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert workers
    assert not any(map(_alive, workers)), "workers outlive their parent"
    assert [listed.name for listed in catalog.list_datasets(root=root_url)] == ["librispeech"]

    storage = open_root(root_url)
    (fingerprint,) = storage.children("killed/building")
    journal = Building(storage, "killed", fingerprint).finished()
    assert len(journal) >= moment
    blob_times = {shard.blob: storage.modified(f"killed/blobs/{shard.blob}.arrow") for shard in journal.values()}
    told: list[int] = []
    _build(root_url, "killed", lambda done, total, unit: told.append(done))
    assert told[0] == sum(shard.rows for shard in journal.values()), "finished shards count as done from the start"
    assert blob_times == {blob: storage.modified(f"killed/blobs/{blob}.arrow") for blob in blob_times}, (
        "and are not written again"
    )

    assert _made(root_url, "killed") == undisturbed
    assert storage.children("killed/building") == []
    assert catalog.verify("killed", root=root_url).ok


@pytest.mark.parametrize(
    ("root_url", "dies_in"),
    [
        ("folder", "flows.mixtures.build.plan_split"),  # nothing is written yet, to whichever storage
        ("folder", "flows.mixtures.rendering.write_table"),  # planned, no shard rendered: the same
        ("folder", "catalog.publish._commit"),  # all shards rendered
        pytest.param("s3", "catalog.publish._commit", marks=S3),
        ("folder", "catalog.publish.write_view"),  # committed, without card and view, and with its journal
        pytest.param("s3", "catalog.publish.write_view", marks=S3),
    ],
    indirect=["root_url"],
)
def test_a_build_killed_before_or_after_its_shards_ends_the_same(
    root_url: str, ingest_talk: Any, builder: Any, undisturbed: Made, dies_in: str
) -> None:
    ingest_talk(root_url)
    process = builder(root_url, "killed", workers=1, dies_in=dies_in)
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    names = [listed.name for listed in catalog.list_datasets(root=root_url)]
    assert names == (["killed", "librispeech"] if dies_in.endswith("write_view") else ["librispeech"])

    storage = open_root(root_url)
    before = storage.children("killed/blobs")
    assert bool(before) == ("publish" in dies_in)
    assert str(_build(root_url, "killed")) == "killed@1"
    if before:
        assert storage.children("killed/blobs") == before, "nothing is rendered again"
    assert _made(root_url, "killed") == undisturbed
    assert storage.children("killed/building") == []
    view = ["dataset_dict.json", "test", "train", "validation"] if isinstance(storage, FolderRoot) else []
    assert storage.children("killed/versions/1") == ["README.md", *view]
    assert catalog.verify("killed", root=root_url).ok


def test_two_builds_of_the_same_at_once_make_one_version(root_url: str, ingest_talk: Any, builder: Any) -> None:
    ingest_talk(root_url)
    both = [builder(root_url, "raced", workers=1) for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert out.split()[-1] == "raced@1"
    assert version_numbers(open_root(root_url), "raced").present == [1]
    assert catalog.verify("raced", root=root_url).ok


def test_a_full_disk_publishes_nothing_and_the_build_goes_on_when_there_is_room(
    tmp_path: Path, ingest_talk: Any, builder: Any
) -> None:
    """The kernel's limit on the size of a file stands for the full disk: writing fails in the middle of a shard."""
    import resource

    root_url = str(tmp_path / "catalog")
    ingest_talk(root_url)
    limit = SHARD_BYTES // 2

    def small_files_only() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    process = builder(root_url, "full", workers=1, preexec_fn=small_files_only)
    _, err = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "no space left" in err.splitlines()[-1]
    assert [listed.name for listed in catalog.list_datasets(root=root_url)] == ["librispeech"]
    assert not [path for path in (tmp_path / "catalog" / "full").rglob("*") if path.is_file()], "nothing is left behind"
    assert str(_build(root_url, "full")) == "full@1"


def test_a_disk_that_cannot_hold_the_set_is_refused_before_work(
    tmp_path: Path, ingest_talk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    root_url = str(tmp_path / "catalog")
    ingest_talk(root_url)
    free = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("flows.mixtures.rendering.shutil.disk_usage", lambda path: free)
    with pytest.raises(catalog.CatalogError, match=r"sep_2spk_partial needs .* MB more in .*; 1\.0 kB are free: .*CATALOG"):
        build(load_spec("sep_2spk_partial", OVERRIDES), root=root_url, workers=1)


@pytest.mark.server
def test_a_cache_that_cannot_hold_the_set_is_refused_before_work_too(
    s3_url: str, home: Path, ingest_talk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blobs on their way to S3 are written to $YULIAO_HOME, and kept there."""
    ingest_talk(s3_url)
    asked: list[Path] = []

    def disk_usage(path: Path) -> Any:
        asked.append(Path(path))
        return type("Usage", (), {"free": 1000})

    monkeypatch.setattr("flows.mixtures.rendering.shutil.disk_usage", disk_usage)
    with pytest.raises(catalog.CatalogError, match=r"needs .* MB more in .*cache/blobs, .*; 1\.0 kB are free: .*YULIAO_HOME"):
        build(load_spec("sep_2spk_partial", OVERRIDES), root=s3_url, workers=1)
    assert all(path.is_relative_to(home) for path in asked)
    assert [listed.name for listed in catalog.list_datasets(root=s3_url)] == ["librispeech"]
