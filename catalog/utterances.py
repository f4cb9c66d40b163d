"""The utterances of a corpus version: their columns for planning, their samples for rendering."""

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
from catalog.recent import Recent
from catalog.roots import Root
from catalog.shards import blob_path
from synth import wav
from synth.resample import resample

_DECODED_BYTES = 64 << 20  # kept of what is no WAV, for each version that a process has open: about 450 utterances of 4.5 s


def open_utterances(root: Root, manifest: Manifest, sample_rate_hz: int) -> "Utterances":
    """A version of kind `speech`, to give samples at `sample_rate_hz`.

    Raises:
        CatalogError: a version of another kind.
    """
    if manifest.kind != "speech" or manifest.sample_rate_hz is None:
        raise CatalogError(f"{manifest.name} is of kind {manifest.kind!r}: mixing needs a corpus of kind 'speech'")
    blobs = {
        split: [root.fetch(blob_path(manifest.name, shard.blob)) for shard in entry.shards]
        for split, entry in manifest.splits.items()
    }
    return Utterances(f"{manifest.name}@{manifest.version}", blobs, manifest.sample_rate_hz, sample_rate_hz)


class Utterances:
    """Utterances in mapped blobs: nothing is read before it is used.

    Args:
        name: what to call them in errors.
        blobs: files by split.
        corpus_rate_hz: sample rate of what they hold.
        sample_rate_hz: the rate at which `load` gives samples.
    """

    def __init__(self, name: str, blobs: Mapping[str, Sequence[Path]], corpus_rate_hz: int, sample_rate_hz: int) -> None:
        self._name, self._blobs, self._corpus_rate_hz, self._rate_hz = name, blobs, corpus_rate_hz, sample_rate_hz
        self._checked: set[str] = set()
        self._decoded = Recent(_DECODED_BYTES)

    def table(self, split: str, columns: Sequence[str]) -> pa.Table:
        """Some columns of a split, in place in the mapped files. Raises IntegrityError where a blob is missing or damaged."""
        return self._split(split).select(list(columns))

    def load(self, utterance_id: str) -> NDArray[np.int16]:
        """The samples of an utterance, int16 [samples], at the rate asked for.

        Raises:
            IntegrityError: the version has no such utterance, or its bytes cannot be decoded.
        """
        return resample(self._samples(utterance_id), self._corpus_rate_hz, self._rate_hz)

    def load_checked(self, utterance_id: str) -> NDArray[np.int16]:
        """As `load`; the first time, the samples are compared with the `audio_sha256` of their row.

        Raises:
            IntegrityError: as `load`; the samples are others than were published.
        """
        samples = self._samples(utterance_id)
        self._check(utterance_id, samples)
        return resample(samples, self._corpus_rate_hz, self._rate_hz)

    def _check(self, utterance_id: str, samples: NDArray[np.int16]) -> None:
        """Compare, the first time, all that a recording has with its digest: [samples], or [samples, channels] in one piece."""
        if utterance_id not in self._checked:
            number, row = self._places[utterance_id]
            if hashlib.sha256(samples.data).hexdigest() != self._batches[number].column("audio_sha256")[row].as_py():
                raise IntegrityError(
                    f"{self._name}, {utterance_id}: its samples are others than were published; "
                    f"`yuliao verify {self._name}` says which blob is damaged, and how it is mended"
                )
            self._checked.add(utterance_id)

    def _samples(self, utterance_id: str) -> NDArray[np.int16]:
        """At the rate of the corpus: of a WAV in the mapped file, of others decoded."""
        stored = self._stored(utterance_id)
        try:
            return wav.decode(stored)
        except ValueError:
            return self._decoded.get(utterance_id, lambda: self._decode(utterance_id, stored))

    def _stored(self, utterance_id: str) -> memoryview:
        """The bytes of its row."""
        try:
            number, row = self._places[utterance_id]
        except KeyError:
            raise IntegrityError(f"{self._name} has no utterance {utterance_id!r}") from None
        offsets, data = self._audio[number]
        return data[offsets[row] : offsets[row + 1]]

    def _decode(self, utterance_id: str, stored: memoryview) -> NDArray[np.int16]:
        try:
            samples, rate_hz = decode_stored(stored)
        except ValueError as error:
            raise IntegrityError(f"{self._name}, {utterance_id}: {error}") from error
        if samples.ndim != 1 or samples.dtype != np.int16 or rate_hz != self._corpus_rate_hz:
            raise IntegrityError(f"{self._name}, {utterance_id}: not the mono audio of {self._corpus_rate_hz} Hz it should be")
        return np.ascontiguousarray(samples, np.int16)

    def _split(self, split: str) -> pa.Table:
        return pa.concat_tables([read_blob(path, self._name) for path in self._blobs[split]])

    @cached_property
    def _batches(self) -> list[pa.RecordBatch]:
        return [batch for split in self._blobs for batch in self._split(split).to_batches()]

    @cached_property
    def _places(self) -> dict[str, tuple[int, int]]:
        ids = ((number, batch.column("id").to_pylist()) for number, batch in enumerate(self._batches))
        return {utterance_id: (number, row) for number, column in ids for row, utterance_id in enumerate(column)}

    @cached_property
    def _audio(self) -> list[tuple[NDArray[np.int32], memoryview]]:
        """Of each batch, where each row's bytes begin and end, and the bytes."""
        return [_offsets_and_bytes(batch.column("audio").field("bytes")) for batch in self._batches]


def _offsets_and_bytes(column: pa.BinaryArray) -> tuple[NDArray[np.int32], memoryview]:
    _, offsets, data = column.buffers()
    return np.frombuffer(offsets, np.int32, len(column) + 1, column.offset * 4), memoryview(data)
