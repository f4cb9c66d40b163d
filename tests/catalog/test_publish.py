"""Versions: made whole or not at all, numbered, never twice the same in a row, never leaking."""

import signal
import subprocess
import sys
import time
from types import ModuleType

import pytest

import catalog
from catalog.building import Building
from catalog.errors import CatalogError, DatasetNotFound, IntegrityError, LeakageError
from catalog.manifests import Licence, combine_licences, pin, read_manifest, resolve, version_numbers
from catalog.roots import Root
from catalog.shards import blob_path


def test_first_version(root: Root, examples: ModuleType) -> None:
    published = examples.publish_speech(root, "speech", "a", 1, citation="Us, 2026", spec={"k": [1, 2]})
    assert (published.version, published.created, str(published)) == (1, True, "speech@1")
    manifest = catalog.manifest("speech")
    assert manifest == read_manifest(root, "speech", 1)
    assert manifest.spec == {"k": [1, 2]}
    assert {split: entry.rows for split, entry in manifest.splits.items()} == {"train": 4, "test": 4}
    assert manifest.splits["train"].duration_s == pytest.approx((4 * 1600 + 160 * 6) / 16000)
    assert manifest.to_bytes() == root.read("speech/manifests/1.json"), "the stored form is the canonical one"


def test_same_fingerprint_publishes_nothing(root: Root, examples: ModuleType) -> None:
    examples.publish_speech(root, "speech", "a", 1)
    again = examples.publish_speech(root, "speech", "a", 1)
    assert (again.version, again.created) == (1, False)
    assert catalog.versions("speech") == [1]


def test_a_b_a_makes_a_newest_and_shares_its_blobs(root: Root, examples: ModuleType) -> None:
    for fingerprint, seed in (("a", 1), ("b", 2), ("a", 1)):
        assert examples.publish_speech(root, "speech", fingerprint, seed).created
    assert catalog.versions("speech") == [1, 2, 3]
    first, second, third = (read_manifest(root, "speech", n) for n in (1, 2, 3))
    assert first.blobs == third.blobs
    assert first.rows_digest == third.rows_digest
    assert first.rows_digest != second.rows_digest
    assert len(root.children("speech/blobs")) == 4


def test_rerun_makes_the_view_that_a_killed_publisher_left_out(root: Root, examples: ModuleType) -> None:
    examples.publish_speech(root, "speech", "a", 1)
    card = root.read("speech/versions/1/README.md")
    root.remove("speech/versions")
    assert not examples.publish_speech(root, "speech", "a", 1).created
    assert root.read("speech/versions/1/README.md") == card


def test_publishing_discards_the_journal(root: Root, examples: ModuleType) -> None:
    shard = examples.write_shard(root, "speech", "train", examples.speech_batch(1))
    Building(root, "speech", "a").record("train-0", shard)
    examples.publish_speech(root, "speech", "a", 1)
    assert root.children("speech/building") == []


def test_missing_blob_is_noticed_before_the_commit(root: Root, examples: ModuleType) -> None:
    shard = examples.write_shard(root, "speech", "train", examples.speech_batch(1))
    root.remove(blob_path("speech", shard.blob))
    with pytest.raises(IntegrityError, match="missing"):
        catalog.publish("speech", kind="speech", splits={"train": [shard]}, fingerprint="a", licence=examples.LICENCE)
    assert root.children("speech/manifests") == []


def test_shards_of_different_columns_are_refused(root: Root, examples: ModuleType) -> None:
    batches = {"train": examples.separation_batch(1), "test": examples.separation_batch(2, split="test", n_src=3)}
    splits = {split: [examples.write_shard(root, "mixtures", split, batch)] for split, batch in batches.items()}
    with pytest.raises(CatalogError, match="other columns"):
        catalog.publish("mixtures", kind="separation", splits=splits, fingerprint="a", licence=examples.LICENCE)
    assert root.children("mixtures/manifests") == []


def test_inputs_are_pinned_by_their_bytes(root: Root, examples: ModuleType) -> None:
    examples.publish_speech(root, "speech", "a", 1)
    held = pin(root, "speech", 1)
    examples.publish_separation(root, "mixtures", "a", 1, inputs=[held])
    assert catalog.manifest("mixtures").inputs == [held]
    root.write("speech/manifests/1.json", root.read("speech/manifests/1.json").replace(b"Somebody", b"Nobody"))
    with pytest.raises(IntegrityError, match="speech@1 changed"):
        examples.publish_separation(root, "mixtures", "b", 2, inputs=[held])


def test_refusals(root: Root, examples: ModuleType) -> None:
    for name in ("../x", "a/b", ".x", "", "a b", "-x"):
        with pytest.raises(CatalogError, match="not usable"):
            catalog.publish(name, kind="speech", splits={}, fingerprint="a", licence=examples.LICENCE)
    with pytest.raises(CatalogError, match="did you mean 'speech'"):
        catalog.publish("x", kind="speach", splits={}, fingerprint="a", licence=examples.LICENCE)
    with pytest.raises(CatalogError, match="nothing to publish"):
        catalog.publish("x", kind="speech", splits={"train": []}, fingerprint="a", licence=examples.LICENCE)
    assert root.children("") == []


@pytest.mark.parametrize("column", ["speaker_id", "recording_id", "audio_sha256", "id"])
def test_leak_is_refused_unless_declared(root: Root, examples: ModuleType, column: str) -> None:
    splits = {
        split: [
            examples.write_shard(root, "speech", split, examples.speech_batch(1, rows=1, split=split, **{column: "shared-one"}))
        ]
        for split in ("train", "test")
    }

    def publish(*known_overlaps: str) -> catalog.Published:
        return catalog.publish(
            "speech", kind="speech", splits=splits, fingerprint="a", licence=examples.LICENCE, known_overlaps=known_overlaps
        )

    with pytest.raises(LeakageError, match=rf"1 values of {column} stand in both train and test \('shared-one'\)"):
        publish()
    assert root.children("speech/manifests") == []
    assert publish(column).created


def test_leak_in_list_columns_is_refused(root: Root, examples: ModuleType) -> None:
    splits = {
        split: [examples.write_shard(root, "mixtures", split, examples.separation_batch(1, split="train"))]
        for split in ("train", "test")
    }
    with pytest.raises(LeakageError):
        catalog.publish("mixtures", kind="separation", splits=splits, fingerprint="a", licence=examples.LICENCE)
    with pytest.raises(LeakageError, match="speaker_ids"):
        catalog.publish(
            "mixtures",
            kind="separation",
            splits=splits,
            fingerprint="a",
            licence=examples.LICENCE,
            known_overlaps=["id", "source_ids", "source_sha256s"],
        )
    with pytest.raises(CatalogError, match="did you mean 'speaker_ids'"):
        catalog.publish(
            "mixtures",
            kind="separation",
            splits=splits,
            fingerprint="a",
            licence=examples.LICENCE,
            known_overlaps=["speakers_ids"],
        )


def test_null_identities_do_not_leak(root: Root, examples: ModuleType) -> None:
    splits = {
        split: [examples.write_shard(root, "speech", split, examples.speech_batch(1, split=split, recording_id=None))]
        for split in ("train", "test")
    }
    assert catalog.publish("speech", kind="speech", splits=splits, fingerprint="a", licence=examples.LICENCE).created


def test_derived_licence_is_the_strictest(root: Root, examples: ModuleType) -> None:
    research = Licence(name="CC-BY-NC-4.0", commercial_use=False, attribution="Them", notes="ask before use")
    examples.publish_speech(root, "speech", "a", 1, licence=research)
    examples.publish_speech(root, "noises", "a", 2)
    inputs = [pin(root, "speech", 1), pin(root, "noises", 1)]
    examples.publish_separation(root, "mixtures", "a", 1, inputs=inputs)
    licence = catalog.manifest("mixtures").licence
    assert licence.commercial_use is False
    assert licence.name == "CC-BY-4.0 AND CC-BY-NC-4.0"
    assert licence.attribution == "Somebody; Them"
    assert licence.notes == "ask before use"


def test_unknown_commercial_use_stays_unknown_unless_forbidden() -> None:
    free, unknown, forbidden = (Licence(name=str(use), commercial_use=use) for use in (True, None, False))
    assert combine_licences([free, free]) == free
    assert combine_licences([free, unknown]).commercial_use is None
    assert combine_licences([free, unknown, forbidden]).commercial_use is False


def test_references(root: Root, examples: ModuleType) -> None:
    for fingerprint, seed in (("a", 1), ("b", 2)):
        examples.publish_speech(root, "speech", fingerprint, seed)
    catalog.tag("speech@1", "stable")
    assert resolve(root, "speech") == ("speech", 2)
    assert resolve(root, "speech@1") == ("speech", 1)
    assert resolve(root, "speech@stable") == ("speech", 1)
    assert catalog.manifest("speech", "stable").version == 1
    for wrong, hint in (
        ("speach", "did you mean 'speech'"),
        ("speech@3", "there are: 1, 2, stable"),
        ("speech@stabel", "'stable'"),
    ):
        with pytest.raises(DatasetNotFound, match=hint):
            resolve(root, wrong)
    for wrong in ("", "@1", "speech@", "speech@../1", "a/b"):
        with pytest.raises(CatalogError):
            resolve(root, wrong)


def start(examples: ModuleType, environment: dict[str, str], *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, str(examples.__file__), *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def outputs(processes: list[subprocess.Popen[str]]) -> list[str]:
    """What they printed last; each exits 0."""
    last = []
    for process in processes:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        last.append(out.splitlines()[-1])
    return sorted(last)


def test_two_publishers_at_once(root: Root, examples: ModuleType, process_environment: dict[str, str]) -> None:
    """Different content makes two versions, the same fingerprint one; all four succeed."""
    different = [start(examples, process_environment, root.url, "different", f"f{seed}", seed) for seed in (1, 2)]
    same = [start(examples, process_environment, root.url, "same", "f", 1) for _ in range(2)]
    for process in (*different, *same):
        assert process.stdout is not None
        while process.stdout.readline().strip() != "ready":
            assert process.poll() is None
    for process in (*different, *same):
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert outputs(different) == ["published 1 True", "published 2 True"]
    assert outputs(same) == ["published 1 False", "published 1 True"]
    assert version_numbers(root, "different").present == [1, 2]
    assert version_numbers(root, "same").present == [1]
    for name, version in (("different", 1), ("different", 2), ("same", 1)):
        assert catalog.verify(f"{name}@{version}").problems == []


@pytest.mark.parametrize(("theirs", "ours"), [("same", "published 1 False"), ("other", "published 2 True")])
def test_the_loser_of_a_race_looks_again(
    root: Root, examples: ModuleType, monkeypatch: pytest.MonkeyPatch, theirs: str, ours: str
) -> None:
    """Somebody publishes between our look at the newest version and our commit."""
    create = type(root).create

    def overtaken(self: Root, path: str, data: bytes) -> bool:
        monkeypatch.setattr(type(root), "create", create)
        assert examples.publish_speech(root, "speech", theirs, 1 if theirs == "same" else 2).version == 1
        return create(self, path, data)

    monkeypatch.setattr(type(root), "create", overtaken)
    published = examples.publish_speech(root, "speech", "same", 1)
    assert f"published {published.version} {published.created}" == ours
    assert catalog.versions("speech") == list(range(1, published.version + 1))


@pytest.mark.parametrize(("theirs", "ours"), [("same", "published 1 False"), ("other", "published 2 True")])
def test_whoever_is_overtaken_while_counting_versions_looks_again(
    root: Root, examples: ModuleType, monkeypatch: pytest.MonkeyPatch, theirs: str, ours: str
) -> None:
    """Somebody publishes right after we have looked which versions there are: seen on S3, two builds became two versions."""
    children = type(root).children
    looks: list[str] = []

    def overtaken(self: Root, path: str) -> list[str]:
        entries = children(self, path)
        looks.append(path)
        if path == "speech/manifests" and looks.count(path) == last_look:
            assert examples.publish_speech(root, "speech", theirs, 1 if theirs == "same" else 2).version == 1
        return entries

    last_look = 3  # check_kind's, then two at the newest version: the last of them is the one that decides on the number
    monkeypatch.setattr(type(root), "children", overtaken)
    published = examples.publish_speech(root, "speech", "same", 1)
    assert f"published {published.version} {published.created}" == ours
    assert catalog.versions("speech") == list(range(1, published.version + 1))


def test_many_publishers_in_one_process_lose_no_version(root: Root, examples: ModuleType) -> None:
    """Sixteen threads, eight contents: eight versions or more where a fingerprint came back later, none lost, all whole."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(16) as pool:
        published = list(pool.map(lambda k: examples.publish_speech(root, "speech", f"f{k % 8}", k % 8), range(16)))
    created = sorted(one.version for one in published if one.created)
    assert created == version_numbers(root, "speech").present
    assert {read_manifest(root, "speech", n).fingerprint for n in created} == {f"f{k}" for k in range(8)}


# Which shard was the last is nothing to the storage: S3 is tried once.
@pytest.mark.parametrize(
    ("root_url", "moment"),
    [("folder", "shard 0"), ("folder", "shard 3"), pytest.param("s3", "shard 0", marks=pytest.mark.server)],
    indirect=["root_url"],
)
def test_killed_build_shows_nothing_and_resumes(
    root: Root, examples: ModuleType, process_environment: dict[str, str], capsys: pytest.CaptureFixture[str], moment: str
) -> None:
    """kill -9 after some shards, or around the commit: nothing is listed, or a whole version; a rerun makes what is missing."""
    build = start(examples, process_environment, root.url, "speech", "f", 1, 4)
    assert build.stdout is not None
    for line in build.stdout:
        if line.strip() == moment:
            break
    build.send_signal(signal.SIGKILL)
    build.wait(timeout=30)
    assert build.returncode == -signal.SIGKILL
    assert catalog.list_datasets() == [] or catalog.verify("speech").ok
    finished = len(Building(root, "speech", "f").finished())
    assert finished > 0 or catalog.list_datasets()

    examples.main(root.url, "speech", "f", 1, 4)
    assert capsys.readouterr().out.count("shard") <= 4 - int(moment[-1]) - 1, "finished shards are not made again"
    examples.main(root.url, "uninterrupted", "f", 1, 4)
    assert catalog.manifest("speech").rows_digest == catalog.manifest("uninterrupted").rows_digest
    assert catalog.manifest("speech").blobs == catalog.manifest("uninterrupted").blobs
    assert catalog.versions("speech") == [1]
    assert catalog.verify("speech").ok


def test_full_disk_stops_a_build_in_one_line_and_it_resumes(
    root: Root, examples: ModuleType, process_environment: dict[str, str]
) -> None:
    """The kernel refuses files above 60 kB: three shards of 13 kB pass, the large fourth does not."""
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)); sys.argv[0] = ''; "
        f"import importlib.util as u; s = u.spec_from_file_location('examples', {examples.__file__!r}); "
        "m = u.module_from_spec(s); s.loader.exec_module(m); "
        "real = m.speech_batch; m.speech_batch = lambda seed, split: real(seed, 40 if seed % 100 == 3 else 4, split); "
        f"m.main({root.url!r}, 'speech', 'f', 1, 4)"
    )
    limited = subprocess.run([sys.executable, "-c", program], env=process_environment, capture_output=True, text=True, timeout=60)
    assert limited.returncode == 1
    assert "DiskFullError: no space left to write" in limited.stderr.splitlines()[-1]
    assert catalog.list_datasets() == []
    assert len(Building(root, "speech", "f").finished()) == 3
    assert [file for file in root.scratch("speech").rglob("*") if file.is_file()] == []
    examples.main(root.url, "speech", "f", 1, 4)
    assert catalog.verify("speech").ok


def test_version_times_are_utc(root: Root, examples: ModuleType) -> None:
    from datetime import UTC, datetime

    examples.publish_speech(root, "speech", "a", 1)
    created = datetime.fromisoformat(catalog.manifest("speech").created_at)
    assert created.tzinfo == UTC
    assert abs(created.timestamp() - time.time()) < 60
