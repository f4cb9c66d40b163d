"""Corpora in their official form to versions of kind `speech`. The archives are small_archives.py's."""

import hashlib
import json
from pathlib import Path
from types import ModuleType

import pytest

from catalog.manifests import versions
from catalog.roots import open_root
from flows.recordings import ingest as ingesting
from flows.recordings.ingest import ingest
from synth import wav
from synth.levels.frames import measure_frames


@pytest.mark.parametrize("transcript_first", [True, False])
def test_aishell_rows_say_what_archive_and_metadata_say(tmp_path: Path, transcript_first: bool, small: ModuleType) -> None:
    """Audio to the last bit, text joined wherever it stands in the archive, genders, both names of the split, levels."""
    source = small.aishell_archives(tmp_path / "in", transcript_first=transcript_first)
    published = ingest("aishell1", [source], root=tmp_path / "catalog", workers=1)
    assert (str(published), published.created) == ("aishell1@1", True)
    found = small.rows(tmp_path / "catalog")
    assert len(found) == 28
    for id_, row in found.items():
        samples = small.noise(id_)
        energies, peaks = measure_frames(samples, small.RATE_HZ)
        number = int(id_[7:11])
        official = next(split for split, numbers in small.AISHELL_SPEAKERS.items() if number in numbers)
        assert row["audio"] == {"bytes": wav.encode(samples, small.RATE_HZ), "path": f"{id_}.wav"}
        assert row["audio_sha256"] == hashlib.sha256(samples.astype("<i2").tobytes()).hexdigest()
        assert row["frame_energies"] == energies.tolist()
        assert row["frame_peaks"] == peaks.tolist()
        assert (row["num_samples"], row["sample_rate_hz"]) == (len(samples), small.RATE_HZ)
        assert row["duration_s"] == len(samples) / small.RATE_HZ
        assert row["speaker_id"] == f"S{number:04}"
        assert row["gender"] == ("unknown" if number == 765 else "male" if number % 2 else "female")
        assert row["language"] == "zh-CN"
        assert row["official_split"] == official
        assert row["split"] == {"train": "train", "dev": "validation", "test": "test"}[official]
        if id_ == small.UNTRANSCRIBED:
            assert row["text"] is row["text_original"] is None
        else:
            assert row["text_original"] == f"去 ｋ ｔ ｖ　唱歌 {id_[-4:]}"
            assert row["text"] == f"去ktv唱歌{id_[-4:]}"


def test_report_and_statistics_count(tmp_path: Path, small: ModuleType) -> None:
    """What lacks text or gender, hours, speakers, durations."""
    ingest("aishell1", [small.aishell_archives(tmp_path / "in")], root=tmp_path / "catalog", workers=1)
    version = small.manifest(tmp_path / "catalog")
    assert version.kind == "speech"
    assert version.sample_rate_hz == small.RATE_HZ
    assert version.licence.name == "Apache-2.0"
    assert "AISHELL" in version.citation
    report = version.report
    assert (report["utterances"], report["without_text"], report["without_gender"]) == (28, 1, 4)
    for nothing in ("quarantined", "duplicates", "foreign_audio", "transcripts_without_audio", "metadata_lines_not_understood"):
        assert report[nothing] == {"count": 0, "names": []}
    assert [(source["name"], source["official_size"]) for source in report["sources"]] == [
        ("data_aishell.tgz", False),
        ("resource_aishell.tgz", False),
    ]
    found = small.rows(tmp_path / "catalog")
    statistics = version.statistics
    assert statistics["hours"] == pytest.approx(sum(row["duration_s"] for row in found.values()) / 3600, abs=1e-4)
    assert statistics["speakers_by_gender"] == {"female": 4, "male": 2, "unknown": 1}
    assert statistics["splits"]["train"]["utterances"] == 12
    assert sum(statistics["duration_s"]["histogram"]) == 28
    assert set(version.splits) == {"train", "validation", "test"}


def test_archive_and_unpacked_folders_give_the_same_rows(tmp_path: Path, small: ModuleType) -> None:
    """Archives by folder and by name, the outer one unpacked, the inner ones too, each folder by itself."""
    waves = small.aishell_waves()
    archives = small.aishell_archives(tmp_path / "in")
    transcript = {"data_aishell/transcript/aishell_transcript_v0.8.txt": small.aishell_transcript()} | small.aishell_resource()
    outer = small.lay(
        tmp_path / "outer", transcript | {f"data_aishell/wav/{name}.tar.gz": small.packed(files) for name, files in waves.items()}
    )
    inner = small.lay(
        tmp_path / "inner",
        transcript | {f"data_aishell/wav/{path}": data for files in waves.values() for path, data in files.items()},
    )
    sources = [
        [archives],
        [archives / "resource_aishell.tgz", archives / "data_aishell.tgz"],
        [outer],
        [inner],
        [inner / "data_aishell", inner / "resource_aishell"],
        [archives / "resource_aishell.tgz", inner / "data_aishell" / "transcript", inner / "data_aishell" / "wav"],
    ]
    digests = set()
    for k, paths in enumerate(sources):
        ingest("aishell1", paths, root=tmp_path / f"catalog{k}", workers=1)
        digests.add((small.manifest(tmp_path / f"catalog{k}").rows_digest, small.manifest(tmp_path / f"catalog{k}").fingerprint))
    assert len(digests) == 1


def test_four_workers_make_what_one_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: ModuleType) -> None:
    """The same shards in the same order."""
    monkeypatch.setattr(ingesting, "CHUNK_BYTES", 20_000)
    source = small.aishell_archives(tmp_path / "in")
    for workers in (1, 4):
        ingest("aishell1", [source], root=tmp_path / f"catalog{workers}", workers=workers)
    one, four = small.manifest(tmp_path / "catalog1"), small.manifest(tmp_path / "catalog4")
    assert one.splits == four.splits
    assert len(one.splits["train"].shards) > 3
    assert (one.report, one.statistics, one.fingerprint) == (four.report, four.statistics, four.fingerprint)


def test_the_size_of_shards_changes_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: ModuleType) -> None:
    """And so a second ingest with other shards publishes nothing."""
    source = small.aishell_archives(tmp_path / "in")
    assert ingest("aishell1", [source], root=tmp_path / "catalog", workers=1).created
    monkeypatch.setattr(ingesting, "CHUNK_BYTES", 1)
    again = ingest("aishell1", [source], root=tmp_path / "catalog", workers=1)
    assert (again.version, again.created) == (1, False)
    assert versions(open_root(tmp_path / "catalog"), "aishell1") == [1]


def test_another_transcript_makes_another_version(tmp_path: Path, small: ModuleType) -> None:
    """Text is part of a row, and so of the fingerprint."""
    source = small.aishell_archives(tmp_path / "in")
    ingest("aishell1", [source], root=tmp_path / "catalog", workers=1)
    waves = {f"data_aishell/wav/{name}.tar.gz": small.packed(files) for name, files in small.aishell_waves().items()}
    other = {
        "data_aishell/transcript/aishell_transcript_v0.8.txt": small.aishell_transcript().replace(
            "唱歌".encode(), "跳舞".encode()
        )
    }
    small.lay(source, {"data_aishell.tgz": small.packed(other | waves)})
    assert ingest("aishell1", [source], root=tmp_path / "catalog", workers=1).version == 2


@pytest.mark.server
def test_ingest_into_object_storage(tmp_path: Path, s3_url: str, small: ModuleType) -> None:
    """From worker processes too."""
    source = small.aishell_archives(tmp_path / "in")
    ingest("aishell1", [source], root=s3_url, workers=2)
    ingest("aishell1", [source], root=tmp_path / "catalog", workers=1)
    assert small.manifest(s3_url).splits == small.manifest(tmp_path / "catalog").splits
    assert not ingest("aishell1", [source], root=s3_url, workers=1).created


def test_a_sample_is_the_first_of_each_split_under_a_name_of_its_own(tmp_path: Path, small: ModuleType) -> None:
    """And the manifest says so."""
    ingest("aishell1", [small.aishell_archives(tmp_path / "in")], root=tmp_path / "catalog", workers=1, sample=5)
    version = small.manifest(tmp_path / "catalog", "aishell1_sample")
    assert {split: entry.rows for split, entry in version.splits.items()} == {"train": 5, "validation": 5, "test": 5}
    assert version.overrides == {"sample": 5}
    train = [id_ for id_, row in small.rows(tmp_path / "catalog", "aishell1_sample").items() if row["split"] == "train"]
    assert train == [f"BAC009S0002W{122 + k:04}" for k in range(4)] + ["BAC009S0003W0122"]


def test_librispeech_from_archives_and_from_a_folder(tmp_path: Path, small: ModuleType) -> None:
    """Each archive repeats the TXT files; transcripts stand per chapter; a chapter is a recording."""
    subsets = {"train-clean-100": [60, 70], "dev-other": [80], "test-other": [61]}
    for subset, speakers in subsets.items():
        files = small.librispeech(subset, speakers)
        small.lay(tmp_path / "in", {f"{subset}.tar.gz": small.packed(files)})
        small.lay(tmp_path / "unpacked", files)
    for source, root in ((tmp_path / "in", "a"), (tmp_path / "unpacked", "b"), (tmp_path / "unpacked" / "LibriSpeech", "c")):
        ingest("librispeech", [source], root=tmp_path / root, workers=1)
    assert len({small.manifest(tmp_path / root, "librispeech").rows_digest for root in "abc"}) == 1
    found = small.rows(tmp_path / "a", "librispeech")
    assert len(found) == 12
    row = found["60-121726-0001"]
    assert row["audio"]["bytes"] == wav.encode(small.noise("60-1"), small.RATE_HZ)
    assert (row["text"], row["text_original"]) == ("IT'S LINE 1", "IT'S LINE 1")
    assert (row["speaker_id"], row["gender"], row["recording_id"]) == ("60", "male", "60-121726")
    assert {row["official_split"]: row["split"] for row in found.values()} == {
        "train-clean-100": "train",
        "dev-other": "validation",
        "test-other": "test",
    }
    assert {row["gender"] for row in found.values() if row["speaker_id"] in ("70", "80")} == {"unknown"}


def test_a_part_of_the_folder_says_which_part_it_is(tmp_path: Path, small: ModuleType) -> None:
    """`--from LibriSpeech/test-other`, without transcripts: text is null and counted."""
    files = {path: data for path, data in small.librispeech("test-other", [61]).items() if path.endswith(".flac")}
    small.lay(tmp_path, files)
    ingest("librispeech", [tmp_path / "LibriSpeech" / "test-other"], root=tmp_path / "catalog", workers=1)
    version = small.manifest(tmp_path / "catalog", "librispeech")
    assert version.splits["test"].rows == version.report["without_text"] == 3


def test_progress_ends_at_its_total(tmp_path: Path, small: ModuleType) -> None:
    """In bytes; never backwards, never beyond."""
    archives = small.aishell_archives(tmp_path / "in")
    folder = small.lay(tmp_path / "unpacked", small.librispeech("test-other", [61, 62]))
    for corpus, source in (("aishell1", archives), ("librispeech", folder)):
        steps: list[tuple[int, int | None, str]] = []
        ingest(corpus, [source], root=tmp_path / corpus, workers=1, progress=lambda *step, to=steps: to.append(step))
        done = [step[0] for step in steps]
        assert done == sorted(done)
        assert {step[1:] for step in steps} == {(done[-1], "B")}


def test_the_manifest_names_no_folder_of_this_machine(tmp_path: Path, small: ModuleType) -> None:
    """So that the same corpus gives the same manifest everywhere."""
    ingest("aishell1", [small.aishell_archives(tmp_path / "in")], root=tmp_path / "catalog", workers=1)
    assert str(tmp_path) not in json.dumps(small.manifest(tmp_path / "catalog").model_dump(mode="json"))
