"""Archives and folders as streams of members."""

import bz2
import gzip
import io
import lzma
import os
import pickle
import stat
import struct
import tarfile
import tempfile
import zipfile
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.reading import members as member_module
from flows.reading.archives import members, walk
from flows.reading.joined_parts import JoinedParts
from flows.reading.members import ArchiveError

PACKERS = {"tar": bytes, "tgz": gzip.compress, "tar.bz2": bz2.compress, "txz": lzma.compress}


def packed(files: dict[str, bytes], *, gzipped: bool = True) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for path, data in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return gzip.compress(raw.getvalue()) if gzipped else raw.getvalue()


def written(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def content(source: Path) -> dict[str, bytes]:
    return {member.path: member.read() for member in walk(source)}


INNER = {"train/S1/a.wav": b"a" * 3000, "train/S1/b.wav": b""}


def test_a_nested_archive_is_read_where_it_lies(tmp_path: Path) -> None:
    """Members of an inner archive have the paths that unpacking in place would give them; two levels deep as well."""
    outer = {
        "top/wav/S1.tar.gz": packed(INNER),
        "top/text.txt": b"text",
        "top/more/x.tar": packed({"y.tgz": packed({"z": b"z"})}, gzipped=False),
    }
    source = written(tmp_path / "outer.tgz", packed(outer))
    expected = {f"top/wav/{path}": data for path, data in INNER.items()} | {"top/text.txt": b"text", "top/more/z": b"z"}
    assert content(source) == expected


@given(
    st.lists(st.binary(max_size=5000) | st.integers(0, 300_000).map(lambda size: bytes(size)), max_size=6),
    st.sampled_from(sorted(PACKERS)),
)
@settings(max_examples=40, deadline=None)
def test_what_is_packed_is_read(contents: list[bytes], suffix: str) -> None:
    """Any sizes, packed twice over."""
    files = {f"a/{k}.bin": data for k, data in enumerate(contents)}
    inner = PACKERS[suffix](packed(files, gzipped=False))
    with tempfile.TemporaryDirectory() as folder:
        source = written(Path(folder) / "outer.tgz", packed({f"b/in.{suffix}": inner}))
        assert content(source) == {f"b/{path}": data for path, data in files.items()}


def test_members_leaves_nested_archives_closed(tmp_path: Path) -> None:
    """The first of the two readings does not pay for what is inside the inner archives."""
    source = written(tmp_path / "outer.tgz", packed({"top/S1.tar.gz": packed(INNER), "top/text.txt": b"text"}))
    assert [member.path for member in members(source)] == ["top/S1.tar.gz", "top/text.txt"]


def test_folder_and_archive_give_the_same_members(tmp_path: Path) -> None:
    """An unpacked folder, its inner archives still packed, is the same stream; the folder's name begins the paths."""
    outer = {"top/b/S1.tar.gz": packed(INNER), "top/a.txt": b"text"}
    source = written(tmp_path / "outer.tgz", packed(outer))
    for path, data in outer.items():
        written(tmp_path / "unpacked" / path, data)
    assert content(tmp_path / "unpacked" / "top") == content(source)


def test_a_member_that_is_skipped_costs_nothing_of_the_next(tmp_path: Path) -> None:
    """Members may be left unread, or read in part."""
    files = {f"{k}.txt": bytes([65 + k]) * 5000 for k in range(5)}
    source = written(tmp_path / "a.tgz", packed(files))
    seen = {}
    for k, member in enumerate(walk(source)):
        if k == 1:
            with member.open() as file:
                file.read(10)
        elif k % 2 == 0:
            seen[member.path] = member.read()
    assert seen == {path: data for path, data in files.items() if path in ("0.txt", "2.txt", "4.txt")}


@pytest.mark.parametrize("path", ["/etc/passwd", "../up.wav", "a/../../up.wav", "..\\up.wav"])
def test_a_path_that_leaves_its_folder_is_refused(tmp_path: Path, path: str) -> None:
    """The error names archive and member, in one line."""
    source = written(tmp_path / "bad.tgz", packed({"good.wav": b"1", path: b"2"}))
    with pytest.raises(ArchiveError, match=r"bad\.tgz: member .*points outside") as caught:
        content(source)
    assert repr(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
@pytest.mark.parametrize("nested", [False, True])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes, nested: bool) -> None:
    """In an inner archive too."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        member = tarfile.TarInfo("train/sly.wav")
        member.type, member.linkname = kind, "/etc/passwd"
        tar.addfile(member)
    data = packed({"wav/S1.tar.gz": raw.getvalue()}) if nested else raw.getvalue()
    with pytest.raises(ArchiveError, match=r"train/sly\.wav.* is a (link|device)"):
        content(written(tmp_path / "bad.tgz", data))


@pytest.mark.parametrize("name", ["a.zip", "a.tgz"])
def test_names_that_break_lines_do_not_break_errors(tmp_path: Path, name: str) -> None:
    """macOS has files called "Icon\\r"; what names are in a damaged archive nobody knows."""
    files = {"top/a\nb\u2028.wav": b"a" * 3000}
    source = written(tmp_path / name, zipped(files) if name == "a.zip" else packed(files))
    assert [member.path for member in members(source)] == ["top/a\ufffdb\ufffd.wav"]
    source.write_bytes(source.read_bytes().replace(b"PK\5\6", b"PK\5\7") if name == "a.zip" else packed(files)[:-12])
    with pytest.raises(ArchiveError) as caught:
        content(source)
    assert len(str(caught.value).splitlines()) == 1


def test_a_link_in_a_folder_is_not_followed_in_silence(tmp_path: Path) -> None:
    """A link to a folder, or to nothing, is an error; a link to a file is that file."""
    written(tmp_path / "elsewhere" / "a.wav", b"a")
    top = tmp_path / "top"
    top.mkdir()
    (top / "a.wav").symlink_to(tmp_path / "elsewhere" / "a.wav")
    assert content(top) == {"top/a.wav": b"a"}
    (top / "more").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ArchiveError, match="more: a link to a folder"):
        content(top)
    (top / "more").unlink()
    (top / "b.wav").symlink_to(tmp_path / "nothing")
    with pytest.raises(ArchiveError, match=r"b\.wav: neither a file"):
        content(top)


@pytest.mark.parametrize("suffix", sorted(PACKERS))
@pytest.mark.parametrize("nested", [False, True])
def test_an_archive_cut_short_anywhere_is_noticed(tmp_path: Path, suffix: str, nested: bool) -> None:
    """Python's tarfile takes many such archives for complete ones."""
    data = PACKERS[suffix](packed({f"{k}.wav": bytes(range(256)) * (3 + k) for k in range(4)}, gzipped=False))
    # A plain tar ends with zeros up to 10 KB, of which one block is enough.
    last = len(data.rstrip(b"\0")) + 256 if suffix == "tar" else len(data) - 1
    for length in sorted({0, 1, 100, 512, 1024, 1536, 2048, last // 3, last // 2, last - 20, last}):
        if length >= len(data):
            continue
        cut = data[:length]
        source = written(
            tmp_path / ("outer.tgz" if nested else f"cut.{suffix}"), packed({f"in/cut.{suffix}": cut}) if nested else cut
        )
        with pytest.raises(ArchiveError, match=r"damaged or cut short") as caught:
            content(source)
        assert f"cut.{suffix}" in str(caught.value), length


def test_a_flipped_bit_in_a_gzip_is_noticed(tmp_path: Path) -> None:
    """By the checksum at its end, also where no member is read at all."""
    data = bytearray(gzip.compress(packed({"a.wav": bytes(100_000)}, gzipped=False), compresslevel=0))
    data[50_000] ^= 1
    source = written(tmp_path / "a.tgz", bytes(data))
    with pytest.raises(ArchiveError, match="damaged"):
        list(members(source))


def test_garbage_between_members_is_noticed(tmp_path: Path) -> None:
    """tarfile takes a header it cannot read for the end of the archive."""
    data = bytearray(packed({"a.wav": b"a" * 600, "b.wav": b"b" * 600}, gzipped=False))
    data[512 + 1024 : 512 + 1024 + 512] = b"x" * 512
    with pytest.raises(ArchiveError, match=r"at a\.wav"):
        content(written(tmp_path / "a.tar", bytes(data)))


@pytest.mark.parametrize("suffix", sorted(PACKERS.keys() - {"tar"}))
def test_several_packed_streams_are_one(tmp_path: Path, suffix: str) -> None:
    """As pigz, bgzip and pbzip2 write it."""
    raw = packed({"a.wav": bytes(range(256)) * 400, "b.wav": b"b" * 600}, gzipped=False)
    parts = b"".join(PACKERS[suffix](raw[start : start + 30_000]) for start in range(0, len(raw), 30_000))
    assert set(content(written(tmp_path / f"a.{suffix}", parts))) == {"a.wav", "b.wav"}


def test_progress_adds_up_to_the_size_of_the_source(tmp_path: Path) -> None:
    """For an archive and for a folder."""
    source = written(tmp_path / "top" / "a.tgz", packed({f"{k}": bytes([k]) * 100_000 for k in range(20)}))
    for place in (source, source.parent):
        steps: list[int] = []
        list(walk(place, steps.append))
        assert sum(steps) == source.stat().st_size
        assert min(steps) >= 0


def zipped(files: dict[str, bytes], *, deflated: bool = True, mode: int = stat.S_IFREG | 0o644) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED) as archive:
        for path, data in files.items():
            info = zipfile.ZipInfo(path)
            info.external_attr, info.create_system = mode << 16, 3
            info.compress_type = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
            archive.writestr(info, data)
    return raw.getvalue()


FILES = {"wav/id1/v/00001.wav": bytes(range(256)) * 40, "wav/id1/v/00002.wav": b"", "wav/名.txt": "名".encode()}


@pytest.mark.parametrize("deflated", [True, False])
def test_a_zip_is_read(tmp_path: Path, deflated: bool) -> None:
    """Stored and deflated; a member is read later and in another process by a function that pickles."""
    source = written(tmp_path / "a.zip", zipped(FILES, deflated=deflated))
    assert content(source) == FILES
    kept = [(member.path, pickle.dumps(member.fetch)) for member in walk(source)]
    assert {path: pickle.loads(fetch)() for path, fetch in kept} == FILES


def test_an_archive_in_parts_is_read_as_one(tmp_path: Path) -> None:
    """Zip and tar, cut anywhere, one part empty; nothing is joined on disk."""
    for name, data in (("whole.zip", zipped(FILES)), ("whole.tgz", packed(FILES))):
        cuts = [0, 7, len(data) // 2, len(data) // 2, len(data) - 9, len(data)]
        paths = tuple(written(tmp_path / f"{name}.part{k}", data[begin:end]) for k, (begin, end) in enumerate(pairwise(cuts)))
        parts = JoinedParts(name, paths)
        assert {member.path: member.read() for member in walk(parts)} == FILES
        steps: list[int] = []
        list(walk(parts, steps.append))
        assert sum(steps) == len(data)


def test_a_missing_middle_part_is_noticed(tmp_path: Path) -> None:
    """Or parts in another order."""
    data = zipped({f"{k}.wav": bytes([k]) * 5000 for k in range(50)}, deflated=False)
    third = len(data) // 3
    first, middle, last = (
        written(tmp_path / str(k), data[begin:end])
        for k, (begin, end) in enumerate(((0, third), (third, 2 * third), (2 * third, None)))
    )
    for paths in ((first, last), (middle, first, last), (first, middle)):
        with pytest.raises(ArchiveError, match="damaged or cut short"):
            content_of_parts(JoinedParts("a.zip", paths))


def content_of_parts(parts: JoinedParts) -> dict[str, bytes]:
    return {member.path: member.read() for member in walk(parts)}


def test_zips_and_tars_in_each_other(tmp_path: Path) -> None:
    """A zip in a tar, a tar in a zip."""
    assert content(written(tmp_path / "a.tgz", packed({"x/in.zip": zipped(FILES)}))) == {f"x/{p}": d for p, d in FILES.items()}
    assert content(written(tmp_path / "b.zip", zipped({"x/in.tgz": packed(FILES)}))) == {f"x/{p}": d for p, d in FILES.items()}


def test_zip64(tmp_path: Path) -> None:
    """As VoxCeleb2's dev archive has it: more than 65,535 members and 4 GB, which stand in fields of their own."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr("small", b"x")
        with archive.open("large", "w", force_zip64=True) as file:
            file.write(b"x" * 100)
    data = raw.getvalue()
    at = data.index(b"PK\5\6")
    directory_bytes, begin = (int.from_bytes(data[at + k : at + k + 4], "little") for k in (12, 16))
    end = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 2, 2, directory_bytes, begin)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, at, 1)
    short_end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    source = written(tmp_path / "a.zip", data[:at] + end + locator + short_end)
    assert content(source) == {"small": b"x", "large": b"x" * 100}


@pytest.mark.parametrize("path", ["/etc/passwd", "../up.wav", "a/../../up.wav", "..\\up.wav", "C:/up.wav"])
def test_a_zip_path_that_leaves_its_folder_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(ArchiveError, match=r"bad\.zip: member .*points outside"):
        content(written(tmp_path / "bad.zip", zipped({"good.wav": b"1", path: b"2"})))


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_in_a_zip_are_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ArchiveError, match=r"sly\.wav.* is a (link|device)"):
        content(written(tmp_path / "bad.zip", zipped({"sly.wav": b"/etc/passwd"}, mode=mode | 0o777)))


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    """Cut short, a flipped bit, a wrong size in the directory, encrypted, several volumes."""
    data = zipped({"a.wav": b"a" * 1000, "b.wav": b"b" * 1000}, deflated=False)
    flipped = bytearray(data)
    flipped[500] ^= 1
    for broken in (b"", data[:100], data[:-5], data[10:], bytes(flipped), data.replace(b"PK\1\2", b"PK\1\3")):
        with pytest.raises(ArchiveError, match="damaged or cut short"):
            content(written(tmp_path / "a.zip", broken))
    encrypted = bytearray(data)
    encrypted[data.index(b"PK\1\2") + 8] |= 1
    with pytest.raises(ArchiveError, match=r"a\.wav' is encrypted"):
        content(written(tmp_path / "a.zip", bytes(encrypted)))
    volume = bytearray(data)
    volume[data.index(b"PK\5\6") + 4] = 2
    with pytest.raises(ArchiveError, match="one volume of several"):
        content(written(tmp_path / "a.zip", bytes(volume)))


@pytest.mark.parametrize("kind", ["zip", "tgz", "tar.bz2", "txz", "nested"])
def test_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """What unpacks to far more than it is; the error names the member."""
    monkeypatch.setattr(member_module, "LIMITS", replace(member_module.LIMITS, unpacked_at_least_bytes=1 << 20))
    zeros = {"good.wav": b"1", "zeros.wav": bytes(8 << 20)}
    raw = packed(zeros, gzipped=False)
    made = {"zip": lambda: zipped(zeros), "nested": lambda: packed({"in.tgz": packed(zeros)})}
    made |= {suffix: partial(pack, raw) for suffix, pack in PACKERS.items()}
    source = written(tmp_path / f"bomb.{'tgz' if kind == 'nested' else kind}", made[kind]())
    with pytest.raises(ArchiveError, match=r"unpacks to more than 200 times.*(zeros\.wav|in\.tgz)"):
        content(source)


def test_an_xz_that_asks_for_all_memory_is_refused(tmp_path: Path) -> None:
    """A few bytes may say that a dictionary of gigabytes is needed."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 29}]
    data = lzma.compress(packed(INNER, gzipped=False), filters=filters)
    with pytest.raises(ArchiveError, match=r"damaged or cut short at its beginning .*[Mm]emory"):
        content(written(tmp_path / "a.tar.xz", data))


def test_members_that_lie_over_each_other_are_refused(tmp_path: Path) -> None:
    """The bomb in which many entries share the same bytes: https://www.bamsoftware.com/hacks/zipbomb/"""
    data = zipped({"a.wav": b"a" * 1000, "b.wav": b"b" * 1000}, deflated=False)
    entry = data[data.index(b"PK\1\2") : data.rindex(b"PK\1\2")]
    end = bytearray(data[data.index(b"PK\5\6") :])
    end[8:12] = (20).to_bytes(2, "little") * 2
    end[12:16] = (20 * len(entry)).to_bytes(4, "little")
    bomb = data[: data.index(b"PK\1\2")] + entry * 20 + bytes(end)
    with pytest.raises(ArchiveError, match=r"a\.wav' lies over another one"):
        list(members(written(tmp_path / "a.zip", bomb)))


def test_archives_without_end_inside_each_other_are_refused(tmp_path: Path) -> None:
    data = packed({"z": b"z"})
    for _ in range(6):
        data = packed({"a.tgz": data})
    with pytest.raises(ArchiveError, match="more than 3 archives inside each other"):
        content(written(tmp_path / "a.tgz", data))


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member_module, "LIMITS", replace(member_module.LIMITS, members=3))
    files = {f"{k}.wav": b"" for k in range(5)}
    for name, data in (("a.zip", zipped(files)), ("a.tgz", packed(files))):
        with pytest.raises(ArchiveError, match=r"more than 3 members, at '3\.wav'"):
            list(members(written(tmp_path / name, data)))


def test_a_sparse_file_is_refused(tmp_path: Path) -> None:
    """A tar of a kilobyte may say that a terabyte of holes is in it."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo("holes.wav")
        member.pax_headers = {"GNU.sparse.map": "0,0,1099511627776,0", "GNU.sparse.size": "1099511627776"}
        tar.addfile(member)
    with pytest.raises(ArchiveError, match=r"holes\.wav' is a sparse file"):
        content(written(tmp_path / "a.tar", raw.getvalue()))


SEEDS = {
    "a.tar": packed(FILES, gzipped=False),
    "a.tgz": packed(FILES),
    "a.tar.bz2": bz2.compress(packed(FILES, gzipped=False)),
    "a.txz": lzma.compress(packed(FILES, gzipped=False)),
    "b.tgz": packed({"in.tar": packed(FILES, gzipped=False)}),
    "a.zip": zipped(FILES),
    "b.zip": zipped({"x/in.tgz": packed(FILES)}, deflated=False),
}


EDITS = st.lists(
    st.tuples(st.sampled_from(["set", "cut", "double", "insert"]), st.floats(0, 1), st.integers(1, 600), st.binary(max_size=40)),
    min_size=1,
    max_size=4,
)


@given(st.sampled_from(sorted(SEEDS)), EDITS)
@settings(max_examples=2000, deadline=None, database=None)
def test_whatever_is_done_to_an_archive_only_our_own_error_comes_out(
    name: str, edits: list[tuple[str, float, int, bytes]]
) -> None:
    """Bytes changed, cut out, doubled, put in."""
    broken = bytearray(SEEDS[name])
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
    source = written(Path(tempfile.gettempdir()) / f"yuliao-fuzz-{os.getpid()}" / name, bytes(broken))
    try:
        content(source)
    except ArchiveError as error:
        assert "\n" not in str(error)
    finally:
        source.unlink()
