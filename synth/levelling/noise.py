"""The noise of a split's plan: its pieces with their gains, and how loud it is."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.levelling.gains import FULL_SCALE
from synth.levelling.peak_bounds import Part
from synth.levels.frames import Frames, Peaks
from synth.levels.loudness import MEASURES
from synth.noise.place import NoisePlacement
from synth.noise.render import LoadSignal, render_noise_into
from synth.noise.sources import Recordings
from synth.pieces import Pieces
from synth.rows.table import lists

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_FAINTEST_RMS = 16.0  # of a noise stem as written: below, what rounding adds is measured
_MOST_DOUBT_DB = 0.03  # with the 0.02 of speech, what a row tells of its SNR is right to 0.05


@dataclass(frozen=True)
class Noise:
    """The noise of all mixtures of a split, with gains.

    Attributes:
        placed: where it lies; its gains are relative ones.
        gains: of the pieces, float64 [pieces].
        ids: of their recordings, or of the utterances of babble; string [pieces].
        sha256s: of the samples of these.
        powers: of the stems at these gains, as a mean square of samples in the range of int16; float64 [mixtures], 0 where there
            is none.
    """

    placed: NoisePlacement
    gains: Floats
    ids: pa.Array
    sha256s: pa.Array
    powers: Floats

    @property
    def pieces(self) -> Pieces:
        """Of all mixtures."""
        return self.placed.pieces

    def at(self, factors: Floats) -> "Noise":
        """The same with other gains; `factors` float64 [mixtures]."""
        return replace(self, gains=self.gains * factors[self.pieces.mixture], powers=self.powers * factors**2)

    def row(self, mixture: int) -> dict[str, Any]:
        """The columns of a mixture by which its noise is rendered."""
        begin, end = np.searchsorted(self.pieces.mixture, [mixture, mixture + 1])
        babble = begin < end and bool(self.placed.from_speech[begin])
        return {
            "noise_kind": None if begin == end else "babble" if babble else "recorded",
            "noise_ids": self.ids[begin:end].to_pylist(),
            **{f"noise_{name}": values[begin:end].tolist() for name, values in self._per_piece().items()},
        }

    def columns(self) -> dict[str, Any]:
        """The columns of the plan that tell of the noise, but for its SNR."""
        mixtures = len(self.powers)
        edges = np.append(0, np.cumsum(np.bincount(self.pieces.mixture, minlength=mixtures)))
        babble = np.zeros(mixtures, dtype=np.int8)
        babble[self.pieces.mixture[self.placed.from_speech]] = 1
        kinds = pa.DictionaryArray.from_arrays(pa.array(babble, mask=~self.placed.noisy), ["recorded", "babble"])
        return {
            "noise_kind": kinds.cast(pa.string()),
            "noise_ids": lists(self.ids, edges),
            "noise_sha256s": lists(self.sha256s, edges),
            "snr_db_asked": pa.array(self.placed.snr_asked, from_pandas=True),
            **{f"noise_{name}": lists(values, edges) for name, values in self._per_piece().items()},
        }

    def _per_piece(self) -> dict[str, NDArray[Any]]:
        pieces = self.pieces
        return {
            "offsets_samples": pieces.offset,
            "starts_samples": pieces.start,
            "lengths_samples": pieces.length,
            "fade_ins_samples": pieces.fade_in,
            "fade_outs_samples": pieces.fade_out,
            "gains": self.gains,
        }


def noise_of(placed: NoisePlacement, noises: Recordings | None, speech: pa.Table) -> Noise:
    """Name the recordings of a placement, whose gains stay relative and whose levels are as far as frames tell them.

    Args:
        placed: from `synth.noise.place.place_noise`.
        noises: as it was given.
        speech: the table of utterances that babble was taken from.
    """
    ids, digests = (_of_both(placed, noises, speech, name) for name in ("id", "audio_sha256"))
    return Noise(placed, placed.relative_gains, ids, digests, placed.powers)


def _of_both(placed: NoisePlacement, noises: Recordings | None, speech: pa.Table, column: str) -> pa.Array:
    tables, places = [(speech, placed.from_speech), (noises.table if noises else None, ~placed.from_speech)], []
    values = []
    for table, which in tables:
        if which.any():
            assert table is not None
            values += table[column].take(pa.array(placed.pieces.source[which])).chunks
            places.append(np.flatnonzero(which))
    together: pa.Array = pa.concat_arrays([pa.array([], pa.string()), *values])
    return together if len(places) < 2 else together.take(pa.array(np.argsort(np.concatenate(places))))


def parts_of(noise: Noise, noises: Recordings | None, speech: pa.Table, frame: int) -> list[Part]:
    """The pieces of noise as `peak_bounds` takes them; `frame` is 10 ms in samples."""
    parts = []
    for table, which in ((speech, noise.placed.from_speech), (noises.table if noises else None, ~noise.placed.from_speech)):
        if which.any():
            assert table is not None
            every = np.arange(len(table))
            peaks = Peaks(Frames(table["frame_energies"], table["frame_peaks"], every))
            parts.append(Part.of(noise.pieces.taken(which), noise.gains[which], peaks, frame))
    return parts


def measured(
    noise: Noise, mixtures: Ints, num_samples: Ints, measure: str, load_noise: LoadSignal, load_speech: LoadSignal, rate_hz: int
) -> Noise:
    """The same with the levels of some mixtures read off their noise as it would be written."""
    powers = noise.powers.copy()
    babble = np.zeros(len(powers), dtype=bool)
    babble[noise.pieces.mixture[noise.placed.from_speech]] = True
    for mixture in mixtures.tolist():
        written = np.empty(num_samples[mixture])
        render_noise_into(noise.row(mixture), load_speech if babble[mixture] else load_noise, written)
        powers[mixture] = noise_power(written, measure, rate_hz)
    return replace(noise, powers=powers)


def noise_power(samples: Floats, measure: str, rate_hz: int) -> float:
    """Power of a noise by what goes with a measure of speech: its mean power, or its loudness in LUFS."""
    level_db = MEASURES["lufs" if measure == "lufs" else "mean_power"](samples, rate_hz)
    return float(FULL_SCALE**2 * 10 ** (level_db / 10))


def unknown(noise: Noise, measure: str) -> Ints:
    """Mixtures whose noise has no level that frames tell."""
    return np.flatnonzero(noise.placed.noisy & (np.isnan(noise.powers) | (measure == "lufs")))


def in_doubt(noise: Noise) -> NDArray[np.bool_]:
    """Mixtures whose noise may be written at another level than frames and gains say."""
    faint = noise.powers < _FAINTEST_RMS**2
    doubtful = np.nan_to_num(noise.placed.doubts_db) > _MOST_DOUBT_DB
    return noise.placed.noisy & (faint | doubtful)
