"""Ingest of what is damaged, cut short, missing or strange, and ingest that is killed."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from catalog.manifests import dataset_names
from catalog.roots import open_root
from flows.reading.members import ArchiveError
from flows.recordings.ingest import IngestError, ingest
from synth import wav


def broken(small: ModuleType) -> dict[str, tuple[Callable[[bytes], bytes], str]]:
    """By id: what is done to the file, and the reason that the report gives."""
    return {
        "BAC009S0002W0122": (lambda data: b"", "empty file"),
        "BAC009S0002W0123": (lambda data: data[: len(data) // 2], "cut short"),
        "BAC009S0003W0122": (lambda data: small.sound(small.noise("x"), "WAV", 8000), "8000 Hz where 16000 Hz is declared"),
        "BAC009S0724W0124": (lambda data: small.sound(np.stack([small.noise("x", 500)] * 2, axis=1), "WAV"), "2 channels"),
        "BAC009S0764W0125": (lambda data: b"<html>404</html>", "not readable as audio"),
    }


@pytest.mark.parametrize("workers", [1, 2])
def test_broken_audio_is_quarantined(tmp_path: Path, workers: int, small: ModuleType) -> None:
    """Counted and named with the reason in the report; all else is in the version."""
    broken_ones, waves = broken(small), small.aishell_waves()
    for files in waves.values():
        for path in files:
            if Path(path).stem in broken_ones:
                files[path] = broken_ones[Path(path).stem][0](files[path])
    ingest("aishell1", [small.aishell_archives(tmp_path / "in", waves)], root=tmp_path / "catalog", workers=workers)
    found = small.rows(tmp_path / "catalog")
    assert len(found) == 28 - len(broken_ones)
    assert not found.keys() & broken_ones.keys()
    quarantined = small.manifest(tmp_path / "catalog").report["quarantined"]
    assert quarantined["count"] == len(broken_ones)
    reasons = {Path(entry["member"]).stem: entry for entry in quarantined["names"]}
    for id_, (_, reason) in broken_ones.items():
        assert reason in reasons[id_]["reason"]
        assert reasons[id_]["member"].startswith("data_aishell/wav/")
        assert reasons[id_]["member"] not in reasons[id_]["reason"]


def test_a_truncated_flac_is_quarantined(tmp_path: Path, small: ModuleType) -> None:
    """Of LibriSpeech, by the MD5 or the length in its header."""
    files = small.librispeech("test-other", [61])
    path = "LibriSpeech/test-other/61/121726/61-121726-0001.flac"
    files[path] = files[path][: len(files[path]) * 2 // 3]
    small.lay(tmp_path / "in", {"test-other.tar.gz": small.packed(files)})
    ingest("librispeech", [tmp_path / "in"], root=tmp_path / "catalog", workers=1)
    version = small.manifest(tmp_path / "catalog", "librispeech")
    assert [entry["member"] for entry in version.report["quarantined"]["names"]] == [path]
    assert version.splits["test"].rows == 2


def test_duplicates_and_foreign_audio_are_counted(tmp_path: Path, small: ModuleType) -> None:
    """The first utterance of an id stays; audio whose path is none of the corpus is named."""
    source = small.lay(
        tmp_path / "in",
        {
            "wav/train/S0002/BAC009S0002W0122.wav": small.sound(small.noise("first"), "WAV"),
            "wav/train/S0002/._BAC009S0002W0122.wav": b"junk of another system",
            "wav/train/S0002/extra.wav": small.sound(small.noise("extra"), "WAV"),
            "zweite/wav/train/S0002/BAC009S0002W0122.wav": small.sound(small.noise("second"), "WAV"),
        },
    )
    ingest("aishell1", [source], root=tmp_path / "catalog", workers=1)
    (row,) = small.rows(tmp_path / "catalog").values()
    assert row["audio"]["bytes"] == wav.encode(small.noise("first"), small.RATE_HZ)
    report = small.manifest(tmp_path / "catalog").report
    assert report["duplicates"] == {"count": 1, "names": ["in/zweite/wav/train/S0002/BAC009S0002W0122.wav"]}
    assert report["foreign_audio"]["count"] == 2


def test_transcripts_without_audio_and_empty_ones_are_counted(tmp_path: Path, small: ModuleType) -> None:
    """Audio that is missing shows; a transcript that says nothing is none."""
    waves = small.aishell_waves()
    del waves["S0002"]["train/S0002/BAC009S0002W0125.wav"]
    source = small.aishell_archives(tmp_path / "in", waves)
    speakers = {f"data_aishell/wav/{name}.tar.gz": small.packed(files) for name, files in waves.items()}
    text = small.aishell_transcript().decode().replace("BAC009S0002W0122 去 ｋ ｔ ｖ　唱歌 0122", "BAC009S0002W0122 ")
    small.lay(
        source,
        {"data_aishell.tgz": small.packed({"data_aishell/transcript/aishell_transcript_v0.8.txt": text.encode()} | speakers)},
    )
    ingest("aishell1", [source], root=tmp_path / "catalog", workers=1)
    report = small.manifest(tmp_path / "catalog").report
    assert report["transcripts_without_audio"] == {"count": 1, "names": ["BAC009S0002W0125"]}
    assert (report["utterances"], report["without_text"]) == (27, 2)
    assert small.rows(tmp_path / "catalog")["BAC009S0002W0122"]["text"] is None


@pytest.mark.parametrize("workers", [1, 2])
def test_a_sample_makes_up_for_what_is_unreadable(tmp_path: Path, workers: int, small: ModuleType) -> None:
    """The first two readable ones of each split, and no further one is decoded; what was left out is counted."""
    waves = small.aishell_waves()
    for path in list(waves["S0002"])[:3]:
        waves["S0002"][path] = b"RIFF"
    waves["S0724"] = dict.fromkeys(waves["S0724"], b"")
    source = small.aishell_archives(tmp_path / "in", waves)
    ingest("aishell1", [source], root=tmp_path / "catalog", sample=2, workers=workers)
    found = small.rows(tmp_path / "catalog", "aishell1_sample")
    assert sorted(found) == [
        *("BAC009S0002W0125", "BAC009S0003W0122"),
        *("BAC009S0725W0122", "BAC009S0725W0123"),
        *("BAC009S0764W0122", "BAC009S0764W0123"),
    ]
    assert small.manifest(tmp_path / "catalog", "aishell1_sample").report["quarantined"]["count"] == 7


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


def test_a_killed_ingest_leaves_nothing_listed_and_can_be_run_again(
    tmp_path: Path, process_environment: dict[str, str], small: ModuleType
) -> None:
    """kill -9 after one chunk, after several, right before the commit; the next run publishes what an undisturbed one does."""
    source = small.aishell_archives(tmp_path / "in")
    (tmp_path / "program.py").write_text(KILLED_AFTER_CHUNKS)
    for moment in (1, 6, 0):
        command = [sys.executable, tmp_path / "program.py", source, tmp_path / "catalog", str(moment)]
        assert subprocess.run(command, env=process_environment, timeout=60).returncode == -signal.SIGKILL
        assert dataset_names(open_root(tmp_path / "catalog")) == []
    assert open_root(tmp_path / "catalog").children("aishell1/blobs")
    assert ingest("aishell1", [source], root=tmp_path / "catalog", workers=1).version == 1
    ingest("aishell1", [source], root=tmp_path / "undisturbed", workers=1)
    assert small.manifest(tmp_path / "catalog").splits == small.manifest(tmp_path / "undisturbed").splits


def test_what_cannot_be_read_is_refused_in_one_line(tmp_path: Path, small: ModuleType) -> None:
    """With what was expected and where to get it; nothing is published."""
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "a.txt").write_text("no archive")
    resource = small.lay(tmp_path / "half", {"resource_aishell.tgz": small.packed(small.aishell_resource())})
    all_broken = {"S0002": {"train/S0002/BAC009S0002W0122.wav": b"", "train/S0002/BAC009S0002W0123.wav": b""}}
    broken = small.aishell_archives(tmp_path / "broken", all_broken)
    latin = small.lay(tmp_path / "latin", {"transcript/aishell_transcript_v0.8.txt": "BAC009S0002W0122 而".encode("gb18030")})
    hostile = small.lay(
        tmp_path / "hostile", {"data_aishell.tgz": small.packed({"../../wav/train/S0002/BAC009S0002W0122.wav": b""})}
    )
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


def test_an_archive_cut_short_publishes_nothing(tmp_path: Path, small: ModuleType) -> None:
    """Wherever it breaks off, in the outer archive or in an inner one."""
    source = small.aishell_archives(tmp_path / "in")
    whole = (source / "data_aishell.tgz").read_bytes()
    for part in (0.01, 0.3, 0.7, 0.999):
        (source / "data_aishell.tgz").write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(ArchiveError, match=r"data_aishell\.tgz.* damaged or cut short"):
            ingest("aishell1", [source], root=tmp_path / "catalog", workers=1)
    speakers = {f"data_aishell/wav/{name}.tar.gz": small.packed(files) for name, files in small.aishell_waves().items()}
    last = "data_aishell/wav/S0765.tar.gz"
    speakers[last] = speakers[last][:-500]
    (source / "data_aishell.tgz").write_bytes(small.packed(speakers))
    with pytest.raises(ArchiveError, match=r"S0765\.tar\.gz: damaged or cut short"):
        ingest("aishell1", [source], root=tmp_path / "catalog", workers=2)
    assert open_root(tmp_path / "catalog").children("aishell1/manifests") == []


def test_lines_that_are_not_understood_are_named(tmp_path: Path, small: ModuleType) -> None:
    """In speaker.info; the genders that are understood count."""
    source = small.aishell_archives(tmp_path / "in")
    small.lay(source, {"resource_aishell.tgz": small.packed({"resource_aishell/speaker.info": b"0002 F\nS0003 M\n0004 ?\n"})})
    ingest("aishell1", [source], root=tmp_path / "catalog", workers=1)
    assert small.manifest(tmp_path / "catalog").report["metadata_lines_not_understood"] == {"count": 1, "names": ["0004 ?"]}
    genders = {row["speaker_id"]: row["gender"] for row in small.rows(tmp_path / "catalog").values()}
    assert (genders["S0002"], genders["S0003"], genders["S0004"]) == ("female", "male", "unknown")
