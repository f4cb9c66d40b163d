"""The flows as a Prefect server sees them. Everything here runs against real servers and workers of its own."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

REPOSITORY = Path(__file__).parents[2]
YULIAO = [sys.executable, "-c", "from flows.cli import main; main()"]
# Several command lines one after another: importing Prefect takes longer than all that they do.
YULIAO_EACH = [
    sys.executable,
    "-c",
    "import json, sys; from flows.cli import run; sys.exit(max(run(json.loads(line)) for line in sys.argv[1:]))",
]
PREFECT = [sys.executable, "-m", "prefect"]

pytestmark = pytest.mark.slow


def call(url: str, body: object = None) -> Any:
    """The JSON that an address of a server's API answers; with a body, by POST."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    for _ in range(20):
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code != 503:  # on SQLite: another request holds the database; Prefect's own client tries again too
                raise
            time.sleep(0.5)
    raise AssertionError(f"{url} stayed unavailable")


def run(command: list[str], environment: Mapping[str, str], timeout_s: float = 90) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=timeout_s)


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[dict[str, str]]:
    """A Prefect server on a free port; gives the environment of a process that reports to it."""
    home = tmp_path_factory.mktemp("prefect")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    api = f"http://127.0.0.1:{port}/api"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "YULIAO_"))} | {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PYTHONPATH": str(REPOSITORY),
        "PWD": str(REPOSITORY),
        "YULIAO_HOME": str(home / "yuliao"),
    }
    log = (home / "server.log").open("wb")
    command = [*PREFECT, "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 120
        while not is_healthy(api):
            assert process.poll() is None and time.monotonic() < deadline, (home / "server.log").read_text()
            time.sleep(0.3)
        yield environment | {"PREFECT_API_URL": api}
    finally:
        stop(process)
        log.close()


def is_healthy(api: str) -> bool:
    try:
        return call(f"{api}/health") is True
    except OSError:
        return False


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def librispeech(tmp_path_factory) -> Path:
    """Two speakers, two utterances each, as LibriSpeech lays them out."""
    folder = tmp_path_factory.mktemp("corpus") / "LibriSpeech"
    random = np.random.default_rng(0)
    for speaker in ("61", "121"):
        chapter = folder / "test-clean" / speaker / "1"
        chapter.mkdir(parents=True)
        for number in range(2):
            samples = (random.normal(size=16_000) * 3000).astype(np.int16)
            soundfile.write(chapter / f"{speaker}-1-{number:04}.flac", samples, 16_000)
        lines = [f"{speaker}-1-{number:04} SOME WORDS" for number in range(2)]
        (chapter / f"{speaker}-1.trans.txt").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.server
def test_commands_are_flow_runs_with_progress_and_a_table(server, librispeech, tmp_path):
    environment = server | {"YULIAO_CATALOG": str(tmp_path / "catalog")}
    described = ["--as", "folder", "--rate", "8000", "--pattern", "{speaker}/{recording}/{id}.flac", "--licence", "MIT"]
    counts = [f"--set=splits.{split}.mixtures={count}" for split, count in {"train": 0, "validation": 0, "test": 4}.items()]
    published = published_by(
        environment,
        ["ingest", "librispeech", "--from", str(librispeech), "--workers", "1"],
        ["ingest", "my_voices", *described, "--from", str(librispeech), "--workers", "1"],
        ["build", "sep_2spk_partial", "--corpus", "librispeech", *counts, "--workers", "1"],
    )
    assert published == [("librispeech", 1, True), ("my_voices", 1, True), ("sep_2spk_partial", 1, True)]
    assert told(server, "ingest librispeech") == [("librispeech@1", "test", 4)]
    assert told(server, "ingest my_voices") == [("my_voices@1", "train", 4)]
    assert told(server, "build sep_2spk_partial") == [("sep_2spk_partial@1", "test", 4)]


def published_by(environment: Mapping[str, str], *commands: list[str]) -> list[tuple[str, int, bool]]:
    """What each of these command lines says that it has published."""
    done = succeeded(run([*YULIAO_EACH, *(json.dumps([*command, "--json"]) for command in commands)], environment))
    decoder, said, rest = json.JSONDecoder(), [], done.stdout.strip()
    while rest:
        document, end = decoder.raw_decode(rest)
        said.append((document["name"], document["version"], document["created"]))
        rest = rest[end:].strip()
    return said


def succeeded(done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def told(server: Mapping[str, str], name: str) -> list[tuple[str, str, int]]:
    """What the table of the one run of that name says, after a look at its end and at its progress."""
    api = server["PREFECT_API_URL"]
    (flow_run,) = call(f"{api}/flow_runs/filter", {"flow_runs": {"name": {"any_": [name]}}})
    assert flow_run["state_name"] == "Completed"
    artifacts = call(f"{api}/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [flow_run["id"]]}}})
    by_type = {artifact["type"]: artifact for artifact in artifacts}
    assert by_type["progress"]["data"] == 100.0 and by_type["progress"]["updated"] > by_type["progress"]["created"]
    return [(row["version"], row["split"], row["rows"]) for row in json.loads(by_type["table"]["data"])]


@pytest.mark.server
def test_sets_of_text_are_flow_runs_too(server, tmp_path):
    """Ingest and build, with progress and a table; a corpus of text that nobody can fetch is a mistake of one line."""
    environment = server | {"YULIAO_CATALOG": str(tmp_path / "catalog")}
    qas = [{"id": str(k), "question": "何處？", "answers": [{"text": "北部", "answer_start": 3}]} for k in range(3)]
    document = {"data": [{"title": "臺北", "id": "1", "paragraphs": [{"id": "1-1", "context": "臺北在北部。", "qas": qas}]}]}
    (tmp_path / "DRCD_training.json").write_text(json.dumps(document))
    published = published_by(
        environment,
        ["ingest", "drcd", "--from", str(tmp_path / "DRCD_training.json")],
        ["build", "mrc_zh_cn", "--corpus", "drcd", "--set", "split_proportions={test: 1}"],
    )
    assert published == [("drcd", 1, True), ("mrc_zh_cn", 1, True)]
    assert told(server, "ingest drcd") == [("drcd@1", "train", 3)]
    assert told(server, "build mrc_zh_cn") == [("mrc_zh_cn@1", "test", 3)]

    fetch = "from flows.orchestrate import ingest; ingest('sighan')"
    done = run([sys.executable, "-c", fetch], environment)
    assert done.returncode == 1 and "sighan has no address from which it could be fetched" in done.stderr


@pytest.mark.server
def test_a_mistake_is_one_line_and_a_failed_run(server, tmp_path):
    """Prefect's own log of it, traceback and all, stays on the server."""
    environment = server | {"YULIAO_CATALOG": str(tmp_path / "catalog")}
    done = run([*YULIAO, "ingest", "librispeech", "--from", str(tmp_path / "nowhere")], environment)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("yuliao: error: ") and done.stderr.count("\n") == 1, done.stderr
    newest = call(
        f"{server['PREFECT_API_URL']}/flow_runs/filter",
        {"flow_runs": {"state": {"type": {"any_": ["FAILED"]}}}, "sort": "START_TIME_DESC", "limit": 1},
    )
    assert "nowhere" in newest[0]["state"]["message"]


@pytest.mark.server
def test_deployments_run_under_a_worker(server, librispeech, tmp_path):
    """prefect.yaml as it stands, deployed whole; the run starts in another folder and still finds the flows."""
    environment = server | {"YULIAO_CATALOG": str(tmp_path / "catalog")}
    succeeded(run([*PREFECT, "work-pool", "create", "local", "--type", "process"], environment))
    succeeded(run([*PREFECT, "--no-prompt", "deploy", "--all"], environment))
    api = server["PREFECT_API_URL"]
    deployments = {deployment["name"]: deployment for deployment in call(f"{api}/deployments/filter", {})}
    active = {name: [schedule["active"] for schedule in it["schedules"]] for name, it in deployments.items()}
    nightly = {"sep_2spk_full", "sep_2spk_partial", "mrc_zh_tw", "mrc_zh_cn", "csc_asr"}
    switched_off = {"aishell1", "drcd", "cmrc2018", "ner_zh", "pairs_zh", "cls_zh"}
    assert active == {name: [name in nightly] for name in nightly | switched_off}

    parameters = {"corpus": "librispeech", "sources": [str(librispeech)], "workers": 2}
    flow_run = call(f"{api}/deployments/{deployments['aishell1']['id']}/create_flow_run", {"parameters": parameters})
    worker = [*PREFECT, "worker", "start", "--pool", "local", "--run-once"]
    done = subprocess.run(worker, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    state = call(f"{api}/flow_runs/{flow_run['id']}")["state"]
    assert state["type"] == "COMPLETED", f"{state}\n{done.stdout}{done.stderr}"
    listed = run([*YULIAO, "list", "--json"], environment)
    assert [dataset["name"] for dataset in json.loads(listed.stdout)] == ["librispeech"]


def test_a_dead_server_is_one_line_before_any_work(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound but not listening: nothing else can answer there
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/api"
        environment = os.environ | {"PREFECT_API_URL": url, "YULIAO_HOME": str(tmp_path), "PYTHONPATH": str(REPOSITORY)}
        done = run([*YULIAO, "ingest", "librispeech", "--from", str(tmp_path)], environment)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(f"yuliao: error: no Prefect server answers at PREFECT_API_URL={url}")
    assert done.stderr.count("\n") == 1
