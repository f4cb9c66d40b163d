"""Corpora of one's own, in each form: what is read, what is named, and that nothing but our errors comes out."""

import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import catalog
from flows.adapter import Metadata
from flows.generic import FORMS
from flows.generic.own import Own
from flows.recordings.ingest import ingest
from synth.errors import YuliaoError

WriteAudio = Callable[..., bytes]
COLUMNS = ("id", "speaker_id", "text", "gender", "recording_id", "num_samples")


def taken(form: str, source: Path, **said: Any) -> dict[str, list[tuple[Any, ...]]]:
    """What an ingest at 16 kHz publishes: `COLUMNS` by split, in order of the ids."""
    adapter = FORMS[form](Own("mine", 16_000, **said))
    assert ingest(adapter, [source], workers=1).created
    assert catalog.verify("mine").ok
    assert not ingest(adapter, [source], workers=1).created
    rows = catalog.get("mine", columns=COLUMNS)
    return {split: sorted(tuple(row[column] for column in COLUMNS) for row in rows[split]) for split in rows}


def write(folder: Path, files: Mapping[str, bytes | str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def lines(*items: object) -> str:
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's; the catalog lies elsewhere."""
    monkeypatch.setenv("YULIAO_CATALOG", str(tmp_path / "catalog"))
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine"


def test_folder(mine: Path, write_audio: WriteAudio, pack_archive: Callable[..., Path]) -> None:
    """Speakers may have files of the same names; texts lie beside the audio; an archive gives what a folder gives."""
    files: dict[str, bytes | str] = {
        "train/amy/001.wav": write_audio(),
        "train/amy/001.txt": "good morning\n",
        "train/ben/001.wav": write_audio(),
        "dev/eve/001.wav": write_audio("wav", 48_000),
        "other/eve/002.wav": write_audio(),
        "train/ben/.001.wav": b"junk",
        "notes.wav": b"",
    }
    pattern = "{split}/{speaker}/{id}.wav"
    expected = {
        "train": [
            ("amy-001", "amy", "good morning", "unknown", "amy-001", 1600),
            ("ben-001", "ben", None, "unknown", "ben-001", 1600),
        ],
        "validation": [("eve-001", "eve", None, "unknown", "eve-001", 1600)],
    }
    assert taken("folder", write(mine, files), pattern=pattern) == expected
    packed = FORMS["folder"](Own("mine", 16_000, pattern=pattern))
    assert not ingest(packed, [pack_archive("mine.zip", files)], workers=1).created
    assert catalog.manifest("mine").report["foreign_audio"]["count"] == 3


@pytest.mark.parametrize(
    ("pattern", "text"), [("{speaker}.wav", "needs"), ("{id}/{id}.wav", "once"), ("{name}/{id}.wav", "no field {name}")]
)
def test_patterns_that_say_too_little_are_refused(pattern: str, text: str) -> None:
    with pytest.raises(YuliaoError, match=text):
        FORMS["folder"](Own("mine", 16_000, pattern=pattern))


def test_noise_of_several_channels_from_a_folder(mine: Path, write_audio: WriteAudio) -> None:
    """Kinds noise and rir keep their channels."""
    write(mine, {"street.wav": write_audio(channels=2), "bar.flac": write_audio("flac")})
    adapter = FORMS["folder"](Own("mine", 16_000, kind="noise", pattern="{id}.wav"))
    assert ingest(adapter, [mine], workers=1).created
    (row,) = catalog.get("mine", split="train")
    assert (row["id"], row["category"], row["audio"]["array"].shape) == ("street", "noise", (2, 1600))


def test_csv(mine: Path, write_audio: WriteAudio) -> None:
    """Columns by their usual names; a file that is missing is named, the others are taken."""
    table = 'path,speaker,sentence,sex,split\na.wav,amy,"one, two",F,train\nb.flac,ben,,男,test\ngone.wav,ben,three,,test\n'
    write(mine, {"list.csv": table, "a.wav": write_audio(), "b.flac": write_audio("flac")})
    assert taken("table", mine / "list.csv") == {
        "train": [("a", "amy", "one, two", "female", "a", 1600)],
        "test": [("b", "ben", None, "male", "b", 1600)],
    }
    (missing,) = catalog.manifest("mine").report["quarantined"]["names"]
    assert missing == {"member": "gone.wav", "reason": "is no file"}


def test_jsonl_with_parts_of_files(mine: Path, write_audio: WriteAudio) -> None:
    """As NeMo writes it: offset and duration in seconds; without an offset the whole file."""
    rows = [
        {"id": "u1", "audio_filepath": "long.wav", "offset": 0.1, "duration": 0.2, "text": "一", "speaker": 7},
        {"id": "u2", "audio_filepath": "long.wav", "start": 0.5, "end": 0.75, "text": "二", "speaker": 7, "recording_id": "long"},
        {"audio_filepath": "x/short.wav", "duration": 0.09999, "text": "三"},
    ]
    write(mine, {"train.jsonl": lines(*rows), "long.wav": write_audio(seconds=1), "x/short.wav": write_audio()})
    assert taken("table", mine) == {
        "train": [
            ("u1", "7", "一", "unknown", "u1", 3200),
            ("u2", "7", "二", "unknown", "long", 4000),
            ("x-short", "", "三", "unknown", "x-short", 1600),
        ]
    }


def test_kaldi(mine: Path, write_audio: WriteAudio) -> None:
    """With segments and without, a split in each folder; commands are not run but named."""
    train = {
        "wav.scp": "rec1 ../audio/rec1.wav\nrec2 touch proof |\nrec3 feats.ark:12\n",
        "segments": "amy-1 rec1 0.0 0.25\namy-2 rec1 0.5 0.75\n",
        "text": "amy-1 good  morning\n",
        "utt2spk": "amy-1 amy\namy-2 amy\n",
        "spk2gender": "amy f\n",
    }
    test = {"wav.scp": f"ben-1 {mine / 'audio' / 'ben.flac'}\n", "utt2spk": "ben-1 ben\n"}
    write(mine / "train", train)
    write(mine / "test", test)
    write(mine / "audio", {"rec1.wav": write_audio(seconds=1), "ben.flac": write_audio("flac")})
    assert taken("kaldi", mine) == {
        "train": [
            ("amy-1", "amy", "good  morning", "female", "rec1", 4000),
            ("amy-2", "amy", None, "female", "rec1", 4000),
        ],
        "test": [("ben-1", "ben", None, "unknown", "ben-1", 1600)],
    }
    reasons = {item["member"]: item["reason"] for item in catalog.manifest("mine").report["quarantined"]["names"]}
    assert reasons["rec2"].startswith("is a command in wav.scp, which is not run")
    assert reasons["rec3"].startswith("lies in a Kaldi archive")
    assert not list(mine.rglob("proof"))


def lhotse_recording(name: str, source: str, kind: str = "file") -> dict[str, Any]:
    sources = [{"type": kind, "channels": [0], "source": source}]
    return {"id": name, "sources": sources, "sampling_rate": 16000, "num_samples": 16000, "duration": 1.0, "channel_ids": [0]}


def supervision(name: str, session: str, start: float, text: str) -> dict[str, Any]:
    said = {"id": name, "recording_id": session, "start": start, "duration": 0.25, "channel": 0, "text": text}
    return said | {"speaker": "amy", "gender": "F", "language": "Chinese"}


LHOTSE_ROWS = [("u1", "amy", "一", "female", "rec1", 4000), ("u2", "amy", "二", "female", "rec1", 4000)]


def test_lhotse_recordings_and_supervisions(mine: Path, write_audio: WriteAudio) -> None:
    """Joined by recording; what lies behind a command is named."""
    recordings = lines(lhotse_recording("rec1", "rec1.wav"), lhotse_recording("rec2", "touch proof", "command"))
    said = lines(supervision("u1", "rec1", 0.0, "一"), supervision("u2", "rec1", 0.5, "二"), supervision("u3", "rec2", 0.0, "三"))
    write(mine, {"x_recordings_dev.jsonl.gz": gzip.compress(recordings.encode()), "x_supervisions_dev.jsonl": said})
    write(mine, {"rec1.wav": write_audio(seconds=1)})
    assert taken("lhotse", mine) == {"validation": LHOTSE_ROWS}
    (left_out,) = catalog.manifest("mine").report["quarantined"]["names"]
    assert left_out == {"member": "rec2", "reason": "does not lie in one file; write one and name that"}


def test_lhotse_cuts(mine: Path, write_audio: WriteAudio) -> None:
    """Supervisions count from the start of their cut; a cut without any is taken whole."""
    recording = lhotse_recording("rec1", str(mine / "rec1.wav"))
    cut = {"type": "MonoCut", "channel": 0, "recording": recording}
    cuts = [
        cut | {"id": "c1", "start": 0.25, "duration": 0.75, "supervisions": [supervision("u1", "rec1", -0.25, "一")]},
        cut | {"id": "c2", "start": 0.25, "duration": 0.75, "supervisions": [supervision("u2", "rec1", 0.25, "二")]},
        cut | {"id": "c3", "start": 0.5, "duration": 0.125, "supervisions": []},
    ]
    write(mine, {"cuts.jsonl.gz": gzip.compress(lines(*cuts).encode()), "rec1.wav": write_audio(seconds=1)})
    expected = [("c3", "", None, "unknown", "rec1", 2000), *LHOTSE_ROWS]
    assert taken("lhotse", mine / "cuts.jsonl.gz") == {"train": expected}
    audio = {row["id"]: row["audio"]["array"] for row in catalog.get("mine", split="train")}
    np.testing.assert_array_equal(audio["u2"][:2000], audio["c3"])


def test_datasets_folder(mine: Path, write_audio: WriteAudio) -> None:
    """Several splits and files, bytes in place or beside; it needs no `datasets`."""
    schema = pa.schema([("audio", pa.struct([("bytes", pa.binary()), ("path", pa.string())])), ("sentence", pa.string())])
    for split, names in (("train", ("a", "b")), ("test", ("c",))):
        folder = mine / split
        folder.mkdir()
        for k, name in enumerate(names):
            stored = None if name == "c" else write_audio("flac")
            row = {"audio": {"bytes": stored, "path": f"{name}.wav"}, "sentence": f"text {name}"}
            with pa.ipc.new_stream(str(folder / f"data-{k}.arrow"), schema) as file:
                file.write_batch(pa.RecordBatch.from_pylist([row], schema=schema))
        state = {"_data_files": [{"filename": f"data-{k}.arrow"} for k in range(len(names))]}
        write(folder, {"state.json": json.dumps(state)})
    write(mine, {"dataset_dict.json": json.dumps({"splits": ["train", "test"]}), "test/c.wav": write_audio()})
    assert taken("datasets", mine) == {
        "train": [("a", "", "text a", "unknown", "a", 1600), ("b", "", "text b", "unknown", "b", 1600)],
        "test": [("c", "", "text c", "unknown", "c", 1600)],
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "audio",
                    "path",
                    "start",
                    "end",
                    "duration",
                    "recording_id",
                    "recording",
                    "sources",
                    "supervisions",
                    "type",
                ]
            )
            | st.text(max_size=3),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
TEXTS = st.text(max_size=200) | st.lists(JSON, max_size=4).map(lambda items: lines(*items))
FILES = {
    "table": ("t.csv", "t.tsv", "t.jsonl"),
    "kaldi": ("wav.scp", "segments", "text", "utt2spk"),
    "lhotse": ("a.jsonl", "b.jsonl", "c.jsonl.gz"),
    "datasets": ("state.json", "dataset_dict.json", "data.arrow"),
}


@pytest.mark.parametrize("form", FILES)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_in_the_files_only_our_errors_come_out(form: str, data: st.DataObject, tmp_path: Path) -> None:
    """Text, JSON of the wrong shape, bytes."""
    for name in FILES[form]:
        content = data.draw(TEXTS.map(lambda text: text.encode(errors="replace")) | st.binary(max_size=50))
        (tmp_path / name).write_bytes(content)
    read = FORMS[form](Own("mine", 16_000)).read
    assert read is not None
    try:
        for audio in read([tmp_path], Metadata()):
            assert audio.problem or audio.data is not None
    except YuliaoError as error:
        assert "\n" not in str(error)
