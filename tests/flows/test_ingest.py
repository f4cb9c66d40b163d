"""Corpora in their official form to versions of kind `speech`. The archives are made here, of noise, and small."""

import hashlib
import io
import json
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from numpy.typing import NDArray

from catalog.manifests import Manifest, dataset_names, read_manifest, versions
from catalog.roots import open_root
from catalog.shards import blob_path
from flows.reading.members import ArchiveError
from flows.recordings import ingest as ingesting
from flows.recordings.ingest import IngestError, ingest
from synth import wav
from synth.levels import measure_frames

RATE_HZ = 16_000
Files = dict[str, bytes]

AISHELL_SPEAKERS = {"train": [2, 3, 4], "dev": [724, 725], "test": [764, 765]}
UNTRANSCRIBED = "BAC009S0003W0123"


def noise(name: str, num_samples: int | None = None) -> NDArray[np.int16]:
    """Its own samples for every name."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little")
    generator = np.random.default_rng(seed)
    return np.rint(generator.normal(0, 1000, num_samples or generator.integers(3000, 9000))).astype(np.int16)


def sound(samples: NDArray[np.int16], file_format: str, rate_hz: int = RATE_HZ) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=file_format, subtype="PCM_16")
    return file.getvalue()


def packed(files: Files) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz", compresslevel=1) as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return data.getvalue()


def lay(folder: Path, files: Files) -> Path:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def aishell_waves() -> dict[str, Files]:
    """By speaker: path within the speaker's archive -> WAV."""
    waves: dict[str, Files] = {}
    for split, numbers in AISHELL_SPEAKERS.items():
        for number in numbers:
            ids = [f"BAC009S{number:04}W{122 + k:04}" for k in range(4)]
            waves[f"S{number:04}"] = {f"{split}/S{number:04}/{id_}.wav": sound(noise(id_), "WAV") for id_ in ids}
    return waves


def aishell_transcript() -> bytes:
    ids = [Path(path).stem for files in aishell_waves().values() for path in files]
    lines = [f"{id_} 去 ｋ ｔ ｖ　唱歌 {id_[-4:]}" for id_ in ids if id_ != UNTRANSCRIBED]
    return ("\n".join(lines) + "\n").encode()


def aishell_archives(folder: Path, waves: dict[str, Files] | None = None, *, transcript_first: bool = True) -> Path:
    speakers = {f"data_aishell/wav/{speaker}.tar.gz": packed(files) for speaker, files in (waves or aishell_waves()).items()}
    transcript = {"data_aishell/transcript/aishell_transcript_v0.8.txt": aishell_transcript()}
    lay(folder, {"data_aishell.tgz": packed(transcript | speakers if transcript_first else speakers | transcript)})
    return lay(folder, {"resource_aishell.tgz": packed(aishell_resource())})


def aishell_resource() -> Files:
    genders = "".join(f"{n:04} {'FM'[n % 2]}\n" for numbers in AISHELL_SPEAKERS.values() for n in numbers if n != 765)
    return {"resource_aishell/speaker.info": genders.encode(), "resource_aishell/lexicon.txt": "去 q v4\n".encode()}


def librispeech(subset: str, speakers: Iterable[int]) -> Files:
    """The files of one official archive."""
    top = {
        "LibriSpeech/SPEAKERS.TXT": b"; comment\n;ID  |SEX| SUBSET |MINUTES| NAME\n"
        b"60   | M | train-clean-100  | 20.18 | |CBW|Simon\n"
        b"61   | F | test-other  | 20.18 | A\n",
        "LibriSpeech/README.TXT": b"read me\n",
    }
    files = dict(top)
    for speaker in speakers:
        at = f"LibriSpeech/{subset}/{speaker}/121726/{speaker}-121726"
        for k in range(3):
            files[f"{at}-{k:04}.flac"] = sound(noise(f"{speaker}-{k}"), "FLAC")
        files[f"{at}.trans.txt"] = "".join(f"{speaker}-121726-{k:04} IT'S LINE {k}\n" for k in range(3)).encode()
    return files


def manifest(root: Path | str, name: str = "aishell1") -> Manifest:
    storage = open_root(root)
    return read_manifest(storage, name, versions(storage, name)[-1])


def rows(root: Path | str, name: str = "aishell1") -> dict[str, dict[str, Any]]:
    """Rows of the newest version by id; each has its dataset split under "split"."""
    found = {}
    storage = open_root(root)
    for split, entry in manifest(root, name).splits.items():
        for shard in entry.shards:
            with pa.memory_map(str(storage.fetch(blob_path(name, shard.blob)))) as file:
                for row in pa.ipc.open_stream(file).read_all().to_pylist():
                    assert row["id"] not in found
                    found[row["id"]] = row | {"split": split}
    return found


@pytest.mark.parametrize("transcript_first", [True, False])
def test_aishell_rows_say_what_archive_and_metadata_say(tmp_path: Path, transcript_first: bool) -> None:
    """Audio to the last bit, text joined wherever it stands in the archive, genders, both names of the split, levels."""
    source = aishell_archives(tmp_path / "in", transcript_first=transcript_first)
    published = ingest("aishell1", [source], root=tmp_path / "catalog", workers=1)
    assert (str(published), published.created) == ("aishell1@1", True)
    found = rows(tmp_path / "catalog")
    assert len(found) == 28
    for id_, row in found.items():
        samples = noise(id_)
        energies, peaks = measure_frames(samples, RATE_HZ)
        number = int(id_[7:11])
        official = next(split for split, numbers in AISHELL_SPEAKERS.items() if number in numbers)
        assert row["audio"] == {"bytes": wav.encode(samples, RATE_HZ), "path": f"{id_}.wav"}
        assert row["audio_sha256"] == hashlib.sha256(samples.astype("<i2").tobytes()).hexdigest()
        assert row["frame_energies"] == energies.tolist()
        assert row["frame_peaks"] == peaks.tolist()
        assert (row["num_samples"], row["sample_rate_hz"]) == (len(samples), RATE_HZ)
        assert row["duration_s"] == len(samples) / RATE_HZ
        assert row["speaker_id"] == f"S{number:04}"
        assert row["gender"] == ("unknown" if number == 765 else "male" if number % 2 else "female")
        assert row["language"] == "zh-CN"
        assert row["official_split"] == official
        assert row["split"] == {"train": "train", "dev": "validation", "test": "test"}[official]
        if id_ == UNTRANSCRIBED:
            assert row["text"] is row["text_original"] is None
        else:
            assert row["text_original"] == f"去 ｋ ｔ ｖ　唱歌 {id_[-4:]}"
            assert row["text"] == f"去ktv唱歌{id_[-4:]}"


def test_report_and_statistics_count(tmp_path: Path) -> None:
    """What lacks text or gender, hours, speakers, durations."""
    ingest("aishell1", [aishell_archives(tmp_path / "in")], root=tmp_path / "catalog", workers=1)
    version = manifest(tmp_path / "catalog")
    assert version.kind == "speech"
    assert version.sample_rate_hz == RATE_HZ
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
    found = rows(tmp_path / "catalog")
    statistics = version.statistics
    assert statistics["hours"] == pytest.approx(sum(row["duration_s"] for row in found.values()) / 3600, abs=1e-4)
    assert statistics["speakers_by_gender"] == {"female": 4, "male": 2, "unknown": 1}
    assert statistics["splits"]["train"]["utterances"] == 12
    assert sum(statistics["duration_s"]["histogram"]) == 28
    assert set(version.splits) == {"train", "validation", "test"}


def test_archive_and_unpacked_folders_give_the_same_rows(tmp_path: Path) -> None:
    """Archives by folder and by name, the outer one unpacked, the inner ones too, each folder by itself."""
    waves = aishell_waves()
    archives = aishell_archives(tmp_path / "in")
    transcript = {"data_aishell/transcript/aishell_transcript_v0.8.txt": aishell_transcript()} | aishell_resource()
    outer = lay(
        tmp_path / "outer", transcript | {f"data_aishell/wav/{name}.tar.gz": packed(files) for name, files in waves.items()}
    )
    inner = lay(
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
        digests.add((manifest(tmp_path / f"catalog{k}").rows_digest, manifest(tmp_path / f"catalog{k}").fingerprint))
    assert len(digests) == 1


def test_four_workers_make_what_one_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same shards in the same order."""
    monkeypatch.setattr(ingesting, "CHUNK_BYTES", 20_000)
    source = aishell_archives(tmp_path / "in")
    for workers in (1, 4):
        ingest("aishell1", [source], root=tmp_path / f"catalog{workers}", workers=workers)
    one, four = manifest(tmp_path / "catalog1"), manifest(tmp_path / "catalog4")
    assert one.splits == four.splits
    assert len(one.splits["train"].shards) > 3
    assert (one.report, one.statistics, one.fingerprint) == (four.report, four.statistics, four.fingerprint)


def test_the_size_of_shards_changes_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And so a second ingest with other shards publishes nothing."""
    source = aishell_archives(tmp_path / "in")
    assert ingest("aishell1", [source], root=tmp_path / "catalog", workers=1).created
    monkeypatch.setattr(ingesting, "CHUNK_BYTES", 1)
    again = ingest("aishell1", [source], root=tmp_path / "catalog", workers=1)
    assert (again.version, again.created) == (1, False)
    assert versions(open_root(tmp_path / "catalog"), "aishell1") == [1]


def test_another_transcript_makes_another_version(tmp_path: Path) -> None:
    """Text is part of a row, and so of the fingerprint."""
    source = aishell_archives(tmp_path / "in")
    ingest("aishell1", [source], root=tmp_path / "catalog", workers=1)
    waves = {f"data_aishell/wav/{name}.tar.gz": packed(files) for name, files in aishell_waves().items()}
    other = {
        "data_aishell/transcript/aishell_transcript_v0.8.txt": aishell_transcript().replace("唱歌".encode(), "跳舞".encode())
    }
    lay(source, {"data_aishell.tgz": packed(other | waves)})
    assert ingest("aishell1", [source], root=tmp_path / "catalog", workers=1).version == 2


@pytest.mark.server
def test_ingest_into_object_storage(tmp_path: Path, s3_url: str) -> None:
    """From worker processes too."""
    source = aishell_archives(tmp_path / "in")
    ingest("aishell1", [source], root=s3_url, workers=2)
    ingest("aishell1", [source], root=tmp_path / "catalog", workers=1)
    assert manifest(s3_url).splits == manifest(tmp_path / "catalog").splits
    assert not ingest("aishell1", [source], root=s3_url, workers=1).created


BROKEN: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "BAC009S0002W0122": (lambda data: b"", "empty file"),
    "BAC009S0002W0123": (lambda data: data[: len(data) // 2], "cut short"),
    "BAC009S0003W0122": (lambda data: sound(noise("x"), "WAV", 8000), "8000 Hz where 16000 Hz is declared"),
    "BAC009S0724W0124": (lambda data: sound(np.stack([noise("x", 500)] * 2, axis=1), "WAV"), "2 channels"),
    "BAC009S0764W0125": (lambda data: b"<html>404</html>", "not readable as audio"),
}


@pytest.mark.parametrize("workers", [1, 2])
def test_broken_audio_is_quarantined(tmp_path: Path, workers: int) -> None:
    """Counted and named with the reason in the report; all else is in the version."""
    waves = aishell_waves()
    for files in waves.values():
        for path in files:
            if Path(path).stem in BROKEN:
                files[path] = BROKEN[Path(path).stem][0](files[path])
    ingest("aishell1", [aishell_archives(tmp_path / "in", waves)], root=tmp_path / "catalog", workers=workers)
    found = rows(tmp_path / "catalog")
    assert len(found) == 28 - len(BROKEN)
    assert not found.keys() & BROKEN.keys()
    quarantined = manifest(tmp_path / "catalog").report["quarantined"]
    assert quarantined["count"] == len(BROKEN)
    reasons = {Path(entry["member"]).stem: entry for entry in quarantined["names"]}
    for id_, (_, reason) in BROKEN.items():
        assert reason in reasons[id_]["reason"]
        assert reasons[id_]["member"].startswith("data_aishell/wav/")
        assert reasons[id_]["member"] not in reasons[id_]["reason"]


def test_a_truncated_flac_is_quarantined(tmp_path: Path) -> None:
    """Of LibriSpeech, by the MD5 or the length in its header."""
    files = librispeech("test-other", [61])
    path = "LibriSpeech/test-other/61/121726/61-121726-0001.flac"
    files[path] = files[path][: len(files[path]) * 2 // 3]
    lay(tmp_path / "in", {"test-other.tar.gz": packed(files)})
    ingest("librispeech", [tmp_path / "in"], root=tmp_path / "catalog", workers=1)
    version = manifest(tmp_path / "catalog", "librispeech")
    assert [entry["member"] for entry in version.report["quarantined"]["names"]] == [path]
    assert version.splits["test"].rows == 2


def test_duplicates_and_foreign_audio_are_counted(tmp_path: Path) -> None:
    """The first utterance of an id stays; audio whose path is none of the corpus is named."""
    source = lay(
        tmp_path / "in",
        {
            "wav/train/S0002/BAC009S0002W0122.wav": sound(noise("first"), "WAV"),
            "wav/train/S0002/._BAC009S0002W0122.wav": b"junk of another system",
            "wav/train/S0002/extra.wav": sound(noise("extra"), "WAV"),
            "zweite/wav/train/S0002/BAC009S0002W0122.wav": sound(noise("second"), "WAV"),
        },
    )
    ingest("aishell1", [source], root=tmp_path / "catalog", workers=1)
    (row,) = rows(tmp_path / "catalog").values()
    assert row["audio"]["bytes"] == wav.encode(noise("first"), RATE_HZ)
    report = manifest(tmp_path / "catalog").report
    assert report["duplicates"] == {"count": 1, "names": ["in/zweite/wav/train/S0002/BAC009S0002W0122.wav"]}
    assert report["foreign_audio"]["count"] == 2


def test_transcripts_without_audio_and_empty_ones_are_counted(tmp_path: Path) -> None:
    """Audio that is missing shows; a transcript that says nothing is none."""
    waves = aishell_waves()
    del waves["S0002"]["train/S0002/BAC009S0002W0125.wav"]
    source = aishell_archives(tmp_path / "in", waves)
    speakers = {f"data_aishell/wav/{name}.tar.gz": packed(files) for name, files in waves.items()}
    text = aishell_transcript().decode().replace("BAC009S0002W0122 去 ｋ ｔ ｖ　唱歌 0122", "BAC009S0002W0122 ")
    lay(source, {"data_aishell.tgz": packed({"data_aishell/transcript/aishell_transcript_v0.8.txt": text.encode()} | speakers)})
    ingest("aishell1", [source], root=tmp_path / "catalog", workers=1)
    report = manifest(tmp_path / "catalog").report
    assert report["transcripts_without_audio"] == {"count": 1, "names": ["BAC009S0002W0125"]}
    assert (report["utterances"], report["without_text"]) == (27, 2)
    assert rows(tmp_path / "catalog")["BAC009S0002W0122"]["text"] is None


def test_a_sample_is_the_first_of_each_split_under_a_name_of_its_own(tmp_path: Path) -> None:
    """And the manifest says so."""
    ingest("aishell1", [aishell_archives(tmp_path / "in")], root=tmp_path / "catalog", workers=1, sample=5)
    version = manifest(tmp_path / "catalog", "aishell1_sample")
    assert {split: entry.rows for split, entry in version.splits.items()} == {"train": 5, "validation": 5, "test": 5}
    assert version.overrides == {"sample": 5}
    train = [id_ for id_, row in rows(tmp_path / "catalog", "aishell1_sample").items() if row["split"] == "train"]
    assert train == [f"BAC009S0002W{122 + k:04}" for k in range(4)] + ["BAC009S0003W0122"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_sample_makes_up_for_what_is_unreadable(tmp_path: Path, workers: int) -> None:
    """The first two readable ones of each split, and no further one is decoded; what was left out is counted."""
    waves = aishell_waves()
    for path in list(waves["S0002"])[:3]:
        waves["S0002"][path] = b"RIFF"
    waves["S0724"] = dict.fromkeys(waves["S0724"], b"")
    source = aishell_archives(tmp_path / "in", waves)
    ingest("aishell1", [source], root=tmp_path / "catalog", sample=2, workers=workers)
    found = rows(tmp_path / "catalog", "aishell1_sample")
    assert sorted(found) == [
        *("BAC009S0002W0125", "BAC009S0003W0122"),
        *("BAC009S0725W0122", "BAC009S0725W0123"),
        *("BAC009S0764W0122", "BAC009S0764W0123"),
    ]
    assert manifest(tmp_path / "catalog", "aishell1_sample").report["quarantined"]["count"] == 7


def test_librispeech_from_archives_and_from_a_folder(tmp_path: Path) -> None:
    """Each archive repeats the TXT files; transcripts stand per chapter; a chapter is a recording."""
    subsets = {"train-clean-100": [60, 70], "dev-other": [80], "test-other": [61]}
    for subset, speakers in subsets.items():
        files = librispeech(subset, speakers)
        lay(tmp_path / "in", {f"{subset}.tar.gz": packed(files)})
        lay(tmp_path / "unpacked", files)
    for source, root in ((tmp_path / "in", "a"), (tmp_path / "unpacked", "b"), (tmp_path / "unpacked" / "LibriSpeech", "c")):
        ingest("librispeech", [source], root=tmp_path / root, workers=1)
    assert len({manifest(tmp_path / root, "librispeech").rows_digest for root in "abc"}) == 1
    found = rows(tmp_path / "a", "librispeech")
    assert len(found) == 12
    row = found["60-121726-0001"]
    assert row["audio"]["bytes"] == wav.encode(noise("60-1"), RATE_HZ)
    assert (row["text"], row["text_original"]) == ("IT'S LINE 1", "IT'S LINE 1")
    assert (row["speaker_id"], row["gender"], row["recording_id"]) == ("60", "male", "60-121726")
    assert {row["official_split"]: row["split"] for row in found.values()} == {
        "train-clean-100": "train",
        "dev-other": "validation",
        "test-other": "test",
    }
    assert {row["gender"] for row in found.values() if row["speaker_id"] in ("70", "80")} == {"unknown"}


def test_a_part_of_the_folder_says_which_part_it_is(tmp_path: Path) -> None:
    """`--from LibriSpeech/test-other`, without transcripts: text is null and counted."""
    files = {path: data for path, data in librispeech("test-other", [61]).items() if path.endswith(".flac")}
    lay(tmp_path, files)
    ingest("librispeech", [tmp_path / "LibriSpeech" / "test-other"], root=tmp_path / "catalog", workers=1)
    version = manifest(tmp_path / "catalog", "librispeech")
    assert version.splits["test"].rows == version.report["without_text"] == 3


KILLED_AFTER_CHUNKS = """
import os, pathlib, signal, sys
from flows.recordings import ingest

source, catalog, moment = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
seen = 0

def kill(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

class Killed(ingest.Report):
    def add(self, written):
        global seen
        seen += 1
        if seen == moment:
            kill()
        super().add(written)

if __name__ == "__main__":
    ingest.CHUNK_BYTES = 20_000
    ingest.Report = Killed
    if moment == 0:
        ingest.publish = kill
    ingest.ingest("aishell1", [source], root=catalog, workers=2)
"""


def test_a_killed_ingest_leaves_nothing_listed_and_can_be_run_again(tmp_path: Path, process_environment: dict[str, str]) -> None:
    """kill -9 after one chunk, after several, right before the commit; the next run publishes what an undisturbed one does."""
    source = aishell_archives(tmp_path / "in")
    (tmp_path / "program.py").write_text(KILLED_AFTER_CHUNKS)
    for moment in (1, 6, 0):
        command = [sys.executable, tmp_path / "program.py", source, tmp_path / "catalog", str(moment)]
        assert subprocess.run(command, env=process_environment, timeout=60).returncode == -signal.SIGKILL
        assert dataset_names(open_root(tmp_path / "catalog")) == []
    assert open_root(tmp_path / "catalog").children("aishell1/blobs")
    assert ingest("aishell1", [source], root=tmp_path / "catalog", workers=1).version == 1
    ingest("aishell1", [source], root=tmp_path / "undisturbed", workers=1)
    assert manifest(tmp_path / "catalog").splits == manifest(tmp_path / "undisturbed").splits


def test_progress_ends_at_its_total(tmp_path: Path) -> None:
    """In bytes; never backwards, never beyond."""
    archives = aishell_archives(tmp_path / "in")
    folder = lay(tmp_path / "unpacked", librispeech("test-other", [61, 62]))
    for corpus, source in (("aishell1", archives), ("librispeech", folder)):
        steps: list[tuple[int, int | None, str]] = []
        ingest(corpus, [source], root=tmp_path / corpus, workers=1, progress=lambda *step, to=steps: to.append(step))
        done = [step[0] for step in steps]
        assert done == sorted(done)
        assert {step[1:] for step in steps} == {(done[-1], "B")}


def test_what_cannot_be_read_is_refused_in_one_line(tmp_path: Path) -> None:
    """With what was expected and where to get it; nothing is published."""
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "a.txt").write_text("no archive")
    resource = lay(tmp_path / "half", {"resource_aishell.tgz": packed(aishell_resource())})
    all_broken = {"S0002": {"train/S0002/BAC009S0002W0122.wav": b"", "train/S0002/BAC009S0002W0123.wav": b""}}
    broken = aishell_archives(tmp_path / "broken", all_broken)
    latin = lay(tmp_path / "latin", {"transcript/aishell_transcript_v0.8.txt": "BAC009S0002W0122 而".encode("gb18030")})
    hostile = lay(tmp_path / "hostile", {"data_aishell.tgz": packed({"../../wav/train/S0002/BAC009S0002W0122.wav": b""})})
    cases: list[tuple[list[Path], type[Exception], str]] = [
        ([tmp_path / "nowhere"], IngestError, r"nowhere: no such file or folder; .*data_aishell\.tgz.*openslr\.org/33"),
        ([tmp_path / "a.txt"], IngestError, r"a\.txt: neither a folder nor an archive that can be read"),
        ([], IngestError, r"nothing to read aishell1 from; .*data_aishell\.tgz"),
        ([empty], IngestError, r"no recording of aishell1"),
        ([resource], IngestError, r"no recording of aishell1"),
        ([broken], IngestError, r"not one of 2 recordings is readable.*BAC009S0002W0122\.wav: empty file"),
        ([latin], IngestError, r"aishell_transcript_v0\.8\.txt is not UTF-8"),
        ([hostile], ArchiveError, r"points outside its folder"),
    ]
    for sources, error, text in cases:
        with pytest.raises(error, match=text) as caught:
            ingest("aishell1", sources, root=tmp_path / "catalog", workers=1)
        assert "\n" not in str(caught.value)
    with pytest.raises(IngestError, match="at least 1"):
        ingest("aishell1", [resource], root=tmp_path / "catalog", sample=0)
    assert open_root(tmp_path / "catalog").children("aishell1/manifests") == []


def test_an_archive_cut_short_publishes_nothing(tmp_path: Path) -> None:
    """Wherever it breaks off, in the outer archive or in an inner one."""
    source = aishell_archives(tmp_path / "in")
    whole = (source / "data_aishell.tgz").read_bytes()
    for part in (0.01, 0.3, 0.7, 0.999):
        (source / "data_aishell.tgz").write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(ArchiveError, match=r"data_aishell\.tgz.* damaged or cut short"):
            ingest("aishell1", [source], root=tmp_path / "catalog", workers=1)
    speakers = {f"data_aishell/wav/{name}.tar.gz": packed(files) for name, files in aishell_waves().items()}
    last = "data_aishell/wav/S0765.tar.gz"
    speakers[last] = speakers[last][:-500]
    (source / "data_aishell.tgz").write_bytes(packed(speakers))
    with pytest.raises(ArchiveError, match=r"S0765\.tar\.gz: damaged or cut short"):
        ingest("aishell1", [source], root=tmp_path / "catalog", workers=2)
    assert open_root(tmp_path / "catalog").children("aishell1/manifests") == []


def test_lines_that_are_not_understood_are_named(tmp_path: Path) -> None:
    """In speaker.info; the genders that are understood count."""
    source = aishell_archives(tmp_path / "in")
    lay(source, {"resource_aishell.tgz": packed({"resource_aishell/speaker.info": b"0002 F\nS0003 M\n0004 ?\n"})})
    ingest("aishell1", [source], root=tmp_path / "catalog", workers=1)
    assert manifest(tmp_path / "catalog").report["metadata_lines_not_understood"] == {"count": 1, "names": ["0004 ?"]}
    genders = {row["speaker_id"]: row["gender"] for row in rows(tmp_path / "catalog").values()}
    assert (genders["S0002"], genders["S0003"], genders["S0004"]) == ("female", "male", "unknown")


def test_the_manifest_names_no_folder_of_this_machine(tmp_path: Path) -> None:
    """So that the same corpus gives the same manifest everywhere."""
    ingest("aishell1", [aishell_archives(tmp_path / "in")], root=tmp_path / "catalog", workers=1)
    assert str(tmp_path) not in json.dumps(manifest(tmp_path / "catalog").model_dump(mode="json"))
