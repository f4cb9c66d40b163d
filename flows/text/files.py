"""The files of a text corpus: single ones, folders, tar and zip archives; their bytes to text and to JSON."""

import json
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from flows.reading.archives import is_archive, walk
from flows.text.adapter import TextError, TextFile

MAX_FILE_BYTES = 2 << 30  # of one member of an archive, unpacked
_STRAY = re.compile("[\udc80-\udcff]")
_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def text_files(sources: Sequence[Path], wanted: Callable[[str], bool] = lambda path: True) -> Iterator[TextFile]:
    """Every file of the sources, in their order; a folder's and an archive's by name, so that the same is read first everywhere.

    Of files whose path is not `wanted` there is the name and no data: what else lies in a folder may be of any size.

    Passed over is what macOS puts beside files (`._NAME`, `__MACOSX`): it has their names and nothing of their text.

    Raises:
        TextError: a source is missing or damaged, or a folder below it cannot be read.
        ArchiveError: a tar archive is damaged or leaves its folder.
    """
    for file in _every_file(sources, wanted):
        path = PurePosixPath(file.place)
        if not path.name.startswith("._") and "__MACOSX" not in path.parts:
            yield file


def _every_file(sources: Sequence[Path], wanted: Callable[[str], bool]) -> Iterator[TextFile]:
    for source in map(Path, sources):
        if not source.exists():
            raise TextError(f"{source}: no such file or folder")
        if source.is_file() and zipfile.is_zipfile(source):
            yield from _zip_members(source, wanted)
        elif source.is_dir():
            for path in sorted(_below(source)):
                data = path.read_bytes() if wanted(str(path)) else b""
                yield TextFile(str(path), data, path.relative_to(source).as_posix())
        elif is_archive(source):
            for member in walk(source):
                yield TextFile(member.path, member.read() if wanted(member.path) else b"", member.path)
        else:
            yield TextFile(str(source), source.read_bytes() if wanted(str(source)) else b"")


def _below(folder: Path) -> Iterator[Path]:
    """Every file below a folder. A folder that may not be opened is an error: its files would be missing unseen."""

    def refuse(error: OSError) -> NoReturn:
        raise TextError(f"{error.filename}: {error.strerror}; make it readable, or give the files one by one") from error

    for parent, _, names in os.walk(folder, onerror=refuse):
        yield from (path for path in (Path(parent, name) for name in names) if path.is_file())


def _zip_members(source: Path, wanted: Callable[[str], bool]) -> Iterator[TextFile]:
    try:
        with zipfile.ZipFile(source) as archive:
            for info in sorted(archive.infolist(), key=lambda info: info.filename):
                name = _zip_name(info)
                if info.is_dir():
                    continue
                if not wanted(name):
                    yield TextFile(name, b"", name)
                    continue
                if info.file_size > MAX_FILE_BYTES:
                    raise TextError(f"{source}: {info.filename} claims {info.file_size} bytes; unpack it yourself to read it")
                yield TextFile(name, archive.read(info), name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        raise TextError(f"{source}: a damaged or locked zip archive ({error}); fetch it again") from error


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Names that are not marked as UTF-8 were read as cp437; those of Chinese archives are UTF-8 or GBK in truth."""
    if info.flag_bits & 0x800:
        return info.filename
    raw = info.filename.encode("cp437")
    for encoding in ("utf-8", "gbk"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return info.filename


def decoded(file: TextFile) -> str:
    """Its text. Raises TextError where it is not UTF-8: what else it may be is guessed for the error, never for the data."""
    if file.data[:2] in _MARKS:
        _refuse_encoding(file, f"looks like {_MARKS[file.data[:2]]}")
    try:
        return file.data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        guesses = [name for name in ("big5", "gb18030") if _decodes(file.data, name)]
        _refuse_encoding(file, f"{error.reason} at byte {error.start}" + (f", may be {' or '.join(guesses)}" if guesses else ""))


def decoded_but_for_strays(file: TextFile) -> str:
    """Its text, where at most a byte in a thousand is not UTF-8: such bytes are lone surrogates in it (PEP 383).

    For corpora that were released with a damaged character here and there: whoever reads refuses the rows that have one.

    Raises:
        TextError: as `decoded`, where there are more.
    """
    try:
        return decoded(file)
    except TextError:
        text = file.data.removeprefix(b"\xef\xbb\xbf").decode(errors="surrogateescape")
        if file.data[:2] in _MARKS or len(_STRAY.findall(text)) * 1000 > len(file.data):
            raise
        return text


def _refuse_encoding(file: TextFile, what: str) -> NoReturn:
    raise TextError(f"{file.path}: not UTF-8 ({what}); convert it with iconv, or fetch the original")


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def parsed_json(file: TextFile) -> Any:
    """Its JSON. Raises TextError, with the place, where it is none."""
    text = decoded(file)
    if not text.strip():
        raise TextError(f"{file.path}: the file is empty; fetch it again")
    return _parsed(text, file.path, "")


def parsed_json_lines(file: TextFile) -> Iterator[tuple[int, Any]]:
    """(line number from 1, value) of each line that is not blank. Raises TextError as `parsed_json` does."""
    for number, line in enumerate(decoded(file).split("\n"), 1):
        if line.strip():
            yield number, _parsed(line, file.path, f"line {number}: ")


def _parsed(text: str, path: str, place: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        where = place or f"line {error.lineno}, column {error.colno}: "
        raise TextError(f"{path}: {where}not readable JSON ({error.msg}); fetch it again") from error
    except RecursionError as error:
        raise TextError(f"{path}: {place}not readable JSON (nested too deeply); fetch it again") from error
    except ValueError as error:
        what = str(error).partition(";")[0]  # behind it, of too long numbers, is advice to programmers
        raise TextError(f"{path}: {place}not readable JSON ({what}); fetch it again") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
