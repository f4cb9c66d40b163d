"""Metadata and text files of every adapter, damaged in every way: the adapters give rows, or an error of ours in one line.

What is damaged are the files of the small official archives (official_sound.py, official_text.py), so that most of each case is
as the parsers want it.
"""

import io
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.shards import row_digest
from catalog.text_kinds import text_schema
from flows import corpora as of_sound
from flows.adapter import Metadata, Recording, Utterance
from flows.reading.archives import is_archive, walk
from flows.reading.members import Member
from flows.recordings.ingest import ingest
from flows.recordings.staging import is_metadata, read_metadata
from flows.text import corpora as of_text
from flows.text.adapter import Notes, TextFile
from flows.text.files import text_files
from flows.text.ingest import read
from synth.errors import YuliaoError

WITH_METADATA = [name for name in of_sound.names() if of_sound.get(name).metadata or of_sound.get(name).transcript]
HUGE = b"9" * 5000

Damage = Callable[[bytes], bytes]


def _lines(change: Callable[[bytes], bytes]) -> Damage:
    return lambda data: b"\n".join(map(change, data.split(b"\n")))


DAMAGES: dict[str, Damage] = {
    "empty": lambda data: b"",
    "cut in the middle": lambda data: data[: len(data) // 2],
    "cut by a byte": lambda data: data[:-1],
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "GB 18030": lambda data: data.decode().encode("gb18030"),
    "Latin-1": lambda data: data + "é".encode("latin-1"),
    "NUL": lambda data: data.replace(b" ", b"\0").replace(b"\t", b"\t\0"),
    "all NUL": lambda data: bytes(len(data)),
    "huge numbers": lambda data: data.replace(b"1", HUGE).replace(b"0", b"-1e999"),
    "a column less": _lines(lambda line: line.rpartition(b"\t")[0] if b"\t" in line else line.rpartition(b" ")[0]),
    "a column more": _lines(lambda line: line + b"\t x | x , x"),
    "no blanks": lambda data: data.replace(b" ", b"").replace(b"\t", b""),
    "every line twice": _lines(lambda line: line + b"\n" + line),
    "other lines": lambda data: b"\n".join(reversed(data.split(b"\n"))),
    "a surrogate": lambda data: data + b"\xed\xa0\x80",
    "one long line": lambda data: data.replace(b"\n", b" ") * 50,
}
HARMLESS: dict[str, Damage] = {
    "CRLF": lambda data: data.replace(b"\n", b"\r\n"),
    "a mark at the beginning": lambda data: b"\xef\xbb\xbf" + data,
    "a blank line at the end": lambda data: data + b"\n",
    "every line twice": _lines(lambda line: line + b"\n" + line),
}
EDITS = st.lists(
    st.tuples(
        st.sampled_from(["set", "cut", "double", "insert"]),
        st.floats(0, 1),
        st.integers(1, 60),
        st.binary(max_size=12)
        | st.sampled_from([b"\n", b"\t", b" ", b"\0", b"\r\n", b'"', b"{", b"]", b"\xff", b"-1", b"1e9", HUGE]),
    ),
    min_size=1,
    max_size=4,
)


def edited(data: bytes, edits: list[tuple[str, float, int, bytes]]) -> bytes:
    """Bytes changed, cut out, doubled, put in."""
    broken = bytearray(data)
    for what, place, length, new in edits:
        at = int(place * len(broken))
        if what == "set":
            broken[at : at + len(new)] = new
        elif what == "cut":
            del broken[at : at + length]
        elif what == "double":
            broken[at:at] = broken[at : at + length]
        else:
            broken[at:at] = new
    return bytes(broken)


@pytest.fixture(scope="session")
def unpacked(official: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, bytes]]:
    """`unpacked("musan")`: the files of its archives, by path."""

    @cache
    def unpacked(name: str) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        folder = tmp_path_factory.mktemp(name)
        for file, data in official(name).files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(data)
            if is_archive(file):
                found |= {member.path: member.read() for member in walk(folder / file)}
            else:
                found[file] = data
        return found

    return unpacked


def said(name: str, files: dict[str, bytes]) -> list[tuple[Recording, str | None]]:
    """Every recording as the metadata settle it, with its text: what an ingest does, but for the audio."""
    corpus = of_sound.get(name)
    metadata = Metadata()
    for path, data in files.items():
        read_metadata(corpus, Member(path, len(data), partial(io.BytesIO, data), partial(bytes, data), True, name), metadata)
    assert set(metadata.genders.values()) <= {"female", "male"}
    json.dumps(metadata.not_understood, ensure_ascii=False).encode()
    found = []
    for path in files:
        recording = corpus.identify(path) if corpus.identify else None
        settled = corpus.settle(recording, metadata) if corpus.settle and recording else recording
        if settled is None:
            continue
        text = metadata.texts.get(settled.id)
        if isinstance(settled, Utterance):
            settled = replace(settled, gender=metadata.genders.get(settled.speaker_id, "unknown"))
        row_digest({"id": settled.id, "text": text and corpus.normalise(text), "text_original": text})
        found.append((settled, text and corpus.normalise(text)))
    return found


def gives_rows_or_our_error(name: str, files: dict[str, bytes]) -> None:
    try:
        said(name, files)
    except YuliaoError as error:
        assert "\n" not in str(error)
        str(error).encode()


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", WITH_METADATA)
def test_damaged_metadata_of_sound(name: str, damage: str, unpacked: Callable[[str], dict[str, bytes]], tmp_path: Path) -> None:
    """Each file that tells of recordings, alone and all at once; and as an ingest from a folder does it."""
    files = unpacked(name)
    corpus = of_sound.get(name)
    telling = [path for path in files if is_metadata(corpus, path)]
    assert telling
    for path in telling:
        gives_rows_or_our_error(name, files | {path: DAMAGES[damage](files[path])})
    damaged = files | {path: DAMAGES[damage](files[path]) for path in telling}
    gives_rows_or_our_error(name, damaged)
    for path, data in damaged.items():
        (tmp_path / "in" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / path).write_bytes(data)
    try:
        assert ingest(corpus, [tmp_path / "in"], root=tmp_path / "catalog", workers=1).version == 1
    except YuliaoError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("harmless", HARMLESS)
@pytest.mark.parametrize("name", WITH_METADATA)
def test_what_does_no_harm_changes_nothing(name: str, harmless: str, unpacked: Callable[[str], dict[str, bytes]]) -> None:
    """Ends of lines as Windows has them, a byte order mark, lines said twice."""
    files = unpacked(name)
    corpus = of_sound.get(name)
    if corpus.transcript and harmless == "every line twice":
        corpus = replace(corpus, transcript=None)  # such a file is one text: twice it is another one
    changed = {path: HARMLESS[harmless](data) if is_metadata(corpus, path) else data for path, data in files.items()}
    assert said(name, changed) == said(name, files)


@pytest.mark.parametrize("name", WITH_METADATA)
@settings(max_examples=60, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), edits=EDITS)
def test_metadata_of_sound_edited_at_random(
    name: str, place: float, edits: list[tuple[str, float, int, bytes]], unpacked: Callable[[str], dict[str, bytes]]
) -> None:
    files = unpacked(name)
    telling = [path for path in files if is_metadata(of_sound.get(name), path)]
    path = telling[int(place * len(telling))]
    gives_rows_or_our_error(name, files | {path: edited(files[path], edits)})


def reads_text_or_our_error(name: str, folder: Path, path: str, data: bytes) -> None:
    """From the file to what a shard and a manifest take."""
    corpus = of_text.get(name)
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(data)
    schema = text_schema(corpus.kind, corpus.labels)
    try:
        splits, report = read(corpus, [folder], None, lambda done, total, unit: None)
    except YuliaoError as error:
        assert "\n" not in str(error)
        str(error).encode()
        return
    json.dumps(report, ensure_ascii=False, allow_nan=False).encode()
    for rows in splits.values():
        whole = [{column: row.get(column) for column in schema.names if column != "row_digest"} for row in rows]
        pa.RecordBatch.from_pylist([row | {"row_digest": row_digest(row)} for row in whole], schema=schema)
        for row in rows:
            for text, start in zip(*row["answers"].values(), strict=True) if corpus.kind == "mrc" else ():
                assert row["context"][start : start + len(text)] == text


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", of_text.names())
def test_damaged_files_of_text(name: str, damage: str, unpacked: Callable[[str], dict[str, bytes]], tmp_path: Path) -> None:
    for path, data in unpacked(name).items():
        reads_text_or_our_error(name, tmp_path, path, DAMAGES[damage](data))


@pytest.mark.parametrize("name", of_text.names())
@settings(max_examples=60, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), edits=EDITS)
def test_files_of_text_edited_at_random(
    name: str,
    place: float,
    edits: list[tuple[str, float, int, bytes]],
    unpacked: Callable[[str], dict[str, bytes]],
    tmp_path: Path,
) -> None:
    files = unpacked(name)
    path = list(files)[int(place * len(files))]
    reads_text_or_our_error(name, tmp_path, path, edited(files[path], edits))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def _places(document: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    return [at, *(place for key, value in inner for place in _places(value, (*at, key)))]


def _with(document: Any, at: tuple[Any, ...], value: Any) -> Any:
    if not at:
        return value
    changed = dict(document) if isinstance(document, dict) else list(document)
    changed[at[0]] = _with(document[at[0]], at[1:], value)
    return changed


@pytest.mark.parametrize("name", ["drcd", "cmrc2018", "squad", "fgc", "csc_own", "afqmc", "tnews"])
@settings(max_examples=120, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), value=JSON)
def test_any_value_anywhere_in_a_document(
    name: str, place: float, value: Any, unpacked: Callable[[str], dict[str, bytes]], tmp_path: Path
) -> None:
    """A part of a JSON document replaced by any other: numbers for texts, lists for objects, infinities for starts."""
    path, data = next(iter(unpacked(name).items()))
    document = json.loads(data.splitlines()[0])
    places = _places(document)
    changed = _with(document, places[int(place * len(places))], value)
    reads_text_or_our_error(name, tmp_path, path, json.dumps(changed).encode())


@settings(max_examples=200, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(["zipped", "tgz"]), edits=EDITS)
def test_archives_of_text_edited_at_random(
    kind: str, edits: list[tuple[str, float, int, bytes]], official: Callable[[str], Any], tmp_path: Path
) -> None:
    """Zip archives of text are read by another library than those of sound."""
    whole = getattr(sys.modules["official_sound"], kind)(official("thucnews").files)
    path = tmp_path / ("a.zip" if kind == "zipped" else "a.tgz")
    path.write_bytes(edited(whole, edits))
    try:
        list(text_files([path]))
    except YuliaoError as error:
        assert "\n" not in str(error)


def test_readers_of_text_take_any_bytes() -> None:
    """Whole rubbish, for each reader."""
    for name in of_text.names():
        for data in (b"\xff\xfe\0", b"\0" * 100, bytes(range(256)), HUGE, b"[" * 2000, b'"' + b"\\ud800" * 10 + b'"'):
            for path in ("a.json", "a.tsv", "a.sgml", "a.txt"):
                try:
                    list(of_text.get(name).read(TextFile(path, data), Notes()))
                except YuliaoError as error:
                    assert "\n" not in str(error)


@pytest.mark.parametrize("damage", ["empty", "cut in the middle", "all NUL", "one long line"])
def test_a_damaged_channel_is_an_error_of_ours(damage: str, unpacked: Callable[[str], dict[str, bytes]], tmp_path: Path) -> None:
    """DEMAND's recordings are joined of sixteen files, by a reader of its own."""
    files = {path: data for path, data in unpacked("demand").items() if path.startswith("TBUS/")}
    files["TBUS/ch07.wav"] = DAMAGES[damage](files["TBUS/ch07.wav"])
    for path, data in files.items():
        (tmp_path / "in" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / path).write_bytes(data)
    with pytest.raises(YuliaoError) as error:
        ingest("demand", [tmp_path / "in"], root=tmp_path / "catalog", workers=1)
    assert "\n" not in str(error.value)
