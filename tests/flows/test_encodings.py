"""`ingest --encoding`: what rows keep, that it reads, verifies and mixes as WAV does, and what it costs of disk."""

import hashlib
import io
import json
import pickle
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import av
import numpy as np
import pyarrow as pa
import pytest
import soundfile

import catalog
from catalog.manifests import Licence, Manifest, read_manifest
from catalog.roots import open_root
from catalog.shards import blob_path
from flows.adapter import Corpus, Recording, Sound, Utterance
from flows.cli import run
from flows.mixtures.build import build, materialize
from flows.recordings.encodings import ENCODINGS
from flows.recordings.forget import forget
from flows.recordings.ingest import IngestError, ingest
from flows.specs import load_spec
from synth import wav

RATE_HZ = 16_000
SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".m4a", ".sph")


def bursts(seed: int, channels: int = 1, seconds: float = 0.8) -> np.ndarray:
    """float64 [samples, channels]: noise that comes and goes, its own for every seed."""
    random = np.random.default_rng(seed)
    envelope = np.repeat(random.choice([0.01, 0.1, 0.3], round(seconds * 20)), RATE_HZ // 20)
    return (
        np.convolve(random.normal(0, 0.3, len(envelope) + 15), np.hanning(16) / 8, "valid")[:, None]
        * envelope[:, None]
        * np.linspace(1, 0.5, channels)
    )


def packed(form: str, samples: np.ndarray, rate_hz: int = RATE_HZ) -> bytes:
    """The bytes of a file; "wav+" has a chunk behind its samples, "wav24" and "wavf" more than 16 bits, "sph" A-law."""
    data = io.BytesIO()
    if form == "m4a":
        layout = "mono" if samples.shape[1] == 1 else "stereo"
        with av.open(data, "w", format="ipod") as container:
            stream = container.add_stream("aac", rate=rate_hz, layout=layout)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T.astype(np.float32)), format="fltp", layout=layout)
            frame.sample_rate = rate_hz
            container.mux([*stream.encode(frame), *stream.encode(None)])
        return data.getvalue()
    if form == "wavf":
        return wav.encode_signal(np.ascontiguousarray(samples[:, 0].astype(np.float32)), rate_hz)
    how: dict[str, tuple[str, str | None]] = {"wav24": ("WAV", "PCM_24"), "wav+": ("WAV", "PCM_16"), "sph": ("NIST", "ALAW")}
    container_format, subtype = how.get(form, (form.upper(), None))
    soundfile.write(data, samples, rate_hz, format=container_format, subtype=subtype)
    if form == "wav+":
        note = b"LIST" + (12).to_bytes(4, "little") + b"INFOINAM" + bytes(4)
        whole = data.getvalue() + note
        return whole[:4] + (len(whole) - 8).to_bytes(4, "little") + whole[8:]
    return data.getvalue()


def speech_of(path: str) -> Recording | None:
    name = PurePosixPath(path)
    return Utterance(name.stem, name.parent.name, name.stem, "all") if name.suffix in SUFFIXES else None


def sound_of(path: str) -> Recording | None:
    name = PurePosixPath(path)
    return Sound(name.stem, "noise", name.stem, "all") if name.suffix in SUFFIXES else None


def corpus(kind: Any = "speech", **facts: Any) -> Corpus:
    fixed: dict[str, Any] = {
        "name": "voices",
        "title": "Voices",
        "kind": kind,
        "language": "und",
        "licence": Licence(name="CC0-1.0", commercial_use=True),
        "citation": "Nobody.",
        "homepage": "https://example.org/",
        "sample_rate_hz": RATE_HZ,
        "splits": {"all": "train"},
        "identify": speech_of if kind == "speech" else sound_of,
    }
    return Corpus(**fixed | facts)


def lay(folder: Path, files: dict[str, bytes]) -> Path:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


FORMS = ("flac", "ogg", "mp3", "m4a", "wav", "wav24", "wavf", "wav+", "sph")


@pytest.fixture
def mixed(tmp_path: Path) -> tuple[Path, dict[str, bytes]]:
    """A folder of one file of every form, and what is in it by id."""
    files = {f"{form.rstrip('+24f')}-{k}": packed(form, bursts(k)) for k, form in enumerate(FORMS)}
    return lay(tmp_path / "in", {f"amy/{name}.{name.split('-')[0]}": data for name, data in files.items()}), files


def rows_of(root: Path, name: str = "voices") -> tuple[Manifest, dict[str, dict[str, Any]]]:
    storage = open_root(root)
    manifest = read_manifest(storage, *catalog.manifests.resolve(storage, name))
    rows: dict[str, dict[str, Any]] = {}
    for entry in manifest.splits.values():
        for shard in entry.shards:
            with pa.memory_map(str(storage.fetch(blob_path(manifest.name, shard.blob)))) as file:
                rows |= {row["id"]: row for row in pa.ipc.open_stream(file).read_all().to_pylist()}
    return manifest, rows


def ingested(
    tmp_path: Path, source: Path, encoding: Any, adapter: Corpus | None = None
) -> tuple[Manifest, dict[str, dict[str, Any]]]:
    root = tmp_path / encoding
    ingest(adapter or corpus(), [source], encoding=encoding, root=root, workers=1)
    report = catalog.verify("voices", root=root)
    assert report.ok, report.problems
    return rows_of(root)


def test_every_column_but_the_audio_is_the_same_in_every_encoding(tmp_path: Path, mixed: tuple[Path, dict[str, bytes]]) -> None:
    """Digests, lengths and frames are of the samples; the audio of a row is as told, and what `path` calls it."""
    source, files = mixed
    found = {encoding: ingested(tmp_path, source, encoding) for encoding in ENCODINGS}
    bare = {
        encoding: {name: {key: value for key, value in row.items() if key != "audio"} for name, row in rows.items()}
        for encoding, (_, rows) in found.items()
    }
    assert bare["wav"] == bare["flac"] == bare["source"]
    assert len({manifest.rows_digest for manifest, _ in found.values()}) == 1
    assert len({manifest.fingerprint for manifest, _ in found.values()}) == 3
    for encoding, (manifest, rows) in found.items():
        assert manifest.spec["encoding"] == encoding
        assert {"soundfile", "libsndfile", "av", "libavcodec"} <= manifest.software.keys()
        for name, row in rows.items():
            kept, form = row["audio"]["bytes"], row["audio"]["path"].removeprefix(f"{name}.")
            if encoding == "wav":
                assert (kept[:4], form) == (b"RIFF", "wav")
            elif encoding == "flac":
                assert (kept[:4], form) == (b"fLaC", "flac")
            elif name not in ("wav-6", "wav-7"):
                assert (kept, form) == (files[name], name.split("-")[0])
            assert hashlib.sha256(samples_of(row)).hexdigest() == row["audio_sha256"]
    assert found["flac"][0].report["kept_as"] == {"flac": len(FORMS)}
    assert found["source"][0].report["kept_as"] == {"flac": 1, "m4a": 1, "mp3": 1, "ogg": 1, "sph": 1, "wav": 4}


def samples_of(row: dict[str, Any]) -> bytes:
    """The PCM16 of a row, decoded without anything of ours where that is to the last bit."""
    data, form = row["audio"]["bytes"], row["audio"]["path"].rpartition(".")[2]
    if form in ("wav", "flac") and soundfile.info(io.BytesIO(data)).subtype == "PCM_16":
        return bytes(soundfile.read(io.BytesIO(data), dtype="int16")[0].tobytes())
    if form == "m4a":
        with av.open(io.BytesIO(data)) as container:
            floats = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    else:
        floats = soundfile.read(io.BytesIO(data))[0]
    return bytes(np.clip(np.rint(floats * 32768), -32768, 32767).astype("<i2").tobytes())


def test_wavs_that_begin_as_ours_and_are_not_are_written_anew(tmp_path: Path, mixed: tuple[Path, dict[str, bytes]]) -> None:
    """Readers go by the first bytes: a chunk behind the samples would be read as samples, floats as floats."""
    _, rows = ingested(tmp_path, mixed[0], "source")
    for name in ("wav-6", "wav-7"):
        samples, _ = wav.decode_signal(rows[name]["audio"]["bytes"])
        assert samples.dtype == np.int16
        assert len(samples) == rows[name]["num_samples"] == 12_800


def test_reading_gives_the_same_arrays(tmp_path: Path, mixed: tuple[Path, dict[str, bytes]]) -> None:
    """Whole and as crops, by rows, batches and iteration."""
    for encoding in ENCODINGS:
        ingested(tmp_path, mixed[0], encoding)
    for how in ({}, {"segment": 0.2}, {"segment": 0.2, "epoch": 3}, {"segment": 2.0}):
        sets = [catalog.get("voices", split="train", root=tmp_path / encoding, **how) for encoding in ENCODINGS]
        for rows in zip(*sets, strict=True):
            for row in rows[1:]:
                assert np.array_equal(row["audio"]["array"], rows[0]["audio"]["array"])
                assert row["audio"]["sampling_rate"] == RATE_HZ
                assert row["num_samples"] == rows[0]["num_samples"]
                assert row["audio"]["array"].flags.writeable
        batches = [one[2:5]["audio"] for one in sets]
        for cells in zip(*batches, strict=True):
            assert np.array_equal(cells[0]["array"], cells[1]["array"])
            assert np.array_equal(cells[0]["array"], cells[2]["array"])


def test_datasets_work_on_what_rows_keep(tmp_path: Path, mixed: tuple[Path, dict[str, bytes]]) -> None:
    """map, filter, shuffle, select and pickles decode as they do with WAV; what `map` gives back is WAV, and read so."""

    def worked_on(encoding: Any, **how: Any) -> list[tuple[str, int, float, bytes]]:
        rows = catalog.get("voices", split="train", root=tmp_path / encoding, columns=["id", "audio", "num_samples"], **how)
        rows = rows.map(lambda row: {"peak": float(np.abs(row["audio"]["array"]).max())})
        rows = pickle.loads(
            pickle.dumps(rows.filter(lambda row: len(row["audio"]["array"]) > 100).shuffle(seed=3).select(range(6)))
        )
        halved = rows.map(lambda row: {"audio": {**row["audio"], "array": row["audio"]["array"] / 2}})
        return [
            (row["id"], row["num_samples"], row["peak"], row["audio"]["array"].tobytes() + other["audio"]["array"].tobytes())
            for row, other in zip(rows, halved, strict=True)
        ]

    for encoding in ENCODINGS:
        ingested(tmp_path, mixed[0], encoding)
    for how in ({}, {"segment": 0.2, "seed": 2}):
        found = [worked_on(encoding, **how) for encoding in ENCODINGS]
        assert found[0] == found[1] == found[2]
        assert len(found[0]) == 6


def test_others_open_what_rows_keep(tmp_path: Path, mixed: tuple[Path, dict[str, bytes]]) -> None:
    """`load_from_disk` gives the bytes and a name that tells their form."""
    import datasets

    for encoding in ENCODINGS:
        ingested(tmp_path, mixed[0], encoding)
        opened = datasets.load_from_disk(str(tmp_path / encoding / "voices" / "versions" / "1"))["train"]
        assert opened.features["audio"].decode is False
        for row in opened:
            if row["audio"]["path"].endswith(".m4a"):
                with av.open(io.BytesIO(row["audio"]["bytes"])) as container:
                    rate_hz = container.streams.audio[0].sample_rate
            else:
                rate_hz = soundfile.info(io.BytesIO(row["audio"]["bytes"])).samplerate
            assert rate_hz == RATE_HZ


def test_noises_and_rirs(tmp_path: Path) -> None:
    """Channels stay together; FLAC has eight, so that more are WAV; floats are WAV; another rate is no file of the corpus."""
    files = {
        "four.flac": packed("flac", bursts(1, 4)),
        "ten.wav": packed("wav", bursts(2, 10)),
        "fine.wav": packed("wav24", bursts(3, 2)),
        "fast.flac": packed("flac", bursts(4), 48_000),
        "stereo.m4a": packed("m4a", bursts(5, 2)),
    }
    source = lay(tmp_path / "in", files)
    for kind, forms in (
        ("noise", {"flac": {"flac": 4, "wav": 1}, "source": {"flac": 1, "m4a": 1, "wav": 3}}),
        ("rir", {"flac": {"flac": 2, "wav": 3}, "source": {"flac": 1, "wav": 4}}),
    ):
        rows = {}
        for encoding in ENCODINGS:
            manifest, rows[encoding] = ingested(tmp_path / kind, source, encoding, corpus(kind, resampled=True))
            if encoding != "wav":
                assert manifest.report["kept_as"] == forms[encoding]
            rows[encoding] = {
                row["id"]: (row["audio_sha256"], row["num_channels"], row["audio"]["array"].tobytes())
                for row in catalog.get("voices", split="train", root=tmp_path / kind / encoding)
            }
        assert rows["wav"] == rows["flac"] == rows["source"]


def talk(folder: Path, form: str) -> Path:
    """Eight speakers of five utterances."""
    return lay(
        folder,
        {f"s{k}/s{k}-{number}.{form}": packed(form, bursts(100 * k + number)) for k in range(8) for number in range(5)},
    )


def blobs(root: Path, name: str) -> list[str]:
    return sorted(path.name for path in (root / name / "blobs").iterdir())


@pytest.mark.parametrize("form", ["flac", "m4a"])
def test_sets_are_the_same_whatever_the_corpus_keeps(tmp_path: Path, form: str) -> None:
    """Stored, planned, materialised, at the corpus's rate and at another: blobs of the same digests, that is, the same bits."""
    source = talk(tmp_path / "in", form)
    counts = {"splits.train.mixtures": 20, "splits.validation.mixtures": 4, "splits.test.mixtures": 4}
    wholes = {}
    for encoding in ("wav", "flac", "source"):
        root = tmp_path / encoding
        ingest(corpus(), [source], encoding=encoding, root=root, workers=1)
        spec = {"corpus": "voices", **counts}
        build(load_spec("sep_2spk_partial", spec), name="stored", root=root, workers=1)
        build(load_spec("sep_2spk_partial", {**spec, "sample_rate_hz": 8000}), name="low", root=root, workers=1)
        planned = build(load_spec("sep_2spk_partial", {**spec, "storage": "plan"}), name="planned", root=root, workers=1)
        read = [row["mixture"]["array"].tobytes() for row in catalog.get("planned", split="train", root=root)]
        materialize(str(planned), root=root, workers=1)
        assert catalog.verify("stored", root=root).ok
        wholes[encoding] = read, {name: blobs(root, name) for name in ("stored", "low", "planned")}
    assert wholes["wav"] == wholes["flac"] == wholes["source"]


def test_the_same_again_publishes_nothing_and_another_encoding_a_version(tmp_path: Path) -> None:
    source, root = talk(tmp_path / "in", "flac"), tmp_path / "catalog"

    def again(encoding: Any) -> tuple[int, bool]:
        done = ingest(corpus(), [source], encoding=encoding, root=root, workers=1)
        return done.version, done.created

    found = [again(encoding) for encoding in ("wav", "wav", "flac", "flac", "source", "wav")]
    assert found == [(1, True), (1, False), (2, True), (2, False), (3, True), (4, True)]
    sizes = [read_manifest(open_root(root), "voices", k).splits["train"].size_bytes for k in (1, 2, 4)]
    assert sizes[0] == sizes[2] > 1.2 * sizes[1]


def test_a_speaker_is_forgotten_in_any_encoding(tmp_path: Path) -> None:
    """The version without them is the one that a later ingest makes."""
    source, root = talk(tmp_path / "in", "m4a"), tmp_path / "catalog"
    ingest(corpus(), [source], encoding="source", root=root, workers=1)
    done = forget("s3", "voices", root=root)
    assert catalog.verify("voices", root=root).ok
    again = ingest(corpus(), [source], encoding="source", root=root, workers=1)
    assert (again.version, again.created) == (done.published.version, False)


@pytest.mark.parametrize(("encoding", "form"), [("flac", "flac"), ("source", "m4a")])
def test_what_is_not_what_was_measured_is_found(tmp_path: Path, encoding: Any, form: str) -> None:
    """Other samples, fewer samples and no audio at all: verify names the rows, reading says which, a build refuses."""
    from catalog.kinds import speech_schema
    from catalog.publish import publish
    from catalog.shards import ShardWriter

    source, root = talk(tmp_path / "in", form), tmp_path / "catalog"
    ingest(corpus(), [source], encoding=encoding, root=root, workers=1)
    manifest, rows = rows_of(root)
    wrong = {"s0-0": packed(form, bursts(7)), "s0-1": packed(form, bursts(1, seconds=0.4)), "s0-2": b"no audio"}
    changed = [{**row, "audio": {**row["audio"], "bytes": wrong.get(name, row["audio"]["bytes"])}} for name, row in rows.items()]
    with ShardWriter(open_root(root), "voices", "train", speech_schema(RATE_HZ)) as writer:
        writer.write(pa.RecordBatch.from_pylist(changed, speech_schema(RATE_HZ)))
        shard = writer.close()
    kept = {"licence": manifest.licence, "spec": manifest.spec, "sample_rate_hz": RATE_HZ, "root": root}
    publish("voices", kind="speech", splits={"train": [shard]}, fingerprint="changed", **kept)  # type: ignore[arg-type]
    (problem,) = catalog.verify("voices", root=root).problems
    assert "sample_rate_hz, num_samples or audio_sha256 is not that of the audio in 3 rows (s0-0, s0-1, s0-2)" in problem
    with pytest.raises(catalog.IntegrityError, match=r"row s0-2, column 'audio': not readable as audio .*yuliao verify"):
        list(catalog.get("voices", split="train", root=root))
    counts = {"splits": {"train": {"mixtures": 40}}, "corpus": "voices"}
    with pytest.raises(catalog.IntegrityError, match=r"^voices@2, s\d-\d: (its samples are others|not readable as audio)"):
        build(load_spec("sep_2spk_partial", counts), root=root, workers=1)


def test_mistakes_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(IngestError, match=r"^no encoding 'flak'; did you mean 'flac'\?$"):
        ingest(corpus(), [tmp_path], encoding="flak", root=tmp_path)  # type: ignore[arg-type]
    assert run(["ingest", "aishell1", "--encoding", "opus"]) == 2
    assert "'opus' is not one of 'wav', 'flac', 'source'" in capsys.readouterr().err
    assert run(["ingest", "drcd", "--from", str(tmp_path), "--encoding", "flac"]) == 2
    assert "'drcd' is a corpus of text: --encoding is for audio" in capsys.readouterr().err


def said(capsys: pytest.CaptureFixture[str], words: Sequence[str]) -> Any:
    assert run([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a corpus of one's own too; a dry run counts the disk."""
    monkeypatch.setenv("YULIAO_CATALOG", str(tmp_path / "catalog"))
    source = str(talk(tmp_path / "in", "flac"))
    own = ["ingest", "mine", "--as", "folder", "--rate", str(RATE_HZ), "--pattern", "{speaker}/{id}.flac", "--from", source]
    assert said(capsys, [*own, "--encoding", "source", "--workers", "1"])["report"]["kept_as"] == {"flac": 40}
    disk = {
        encoding: said(capsys, ["ingest", "librispeech", "--dry-run", "--encoding", encoding])["catalog_bytes"]
        for encoding in ENCODINGS
    }
    assert disk["wav"] > disk["flac"] > disk["source"] > 0
