"""Where a recipe's sources are found: the recordings of a corpus version, or the files of a folder."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import soundfile
from numpy.typing import NDArray

from catalog.codecs import decode_stored
from catalog.errors import CatalogError
from catalog.manifests import Manifest, Pin, pin, read_manifest, resolve
from catalog.roots import Root
from catalog.shards import blob_path
from synth.recipes.mixture import SOURCE_RATE_HZ, UnusableMixture

_FACTS = ["id", "num_samples", "audio_sha256"]
_OF_SPEECH = ["speaker_id", "gender", "text"]


@dataclass(frozen=True)
class Found:
    """A recording, wherever it lies."""

    id: str
    num_samples: int  # of each channel
    sha256: str  # of its samples in a corpus, of the file in a folder
    speaker_id: str = ""
    gender: str = "unknown"
    text: str | None = None


class Recordings(Protocol):
    """Recordings at 16 kHz, found by the paths that published metadata give."""

    def find(self, path: str) -> Found | None:
        """None where it is not there. Raises UnusableMixture where it is, but cannot be used."""

    def load(self, path: str, channel: int) -> NDArray[np.float64]:
        """One channel, [samples], full scale 1; of mono recordings the one they have."""

    @property
    def place(self) -> Pin | Path:
        """What `open_again` opens; `str` of it is what to call them."""


class VersionRecordings:
    """Those of a dataset of kind `speech` or `noise`. An id is the published path, the same without suffix, or its file name."""

    def __init__(self, root: Root, held: Pin, manifest: Manifest) -> None:
        self.place, self.manifest = held, manifest
        self._root = root
        self._facts = _FACTS + _OF_SPEECH * (manifest.kind == "speech")

    @cached_property
    def _batches(self) -> list[pa.RecordBatch]:
        shards = [shard for split in self.manifest.splits.values() for shard in split.shards]
        paths = [self._root.fetch(blob_path(self.manifest.name, shard.blob)) for shard in shards]
        return [batch for path in paths for batch in pa.ipc.open_stream(pa.memory_map(str(path))).read_all().to_batches()]

    @cached_property
    def _places(self) -> dict[str, tuple[int, int]]:
        ids = ((number, batch.column("id").to_pylist()) for number, batch in enumerate(self._batches))
        return {recording: (number, row) for number, column in ids for row, recording in enumerate(column)}

    def _place(self, path: str) -> tuple[int, int] | None:
        names = PurePosixPath(path)
        candidates = (path, str(names.with_suffix("")), names.stem)
        return next((self._places[name] for name in candidates if name in self._places), None)

    def find(self, path: str) -> Found | None:
        place = self._place(path)
        if place is None:
            return None
        number, row = place
        facts = self._batches[number].select(self._facts).slice(row, 1).to_pylist()[0]
        return Found(sha256=facts.pop("audio_sha256"), **facts)

    def load(self, path: str, channel: int) -> NDArray[np.float64]:
        place = self._place(path)
        if place is None:
            raise UnusableMixture(f"{self.place} has no {path}")
        number, row = place
        data = self._batches[number].column("audio").field("bytes")[row].as_buffer()
        samples, _ = decode_stored(memoryview(data))
        one = _channel(samples if samples.ndim == 2 else samples[None], channel, path)
        return one / 32768 if one.dtype == np.int16 else one.astype(np.float64)


class FolderRecordings:
    """Audio files under a folder, at the published paths."""

    def __init__(self, folder: Path) -> None:
        self.place = folder

    def _file(self, path: str) -> Path | None:
        file = self.place / path
        inside = not PurePosixPath(path).is_absolute() and ".." not in PurePosixPath(path).parts
        return file if inside and file.is_file() else None

    def find(self, path: str) -> Found | None:
        file = self._file(path)
        if file is None:
            return None
        try:
            info = soundfile.info(file)
        except (soundfile.SoundFileError, RuntimeError) as error:
            raise UnusableMixture(f"{file} is not readable as audio") from error
        if info.samplerate != SOURCE_RATE_HZ:
            raise UnusableMixture(f"{file} has {info.samplerate} Hz where the recipe takes {SOURCE_RATE_HZ}")
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return Found(PurePosixPath(path).stem, info.frames, digest)

    def load(self, path: str, channel: int) -> NDArray[np.float64]:
        file = self._file(path)
        if file is None:
            raise UnusableMixture(f"{self.place} has no {path}")
        samples: NDArray[np.float64] = soundfile.read(file, dtype="float64", always_2d=True)[0]
        if not np.isfinite(samples).all():
            raise UnusableMixture(f"{file} has NaN or infinity among its samples")
        return _channel(samples.T, channel, path)


def _channel(samples: NDArray[Any], channel: int, path: str) -> NDArray[Any]:
    """One of [channels, samples]."""
    if 1 < len(samples) <= channel:
        raise UnusableMixture(f"{path} has {len(samples)} channels, its metadata ask for number {channel + 1}")
    one: NDArray[Any] = samples[channel if len(samples) > 1 else 0]
    return one


def open_speech(root: Root, reference: str) -> VersionRecordings:
    """The corpus `NAME[@V]`, pinned.

    Raises:
        DatasetNotFound: the catalog has none of that name.
        CatalogError: it is no speech at 16 kHz.
    """
    return _open(root, reference, "speech")


def open_noise(root: Root, reference: str) -> Recordings:
    """A folder, or a dataset `NAME[@V]` of kind `noise`.

    Raises:
        DatasetNotFound: there is neither.
        CatalogError: it is no noise at 16 kHz.
    """
    folder = Path(reference)
    return FolderRecordings(folder.resolve()) if folder.is_dir() else _open(root, reference, "noise")


def open_again(root: Root, where: Pin | Path) -> Recordings:
    """The same recordings in a worker process."""
    if isinstance(where, Path):
        return FolderRecordings(where)
    return VersionRecordings(root, where, read_manifest(root, where.name, where.version))


def _open(root: Root, reference: str, kind: str) -> VersionRecordings:
    name, version = resolve(root, reference)
    manifest = read_manifest(root, name, version)
    if manifest.kind != kind:
        raise CatalogError(f"{reference} is of kind {manifest.kind!r}: here a dataset of kind {kind!r} is needed")
    if manifest.sample_rate_hz != SOURCE_RATE_HZ:
        raise CatalogError(f"{reference} has {manifest.sample_rate_hz} Hz: published recipes take {SOURCE_RATE_HZ}")
    return VersionRecordings(root, pin(root, name, version), manifest)
