"""VoxCeleb1: paths and metadata, and its archives with the dev part in four pieces."""

import io
import zipfile
from dataclasses import replace
from hashlib import md5
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalog.manifests import read_manifest
from catalog.roots import open_root
from flows import corpora
from flows.adapter import Archive, Corpus, Metadata, Utterance
from flows.fetch import transfer
from flows.fetch.checksums import WrongChecksum
from flows.fetch.download import AccessNeeded, download, wanted
from flows.reading.members import ArchiveError
from flows.recordings.ingest import IngestError, ingest
from synth import wav

VOXCELEB1 = corpora.get("voxceleb1")
META = (
    "VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet\n"
    "id10001\tA.J._Buckley\tm\tIreland\tdev\nid10002\tA.R._Rahman\tf\tIndia\tdev\nid10270\tEartha_Kitt\tf\tUSA\ttest\n"
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("wav/id10001/1zcIwhmdeo4/00001.wav", ("id10001-1zcIwhmdeo4-00001", "id10001", "id10001-1zcIwhmdeo4", "dev")),
        ("wav/id10270/5r0dWxy17C8/00030.wav", ("id10270-5r0dWxy17C8-00030", "id10270", "id10270-5r0dWxy17C8", "test")),
        ("vox/dev/wav/id10001/-_cIwhmdeo4/00001.wav", ("id10001--_cIwhmdeo4-00001", "id10001", "id10001--_cIwhmdeo4", "dev")),
        ("vox/test/wav/id10001/1zcIwhmdeo4/00001.wav", ("id10001-1zcIwhmdeo4-00001", "id10001", "id10001-1zcIwhmdeo4", "test")),
        ("id10270/5r0dWxy17C8/00030.wav", ("id10270-5r0dWxy17C8-00030", "id10270", "id10270-5r0dWxy17C8", "test")),
        ("wav/Eartha_Kitt/5r0dWxy17C8/00030.wav", None),
        ("wav/id10001/1zcIwhmdeo4/._00001.wav", None),
    ],
)
def test_paths(path: str, expected: tuple[str, str, str, str] | None) -> None:
    """Folders named after people are those of the withdrawn first release."""
    assert VOXCELEB1.identify(path) == (expected and Utterance(*expected))


def test_metadata_settle_gender_and_split() -> None:
    metadata = Metadata()
    VOXCELEB1.metadata["vox1_meta.csv"](META + "what\n", metadata)
    assert metadata.genders == {"id10001": "male", "id10002": "female", "id10270": "female"}
    assert metadata.not_understood == ["what"]
    row = Utterance("id10270-5r0dWxy17C8-00030", "id10270", "id10270-5r0dWxy17C8", "dev")
    assert VOXCELEB1.settle(row, metadata) == replace(row, official_split="test")
    assert VOXCELEB1.settle(row, Metadata()) == row


def speech(name: str) -> bytes:
    generator = np.random.default_rng(sum(name.encode()))
    return wav.encode(np.rint(generator.normal(0, 1000, 4000)).astype(np.int16), 16_000)


def zipped(paths: list[str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            archive.writestr(path, speech(path))
    return data.getvalue()


DEV = zipped([f"wav/{speaker}/1zcIwhmdeo4/{k:05}.wav" for speaker in ("id10001", "id10002") for k in range(4)])
TEST = zipped([f"wav/id10270/5r0dWxy17C8/{k:05}.wav" for k in range(3)])


def official() -> tuple[Corpus, dict[str, bytes]]:
    """The adapter, declared after small archives in the official form; and these."""
    quarter = len(DEV) // 4
    names = [part.file for part in VOXCELEB1.archives[0].parts]
    cuts = [0, quarter, 2 * quarter, 3 * quarter, len(DEV)]
    files = {name: DEV[begin:end] for name, begin, end in zip(names, cuts, cuts[1:], strict=False)}
    files |= {"vox1_test_wav.zip": TEST, "vox1_meta.csv": META.encode()}

    def declared(archive: Archive) -> Archive:
        data = DEV if archive.parts else files[archive.file]
        sums = {"md5": md5(data).hexdigest(), "sha256": "", "parts": tuple(map(declared, archive.parts))}
        return replace(archive, size_bytes=None if "part" in archive.file else len(data), urls=(), **sums)

    return replace(VOXCELEB1, archives=tuple(map(declared, VOXCELEB1.archives))), files


def lay(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def test_parts_are_ingested_without_being_joined(tmp_path: Path) -> None:
    """By the folder, or each by name in any order; the joined file beside its parts is read once; nothing is left."""
    corpus, files = official()
    folder = lay(tmp_path / "in", files)
    assert ingest(corpus, [folder], root=tmp_path / "catalog", workers=1).created
    version = read_manifest(open_root(tmp_path / "catalog"), "voxceleb1", 1)
    assert {split: entry.rows for split, entry in version.splits.items()} == {"train": 8, "test": 3}
    assert version.statistics["speakers_by_gender"] == {"female": 2, "male": 1}
    assert version.report["sources"][-1]["parts"] == [part.file for part in corpus.archives[0].parts]
    assert sorted(path.name for path in folder.iterdir()) == sorted(files)
    named = [folder / name for name in sorted(files, reverse=True)]
    assert not ingest(corpus, named, root=tmp_path / "catalog", workers=1).created
    (folder / "vox1_dev_wav.zip").write_bytes(DEV)
    assert not ingest(corpus, [folder], root=tmp_path / "catalog", workers=1).created


def test_a_sample_decodes_no_more_than_itself(tmp_path: Path) -> None:
    """Its table, which moves a speaker to the other split here, is read first; unreadable files behind the sample are not met."""
    corpus, _ = official()
    paths = [f"wav/{speaker}/1zcIwhmdeo4/{k:05}.wav" for speaker in ("id10001", "id10002", "id10003") for k in range(4)]
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for number, path in enumerate(paths):
            archive.writestr(path, b"RIFF" if path.endswith(("00000.wav", "00003.wav")) else speech("a" * number))
    (tmp_path / "a.zip").write_bytes(data.getvalue())
    (tmp_path / "vox1_meta.csv").write_text(META.replace("id10002\tA.R._Rahman\tf\tIndia\tdev", "id10002\tx\tf\tx\ttest"))
    corpus = replace(corpus, archives=(Archive("vox1_meta.csv"),))
    given = [tmp_path / "a.zip", tmp_path / "vox1_meta.csv"]
    ingest(corpus, given, root=tmp_path / "catalog", sample=2, workers=1)
    version = read_manifest(open_root(tmp_path / "catalog"), "voxceleb1_sample", 1)
    assert {split: entry.rows for split, entry in version.splits.items()} == {"train": 2, "test": 2}
    met = [item["member"] for item in version.report["quarantined"]["names"]]
    assert met == [paths[0], paths[4]]


def test_a_missing_a_damaged_and_a_cut_part_are_named(tmp_path: Path) -> None:
    corpus, files = official()
    folder = lay(tmp_path / "in", files)
    part = folder / "vox1_dev_wav_partac"
    part.unlink()
    with pytest.raises(IngestError, match=r"vox1_dev_wav\.zip lacks its part vox1_dev_wav_partac"):
        ingest(corpus, [folder], root=tmp_path / "catalog", workers=1)
    part.write_bytes(files[part.name][:-1])
    with pytest.raises((WrongChecksum, ArchiveError)):
        ingest(corpus, [folder], root=tmp_path / "catalog", workers=1)
    changed = bytearray(DEV)
    at = DEV.rindex(b"PK\1\2") + 12  # a date in the directory: the archive itself is as good as before
    changed[at] ^= 1
    number = at // (len(DEV) // 4)
    name = corpus.archives[0].parts[min(number, 3)].file
    begin = min(number, 3) * (len(DEV) // 4)
    part.write_bytes(files[part.name])
    (folder / name).write_bytes(bytes(changed[begin : begin + len(files[name])]))
    with pytest.raises(WrongChecksum, match=rf"{name}: its (MD5|SHA-256) is"):
        ingest(corpus, [folder], root=tmp_path / "catalog", workers=1)
    assert open_root(tmp_path / "catalog").children("voxceleb1/manifests") == []


def test_parts_in_another_order_are_noticed_by_the_whole(tmp_path: Path) -> None:
    """Each part is as declared, and yet the whole is not: its own checksum tells."""
    corpus, files = official()
    whole = replace(corpus.archives[0], md5="0" * 32)
    folder = lay(tmp_path / "in", files)
    with pytest.raises(WrongChecksum, match=r"vox1_dev_wav\.zip, joined from its parts: its (MD5|SHA-256) is"):
        ingest(replace(corpus, archives=(whole, *corpus.archives[1:])), [folder], root=tmp_path / "catalog", workers=1)


def test_downloaded_with_a_key_and_ingested(
    tmp_path: Path, file_server: Any, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    """From a server that answers by query and cuts one part off."""
    corpus, files = official()
    monkeypatch.setattr(transfer, "BACKOFF_S", 0.001)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    monkeypatch.setenv("VOXCELEB_KEY", "k/e y")
    file_server.files = files
    file_server.cut_after_bytes["vox1_dev_wav_partab"] = [100]
    mirrors = (f"{file_server.url}/{{file}}?key={{key}}",)
    folder = download(replace(corpus, mirrors=mirrors))
    assert folder == home / "downloads" / "voxceleb1"
    assert all("key=k%2Fe%20y" in path for path, _ in file_server.requests)
    assert ingest(corpus, [folder], root=tmp_path / "catalog", workers=1).created


def test_without_a_key_every_closed_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is asked in vain; a login for Oxford in netrc is one too."""
    monkeypatch.delenv("VOXCELEB_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with pytest.raises(AccessNeeded) as error:
        download(VOXCELEB1)
    text = str(error.value)
    assert "https://mm.kaist.ac.kr/datasets/voxceleb/" in text
    assert "set VOXCELEB_KEY" in text
    assert all(f"vox1_dev_wav_part{part} (MD5 " in text for part in ("aa", "ab", "ac", "ad"))
    assert "vox1_test_wav.zip (1.1 GB, MD5 185fdc63c3c739954633d50379a3d102)" in text
    assert "vox1_meta.csv" not in text
    assert text.endswith("`yuliao ingest voxceleb1`")
    assert [file.host for file in wanted(VOXCELEB1)] == [*[""] * 5, "www.robots.ox.ac.uk"]
    (tmp_path / "netrc").write_text("machine thor.robots.ox.ac.uk login me password secret\n")
    assert {file.host for file in wanted(VOXCELEB1)} == {"thor.robots.ox.ac.uk", "www.robots.ox.ac.uk"}
