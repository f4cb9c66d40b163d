"""Every test has a home of its own; `root_url` runs a test on a folder and on a real S3 server that the session starts."""

import atexit
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings

from catalog.roots import Root, open_root

# The same cases every time, and no deadline: these machines are shared, and their speed is no property of the code.
settings.register_profile("yuliao", deadline=None, derandomize=True)
settings.load_profile("yuliao")

# Hundreds of processes are started here. Where nobody is to write bytecode beside the sources, it is kept elsewhere as long as
# the tests run: compiling all that it imports, each of them would take three times as long to start.
if sys.dont_write_bytecode:
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = tempfile.mkdtemp(prefix="yuliao-bytecode-")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    atexit.register(shutil.rmtree, sys.pycache_prefix, ignore_errors=True)

AWS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests first: at the end, when workers take tests from one another, only short ones are left."""
    items.sort(key=lambda item: "slow" not in item.keywords)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`YULIAO_HOME`, empty; nothing of the user's is read or written."""
    folder = tmp_path / "home"
    monkeypatch.setenv("YULIAO_HOME", str(folder))
    monkeypatch.delenv("YULIAO_CATALOG", raising=False)
    return folder


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Address of a running moto_server; killed at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while not _answers(address):
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"moto_server did not come up on port {port}")
            time.sleep(0.1)
        yield address
    finally:
        server.kill()
        server.wait()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


@pytest.fixture
def s3_url(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty prefix of a bucket on that server, with the environment that leads there.

    What earlier tests left there is gone: the server holds all of it in memory, and each listing goes through all the keys.
    """
    for name, value in {**AWS, "AWS_ENDPOINT_URL": s3_server}.items():
        monkeypatch.setenv(name, value)
    for method, path in (("POST", "moto-api/reset"), ("PUT", "catalogs")):
        with urllib.request.urlopen(urllib.request.Request(f"{s3_server}/{path}", method=method), timeout=30):
            pass
    return f"s3://catalogs/{uuid.uuid4().hex}"


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.server)])
def root_url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty catalog, which is that of `YULIAO_CATALOG` too."""
    url = str(tmp_path / "catalog") if request.param == "folder" else str(request.getfixturevalue("s3_url"))
    monkeypatch.setenv("YULIAO_CATALOG", url)
    return url


@pytest.fixture
def root(root_url: str) -> Root:
    """The storage of that catalog."""
    return open_root(root_url)


@pytest.fixture(scope="session")
def examples() -> ModuleType:
    """Small datasets to publish; `examples.__file__` is a program that publishes one from a process of its own."""
    path = Path(__file__).parent / "examples.py"
    spec = importlib.util.spec_from_file_location("examples", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def process_environment() -> dict[str, str]:
    """The environment of a test's own processes: they import this tree, wherever they start."""
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
