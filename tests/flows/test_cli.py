"""The `yuliao` command from outside: exit codes, one line for a mistake, one JSON document for a program."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import catalog.listing
from catalog.roots import Root, open_root
from flows.cli import run, yuliao

YULIAO = [sys.executable, "-c", "from flows.cli import main; main()"]


@pytest.fixture(autouse=True)
def no_server(monkeypatch):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)


@pytest.fixture
def root(home) -> Root:
    return open_root(None)


@pytest.fixture
def published(root, examples) -> Root:
    """A catalog with `speech`, of which `mixtures` is made."""
    examples.publish_speech(root, "speech", "a", 0)
    examples.publish_separation(root, "mixtures", "b", 1, overrides={"splits.train.mixtures": 4})
    return root


def mistake(capsys, *arguments: str) -> str:
    """The one line that a mistaken command line gets."""
    assert run(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("yuliao: error: ") and printed.err.count("\n") == 1
    return printed.err


def document(capsys, *arguments: str):
    """What a command prints with --json: one document and nothing else."""
    assert run([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_every_command_of_the_contract_is_there():
    assert set(yuliao.commands) == {
        "demo",
        "ingest",
        "plan",
        "build",
        "materialize",
        "corpora",
        "forget",
        "list",
        "show",
        "verify",
        "tag",
        "remove",
        "gc",
        "export",
    }


def test_without_a_command_the_help_is_shown(capsys):
    assert run([]) == 0
    assert "Usage: yuliao" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["lst"], "Did you mean 'list'?"),
        (["list", "--jsn"], "Did you mean '--json'?"),
        (["show"], "NAME[@V]"),
        (["build", "sep_2spk_full", "--set", "seed"], "write KEY=VALUE"),
        (["build", "sep_2spk_full", "--set", "seed=[1"], "is no YAML"),
        (["build", "sep_2spk_ful"], "did you mean 'sep_2spk_full'"),
        (["build", "sep_2spk_full", "--set", "splits.train.mixture=5"], "did you mean 'mixtures'"),
        (["build", "nowhere.yaml"], "No such file"),
        (["plan", "sep_2spk_full"], "--to"),
        (["ingest", "librispech"], "did you mean 'librispeech'"),
        (["ingest", "librispeech", "--sample", "0"], "0 is not in the range"),
        (["show", "../speech"], "not usable"),
        (["remove", "speech"], "say which version"),
        (["tag", "speech", "7"], "reads as a version number"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(capsys, published, arguments, expected):
    assert expected in mistake(capsys, *arguments)


def test_an_unknown_dataset_is_answered_with_near_ones(capsys, published):
    assert "did you mean 'speech'" in mistake(capsys, "show", "speach")
    assert "'speech'" in mistake(capsys, "verify", "speech@9")


def test_what_is_wrong_with_yuliao_itself_is_not_hidden(monkeypatch):
    """Only mistakes of the user and lacks of the machine are one line: a defect keeps its traceback."""

    def broken(**_):
        raise ZeroDivisionError

    monkeypatch.setattr(catalog.listing, "list_datasets", broken)
    with pytest.raises(ZeroDivisionError):
        run(["list"])


@pytest.mark.parametrize(
    ("error", "code", "expected"),
    [
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "shard"), 2, "No space left on device: shard\n"),
        (OSError(errno.EIO, os.strerror(errno.EIO), "/some/disk"), 2, "Input/output error: /some/disk\n"),
        (NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), "/a/file/b"), 2, "Not a directory: /a/file/b\n"),
        (OSError("told by\na library"), 2, "told by a library\n"),
    ],
)
def test_an_interrupt_and_what_the_machine_lacks_are_one_line(capsys, monkeypatch, error, code, expected):
    def failing(**_):
        raise error

    monkeypatch.setattr(catalog.listing, "list_datasets", failing)
    assert run(["list"]) == code
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", f"yuliao: error: {expected}")


@pytest.mark.parametrize("setting", ["YULIAO_HOME", "YULIAO_CATALOG"])
@pytest.mark.parametrize("below", ["", "/below"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["list"],
        ["show", "speech"],
        ["verify", "speech"],
        ["tag", "speech", "stable"],
        ["remove", "speech@1"],
        ["gc"],
        ["build", "sep_2spk_full"],
        ["build", "sep_2spk_full", "--dry-run"],
        ["plan", "sep_2spk_full", "--to", "plan.arrow"],
        ["materialize", "speech"],
    ],
    ids=" ".join,
)
def test_a_file_in_the_place_of_a_folder_is_one_line_for_every_command(capsys, tmp_path, monkeypatch, setting, below, arguments):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(setting, f"{tmp_path}/file{below}")
    assert f"{tmp_path}/file is a file; set {setting} to a folder" in mistake(capsys, *arguments)


def test_an_empty_catalog_says_that_it_is_empty_and_nothing_else(capsys, root):
    assert run(["list"]) == 0
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith(f"nothing in {root.url} yet: ") and printed.err.count("\n") == 1


def test_an_unreadable_manifest_is_listed_as_such(capsys, published):
    manifest = Path(published.url) / "speech" / "manifests" / "1.json"
    manifest.write_bytes(b"{}")
    assert run(["list"]) == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert "mixtures@1" in lines[1] and lines[2].split() == ["speech@1", "unreadable", "0", "B", "1"]
    assert str(manifest) in printed.err and "`yuliao remove speech@1`" in printed.err
    assert run(["verify", "mixtures"]) == 1
    assert "mixtures@1: 1 problem (" in capsys.readouterr().out
    assert run(["remove", "speech@1"]) == 0
    assert run(["verify", "mixtures"]) == 0


def test_json_of_each_command(capsys, published):
    listed = document(capsys, "list")
    assert [(item["name"], item["version"], item["rows"]) for item in listed] == [
        ("mixtures", 1, {"train": 4}),
        ("speech", 1, {"train": 4, "test": 4}),
    ]
    shown = document(capsys, "show", "mixtures")
    assert shown["overrides"] == {"splits.train.mixtures": 4} and shown["versions"] == [1]
    verified = document(capsys, "verify", "speech@1")
    assert verified["ok"] is True and verified["rows"] == 8 and verified["problems"] == []
    assert document(capsys, "tag", "speech", "stable") == {"name": "speech", "version": 1, "tag": "stable"}
    assert document(capsys, "show", "speech@stable")["tags"] == {"stable": 1}
    assert document(capsys, "remove", "mixtures@1") == {"name": "mixtures", "version": 1}
    assert [item["name"] for item in document(capsys, "list")] == ["speech"]
    assert document(capsys, "gc") == {"blobs": 0, "temporary_files": 0, "builds": 0, "measures": 0}  # too young


def test_tables_for_people(capsys, published):
    for command in (["list"], ["show", "mixtures"]):
        assert run(command) == 0
        out = capsys.readouterr().out
        assert "mixtures@1" in out and "splits.train.mixtures=4" in out


def test_a_piped_table_is_neither_wrapped_nor_cut(capsys, root, examples, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    name = "a_long_name_" * 10
    examples.publish_speech(root, name, "a", 0)
    assert run(["list"]) == 0
    assert f"{name}@1" in capsys.readouterr().out.splitlines()[1]


def test_a_damaged_version_is_a_failed_check(capsys, published):
    folder = Path(published.url) / "speech" / "blobs"
    blob = sorted(folder.iterdir())[0]
    blob.chmod(0o644)
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    blob.write_bytes(data)
    assert run(["verify", "speech"]) == 1
    assert blob.stem[:12] in capsys.readouterr().out
    assert run(["verify", "speech", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_output_that_nobody_reads_is_no_error(published, process_environment):
    """`yuliao list | head -0`: the reader is gone before the first line."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*YULIAO, "list"], env=process_environment, stdout=write, stderr=subprocess.PIPE, timeout=60)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_commands_start_without_what_is_slow_to_import(published, process_environment):
    """Prefect alone takes two seconds to import."""
    program = (
        "import sys; from flows.cli import run; codes = run(['list', '--json']), run(['build', 'sep_2spk_full']);"
        "print(codes, sorted({'prefect', 'datasets', 'torch', 'pandas', 's3fs', 'scipy.signal'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], env=process_environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "(0, 2) []", done.stdout + done.stderr  # 2: there is no corpus to build from
