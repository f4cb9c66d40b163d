"""What is damaged or strange in a catalog is one line that names the place, and blocks nothing else."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import pytest

import catalog
from catalog.building import Building
from catalog.errors import CatalogError, DatasetNotFound, IntegrityError, PinnedError
from catalog.manifests import pin, version_numbers
from catalog.roots import FolderRoot, Root, open_root
from catalog.shards import blob_path
from catalog.tags import tag_history
from catalog.utterances import open_utterances


def replace(root: Root, path: str, data: bytes) -> None:
    """Change a stored file behind the catalog's back."""
    if isinstance(root, FolderRoot):
        (root.folder / path).chmod(0o644)
    root.write(path, data)


def first_blob(root: Root, name: str) -> str:
    """Path of the first blob of the newest version."""
    return blob_path(name, catalog.manifest(name, root=root.url).splits["train"].shards[0].blob)


def one_line(caught: pytest.ExceptionInfo[BaseException], *expected: str) -> None:
    text = str(caught.value)
    assert "\n" not in text
    for part in expected:
        assert part in text


HARM: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "cut short": lambda data: data[: len(data) // 2],
    "another file": lambda data: b"not Arrow at all " * 40,
}


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_blob_is_one_line_wherever_it_is_opened(tmp_path: Path, examples: ModuleType, harm: str) -> None:
    """Reading, planning and publishing name the version and the file to delete."""
    root = FolderRoot(tmp_path / "catalog")
    examples.publish_speech(root, "speech", "a", 1)
    shard = catalog.manifest("speech", root=root.url).splits["train"].shards[0]
    path = blob_path("speech", shard.blob)
    replace(root, path, HARM[harm](root.read(path)))
    said = ("speech", f"{root.url}/{path}", "delete it, then run the same build or ingest again")
    with pytest.raises(IntegrityError) as caught:
        catalog.get("speech", root=root.url)
    one_line(caught, "speech@1", *said)
    with pytest.raises(IntegrityError) as caught:
        open_utterances(root, catalog.manifest("speech", root=root.url), 16000).table("train", ["id"])
    one_line(caught, "speech@1", *said)
    with pytest.raises(IntegrityError) as caught:
        catalog.publish(
            "speech",
            kind="speech",
            splits={"train": [catalog.shards.Shard("train", **shard.model_dump())]},
            fingerprint="b",
            licence=examples.LICENCE,
            root=root.url,
        )
    one_line(caught, *said)


@pytest.mark.server
def test_a_damaged_blob_of_the_cache_is_fetched_again_when_it_is_deleted(s3_url: str, examples: ModuleType) -> None:
    root = open_root(s3_url)
    examples.publish_speech(root, "speech", "a", 1)
    cached = root.fetch(first_blob(root, "speech"))
    cached.chmod(0o644)
    cached.write_bytes(b"")
    with pytest.raises(IntegrityError) as caught:
        catalog.get("speech", root=s3_url)
    one_line(caught, str(cached), "delete it")
    cached.unlink()
    assert len(catalog.get("speech", split="train", root=s3_url)) == 4


@pytest.mark.parametrize("setting", ["YULIAO_HOME", "YULIAO_CATALOG"])
@pytest.mark.parametrize("below", ["", "/further/down"])
def test_a_file_where_a_folder_should_be_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, below: str
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv(setting, f"{file}{below}")
    with pytest.raises(CatalogError) as caught:
        catalog.list_datasets()
    one_line(caught, f"{file} is a file; set {setting} to a folder")
    assert file.read_text() == ""


def test_a_folder_that_appears_while_it_is_looked_at_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process makes the catalog's folder between two looks at it."""
    folder, stat = tmp_path / "catalog", Path.stat
    monkeypatch.setenv("YULIAO_CATALOG", str(folder))

    def then_made(self: Path, **how: bool) -> os.stat_result:
        try:
            return stat(self, **how)
        finally:
            with suppress(FileExistsError):
                folder.mkdir()

    monkeypatch.setattr(Path, "stat", then_made)
    assert catalog.list_datasets() == []


def test_strange_files_are_none_of_ours(root: Root, examples: ModuleType) -> None:
    """Among manifests, tags and datasets."""
    examples.publish_speech(root, "speech", "a", 1)
    catalog.tag("speech@1", "stable")
    for path in ("abc.json", "02.json", "-3.json", "1.json.bak", "x.removed", "notes"):
        root.write(f"speech/manifests/{path}", b"?")
        root.write(f"speech/tags/stable/{path}", b"?")
    root.write("elsewhere/manifests/abc.json", b"?")
    assert (version_numbers(root, "speech").present, version_numbers(root, "speech").removed) == ([1], [])
    assert [entry.version for entry in tag_history(root, "speech", "stable")] == [1]
    assert [listed.tags for listed in catalog.list_datasets()] == [{"stable": 1}]
    with pytest.raises(DatasetNotFound):
        catalog.versions("elsewhere")
    assert examples.publish_speech(root, "speech", "b", 2).version == 2


@pytest.mark.parametrize(
    ("root_url", "content"),
    [
        ("folder", b""),
        ("folder", b"{}"),
        ("folder", b"[1]"),
        ("folder", b'{"version": "x"}'),
        ("folder", b"\xff"),
        pytest.param("s3", b"", marks=pytest.mark.server),
    ],
    indirect=["root_url"],
)
def test_a_damaged_tag_is_named_and_can_be_mended_as_it_says(root: Root, examples: ModuleType, content: bytes) -> None:
    examples.publish_speech(root, "speech", "a", 1)
    examples.publish_speech(root, "speech", "b", 2)
    catalog.tag("speech@1", "stable")
    catalog.tag("speech@2", "stable")
    root.write("speech/tags/stable/2.json", content)
    with pytest.raises(IntegrityError) as caught:
        catalog.manifest("speech@stable")
    one_line(caught, f"{root.url}/speech/tags/stable/2.json", "delete it")
    assert "tags/stable/2.json" in str(catalog.list_datasets()[0].problem)
    root.remove("speech/tags/stable/2.json")
    assert catalog.manifest("speech@stable").version == 1


def test_a_damaged_journal_is_named(root: Root) -> None:
    root.write("speech/building/f/train-0.json", b"{}")
    with pytest.raises(IntegrityError) as caught:
        Building(root, "speech", "f").finished()
    one_line(caught, f"{root.url}/speech/building/f/train-0.json", "delete it")


def test_an_unreadable_manifest_blocks_nothing_else(root: Root, examples: ModuleType) -> None:
    """Others are verified, listed and published; the advice can be followed although two are damaged."""
    examples.publish_speech(root, "speech", "a", 1)
    examples.publish_separation(root, "mixtures", "a", 1, inputs=[pin(root, "speech", 1)])
    for fingerprint, seed in (("a", 3), ("b", 4)):
        examples.publish_speech(root, "broken", fingerprint, seed)
        replace(root, f"broken/manifests/{'ab'.index(fingerprint) + 1}.json", b"{}")
    verified = catalog.verify("mixtures")
    assert [problem.split(":")[0] for problem in verified.problems] == ["manifest of broken@1", "manifest of broken@2"]
    assert verified.rows == 4, "its own blobs were read all the same"
    assert f"{root.url}/broken/manifests/2.json" in verified.problems[1]
    assert "`yuliao remove broken@2`" in verified.problems[1]
    listed = {item.name: item.problem for item in catalog.list_datasets()}
    assert listed["mixtures"] is None
    assert "broken@2" in str(listed["broken"])
    with pytest.raises(IntegrityError, match="broken@1"):
        catalog.remove("mixtures@1")  # the damaged ones may be made from it
    assert examples.publish_speech(root, "broken", "b", 4).version == 3
    assert catalog.remove("broken@2") == ("broken", 2)
    assert catalog.remove("broken@1") == ("broken", 1)
    assert catalog.verify("mixtures").ok
    assert catalog.remove("mixtures@1") == ("mixtures", 1)


def test_a_publisher_whose_input_goes_at_the_last_moment_takes_its_version_back(
    root: Root, examples: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`remove` has found nobody who pins the corpus; then the manifest is created, and then the corpus is gone."""
    examples.publish_speech(root, "speech", "a", 1)
    held = pin(root, "speech", 1)
    create = type(root).create

    def overtaken(self: Root, path: str, data: bytes) -> bool:
        if path == "mixtures/manifests/1.json":
            monkeypatch.setattr(type(root), "create", create)
            catalog.remove("speech@1")
        return create(self, path, data)

    monkeypatch.setattr(type(root), "create", overtaken)
    with pytest.raises(DatasetNotFound) as caught:
        examples.publish_separation(root, "mixtures", "a", 1, inputs=[held])
    one_line(caught, "mixtures: its input speech@1 was removed during the build")
    assert catalog.list_datasets() == []
    assert version_numbers(root, "mixtures").removed == [1]
    assert json.loads(root.read("mixtures/manifests/1.json"))["version"] == 1
    assert not root.exists("mixtures/versions/1")


def test_a_pinned_version_stays_although_the_version_that_pins_it_came_in_between(
    root: Root, examples: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other order: the publisher commits before the tombstone stands."""
    examples.publish_speech(root, "speech", "a", 1)
    held = pin(root, "speech", 1)
    create = type(root).create

    def overtaken(self: Root, path: str, data: bytes) -> bool:
        if path == "speech/manifests/1.removed":
            monkeypatch.setattr(type(root), "create", create)
            examples.publish_separation(root, "mixtures", "a", 1, inputs=[held])
        return create(self, path, data)

    monkeypatch.setattr(type(root), "create", overtaken)
    with pytest.raises(PinnedError, match="mixtures@1 is made from it"):
        catalog.remove("speech@1")
    assert catalog.verify("mixtures").ok


def test_samples_that_changed_since_they_were_published_are_not_mixed(tmp_path: Path, examples: ModuleType) -> None:
    """Checked the first time in a process, and read without a check when rows are read."""
    root = FolderRoot(tmp_path)
    examples.publish_speech(root, "speech", "a", 1)
    path = first_blob(root, "speech")
    sound = examples.noise(1, 10)
    data = root.read(path)
    where = data.index(b"RIFF") + 44 + 100
    replace(root, path, data[:where] + bytes([data[where] ^ 1]) + data[where + 1 :])
    utterances = open_utterances(root, catalog.manifest("speech", root=root.url), 16000)
    assert len(utterances.load("train1-0")) > len(sound)
    with pytest.raises(IntegrityError) as caught:
        utterances.load_checked("train1-0")
    one_line(caught, "speech@1, train1-0", "`yuliao verify speech@1`")
    for utterance in ("train1-1", "test1-0"):
        assert (utterances.load_checked(utterance) == utterances.load(utterance)).all()
        assert (utterances.load_checked(utterance) == utterances.load(utterance)).all()
