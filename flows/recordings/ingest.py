"""A corpus, from its archives or folders, to a version of kind `speech`, `noise` or `rir`.

The sources are read once. While they stream, worker processes inflate what lies in inner archives, decode and measure audio and
stage it on the local disk; when all was seen, texts and splits are joined and the staged rows become shards.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from catalog.codecs import decoder_versions
from catalog.errors import near_matches
from catalog.publish import Published, publish
from catalog.roots import open_root
from catalog.shards import Shard, sum_digests
from flows import corpora
from flows.adapter import AudioFile, Corpus, Metadata, Recording, Utterance
from flows.progress import Progress, nothing
from flows.reading.archives import is_archive, members, opened
from flows.reading.members import Member, kept
from flows.recordings.encodings import ENCODINGS, Encoding
from flows.recordings.ingest_report import Report
from flows.recordings.originals import Original, check, expected, resolve
from flows.recordings.scratch import scratch
from flows.recordings.staging import IngestError, Staged, StageTask, is_metadata, is_of_interest, stage
from flows.recordings.utterances import Joined, ShardTask, write_shard
from flows.recordings.withdrawals import withdrawal, withdrawn
from flows.workers import available_cpus, started

ALGORITHM = 1  # raised when the same input shall give other rows
CHUNK_BYTES = 32 << 20  # of files, staged together; and of a shard: the same for any number of workers
SAMPLE_CHUNK_BYTES = 1 << 20  # so that little more than the sample is decoded
MAX_IN_FLIGHT = 8  # chunks, of which one with a huge file counts as many: together with CHUNK_BYTES what bounds the memory
INNER_IN_WORKER_BYTES = 64 << 20  # inner archives up to here are inflated in a worker, larger ones while the outer one streams


def ingest(
    corpus: str | Corpus,
    sources: Sequence[Path],
    *,
    sample: int | None = None,
    encoding: Encoding = "wav",
    root: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Published:
    """Publish a corpus from its official archives, a folder that holds them, or a folder unpacked from them.

    Args:
        corpus: an adapter or the name of one, which is the dataset's too.
        sources: archives, parts of archives, or folders; several are read one after another.
        sample: only the first so many recordings of each split, published as `<corpus>_sample`.
        encoding: what rows keep: `wav`, read without decoding; `flac`, half of that; `source`, the files as they came.
        root: the catalog; None means the one of `YULIAO_CATALOG`.
        workers: processes; None means one per core.
        progress: called with (done, total, "B"): bytes of the sources read, and as many again for the rows written from them.

    Returns:
        The version; `created` is False where the newest version has the same rows already.

    Raises:
        UnknownCorpus: no such adapter.
        IngestError: a source is missing, or no recording can be read.
        ArchiveError: an archive is damaged, or holds links, devices, bombs or paths that leave it.
        WrongChecksum: an archive of the official size is not the official one.
    """
    adapter = corpora.get(corpus) if isinstance(corpus, str) else corpus
    if sample is not None and sample < 1:
        raise IngestError(f"a sample of {sample} utterances is none; ask for at least 1")
    if encoding not in ENCODINGS:
        raise IngestError(f"no encoding {encoding!r}{near_matches(encoding, ENCODINGS)}")
    originals = resolve(adapter, sources)
    name = adapter.name if sample is None else f"{adapter.name}_sample"
    workers = workers or available_cpus()
    in_flight = min(workers + 2, MAX_IN_FLIGHT)
    meter = _Meter(sum(original.size_bytes for original in originals), progress or nothing)
    report = Report(adapter)
    with scratch("ingest") as folder, ThreadPoolExecutor(1) as beside, started(workers) as processes:
        checked = [beside.submit(check, original) for original in originals]
        reading = _Reading(adapter, originals, sample, encoding, folder, meter, report.metadata)
        staged: list[Staged] = []
        for of_chunk in processes.ordered_map(stage, reading.tasks(), in_flight if reading.looks_ahead else 1, _chunks_held):
            staged.append(of_chunk)
            report.add(of_chunk)
            reading.learn(of_chunk)
        forgotten = withdrawn(open_root(root), adapter.name)
        joined = _joined(adapter, staged, sample, forgotten, report)
        tasks = list(_shard_tasks(adapter, name, open_root(root).url, joined))
        waiting = Counter(path for task in tasks for path in task.staged_files)
        splits: dict[str, list[Shard]] = {}
        for task, shard in zip(tasks, processes.ordered_map(write_shard, tasks, in_flight), strict=True):
            splits.setdefault(task.split, []).append(shard)
            meter.wrote(len(task.rows), report.rows)
            waiting -= (used := Counter(task.staged_files))
            for path in used.keys() - waiting.keys():
                path.unlink()  # the disk holds little more than the corpus once
        for future in checked:
            future.result()
    if not splits:
        raise _nothing_readable(adapter, originals, report)
    return publish(
        name,
        kind=adapter.kind,
        splits={split: splits[split] for split in ("train", "validation", "test") if split in splits},
        fingerprint=fingerprint(adapter.name, splits, encoding),
        licence=adapter.licence,
        citation=adapter.citation,
        spec={
            "corpus": adapter.name,
            "encoding": encoding,
            "algorithm": ALGORITHM,
            **({"withdrawn": forgotten} if forgotten else {}),
        },
        overrides={} if sample is None else {"sample": sample},
        sample_rate_hz=adapter.sample_rate_hz,
        statistics=report.statistics(),
        report=report.report() | {"sources": [original.described() for original in originals]},
        software=decoder_versions(),
        known_overlaps=adapter.known_overlaps,
        root=root,
    )


def fingerprint(corpus: str, splits: Mapping[str, Sequence[Shard]], encoding: Encoding) -> str:
    """What a version of a corpus is recognised by: its rows, however they lie in shards, and how their audio is encoded."""
    rows_digest = sum_digests([shard.rows_digest for shards in splits.values() for shard in shards])
    content = {"algorithm": ALGORITHM, "corpus": corpus, "rows_digest": rows_digest}
    if encoding != "wav":  # versions that are older than the others have no word of it
        content["encoding"] = encoding
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class _Meter:
    """Tells how far it is: the first half is reading, the second writing."""

    def __init__(self, size_bytes: int, progress: Progress) -> None:
        self._size_bytes, self._progress = size_bytes, progress
        self._read_bytes, self._rows = 0, 0

    def read(self, read_bytes: int) -> None:
        self._read_bytes += read_bytes
        self._progress(self._read_bytes, 2 * self._size_bytes, "B")

    def wrote(self, rows: int, all_rows: int) -> None:
        self._rows += rows
        self._progress(self._size_bytes + self._size_bytes * self._rows // all_rows, 2 * self._size_bytes, "B")


class _Reading:
    """The sources as tasks for `stage`, in their order and of the same content for any number of workers."""

    def __init__(
        self,
        adapter: Corpus,
        originals: Sequence[Original],
        sample: int | None,
        encoding: Encoding,
        folder: Path,
        meter: _Meter,
        metadata: Metadata,
    ) -> None:
        self._adapter, self._originals, self._sample, self._folder = adapter, originals, sample, folder
        self._encoding = encoding
        self._meter, self._metadata = meter, metadata
        self._taken: Counter[str] = Counter()  # recordings by split, for a sample
        self._readable: Counter[str] = Counter()  # of these, what was staged
        self._filled = False  # a chunk ends here: what is in it decides on what is taken next
        # Metadata settle splits, and may stand behind the audio; those that are files of their own are read before all else.
        own_files = {archive.file for archive in adapter.archives}
        self._splits_are_known = adapter.settle is None or adapter.metadata.keys() <= own_files

    @property
    def looks_ahead(self) -> bool:
        """Whether a chunk is read before it is known what became of the one before."""
        return self._sample is None or not self._splits_are_known

    def learn(self, staged: Staged) -> None:
        """Take note of what became of a chunk: where a sample met something unreadable, it takes what stands behind it."""
        if not self.looks_ahead:
            settled = [self._settled(row.recording) for row in staged.rows]
            self._readable.update(self._adapter.splits[recording.official_split] for recording in settled if recording)
            self._taken = self._readable.copy()

    def tasks(self) -> Iterator[StageTask]:
        chunk_bytes = CHUNK_BYTES if self._sample is None else SAMPLE_CHUNK_BYTES
        files: list[Member | AudioFile] = []
        size_bytes = held_bytes = number = 0
        for file in self._files():
            files.append(kept(file) if isinstance(file, Member) else file)
            size, held = _size_and_held(file)
            size_bytes, held_bytes = size_bytes + size, held_bytes + held
            if size_bytes >= chunk_bytes or self._filled:
                self._filled = False
                yield self._task(number, files, held_bytes)
                files, size_bytes, held_bytes, number = [], 0, 0, number + 1
        if files:
            yield self._task(number, files, held_bytes)

    def _task(self, number: int, files: list[Member | AudioFile], held_bytes: int) -> StageTask:
        return StageTask(self._adapter, self._folder / f"{number}.arrow", files, self._encoding, held_bytes)

    def _files(self) -> Iterator[Member | AudioFile]:
        if self._adapter.read is not None:
            paths = [path for original in self._originals for path in original.paths]
            for audio in self._adapter.read(paths, self._metadata):
                if self._is_wanted([take.recording.official_split for take in audio.takes]):
                    yield audio
            return
        for original in sorted(self._originals, key=lambda original: not self._is_metadata_alone(original)):
            for member in members(original.source, self._meter.read):
                large = member.size_bytes > INNER_IN_WORKER_BYTES or self._sample is not None
                for inner in opened(member) if is_archive(member.path) and large and not self._is_full() else [member]:
                    if is_of_interest(self._adapter, inner.path) and self._is_needed(inner.path):
                        self._filled |= self._is_metadata_alone(original)
                        yield inner

    def _is_metadata_alone(self, original: Original) -> bool:
        [first, *_] = original.paths
        return first.is_file() and is_metadata(self._adapter, first.name)

    def _settled(self, recording: Recording) -> Recording | None:
        """The recording as the metadata that were read so far have it; None where it is none of any split."""
        settled = self._adapter.settle(recording, self._metadata) if self._adapter.settle else recording
        return settled if settled and settled.official_split in self._adapter.splits else None

    def _is_needed(self, path: str) -> bool:
        if self._sample is None or is_metadata(self._adapter, path):
            return True
        recording = self._adapter.identify(path) if self._adapter.identify else None
        if recording is None or not self._splits_are_known:
            return recording is not None
        settled = self._settled(recording)
        return settled is not None and self._is_wanted([settled.official_split])

    def _is_wanted(self, official_splits: Sequence[str]) -> bool:
        """Whether a sample still lacks recordings of these splits. Where nobody knows the splits yet, it takes all of them."""
        if self._sample is None or not self._splits_are_known:
            return True
        splits = {self._adapter.splits[official] for official in official_splits}
        if all(self._taken[split] >= self._sample for split in splits):
            return False
        self._taken.update(self._adapter.splits[official] for official in official_splits)
        self._filled |= any(self._taken[split] >= self._sample for split in splits)
        return True

    def _is_full(self) -> bool:
        """Whether a sample lacks nothing more, so that only metadata are still looked for."""
        return self._sample is not None and all(
            self._taken[split] >= self._sample for split in set(self._adapter.splits.values())
        )


def _chunks_held(task: StageTask) -> int:
    """How many usual chunks one takes as much memory as."""
    return max(1, task.held_bytes // CHUNK_BYTES)


def _size_and_held(file: Member | AudioFile) -> tuple[int, int]:
    """Bytes of a file, and how many of them are in memory until it is staged."""
    if isinstance(file, Member):
        return file.size_bytes, 0 if file.lasting else file.size_bytes
    return (len(file.data), len(file.data)) if isinstance(file.data, bytes) else (file.size_bytes, 0)


def _joined(
    adapter: Corpus, staged: Sequence[Staged], sample: int | None, forgotten: Collection[str], report: Report
) -> dict[str, list[tuple[Joined, int]]]:
    """By split, in the order of the sources, the rows to be written and the bytes of each; each id once."""
    metadata = report.metadata
    seen: set[str] = set()
    splits: dict[str, list[tuple[Joined, int]]] = {}
    for of_chunk in staged:
        for position, row in enumerate(of_chunk.rows):
            recording = adapter.settle(row.recording, metadata) if adapter.settle else row.recording
            if recording is None or recording.official_split not in adapter.splits:
                report.left_out.append(row.path)
                continue
            speaker = recording.speaker_id if isinstance(recording, Utterance) else ""
            if withdrawal(adapter.name, speaker) in forgotten:
                report.withdrawn += 1
                continue
            if recording.id in seen:
                report.duplicates.append(row.path)
                continue
            split = adapter.splits[recording.official_split]
            if len(splits.setdefault(split, [])) == sample:
                continue
            seen.add(recording.id)
            original, gender = _said(recording, metadata)
            text = None if original is None else adapter.normalise(original)
            joined = Joined(of_chunk.to, position, recording, text, original, gender, row.form)
            splits[split].append((joined, row.size_bytes))
            report.row(split, joined, row.duration_s)
            if row.is_silent:
                report.silent.append(row.path)
    if sample is None:
        report.transcripts_without_audio = sorted(metadata.texts.keys() - seen)
    return splits


def _said(recording: Recording, metadata: Metadata) -> tuple[str | None, str]:
    """Text and gender: as the metadata files have it, else as the path or manifest."""
    if not isinstance(recording, Utterance):
        return None, "unknown"
    text = metadata.texts.get(recording.id, recording.text)
    return text, metadata.genders.get(recording.speaker_id, recording.gender)


def _shard_tasks(adapter: Corpus, name: str, root_url: str, splits: dict[str, list[tuple[Joined, int]]]) -> Iterator[ShardTask]:
    """Rows gathered by split, in order, to shards of about `CHUNK_BYTES`."""
    for split, rows in splits.items():
        gathered: list[Joined] = []
        size_bytes = 0
        for number, (row, row_bytes) in enumerate(rows, start=1):
            gathered.append(row)
            size_bytes += row_bytes
            if size_bytes >= CHUNK_BYTES or number == len(rows):
                yield ShardTask(root_url, name, split, adapter.kind, adapter.language, adapter.sample_rate_hz, gathered)
                gathered, size_bytes = [], 0


def _nothing_readable(adapter: Corpus, originals: Sequence[Original], report: Report) -> IngestError:
    where = ", ".join(str(path) for original in originals for path in original.paths)
    if report.quarantined:
        first = report.quarantined[0]
        return IngestError(
            f"{where}: not one of {len(report.quarantined)} recordings is readable, the first: {first.member}: {first.reason}"
        )
    return IngestError(f"{where}: no recording of {adapter.name} in it; {expected(adapter)}")
