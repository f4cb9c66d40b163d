"""The documents are true: what they say to type is typed here, what they point to is there.

Blocks of `sh` and `python` run in the order in which they stand, in a copy of the packages beside a folder `archives` with small
corpora. What README.md says to type, and a document that adds modules, is typed into a shell; a block of another document that
holds `yuliao` commands and nothing else runs in this process, without the seconds in which each of them would start. An HTML
comment on the line before a block changes that:

- `<!-- not run: reason -->`: left out. Few blocks may be.
- `<!-- file: path -->`: not run but written to that path, for the blocks behind it.
- `<!-- signatures: module -->`: compared with the code of that module.

A `yaml` block is a spec, or some keys of one.
"""

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import yaml

from flows.cli import run
from flows.demo.corpus import speak_corpus
from flows.demo.noise import write_demand, write_musan
from synth.spec import parse_spec

REPOSITORY = Path(__file__).parents[1]
PACKAGES = ("synth", "catalog", "annotate", "flows")
DOCUMENTS = ["README.md", *sorted(f"docs/{path.name}" for path in (REPOSITORY / "docs").glob("*.md"))]
# The server, the worker and the deployments of this one run in tests/flows/test_prefect.py.
RUN = [document for document in DOCUMENTS if document != "docs/orchestration.md"]

_BLOCK = re.compile(r"(?:^<!-- (?P<marker>[^\n]*) -->\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\((?!https?://|#)([^)#\s]+)")


@dataclass(frozen=True)
class Block:
    """A fenced block of a document."""

    document: str
    line: int  # of its first line of code
    language: str
    code: str
    marker: str  # what the comment before it says, or ""

    @property
    def where(self) -> str:
        return f"{self.document}:{self.line}"

    @property
    def runs(self) -> bool:
        return self.language in ("sh", "python") and not self.marker


def text_of(document: str) -> str:
    return (REPOSITORY / document).read_text(encoding="utf-8")


def blocks(document: str) -> Iterator[Block]:
    text = text_of(document)
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start("code")) + 1
        yield Block(document, line, found["language"], found["code"], found["marker"] or "")


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """AISHELL-1 as its two archives, spoken by espeak-ng; MUSAN and DEMAND as theirs, computed; a folder of LibriSpeech; the
    corpus of docs/add-a-corpus.md."""
    folder: Path = tmp_path_factory.mktemp("docs") / "archives"
    speak_corpus(folder / "aishell1")
    write_musan(folder / "musan")
    write_demand(folder / "demand")
    for number in range(1000, 1008):
        _record(folder / f"LibriSpeech/train-clean-100/{number}/7", [f"{number}-7-{k:04}" for k in range(6)], "flac")
    transcript = ["id\ttext"]
    for speaker in ("amy", "ben", "chi", "dan", "eve", "fay"):
        ids = [f"{speaker}-{k:04}" for k in range(4)]
        _record(folder / "office_voices" / "audio" / speaker, ids, "wav")
        transcript += [f"{utterance}\tthis is {utterance}" for utterance in ids]
    (folder / "office_voices" / "transcript.tsv").write_text("\n".join(transcript) + "\n", encoding="utf-8")
    return folder


def _record(folder: Path, names: list[str], suffix: str) -> None:
    folder.mkdir(parents=True)
    random = np.random.default_rng(zlib.crc32(folder.name.encode() + names[0].encode()))
    for name in names:
        samples = (random.standard_normal(random.integers(16_000, 32_000)) * 2000).astype(np.int16)
        soundfile.write(folder / f"{name}.{suffix}", samples, 16_000)


@pytest.fixture
def checkout(tmp_path: Path, archives: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the reader stands: in a clone, with the corpora in `archives`, and `yuliao`, `python` and `pytest` on the path.

    The reader has set nothing, so that all is made in `~/.yuliao` of a home of the test's own.
    """
    folder = tmp_path / "checkout"
    for package in PACKAGES:
        shutil.copytree(REPOSITORY / package, folder / package)
    for file in ("pyproject.toml", "tests/conftest.py", "tests/flows/test_corpora.py"):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / file, folder / file)
    for test in REPOSITORY.glob("tests/flows/test_corpora_*.py"):
        shutil.copy(test, folder / "tests" / "flows")
    (folder / "archives").symlink_to(archives)
    commands = {"yuliao": "-c 'from flows.cli import main; main()'", "pytest": "-m pytest -p no:cacheprovider", "python": ""}
    (tmp_path / "bin").mkdir()
    for command, arguments in commands.items():
        program = tmp_path / "bin" / command
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {arguments} "$@"\n')
        program.chmod(0o755)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("YULIAO_HOME")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def bucket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """`s3://speech`, where the document is about S3."""
    if "s3://speech" not in text_of(request.getfixturevalue("document")):
        return
    request.getfixturevalue("s3_url")  # the environment that leads to the server
    address = f"{request.getfixturevalue('s3_server')}/speech"
    with urllib.request.urlopen(urllib.request.Request(address, method="PUT"), timeout=10):
        pass


def documents_to_run() -> list[Any]:
    on_s3 = {name for name in RUN if "s3://speech" in text_of(name)}
    return [pytest.param(name, marks=[pytest.mark.slow, *([pytest.mark.server] if name in on_s3 else [])]) for name in RUN]


@pytest.mark.parametrize("document", documents_to_run())
def test_what_a_document_says_to_type_works(document: str, checkout: Path, bucket: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shell blocks each in a shell of its own, Python blocks in one interpreter."""
    names: dict[str, Any] = {"__name__": "__main__"}
    in_processes = document == "README.md" or any(block.marker.startswith("file: flows/") for block in blocks(document))
    for block in blocks(document):
        if block.marker.startswith("file: "):
            path = checkout / block.marker.removeprefix("file: ")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.code, encoding="utf-8")
        elif block.runs and block.language == "sh":
            commands = None if in_processes else yuliao_commands(block)
            if commands is None:
                run_shell(block)
            else:
                run_here(block, commands, monkeypatch)
        elif block.runs:
            padded = "\n" * (block.line - 1) + block.code
            exec(compile(padded, str(REPOSITORY / document), "exec"), names)


def run_shell(block: Block) -> None:
    lines = [line for line in block.code.splitlines() if not (is_make(line) or is_benchmark(line))]
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", "\n".join(lines)], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, f"{block.where}\n{done.stdout}\n{done.stderr}"


def yuliao_commands(block: Block) -> list[list[str]] | None:
    """The words of each command, where all are `yuliao` or `export` and nothing in them is left to a shell."""
    lines = block.code.replace("\\\n", " ").splitlines()
    commands = [words for line in lines if (words := shlex.split(line, comments=True))]
    bare = [re.sub(r"'[^']*'|#.*", "", line) for line in lines]
    alone = all(words[0] in ("yuliao", "export") for words in commands) and not re.search(r"[$`|&;<>(){}*?~\"\\]", "".join(bare))
    return commands if alone else None


def run_here(block: Block, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, with one worker; what is exported holds to the end of the block."""
    with monkeypatch.context() as environment:
        environment.setattr("os.sched_getaffinity", lambda process: {0}, raising=False)
        for command, *arguments in commands:
            if command == "export":
                for assignment in arguments:
                    environment.setenv(*assignment.split("=", 1))
            else:
                assert run(arguments) == 0, f"{block.where}: {shlex.join(arguments)}"


def is_make(line: str) -> bool:
    return line.startswith("make ")


def is_benchmark(line: str) -> bool:
    return line.startswith("python -m benchmarks.")


def shell_lines(document: str) -> list[str]:
    return [line for block in blocks(document) if block.language == "sh" for line in block.code.splitlines()]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_make_and_the_benchmarks_know_what_they_are_told(document: str) -> None:
    """They take too long to be run here: targets, modules and options are looked up."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for line in shell_lines(document):
        if is_make(line):
            for target in (word for word in shlex.split(line, comments=True)[1:] if "=" not in word):
                assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), line
        if is_benchmark(line):
            words = shlex.split(line, comments=True)
            source = (REPOSITORY / f"{words[2].replace('.', '/')}.py").read_text(encoding="utf-8")
            for option in (word for word in words[3:] if word.startswith("--")):
                assert f'"{option}"' in source, line


@pytest.mark.parametrize("document", DOCUMENTS)
def test_blocks_are_of_a_language_and_with_a_reason_where_they_are_not_run(document: str) -> None:
    for block in blocks(document):
        assert block.language in ("sh", "python", "yaml", "json", "text"), block.where
        assert re.fullmatch(r"(not run: .{5,}|file: [\w./-]+|signatures: [\w.]+)?", block.marker), block.where
        if block.language == "python":
            ast.parse(block.code)
    assert text_of(document).count("\n```") + text_of(document).startswith("```") == 2 * len(list(blocks(document)))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_yaml_is_a_spec_or_keys_of_one(document: str) -> None:
    """Keys by themselves are laid over a shipped spec."""
    shipped = yaml.safe_load((REPOSITORY / "flows/specs/sep_2spk_partial.yaml").read_text(encoding="utf-8"))
    for block in blocks(document):
        if block.language == "yaml":
            written = yaml.safe_load(block.code)
            whole = written if "kind" in written else shipped | written
            parse_spec(yaml.safe_dump(whole, allow_unicode=True), block.where)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    for target in _LINK.findall(_BLOCK.sub("", text_of(document))):
        assert (REPOSITORY / document).parent.joinpath(target).exists(), target


def test_the_architecture_names_every_module_and_no_other() -> None:
    """In the first column of the table of its package. `__init__.py` of a package inside stands as the folder."""
    for package in PACKAGES:
        folder = REPOSITORY / package
        modules = {path.relative_to(folder).as_posix() for path in folder.rglob("*.py") if path.stat().st_size}
        assert named_modules(package) == {module.removesuffix("__init__.py") for module in modules - {"__init__.py"}}


def named_modules(package: str) -> set[str]:
    _, _, section = text_of("docs/architecture.md").partition(f"### {package}\n")
    table = re.match(r"\n\| module[^\n]*\n\|---\|---\|\n((?:\|[^\n]*\n)*)", section)
    if table is None:
        return set()
    return {name for row in table[1].splitlines() for name in re.findall(r"`([^`]+)`", row.split("|")[1])}


def signatures() -> list[Any]:
    found = [block for block in blocks("docs/architecture.md") if block.marker.startswith("signatures: ")]
    return [pytest.param(block, id=block.marker.removeprefix("signatures: ")) for block in found]


@pytest.mark.parametrize("block", signatures())
def test_the_contracts_are_those_of_the_code(block: Block) -> None:
    """Parameters, defaults, results and fields, word by word. Of a class, only what the document names."""
    module = block.marker.removeprefix("signatures: ").replace(".", "/")
    code = declarations(ast.parse((REPOSITORY / f"{module}.py").read_text(encoding="utf-8")))
    documented = declarations(ast.parse(block.code))
    assert documented
    for name, declaration in documented.items():
        assert declaration == code.get(name), f"{block.where}: {name}"


def declarations(tree: ast.Module | ast.ClassDef, prefix: str = "") -> dict[str, str]:
    """Functions, and fields and methods of classes, by dotted name."""
    found: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found |= declarations(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.FunctionDef):
            found[prefix + node.name] = f"({ast.unparse(node.args)}) -> {ast.unparse(node.returns) if node.returns else None}"
        elif isinstance(node, ast.AnnAssign) and prefix:
            found[prefix + ast.unparse(node.target)] = ast.unparse(node.annotation)
    return found


def test_every_benchmark_is_described() -> None:
    described = text_of("docs/benchmarks.md")
    for path in (REPOSITORY / "benchmarks").glob("bench_*.py"):
        assert f"python -m benchmarks.{path.stem}" in described


def test_every_column_of_a_mixture_is_described() -> None:
    from catalog.kinds import separation_schema
    from synth.rows.layout import Layout

    described = text_of("docs/separation.md")
    layout = Layout(2, noise=True, rooms=True, mix_types=("clean", "single"), targets=("anechoic",))
    for column in separation_schema(layout, 16_000).names:
        assert f"| `{column}` |" in described


def test_the_architecture_has_the_columns_of_each_kind_in_their_order() -> None:
    from catalog.kinds import noise_schema, rir_schema, separation_schema, speech_schema
    from synth.rows.layout import Layout

    text = " ".join(text_of("docs/architecture.md").split())
    schemas = {
        "speech": speech_schema(16_000),
        "noise": noise_schema(16_000),
        "rir": rir_schema(16_000),
        "separation": separation_schema(Layout(2), 16_000),
    }
    for kind, schema in schemas.items():
        assert f"Kind `{kind}`: `{', '.join(schema.names)}`" in text


def test_every_key_of_a_spec_is_described() -> None:
    from synth.spec import SeparationSpec

    described = text_of("docs/separation.md")
    for key in SeparationSpec.model_fields:
        assert f"### `{key}`" in described
