"""The files that a corpus is read from: given by the user or downloaded; parts put together, checksums compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.adapter import Archive, Corpus
from flows.fetch import checksums
from flows.reading.archives import Source, is_archive
from flows.reading.joined_parts import JoinedParts
from flows.recordings.staging import IngestError, is_metadata


@dataclass(frozen=True)
class Original:
    """A source, and what its makers declare of it; `declared` is None for a folder or file that is none of theirs by name."""

    source: Source
    declared: Archive | None = None

    @property
    def size_bytes(self) -> int:
        return self.source.size_bytes if isinstance(self.source, JoinedParts) else size_of(self.source)

    @property
    def paths(self) -> tuple[Path, ...]:
        return self.source.paths if isinstance(self.source, JoinedParts) else (self.source,)

    @property
    def is_of_official_size(self) -> bool:
        """Whether its size is the official one; where that is not known, any is."""
        return self.declared is not None and self.declared.size_bytes in (None, self.size_bytes)

    def described(self) -> dict[str, object]:
        """For the report."""
        name = self.source.name if isinstance(self.source, JoinedParts) else self.source.resolve().name
        official = self.declared is not None and self.declared.size_bytes == self.size_bytes
        parts = {"parts": [path.name for path in self.paths]} if isinstance(self.source, JoinedParts) else {}
        return {"name": name, "size_bytes": self.size_bytes, "official_size": official, **parts}


def size_of(path: Path) -> int:
    """Of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def resolve(corpus: Corpus, given: Sequence[Path]) -> list[Original]:
    """Archives, parts put together, folders and metadata files. A folder that holds official files stands for these.

    Raises:
        IngestError: a source is missing, is nothing of the corpus, or lacks a part.
    """
    by_name = {archive.file: archive for archive in corpus.archives}
    part_of = {part.file: archive for archive in corpus.archives for part in archive.parts}
    found: list[Original] = []
    parts: dict[str, dict[str, Path]] = {}
    for path in map(Path, given):
        if path.is_dir():
            inside = [path / name for name in (*by_name, *part_of) if (path / name).is_file()]
            if not inside:
                found.append(Original(path))
        elif not path.exists():
            raise IngestError(f"{path}: no such file or folder; {expected(corpus)}")
        else:
            inside = [path]
        for file in inside:
            if file.name in part_of:
                parts.setdefault(part_of[file.name].file, {})[file.name] = file
            elif file.name in by_name or is_archive(file) or is_metadata(corpus, file.name):
                found.append(Original(file, by_name.get(file.name)))
            else:
                raise IngestError(f"{file}: neither a folder nor an archive that can be read; {expected(corpus)}")
    whole = {original.declared.file for original in found if original.declared}
    for name, files in parts.items():
        if name not in whole:  # somebody may have joined them beside the parts
            found.append(_joined(by_name[name], files))
    if not found:
        raise IngestError(f"nothing to read {corpus.name} from; {expected(corpus)}")
    return found


def _joined(archive: Archive, files: dict[str, Path]) -> Original:
    missing = [part.file for part in archive.parts if part.file not in files]
    if missing:
        where = next(iter(files.values())).parent
        raise IngestError(f"{where}: {archive.file} lacks its part {', '.join(missing)}; fetch it, and give all parts")
    return Original(JoinedParts(archive.file, tuple(files[part.file] for part in archive.parts)), archive)


def expected(corpus: Corpus) -> str:
    """What the corpus comes as, for errors."""
    files = ", ".join(piece.file for archive in corpus.archives for piece in archive.pieces)
    comes = (
        f"comes as {files} from {corpus.homepage}: give these" if files else f"is found at {corpus.homepage}: give its archives"
    )
    return f"{corpus.title} {comes}, a folder that holds them, or the unpacked folder"


def check(original: Original) -> None:
    """Compare the checksums of a source, each part and the whole, with the official ones, where they are known.

    A file of another size than the official one is another edition, of which the report tells, and not compared.

    Raises:
        WrongChecksum: says which file, what was expected and what to do.
    """
    declared = original.declared
    if declared is None:
        return
    if not original.is_of_official_size or not any(item.md5 or item.sha256 for item in (declared, *declared.pieces)):
        return
    # Parts come before the whole: they tell what to fetch again.
    for archive, found in checksums.look(declared, original.paths):
        wrong = checksums.difference(archive, found)
        if wrong:
            joined = archive is declared and len(original.paths) > 1
            where = f"{archive.file}, joined from its parts" if joined else str(_path_of(archive, original))
            raise checksums.WrongChecksum(f"{where}: {wrong}; fetch it again, or unpack it and give the folder")


def _path_of(archive: Archive, original: Original) -> Path:
    return next((path for path in original.paths if path.name == archive.file), original.paths[0])
