"""Noises and room impulse responses, other rates, parts of files, metadata that settle splits, counts that differ."""

import hashlib
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import soundfile

from catalog.errors import LeakageError
from catalog.manifests import Licence, Manifest, read_manifest, versions
from catalog.roots import open_root
from catalog.shards import blob_path
from catalog.verify import verify
from flows.adapter import AudioFile, Corpus, Metadata, Recording, Sound, Take, Utterance
from flows.recordings.ingest import ingest
from flows.recordings.ingest_report import told_of
from synth import wav
from synth.levels.frames import measure_frames
from synth.resample import resample

RATE_HZ = 16_000


def samples(name: str, channels: int, length: int = 4000) -> Any:
    """float64 [samples, channels], its own for every name."""
    generator = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little"))
    return generator.normal(0, 0.05, (length, channels))


def encoded(name: str, channels: int, subtype: str, rate_hz: int = RATE_HZ) -> bytes:
    data = io.BytesIO()
    soundfile.write(data, samples(name, channels), rate_hz, format="WAV", subtype=subtype)
    return data.getvalue()


def sound_of(path: str) -> Sound | None:
    name = PurePosixPath(path)
    return Sound(name.stem, "noise", name.stem, name.parent.name) if name.suffix == ".wav" else None


def speech_of(path: str) -> Utterance | None:
    name = PurePosixPath(path)
    return Utterance(name.stem, name.stem[0], name.stem, "all") if name.suffix == ".wav" else None


def corpus(**facts: Any) -> Corpus:
    return Corpus(
        **{
            "name": "made_up",
            "title": "Made up",
            "language": "und",
            "licence": Licence(name="CC0-1.0", commercial_use=True),
            "citation": "Nobody.",
            "homepage": "https://example.org/",
            "sample_rate_hz": RATE_HZ,
            "splits": {"train": "train", "test": "test"},
            **facts,
        }
    )


def lay(folder: Path, files: dict[str, bytes]) -> Path:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def published(root: Path) -> tuple[Manifest, dict[str, dict[str, Any]]]:
    """The newest version, and its rows by id."""
    storage = open_root(root)
    manifest = read_manifest(storage, "made_up", versions(storage, "made_up")[-1])
    found = {}
    for entry in manifest.splits.values():
        for shard in entry.shards:
            with pa.memory_map(str(storage.fetch(blob_path("made_up", shard.blob)))) as file:
                found |= {row["id"]: row for row in pa.ipc.open_stream(file).read_all().to_pylist()}
    assert verify("made_up", root=root).ok
    return manifest, found


def test_noises_keep_their_channels_together(tmp_path: Path) -> None:
    """PCM16 of any number of channels; frames are the mean and the maximum over them."""
    files = {
        f"{split}/{split}{channels}.wav": encoded(f"{split}{channels}", channels, "PCM_16")
        for split in ("train", "test")
        for channels in (1, 4)
    }
    ingest(corpus(kind="noise", identify=sound_of), [lay(tmp_path / "in", files)], root=tmp_path / "catalog", workers=1)
    manifest, rows = published(tmp_path / "catalog")
    assert manifest.kind == "noise"
    assert manifest.report["recordings"] == manifest.statistics["recordings"] == 4
    row = rows["train4"]
    signal, rate_hz = wav.decode_signal(row["audio"]["bytes"])
    assert (signal.shape, rate_hz, row["num_channels"], row["num_samples"]) == ((4, 4000), RATE_HZ, 4, 4000)
    by_channel = [measure_frames(np.ascontiguousarray(channel), RATE_HZ) for channel in signal]
    assert row["frame_energies"] == (sum(energies for energies, _ in by_channel) // 4).tolist()
    assert row["frame_peaks"] == np.max([peaks for _, peaks in by_channel], axis=0).tolist()
    assert rows["train1"]["frame_energies"] == measure_frames(wav.decode(rows["train1"]["audio"]["bytes"]), RATE_HZ)[0].tolist()


def test_rirs_keep_fine_steps_and_their_rate_is_brought_to_one(tmp_path: Path) -> None:
    """Float32 where the file is finer than 16 bits; another rate only where the adapter allows it."""
    files = {
        "train/fine.wav": encoded("fine", 8, "PCM_24"),
        "train/plain.wav": encoded("plain", 1, "PCM_16"),
        "test/fast.wav": encoded("fast", 2, "FLOAT", 48_000),
    }
    source = lay(tmp_path / "in", files)
    ingest(corpus(kind="rir", identify=sound_of, resampled=True), [source], root=tmp_path / "catalog", workers=1)
    _, rows = published(tmp_path / "catalog")
    fine, _ = wav.decode_signal(rows["fine"]["audio"]["bytes"])
    assert fine.dtype == np.float32
    assert np.allclose(fine.T, samples("fine", 8), atol=2**-23)
    assert wav.decode_signal(rows["plain"]["audio"]["bytes"])[0].dtype == np.int16
    assert (rows["fast"]["sample_rate_hz"], rows["fast"]["num_samples"], rows["fast"]["num_channels"]) == (RATE_HZ, 1333, 2)
    ingest(corpus(kind="rir", identify=sound_of), [source], root=tmp_path / "strict", workers=1)
    manifest, rows = published(tmp_path / "strict")
    assert rows.keys() == {"fine", "plain"}
    assert manifest.report["quarantined"]["names"][0]["reason"] == "48000 Hz where 16000 Hz is declared"


def test_speech_is_resampled_as_rendering_does_it(tmp_path: Path) -> None:
    files = {"all/a1.wav": encoded("a1", 1, "PCM_16", 48_000)}
    adapter = corpus(identify=speech_of, resampled=True, splits={"all": "train"})
    ingest(adapter, [lay(tmp_path / "in", files)], root=tmp_path / "catalog", workers=1)
    _, rows = published(tmp_path / "catalog")
    expected = resample(soundfile.read(io.BytesIO(files["all/a1.wav"]), dtype="int16")[0], 48_000, RATE_HZ)
    assert np.array_equal(wav.decode(rows["a1"]["audio"]["bytes"]), expected)


def read_takes(data: bytes, sources: Sequence[Path], metadata: Metadata) -> Iterator[AudioFile]:
    """Three pieces of one recording, the last of which lies behind its end."""
    spans = {"a": (0.0, 0.1), "b": (0.1, None), "c": (0.2, 0.9)}
    takes = [Take(Utterance(name, f"speaker {name}", "long", "all"), *span) for name, span in spans.items()]
    metadata.texts.update(a="one", b="two")
    yield AudioFile("long.wav", data, tuple(takes[:2]))
    yield AudioFile("long.wav", data, tuple(takes[2:]))


def test_pieces_of_a_recording_become_rows(tmp_path: Path) -> None:
    """By an adapter that reads on its own; a piece that is not there is named."""
    data = encoded("long", 1, "PCM_16")
    adapter = corpus(read=partial(read_takes, data), splits={"all": "train"})
    ingest(adapter, [lay(tmp_path / "in", {"x": b""})], root=tmp_path / "catalog", workers=1)
    manifest, rows = published(tmp_path / "catalog")
    whole = wav.decode(data)
    assert np.array_equal(wav.decode(rows["a"]["audio"]["bytes"]), whole[:1600])
    assert np.array_equal(wav.decode(rows["b"]["audio"]["bytes"]), whole[1600:])
    assert (rows["a"]["text"], rows["b"]["text"], rows["b"]["recording_id"]) == ("one", "two", "long")
    assert "c is to be 0.2 to 0.9 s of its 0.250 s" in manifest.report["quarantined"]["names"][0]["reason"]


def split_list(text: str, metadata: Metadata) -> None:
    metadata.facts.update(line.split(",") for line in text.split())


def settled(recording: Recording, metadata: Metadata) -> Recording | None:
    split = metadata.facts.get(recording.id)
    return None if split == "drop" else replace(recording, official_split=split or "train")


@pytest.mark.parametrize("list_first", [True, False])
def test_metadata_settle_splits_wherever_they_stand(tmp_path: Path, list_first: bool) -> None:
    """In front of the audio or behind it; what they leave out is named, and counts other than declared ones are told."""
    waves = {f"w/{name}.wav": encoded(name, 1, "PCM_16") for name in ("a1", "b1", "c1", "d1")}
    split_file = {"list.txt": b"b1,test c1,drop d1,elsewhere"}
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path, content in ({**split_file, **waves} if list_first else {**waves, **split_file}).items():
            archive.writestr(path, content)
    adapter = corpus(
        identify=speech_of, settle=settled, metadata={"list.txt": split_list}, rows={"train": 5, "test": 1}, recalled=("five",)
    )
    (tmp_path / "a.zip").write_bytes(data.getvalue())
    ingest(adapter, [tmp_path / "a.zip"], root=tmp_path / "catalog", workers=1)
    manifest, rows = published(tmp_path / "catalog")
    assert {split: entry.rows for split, entry in manifest.splits.items()} == {"train": 1, "test": 1}
    assert rows["b1"]["official_split"] == "test"
    assert manifest.report["left_out"]["names"] == ["w/c1.wav", "w/d1.wav"]
    assert manifest.report["other_counts_than_declared"] == {"train": {"declared": 5, "found": 1}}
    assert manifest.report["not_confirmed_yet"] == ["five"]
    ingest(adapter, [tmp_path / "a.zip"], sample=1, root=tmp_path / "sampled", workers=1)
    sample = read_manifest(open_root(tmp_path / "sampled"), "made_up_sample", 1)
    assert {split: entry.rows for split, entry in sample.splits.items()} == {"train": 1, "test": 1}


def test_silence_is_counted_and_is_nobodys_recording(tmp_path: Path) -> None:
    """Two clips in which nothing was recorded have the same samples; neither is left out, and they are no leak."""
    silent = wav.encode(np.zeros(4000, np.int16), RATE_HZ)
    files = {"test/e1.wav": silent, "train/t1.wav": silent, "train/t2.wav": encoded("t2", 1, "PCM_16")}
    adapter = corpus(kind="noise", identify=sound_of)
    ingest(adapter, [lay(tmp_path / "in", files)], root=tmp_path / "catalog", workers=1)
    manifest, rows = published(tmp_path / "catalog")
    assert rows["t1"]["audio_sha256"] == rows["e1"]["audio_sha256"]
    assert manifest.report["silent"] == {"count": 2, "names": ["in/test/e1.wav", "in/train/t1.wav"]}
    assert told_of(manifest) == ["2 recordings without a sound, the first: in/test/e1.wav"]
    files["test/e2.wav"] = files["train/t2.wav"]
    with pytest.raises(LeakageError, match="1 values of audio_sha256"):
        ingest(adapter, [lay(tmp_path / "in", files)], root=tmp_path / "catalog", workers=1)


def test_what_was_left_out_is_told_at_once(tmp_path: Path) -> None:
    """What the command prints below the counts: how many, and the first."""
    files = {"train/a1.wav": encoded("a1", 1, "PCM_16"), "train/b1.wav": b"", "train/c1.wav": b"no audio"}
    adapter = corpus(identify=sound_of, kind="noise", rows={"train": 3})
    ingest(adapter, [lay(tmp_path / "in", files)], root=tmp_path / "catalog", workers=1)
    manifest, _ = published(tmp_path / "catalog")
    assert told_of(manifest) == [
        "2 files left out as unreadable, the first: in/train/b1.wav: empty file",
        "1 rows of 'train', where the whole corpus has 3",
    ]
    ingest(adapter, [tmp_path / "in"], sample=1, root=tmp_path / "sampled", workers=1)
    sample = read_manifest(open_root(tmp_path / "sampled"), "made_up_sample", 1)
    assert told_of(sample) == []  # it is not the whole corpus, and need not be


def test_a_recording_larger_than_a_row_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrow's offsets end at 2 GB."""
    monkeypatch.setattr("flows.recordings.staging._LARGEST_ROW_BYTES", 10_000)
    files = {"train/a1.wav": encoded("a1", 1, "PCM_16"), "train/b1.wav": encoded("b1", 2, "PCM_16")}
    ingest(corpus(identify=sound_of, kind="noise"), [lay(tmp_path / "in", files)], root=tmp_path / "catalog", workers=1)
    manifest, rows = published(tmp_path / "catalog")
    assert rows.keys() == {"a1"}
    assert "16,044 bytes as it would be kept" in manifest.report["quarantined"]["names"][0]["reason"]
