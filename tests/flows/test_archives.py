"""Archives and folders as streams of members."""

import gzip
import io
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.archives import ArchiveError, members, walk


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


@given(st.lists(st.binary(max_size=5000) | st.integers(0, 300_000).map(lambda size: bytes(size)), max_size=6), st.booleans())
@settings(max_examples=40, deadline=None)
def test_what_is_packed_is_read(contents: list[bytes], gzipped: bool) -> None:
    """Any sizes, packed twice over."""
    files = {f"a/{k}.bin": data for k, data in enumerate(contents)}
    inner = packed(files, gzipped=gzipped)
    with tempfile.TemporaryDirectory() as folder:
        source = written(Path(folder) / "outer.tgz", packed({f"b/in.{'tgz' if gzipped else 'tar'}": inner}))
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


@pytest.mark.parametrize("gzipped", [True, False])
@pytest.mark.parametrize("nested", [False, True])
def test_an_archive_cut_short_anywhere_is_noticed(tmp_path: Path, gzipped: bool, nested: bool) -> None:
    """Python's tarfile takes many such archives for complete ones."""
    data = packed({f"{k}.wav": bytes(range(256)) * (3 + k) for k in range(4)}, gzipped=gzipped)
    suffix = "tar.gz" if gzipped else "tar"
    # A plain tar ends with zeros up to 10 KB, of which one block is enough.
    last = len(data) - 1 if gzipped else len(data.rstrip(b"\0")) + 256
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


def test_a_gzip_of_several_members_is_one_stream(tmp_path: Path) -> None:
    """As pigz and bgzip write it."""
    raw = packed({"a.wav": bytes(range(256)) * 400, "b.wav": b"b" * 600}, gzipped=False)
    parts = b"".join(gzip.compress(raw[start : start + 30_000]) for start in range(0, len(raw), 30_000))
    assert set(content(written(tmp_path / "a.tgz", parts))) == {"a.wav", "b.wav"}


def test_progress_adds_up_to_the_size_of_the_source(tmp_path: Path) -> None:
    """For an archive and for a folder."""
    source = written(tmp_path / "top" / "a.tgz", packed({f"{k}": bytes([k]) * 100_000 for k in range(20)}))
    for place in (source, source.parent):
        steps: list[int] = []
        list(walk(place, steps.append))
        assert sum(steps) == source.stat().st_size
        assert min(steps) >= 0
