"""Versions as files that other tools read: one file for each split, in a format named by the user."""

import importlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from catalog.errors import CatalogError, near_matches
from catalog.export.notice import licence_note
from catalog.export.words import Words, read_words
from catalog.files import full_disk_is_an_error
from catalog.manifests import Manifest, read_manifest, resolve
from catalog.roots import Root, open_root

Row = dict[str, Any]
LeaveOut = Callable[[str], None]  # told the reason for which a row cannot be written in the format


@dataclass(frozen=True)
class Format:
    """A format: a module in this folder declares one or more in `FORMATS`.

    `lines` gives the text of the file, or its bytes, piece by piece; it is told the split, its rows, and how to leave one out.
    The rows have `columns`, so far as the version has these, or all.
    """

    name: str
    kinds: tuple[str, ...]
    suffix: str
    lines: Callable[["Context", Iterator[Row], LeaveOut], Iterator[str] | Iterator[bytes]]
    columns: tuple[str, ...] | None = None
    takes_words: bool = False  # whether it needs the times of words, by utterance, in a file beside the version


@dataclass(frozen=True)
class Context:
    """What is exported."""

    storage: Root
    manifest: Manifest
    split: str
    words: Mapping[str, Words]  # by the id of an utterance; empty for formats that take none


@dataclass
class Exported:
    """What was written: rows by file, the note of licence beside them, and the rows that the format cannot say, by reason."""

    name: str
    version: int
    note: str = ""
    files: dict[str, int] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)


_MODULES = ("conll", "csc_tsv", "sighan", "pycorrector", "squad", "jsonl", "rttm", "stm", "ctm", "activity", "webdataset")


def formats() -> dict[str, Format]:
    """All formats, by name."""
    modules = (importlib.import_module(f"{__name__}.{module}") for module in _MODULES)
    return {format_.name: format_ for module in modules for format_ in module.FORMATS}


def export(
    reference: str,
    format: str,
    to: str | os.PathLike[str],
    *,
    split: str | None = None,
    words: str | os.PathLike[str] | None = None,
    root: str | os.PathLike[str] | None = None,
) -> Exported:
    """Write the version `NAME[@V]` into the folder `to`, as `<name>-<split>.<suffix>`; each file whole or not at all.

    Before them `<name>-LICENCE.txt` is written (`licence_note`): derived texts may be given away only with it.

    Args:
        words: for ctm, the file with the words of the corpus and their times (`catalog.export.words.read_words`).

    Raises:
        DatasetNotFound: no such version.
        CatalogError: no such format or split, a format that is not for this kind of dataset, words where none are taken or none
            where they are, or a file of words that is broken or of another corpus.
    """
    storage = open_root(root)
    name, version = resolve(storage, reference)
    manifest = read_manifest(storage, name, version)
    known = formats()
    if format not in known:
        raise CatalogError(f"no format {format!r}{near_matches(format, known)}")
    chosen = known[format]
    if manifest.kind not in chosen.kinds:
        fitting = ", ".join(sorted(other.name for other in known.values() if manifest.kind in other.kinds)) or "none"
        raise CatalogError(f"format {format} is not for kind {manifest.kind}, of which {name}@{version} is; there are: {fitting}")
    if split is not None and split not in manifest.splits:
        raise CatalogError(f"no split {split!r} in {name}@{version}{near_matches(split, manifest.splits)}")
    parts = [split] if split is not None else list(manifest.splits)
    known_words = _known_words(chosen, words, storage, manifest, parts)
    exported = Exported(name, version)
    folder = Path(to)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CatalogError(f"cannot write into {folder}: {error.strerror}; give a folder of yours") from error
    beside, text = folder / f"{name}-LICENCE.txt", licence_note(storage, manifest, format)
    _write_whole(beside, lambda file: file.write(text.encode()))
    exported.note = str(beside)
    for part in parts:
        path = folder / f"{name}-{part}.{chosen.suffix}"
        exported.files[str(path)] = _write(chosen, Context(storage, manifest, part, known_words), path, exported.left_out)
    return exported


def _known_words(
    format_: Format, words: str | os.PathLike[str] | None, storage: Root, manifest: Manifest, splits: Sequence[str]
) -> dict[str, Words]:
    """The words of the utterances in some splits, where the format takes words."""
    from catalog.text_rows import read_rows

    if not format_.takes_words:
        if words is not None:
            raise CatalogError(f"format {format_.name} takes no words: leave out --words, or ask for --format ctm")
        return {}
    if words is None:
        raise CatalogError(
            f"format {format_.name} needs the times of words: give --words FILE, a CTM of forced alignments of the corpus, "
            "or take --format stm, which needs none"
        )
    rows = (row for split in splits for row in read_rows(storage, manifest, split, ("source_ids",)))
    return read_words(words, {source_id for row in rows for source_id in row["source_ids"]})


def _write(format_: Format, context: Context, path: Path, left_out: Counter[str]) -> int:
    from catalog.text_rows import read_rows

    before = left_out.total()

    def leave_out(reason: str) -> None:
        left_out[reason] += 1

    def write(file: BinaryIO) -> None:
        rows = read_rows(context.storage, context.manifest, context.split, format_.columns)
        for piece in format_.lines(context, rows, leave_out):
            file.write(piece if isinstance(piece, bytes) else piece.encode())

    _write_whole(path, write)
    return context.manifest.splits[context.split].rows - (left_out.total() - before)


def _write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with full_disk_is_an_error(str(path)), temporary.open("wb") as file:
            write(file)
        temporary.replace(path)
    except OSError as error:
        raise CatalogError(f"cannot write {path}: {error.strerror}; give a folder of yours") from error
    finally:
        temporary.unlink(missing_ok=True)
