"""`import catalog` is light, and refuses to start beside another distribution that owns one of our package names."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from catalog.ownership import PACKAGES, check_ownership

TREE = Path(__file__).resolve().parents[2]


def install(target: Path, distribution: str, *packages: str) -> None:
    """What an installer leaves behind: packages, and a record of their files."""
    info = target / f"{distribution}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    for package in packages:
        (target / package).mkdir(exist_ok=True)
        (target / package / "__init__.py").touch()
    lines = [f"{package}/__init__.py,sha256=x,0" for package in packages]
    (info / "RECORD").write_text("\n".join([*lines, f"{info.name}/METADATA,,", f"{info.name}/RECORD,,"]))


def import_catalog(*path: Path, code: str = "import catalog") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    return subprocess.run([sys.executable, "-c", code], env=environment, cwd=path[0], capture_output=True, text=True, timeout=60)


def copy_ours(target: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(TREE / package, target / package, ignore=shutil.ignore_patterns("__pycache__"))
    install(target, "yuliao", *PACKAGES)


def test_alone_it_starts(tmp_path: Path) -> None:
    copy_ours(tmp_path)
    install(tmp_path, "innocent", "innocent")
    result = import_catalog(tmp_path)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("package", PACKAGES)
def test_another_owner_in_the_same_folder_is_named(tmp_path: Path, package: str) -> None:
    """Two wheels installed over each other: files of one, record of both."""
    copy_ours(tmp_path)
    install(tmp_path, "data_catalog", package)
    result = import_catalog(tmp_path)
    assert result.returncode != 0
    last = result.stderr.splitlines()[-1]
    assert last.startswith(f"ImportError: the installed distribution 'data_catalog' owns a package '{package}'")


def test_another_owner_further_down_the_path_is_named(tmp_path: Path) -> None:
    install(tmp_path, "data_catalog", "catalog")
    result = import_catalog(TREE, tmp_path)
    assert "ImportError: the installed distribution 'data_catalog' owns a package 'catalog'" in result.stderr


def test_a_sibling_from_elsewhere_is_named(tmp_path: Path) -> None:
    """Somebody's own folder `flows` comes first."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    copy_ours(ours)
    install(theirs, "other", "flows")
    result = import_catalog(theirs, ours)
    last = result.stderr.splitlines()[-1]
    assert last.startswith(f"ImportError: yuliao is installed in {ours}, but its package 'flows' comes from {theirs / 'flows'}")


def test_the_check_is_quick() -> None:
    check_ownership()
    start = time.perf_counter()
    check_ownership()
    assert time.perf_counter() - start < 0.05


def test_import_brings_nothing_heavy() -> None:
    heavy = ("prefect", "torch", "datasets", "s3fs", "fsspec", "label_studio_sdk", "scipy", "pandas")
    code = f"import sys, catalog; print([name for name in {heavy} if name in sys.modules])"
    result = import_catalog(TREE, code=code)
    assert (result.returncode, result.stdout.strip()) == (0, "[]"), result.stderr
