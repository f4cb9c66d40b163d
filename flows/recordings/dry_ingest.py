"""What an ingest would fetch, and what it would take of disk and time: estimates, nothing is asked of any server."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog.codecs import FLAC_MOST_CHANNELS
from flows.adapter import Corpus
from flows.fetch.download import Wanted, folder_of, wanted
from flows.recordings.encodings import Encoding
from flows.recordings.originals import resolve
from flows.text.adapter import TextCorpus
from flows.workers import available_cpus

_FETCH_BYTES_PER_S = 10e6
# Of audio a core takes in per second, measured by benchmarks/bench_ingest.py and halved: compressed audio takes longer.
_AUDIO_S_PER_CPU_S = 1000.0
_BYTES_PER_SAMPLE = {"wav": 2.0, "flac": 1.1}  # FLAC of LibriSpeech has 1.04


@dataclass(frozen=True)
class DryIngest:
    """See `dry_ingest`."""

    title: str
    licence: str
    agreement: str  # "" where anybody may fetch it
    files: list[Wanted]
    fetch_bytes: int  # of those whose size is known
    sizes_unknown: bool
    downloads: str  # the folder
    fetch_s: float
    catalog_bytes: int | None  # None where nobody says how long the corpus is, or how large its files
    ingest_s: float | None
    cpus: int


def dry_ingest(corpus: Corpus | TextCorpus, sources: Sequence[Path], encoding: Encoding = "wav") -> DryIngest:
    """What `ingest` would do, with what the user gives or, without `sources`, with what it would fetch.

    Raises:
        IngestError: a source is missing.
        WrongChecksum: a file that was fetched before is another one.
    """
    if sources and isinstance(corpus, Corpus):
        resolve(corpus, sources)
    files = [] if sources else wanted(corpus)
    fetch_bytes = sum((file.size_bytes or 0) - file.have_bytes for file in files if file.size_bytes)
    sound = corpus if isinstance(corpus, Corpus) and corpus.hours is not None else None
    audio_s = None if sound is None else (sound.hours or 0.0) * 3600 * sound.num_channels
    cpus = available_cpus()
    return DryIngest(
        title=corpus.title,
        licence=corpus.licence.name,
        agreement=corpus.access.agreement if corpus.access else "",
        files=files,
        fetch_bytes=fetch_bytes,
        sizes_unknown=any(file.size_bytes is None for file in files),
        downloads=str(folder_of(corpus)),
        fetch_s=fetch_bytes / _FETCH_BYTES_PER_S,
        catalog_bytes=None if sound is None else _catalog_bytes(sound, encoding),
        ingest_s=None if audio_s is None else audio_s / _AUDIO_S_PER_CPU_S / cpus,
        cpus=cpus,
    )


def _catalog_bytes(corpus: Corpus, encoding: Encoding) -> int | None:
    if encoding == "source":
        # Compressed audio is as large in an archive as outside; of WAVs this is three quarters.
        sizes = [piece.size_bytes for archive in corpus.archives for piece in archive.pieces]
        return None if None in sizes or not sizes else sum(size or 0 for size in sizes)
    samples = (corpus.hours or 0.0) * 3600 * corpus.sample_rate_hz * corpus.num_channels
    return round(samples * _BYTES_PER_SAMPLE["wav" if corpus.num_channels > FLAC_MOST_CHANNELS else encoding])
