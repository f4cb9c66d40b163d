"""What every adapter, of sound and of text, keeps to on its way from its makers' server to a version and back to nothing new.

A corpus is fetched from a real server that holds small archives in its official layout (official_sound.py, official_text.py):
only addresses, sizes and checksums of the adapter are replaced. Corpora come from the registries: a new one is tested without
being named here, and fails where nobody has said what its archives look like.
"""

import hashlib
import importlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

import catalog
from catalog.errors import LeakageError
from catalog.leakage import DISJOINT_COLUMNS
from flows import corpora as of_sound
from flows.adapter import Archive, Metadata, Recording, Utterance
from flows.cli import run
from flows.commands.corpora import known
from flows.fetch import transfer
from flows.fetch.download import download, folder_of
from flows.fetch.transfer import DownloadError
from flows.recordings.ingest import ingest
from flows.text import corpora as of_text

NAMES = [*of_sound.names(), *of_text.names()]
FETCHED = [name for name in NAMES if known(name).archives]
KEY = "s3cr3t"

Serve = Callable[..., Any]


def _declared(archive: Archive, data: bytes, places: tuple[str, ...]) -> Archive:
    """An archive with the facts that are declared of it, as the small one has them."""
    parts = _cut(data, len(archive.parts)) if archive.parts else []
    return replace(
        archive,
        size_bytes=archive.size_bytes and len(data),
        md5=archive.md5 and hashlib.md5(data).hexdigest(),
        sha256=archive.sha256 and hashlib.sha256(data).hexdigest(),
        parts=tuple(_declared(part, of_part, places) for part, of_part in zip(archive.parts, parts, strict=True)),
        urls=tuple(f"{place}/{archive.file}" for place in places) if archive.urls else (),
    )


def _cut(data: bytes, parts: int) -> list[bytes]:
    return [data[k * len(data) // parts : (k + 1) * len(data) // parts] for k in range(parts)]


@pytest.fixture
def serve(
    file_server: Any, official: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, root_folder: str
) -> Serve:
    """`serve("musan", "bad", "good")`: the corpus, with these folders of the server as its mirrors; gives its adapter."""
    monkeypatch.setattr(transfer, "BACKOFF_S", 0.001)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("VOXCELEB_KEY", KEY)

    def serve(name: str, *folders: str) -> Any:
        corpus, files = known(name), official(name).files
        places = tuple(f"{file_server.url}/{folder}" for folder in folders)
        for archive in corpus.archives:
            pieces = _cut(files[archive.file], len(archive.parts)) if archive.parts else [files[archive.file]]
            for piece, data in zip(archive.pieces, pieces, strict=True):
                file_server.files |= {f"{folder}/{piece.file}": data for folder in folders}
        question = "?key={key}" if corpus.access is not None else ""
        served = replace(
            corpus,
            archives=tuple(_declared(archive, files[archive.file], places) for archive in corpus.archives),
            mirrors=tuple(f"{place}/{{file}}{question}" for place in places),
        )
        if name in of_sound.names():
            served = replace(served, rows=official(name).rows)
        registry = of_sound if name in of_sound.names() else of_text
        monkeypatch.setattr(importlib.import_module(f"{registry.__name__}.{name}"), "CORPUS", served)
        return served

    return serve


@pytest.fixture
def root_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder is enough here: publishing to S3 is tested where publishing is."""
    monkeypatch.setenv("YULIAO_CATALOG", str(tmp_path / "catalog"))
    return str(tmp_path / "catalog")


@pytest.fixture
def ingest_it(official: Callable[[str], Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """`ingest_it("musan")`: the command, from the makers, or from files where these have no address; gives what it prints."""

    def ingest_it(name: str, *options: str) -> Any:
        given = []
        if not known(name).archives:
            for path, data in official(name).files.items():
                (tmp_path / "given" / path).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / "given" / path).write_bytes(data)
            given = ["--from", str(tmp_path / "given")]
        assert run(["ingest", name, *given, "--workers", "1", "--json", *options]) == 0, capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    return ingest_it


def rows_of(name: str) -> dict[str, list[dict[str, Any]]]:
    """By split, without what is heard."""
    heard = {"audio", "frame_energies", "frame_peaks"}
    return {
        split: list(rows.remove_columns([column for column in rows.column_names if column in heard]))
        for split, rows in catalog.get(name).items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_from_the_makers_to_a_version_and_no_second_one(
    name: str, serve: Serve, ingest_it: Callable[..., Any], official: Callable[[str], Any], file_server: Any
) -> None:
    """Licence, citation, counts, ids, splits; and a second time nothing is fetched and nothing published."""
    adapter = serve(name, "files")
    first = ingest_it(name)
    assert (first["name"], first["version"], first["created"]) == (name, 1, True)

    manifest = catalog.manifest(name)
    assert manifest.licence == adapter.licence
    assert manifest.citation == adapter.citation
    assert manifest.licence.name
    assert manifest.citation or name.endswith("_own")

    splits = rows_of(name)
    rows = [row for of_split in splits.values() for row in of_split]
    spoken = manifest.kind == "speech" and any(row["text"] for row in rows)
    assert Counter(row["official_split"] for row in rows if not spoken or row["text"]) == official(name).rows
    assert len({row["id"] for row in rows}) == len(rows)
    for split, of_split in splits.items():
        assert {adapter.splits[row["official_split"]] for row in of_split} == {split}
    for one, other in combinations(splits.values(), 2):
        for column in set(DISJOINT_COLUMNS) & one[0].keys() - set(adapter.known_overlaps):
            assert not ({row[column] for row in one} & {row[column] for row in other}) - {None}, column
    if name in of_sound.names():
        told = manifest.report
        assert told["other_counts_than_declared"] == {}
        assert [told[what]["count"] for what in ("quarantined", "metadata_lines_not_understood", "left_out")] == [0, 0, 0]
        assert told["not_confirmed_yet"] == list(adapter.recalled)
        official_size = {archive.file: archive.size_bytes is not None for archive in adapter.archives}
        assert {source["name"]: source["official_size"] for source in told["sources"]} == official_size
    assert catalog.verify(name).ok

    asked = len(file_server.requests)
    second = ingest_it(name)
    assert (second["version"], second["created"]) == (1, False)
    assert len(file_server.requests) == asked == len([piece for archive in adapter.archives for piece in archive.pieces])


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_is_one_of_each_split(
    name: str, serve: Serve, ingest_it: Callable[..., Any], official: Callable[[str], Any]
) -> None:
    adapter = serve(name, "files")
    expected = {adapter.splits[split]: 1 for split in official(name).rows}
    assert ingest_it(name, "--sample", "1")["name"] == f"{name}_sample"
    assert {split: len(rows) for split, rows in rows_of(f"{name}_sample").items()} == expected


@pytest.mark.parametrize("name", of_sound.names())
def test_rows_are_the_same_whatever_is_kept_of_the_audio(
    name: str, serve: Serve, ingest_it: Callable[..., Any], root_folder: str
) -> None:
    """The corpus's own files, or FLAC: digests are of the samples."""
    adapter = serve(name, "files")
    digests = set()
    for encoding in ("source", "flac"):
        ingest_it(name, "--encoding", encoding)
        digests.add(catalog.manifest(name).rows_digest)
        assert catalog.verify(name).ok
    ingest(adapter, [folder_of(adapter)], root=f"{root_folder}-wav", workers=1)
    assert digests == {catalog.manifest(name, root=f"{root_folder}-wav").rows_digest}


@pytest.mark.parametrize("trouble", ["cut", "cut and no ranges", "wrong bytes", "401", "404", "503"])
@pytest.mark.parametrize("name", FETCHED)
def test_a_bad_mirror_does_no_harm(name: str, trouble: str, serve: Serve, file_server: Any) -> None:
    """Each file comes whole: after a cut from the same mirror, otherwise from the next."""
    adapter = serve(name, "bad", "good")
    files = {path.removeprefix("good/"): data for path, data in file_server.files.items() if path.startswith("good/")}
    can_be_checked = {
        piece.file for archive in adapter.archives for piece in archive.pieces if piece.md5 or piece.sha256 or piece.size_bytes
    }
    for file, data in files.items():
        path = f"bad/{file}"
        if trouble.startswith("cut"):
            file_server.cut_after_bytes[path] = [len(data) // 2]
        if trouble == "cut and no ranges":
            file_server.ignores_ranges.add(path)
        if trouble == "wrong bytes" and file in can_be_checked:
            file_server.files[path] = data[:-1] + bytes([data[-1] ^ 1])
        if trouble.isdigit():
            file_server.statuses[path] = [int(trouble)] * (2 if trouble == "503" else 99)
    folder = download(adapter)
    assert {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")} == files
    from_good = {path.partition("?")[0].removeprefix("/good/") for path, _ in file_server.requests if path.startswith("/good/")}
    expected = {"wrong bytes": can_be_checked, "401": set(files), "404": set(files)}
    assert from_good == expected.get(trouble, set())


@pytest.mark.parametrize("name", FETCHED)
def test_where_no_mirror_gives_it_one_line_says_so(
    name: str, serve: Serve, file_server: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which file, what each host said, no key; nothing is published, and what came stays for the next time."""
    adapter = serve(name, "bad")
    *_, last = [piece for archive in adapter.archives for piece in archive.pieces]
    file_server.statuses[f"bad/{last.file}"] = [403]
    with pytest.raises(DownloadError) as error:
        download(adapter)
    assert last.file in str(error.value)
    assert "refuses access (403)" in str(error.value)
    assert "\n" not in str(error.value)
    file_server.statuses[f"bad/{last.file}"] = [404]
    assert run(["ingest", name]) == 2
    assert KEY not in capsys.readouterr().err
    assert catalog.list_datasets() == []
    come = {path.name for path in folder_of(adapter).iterdir() if not path.name.startswith(".") and path.suffix != ".part"}
    assert last.file not in come
    asked = len(file_server.requests)
    download(adapter)
    assert come.isdisjoint(path.partition("?")[0].removeprefix("/bad/") for path, _ in file_server.requests[asked:])


Settle = Callable[[Recording, Metadata], Recording | None] | None


def _all_by_one_speaker(settle: Settle, recording: Recording, metadata: Metadata) -> Recording | None:
    settled = settle(recording, metadata) if settle else recording
    return replace(settled, speaker_id="one") if isinstance(settled, Utterance) else settled


def _all_of_one_recording(settle: Settle, recording: Recording, metadata: Metadata) -> Recording | None:
    settled = settle(recording, metadata) if settle else recording
    return settled and replace(settled, recording_id="one")


@pytest.mark.parametrize(
    ("name", "leak"),
    [
        (name, leak)
        for name in of_sound.names()
        for leak in (_all_by_one_speaker, _all_of_one_recording)
        if len(set(of_sound.get(name).splits.values())) > 1
        and (leak is _all_of_one_recording or of_sound.get(name).kind == "speech")
    ],
)
def test_an_overlap_of_splits_that_is_not_declared_is_refused(
    name: str, leak: Callable[..., Recording | None], serve: Serve, root_folder: str
) -> None:
    """A speaker or a recording in two splits; declared, it is let through."""
    adapter = serve(name, "files")
    folder = download(adapter)
    leaking = replace(adapter, settle=partial(leak, adapter.settle))
    with pytest.raises(LeakageError, match=f"{name}: .* stand in both"):
        ingest(leaking, [folder], root=root_folder, workers=1)
    assert catalog.list_datasets() == []
    column = "speaker_id" if leak is _all_by_one_speaker else "recording_id"
    assert ingest(replace(leaking, known_overlaps=(column,)), [folder], root=root_folder, workers=1).created


def test_an_adapter_without_archives_of_its_own_is_told_of(official: Callable[[str], Any]) -> None:
    """So that nobody adds a corpus that is never tried."""
    with pytest.raises(pytest.fail.Exception, match=r"write a function nobody\(\) in tests/flows/official_sound\.py"):
        official("nobody")
