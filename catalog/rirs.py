"""The RIRs of a corpus version: their columns for planning, their samples for rendering."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from catalog.blobs import read_blob
from catalog.codecs import decode_stored
from catalog.errors import CatalogError, IntegrityError
from catalog.manifests import Manifest
from catalog.roots import Root
from catalog.shards import blob_path

Floats = NDArray[np.float64]


def open_rirs(root: Root, manifest: Manifest, sample_rate_hz: int, microphones: int) -> "Rirs":
    """A version of kind `rir`, to give RIRs at `sample_rate_hz` of its first `microphones` channels.

    Raises:
        CatalogError: a version of another kind, or of a sample rate below the one asked for.
    """
    where = f"{manifest.name}@{manifest.version}"
    if manifest.kind != "rir" or manifest.sample_rate_hz is None:
        raise CatalogError(f"{where} is of kind {manifest.kind!r}: rooms need a corpus of kind 'rir' (rooms.corpus)")
    if manifest.sample_rate_hz < sample_rate_hz:
        raise CatalogError(
            f"{where} has RIRs of {manifest.sample_rate_hz} Hz, and {sample_rate_hz} Hz cannot be made of them: take another "
            f"corpus (rooms.corpus), or ask for at most that (--set sample_rate_hz={manifest.sample_rate_hz})"
        )
    blobs = {
        split: [root.fetch(blob_path(manifest.name, shard.blob)) for shard in entry.shards]
        for split, entry in manifest.splits.items()
    }
    return Rirs(where, blobs, manifest.sample_rate_hz, sample_rate_hz, microphones)


class Rirs:
    """RIRs in mapped blobs: nothing is read before it is used.

    Args:
        name: what to call them in errors.
        blobs: files by split.
        corpus_rate_hz: sample rate of what they hold.
        sample_rate_hz: the rate at which `load` gives RIRs.
        microphones: how many channels it gives, the first ones.
    """

    def __init__(
        self, name: str, blobs: Mapping[str, Sequence[Path]], corpus_rate_hz: int, sample_rate_hz: int, microphones: int
    ) -> None:
        self._name, self._blobs, self._microphones = name, blobs, microphones
        self._corpus_rate_hz, self._rate_hz = corpus_rate_hz, sample_rate_hz
        self._checked: set[str] = set()

    def table(self, split: str) -> pa.Table:
        """The columns of a split but for the audio. Raises IntegrityError where a blob is missing or damaged."""
        return pa.concat_tables([read_blob(path, self._name) for path in self._blobs[split]]).drop_columns(["audio"])

    def load(self, rir_id: str) -> Floats:
        """A RIR, float64 [microphones, samples], 1 being full scale; the first time, its samples are compared with their
        `audio_sha256`.

        At another rate it is resampled by soxr (HQ), and scaled so that as a filter it has the gain that it had; all its channels
        come 20 ms later then.

        Raises:
            IntegrityError: the version has no such RIR, its bytes cannot be decoded, or are others than were published.
            CatalogError: it has too few channels.
        """
        try:
            batch, row = self._places[rir_id]
        except KeyError:
            raise IntegrityError(f"{self._name} has no RIR {rir_id!r}") from None
        where = f"{self._name}, {rir_id}"
        try:
            samples, rate_hz = decode_stored(memoryview(batch.column("audio").field("bytes")[row].as_buffer()))
        except ValueError as error:
            raise IntegrityError(f"{where}: {error}") from error
        if rir_id not in self._checked:
            if hashlib.sha256(np.ascontiguousarray(samples.T).data).hexdigest() != batch.column("audio_sha256")[row].as_py():
                raise IntegrityError(
                    f"{where}: its samples are others than were published; `yuliao verify {self._name}` says which blob is "
                    "damaged, and how it is mended"
                )
            self._checked.add(rir_id)
        if rate_hz != self._corpus_rate_hz:
            raise IntegrityError(f"{where}: its audio has {rate_hz} Hz, not the {self._corpus_rate_hz} Hz of its version")
        channels = np.atleast_2d(samples)
        if len(channels) < self._microphones:
            raise CatalogError(f"{where}: it has {len(channels)} channels, and {self._microphones} microphones are asked for")
        rir = channels[: self._microphones].astype(np.float64, order="C") / (32768 if samples.dtype == np.int16 else 1)
        return _at_rate(rir, rate_hz, self._rate_hz)

    @cached_property
    def _places(self) -> dict[str, tuple[pa.RecordBatch, int]]:
        batches = [
            batch for paths in self._blobs.values() for path in paths for batch in read_blob(path, self._name).to_batches()
        ]
        return {rir_id: (batch, row) for batch in batches for row, rir_id in enumerate(batch.column("id").to_pylist())}


def _at_rate(rir: Floats, from_hz: int, to_hz: int) -> Floats:
    if from_hz == to_hz:
        return rir
    import soxr

    margin = from_hz // 50
    padded = np.pad(rir, ((0, 0), (margin, margin)))  # room for the filter to ring in before an early direct path
    channels = [soxr.resample(channel, from_hz, to_hz, quality="HQ") for channel in padded]
    return np.stack(channels) * (from_hz / to_hz)  # fewer samples: each weighs more
