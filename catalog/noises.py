"""The noises of corpus versions: their columns for planning, and as many of their channels as a set uses for rendering."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from catalog.codecs import decode_stored
from catalog.errors import CatalogError, IntegrityError
from catalog.manifests import Manifest
from catalog.recent import Recent
from catalog.roots import Root
from catalog.shards import blob_path
from catalog.utterances import Utterances
from synth.resample import resample

_RESAMPLED_BYTES = 128 << 20  # kept, of each version that a process has open: DEMAND whole at 8 kHz, of one channel


def open_noises(root: Root, manifest: Manifest, sample_rate_hz: int, num_channels: int) -> "Noises":
    """A version of kind `noise`, to give the first `num_channels` channels at `sample_rate_hz`.

    Raises:
        CatalogError: a version of another kind.
    """
    if manifest.kind != "noise" or manifest.sample_rate_hz is None:
        raise CatalogError(f"{manifest.name} is of kind {manifest.kind!r}: noise is taken from a corpus of kind 'noise'")
    blobs = {
        split: [root.fetch(blob_path(manifest.name, shard.blob)) for shard in entry.shards]
        for split, entry in manifest.splits.items()
    }
    return Noises(f"{manifest.name}@{manifest.version}", blobs, manifest.sample_rate_hz, sample_rate_hz, num_channels)


class Noises(Utterances):
    """Noises in mapped blobs, as `Utterances`, but of any number of channels.

    Args:
        name: what to call them in errors.
        blobs: files by split.
        corpus_rate_hz: sample rate of what they hold.
        sample_rate_hz: the rate at which `load` gives samples.
        num_channels: how many channels `load` gives of a noise that has so many.
    """

    def __init__(
        self,
        name: str,
        blobs: Mapping[str, Sequence[Path]],
        corpus_rate_hz: int,
        sample_rate_hz: int,
        num_channels: int,
    ) -> None:
        super().__init__(name, blobs, corpus_rate_hz, sample_rate_hz)
        self._num_channels = num_channels
        self._resampled = Recent(_RESAMPLED_BYTES)

    def __contains__(self, noise_id: str) -> bool:
        return noise_id in self._places

    def load(self, utterance_id: str) -> NDArray[np.int16]:
        """The first channels of a noise, int16 [samples] of one channel, otherwise [channels, samples], at the rate asked for.

        Raises:
            IntegrityError: the version has no such noise, or its bytes cannot be decoded.
        """
        if self._corpus_rate_hz == self._rate_hz:
            return self._used(self._samples(utterance_id))
        return self._resampled.get(utterance_id, lambda: self._at_rate(self._used(self._samples(utterance_id))))

    def load_checked(self, utterance_id: str) -> NDArray[np.int16]:
        """As `load`; the first time, all channels are compared with the `audio_sha256` of their row.

        Raises:
            IntegrityError: as `load`; the samples are others than were published.
        """
        if utterance_id not in self._checked:
            self._check(utterance_id, np.ascontiguousarray(self._samples(utterance_id).T))
        return self.load(utterance_id)

    def _decode(self, utterance_id: str, stored: memoryview) -> NDArray[np.int16]:
        """All channels: of a WAV in the mapped file."""
        try:
            samples, rate_hz = decode_stored(stored)
        except ValueError as error:
            raise IntegrityError(f"{self._name}, {utterance_id}: {error}") from error
        if samples.dtype != np.int16 or rate_hz != self._corpus_rate_hz:
            raise IntegrityError(f"{self._name}, {utterance_id}: not the 16-bit audio of {self._corpus_rate_hz} Hz it should be")
        return cast(NDArray[np.int16], samples)

    def _used(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        if samples.ndim == 1:
            return samples
        return samples[0] if self._num_channels == 1 else samples[: self._num_channels]

    def _at_rate(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        channels = [
            resample(np.ascontiguousarray(channel), self._corpus_rate_hz, self._rate_hz) for channel in np.atleast_2d(samples)
        ]
        return channels[0] if samples.ndim == 1 else np.stack(channels)


class NoisesOfSeveral:
    """The noises of several versions, found by id; `flows.mixtures.noises` has seen to it that equal ids are equal noises."""

    def __init__(self, versions: Sequence[Noises]) -> None:
        self._versions = versions

    def load(self, noise_id: str) -> NDArray[np.int16]:
        """As `Noises.load`. Raises IntegrityError where no version has it."""
        return self._holding(noise_id).load(noise_id)

    def load_checked(self, noise_id: str) -> NDArray[np.int16]:
        """As `Noises.load_checked`. Raises IntegrityError where no version has it."""
        return self._holding(noise_id).load_checked(noise_id)

    def _holding(self, noise_id: str) -> Noises:
        for version in self._versions:
            if noise_id in version:
                return version
        raise IntegrityError(f"none of the noise corpora that the set was made from has {noise_id!r}")
