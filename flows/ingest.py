"""A corpus, from its archives or folders, to a version of kind `speech`.

The sources are read twice: once for the metadata, because transcripts may stand behind the audio they belong to, and once for
the audio, which goes straight into shards. Audio is held in memory for a few chunks only and never unpacked to disk.
"""

import fnmatch
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

import soundfile

from catalog.publish import Published, publish
from catalog.roots import open_root
from catalog.shards import Shard, sum_digests
from flows import corpora
from flows.adapter import Corpus, Metadata, Utterance
from flows.archives import is_archive, members, walk
from flows.audio import AUDIO_SUFFIXES
from flows.ingest_report import Report
from flows.members import Member
from flows.utterances import Chunk, Recorded, write_chunk
from flows.workers import available_cpus, ordered_map
from synth.errors import YuliaoError

ALGORITHM = 1  # raised when the same input shall give other rows
CHUNK_BYTES = 32 << 20  # of audio files: one shard each, so that shards are the same for any number of workers
MAX_IN_FLIGHT = 8  # chunks: together with CHUNK_BYTES what bounds the memory

Progress = Callable[[int, int | None, str], None]


class IngestError(YuliaoError):
    """Sources that are missing or hold nothing of the corpus."""


def ingest(
    corpus: str,
    sources: Sequence[Path],
    *,
    sample: int | None = None,
    root: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Published:
    """Publish a corpus from its official archives, a folder that holds them, or a folder unpacked from them.

    Args:
        corpus: name of an adapter, and of the dataset.
        sources: archives or folders; several are read one after another.
        sample: only the first so many utterances of each split, published as `<corpus>_sample`.
        root: the catalog; None means the one of `YULIAO_CATALOG`.
        workers: processes; None means one per core.
        progress: called with (done, total, "B"), bytes read of the sources over both readings.

    Returns:
        The version; `created` is False where the newest version has the same rows already.

    Raises:
        UnknownCorpus: no such adapter.
        IngestError: a source is missing, or no utterance can be read.
        ArchiveError: an archive is damaged or holds links, devices or paths that leave it.
    """
    adapter = corpora.get(corpus)
    if sample is not None and sample < 1:
        raise IngestError(f"a sample of {sample} utterances is none; ask for at least 1")
    paths = _resolve(adapter, sources)
    storage = open_root(root)
    name = adapter.name if sample is None else f"{adapter.name}_sample"
    advanced = _meter(paths, progress)
    metadata = _read_metadata(adapter, paths, advanced)
    report = Report(adapter, metadata)
    recorded = _recorded(adapter, paths, metadata, sample, report, advanced)
    chunks = _chunks(adapter, recorded, storage.url, name)
    workers = workers or available_cpus()
    splits: dict[str, list[Shard]] = {}
    for written in ordered_map(write_chunk, chunks, workers, min(workers + 2, MAX_IN_FLIGHT)):
        report.add(written)
        if written.shard is not None:
            splits.setdefault(written.split, []).append(written.shard)
    if not splits:
        raise _nothing_readable(adapter, paths, report)
    content = {
        "algorithm": ALGORITHM,
        "corpus": adapter.name,
        "rows_digest": sum_digests([shard.rows_digest for shards in splits.values() for shard in shards]),
    }
    return publish(
        name,
        kind="speech",
        splits={split: splits[split] for split in ("train", "validation", "test") if split in splits},
        fingerprint=hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest(),
        licence=adapter.licence,
        citation=adapter.citation,
        spec={"corpus": adapter.name, "encoding": "wav", "algorithm": ALGORITHM},
        overrides={} if sample is None else {"sample": sample},
        sample_rate_hz=adapter.sample_rate_hz,
        statistics=report.statistics(),
        report=report.report() | {"sources": [_described(adapter, path) for path in paths]},
        software={"soundfile": soundfile.__version__, "libsndfile": soundfile.__libsndfile_version__},
        known_overlaps=adapter.known_overlaps,
        root=root,
    )


def _resolve(adapter: Corpus, sources: Sequence[Path]) -> list[Path]:
    """Archives and folders to read. A folder that holds official archives stands for these."""
    paths = []
    for source in map(Path, sources):
        if source.is_dir():
            inside = [source / archive.file for archive in adapter.archives]
            paths += [path for path in inside if path.exists()] or [source]
        elif not source.exists():
            raise IngestError(f"{source}: no such file or folder; {_expected(adapter)}")
        elif not is_archive(source):
            raise IngestError(f"{source}: neither a folder nor a tar archive; {_expected(adapter)}")
        else:
            paths.append(source)
    if not paths:
        raise IngestError(f"nothing to read {adapter.name} from; {_expected(adapter)}")
    return paths


def _described(adapter: Corpus, path: Path) -> dict[str, object]:
    """A source, for the report: whether an archive has the size of the official one."""
    official = {archive.file: archive.size_bytes for archive in adapter.archives}
    size_bytes = _size_bytes(path)
    return {"name": path.resolve().name, "size_bytes": size_bytes, "official_size": official.get(path.name) == size_bytes}


def _expected(adapter: Corpus) -> str:
    files = ", ".join(archive.file for archive in adapter.archives)
    return (
        f"{adapter.title} comes as {files} from {adapter.homepage}: give these, a folder that holds them, or the unpacked folder"
    )


def _nothing_readable(adapter: Corpus, paths: Sequence[Path], report: Report) -> IngestError:
    where = ", ".join(map(str, paths))
    if report.quarantined:
        first = report.quarantined[0]
        return IngestError(
            f"{where}: not one of {len(report.quarantined)} utterances is readable, the first: {first.member}: {first.reason}"
        )
    return IngestError(f"{where}: no utterance of {adapter.name} in it; {_expected(adapter)}")


def _meter(paths: Sequence[Path], progress: Progress | None) -> Callable[[int], None]:
    """Counts bytes read: archives are read through twice, of a folder the first reading takes only what it needs."""
    if progress is None:
        return _nothing
    total = sum(_size_bytes(path) if path.is_dir() else 2 * _size_bytes(path) for path in paths)
    done = 0

    def advanced(read_bytes: int) -> None:
        nonlocal done
        done += read_bytes
        progress(done, total, "B")

    return advanced


def _nothing(read_bytes: int) -> None:
    pass


def _size_bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _read_metadata(adapter: Corpus, paths: Sequence[Path], advanced: Callable[[int], None]) -> Metadata:
    metadata = Metadata()
    for path in paths:
        for member in members(path, _nothing if path.is_dir() else advanced):
            file_name = PurePosixPath(member.path).name
            for pattern, read in adapter.metadata.items():
                if fnmatch.fnmatchcase(file_name, pattern):
                    read(_text(member, path), metadata)
            if adapter.transcript is not None and (utterance := adapter.transcript(member.path)) is not None:
                metadata.texts.setdefault(utterance, _text(member, path).strip())
    return metadata


def _text(member: Member, source: Path) -> str:
    try:
        return member.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise IngestError(
            f"{source}: {member.path} is not UTF-8 ({error.reason} at byte {error.start}); fetch it again"
        ) from error


def _recorded(
    adapter: Corpus,
    paths: Sequence[Path],
    metadata: Metadata,
    sample: int | None,
    report: Report,
    advanced: Callable[[int], None],
) -> Iterator[Recorded]:
    """Utterances in the order of the sources, each id once."""
    seen: set[str] = set()
    taken = dict.fromkeys(adapter.splits.values(), 0)
    for path in paths:
        for member in walk(path, advanced):
            utterance = adapter.identify(member.path) if adapter.identify else None
            if not isinstance(utterance, Utterance):
                if member.path.endswith(AUDIO_SUFFIXES):
                    report.foreign_audio.append(member.path)
                continue
            split = adapter.splits[utterance.official_split]
            if taken[split] == sample:
                continue
            if utterance.id in seen:
                report.duplicates.append(member.path)
                continue
            seen.add(utterance.id)
            taken[split] += 1
            original = metadata.texts.get(utterance.id, utterance.text)
            text = None if original is None else adapter.normalise(original)
            gender = metadata.genders.get(utterance.speaker_id, utterance.gender)
            yield Recorded(utterance, member.path, member.read(), text, original, gender)
            if all(count == sample for count in taken.values()):
                return
    if sample is None:
        report.transcripts_without_audio = sorted(metadata.texts.keys() - seen)


def _chunks(adapter: Corpus, recorded: Iterator[Recorded], root_url: str, name: str) -> Iterator[Chunk]:
    """Utterances gathered by split, in order, to chunks of about `CHUNK_BYTES`."""
    gathered: dict[str, list[Recorded]] = {}
    sizes_bytes: dict[str, int] = {}

    def chunk(split: str) -> Chunk:
        sizes_bytes[split] = 0
        return Chunk(root_url, name, split, adapter.language, adapter.sample_rate_hz, gathered.pop(split))

    for item in recorded:
        split = adapter.splits[item.utterance.official_split]
        gathered.setdefault(split, []).append(item)
        sizes_bytes[split] = sizes_bytes.get(split, 0) + len(item.data)
        if sizes_bytes[split] >= CHUNK_BYTES:
            yield chunk(split)
    for split in list(gathered):
        yield chunk(split)
