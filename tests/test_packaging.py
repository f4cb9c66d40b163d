"""What is installed, and from what."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).parents[1]
PACKAGES = ("synth", "catalog", "annotate", "flows")
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


def constraints() -> dict[str, str]:
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


def requirements() -> list[Requirement]:
    extras = PROJECT["optional-dependencies"].values()
    return [Requirement(line) for line in [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]]


def test_constraints_hold_names_and_versions_only():
    for line in (REPOSITORY / "constraints.txt").read_text().splitlines():
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*==[0-9][A-Za-z0-9.!+]*", line), line


def test_every_requirement_is_held_at_a_version_that_it_allows():
    held = constraints()
    for requirement in requirements():
        if requirement.name != PROJECT["name"]:
            assert requirement.specifier.contains(held[canonicalize_name(requirement.name)]), str(requirement)


def test_whatever_the_packages_import_is_required():
    """A module that is there only because something else needs it may be gone with the next version of that."""
    required = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    for extra in ("demo", "rjieba"):
        required |= {canonicalize_name(Requirement(line).name) for line in PROJECT["optional-dependencies"][extra]}
    distributions = packages_distributions()
    for path in (path for package in PACKAGES for path in (REPOSITORY / package).rglob("*.py")):
        for module in imported_modules(path):
            if module in PACKAGES or module in sys.stdlib_module_names:
                continue
            names = {canonicalize_name(name) for name in distributions[module]}
            assert names & required, f"{path.relative_to(REPOSITORY)} imports {module}, of {names}"


def imported_modules(path: Path) -> set[str]:
    modules = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            modules.add(node.module.partition(".")[0])
    return modules


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, REPOSITORY]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as opened:
        yield opened


def test_the_wheel_holds_exactly_the_four_packages(wheel):
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


def test_the_wheel_holds_every_file_of_the_packages(wheel):
    """Specs and py.typed markers too; nothing that is made while running."""
    tracked = subprocess.run(["git", "ls-files", *PACKAGES], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert set(tracked.stdout.split()) <= inside
    assert {f"{package}/py.typed" for package in PACKAGES} <= inside
    assert not [name for name in inside if "__pycache__" in name or name.endswith(".pyc")]


def test_the_wheel_brings_the_command(wheel):
    (entry_points,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "yuliao = flows.cli:main" in wheel.read(entry_points).decode()
