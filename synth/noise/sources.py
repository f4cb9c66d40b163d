"""Recordings that noise is made of: which of them serve, and how loud their sections are."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.draws import hash_texts
from synth.levels.frames import Energies, Frames, Peaks, frame_samples

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_SHORTEST_S = 0.1
_QUIETEST_PEAK = 8  # -72 dBFS: what stays below in all of a recording is no noise but that of its converter
QUIETEST_POWER = 4.0  # of a section; below it, silence


@dataclass(frozen=True)
class Recordings:
    """Recordings that a split may use.

    Attributes:
        table: of all splits. Of kind `noise`: `id, corpus, num_samples, num_channels, frame_energies, frame_peaks`; of kind
            `speech`: `id, speaker_id, num_samples, frame_energies, frame_peaks`. Measured at the spec's sample rate and, of
            noises, on the channels that are used.
        rows: those of the split, int64.
    """

    table: pa.Table
    rows: Ints


class Sounds:
    """The recordings that can be heard.

    Attributes:
        rows: of their table, int64 [sounds].
        keys: hashes of their ids, uint64 [sounds]: all that randomness depends on.
        lengths: samples, int64 [sounds].
        energies: of their frames, by sound.
        left_out: ids of the others, by reason.
    """

    def __init__(self, recordings: Recordings, sample_rate_hz: int) -> None:
        table, rows = recordings.table, recordings.rows
        lengths = table["num_samples"].to_numpy()[rows].astype(np.int64)
        peaks = Peaks(Frames(table["frame_energies"], table["frame_peaks"], rows)).largest()
        short = lengths < _SHORTEST_S * sample_rate_hz
        silent = ~short & (peaks < _QUIETEST_PEAK)
        ids = table["id"].take(pa.array(rows))
        self.left_out: dict[str, list[str]] = {
            "shorter than 0.1 s": ids.filter(pa.array(short)).to_pylist(),
            "silent": ids.filter(pa.array(silent)).to_pylist(),
        }
        heard = ~short & ~silent
        self.rows, self.lengths = rows[heard], lengths[heard]
        self.keys = hash_texts(ids.filter(pa.array(heard)).to_pylist())
        self.energies = Energies(Frames(table["frame_energies"], table["frame_peaks"], self.rows))
        self._frame = frame_samples(sample_rate_hz)

    def section_powers(self, sounds: Ints, starts: Ints, lengths: Ints) -> tuple[Floats, Floats]:
        """Mean square of a sample of sections, float64 [sections], and by how many dB it may be wrong, as a section that ends
        within a frame gets its share of that frame's energy.

        Args:
            sounds: int64 [sections].
            starts: first sample of each section, a multiple of 10 ms.
            lengths: samples.
        """
        first, (whole, rest) = starts // self._frame, np.divmod(lengths, self._frame)
        energy = self.energies.totals(sounds, first, whole).astype(np.float64)
        last = self.energies.totals(sounds, first + whole, (rest > 0).astype(np.int64)).astype(np.float64)
        in_last = np.minimum(self._frame, self.lengths[sounds] - starts - whole * self._frame)  # a recording's last is partial
        share = np.divide(rest, in_last, out=np.zeros(len(rest)), where=rest > 0)
        estimate = energy + share * last
        exact = (share == 1) | (rest == 0) | (last == 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            widest = np.maximum((energy + last) / estimate, estimate / energy)
            doubts_db = np.where(exact, 0.0, 10 * np.log10(widest))
        return estimate / lengths, doubts_db

    def loudest_start(self, sound: int, length: int) -> int:
        """Where the loudest section of `length` samples begins, a multiple of 10 ms; 0 where the sound is no longer than that."""
        if length >= self.lengths[sound]:
            return 0
        window = max(1, length // self._frame)
        sums = np.concatenate([[0], np.cumsum(self.energies.of(sound))])
        starts = int(self.lengths[sound] - length) // self._frame + 1
        return int(np.argmax(sums[window : window + starts] - sums[:starts])) * self._frame
