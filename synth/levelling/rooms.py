"""The rooms of a split's plan: what is told of them, and the gains that they ask for."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.levelling.measuring import Measured
from synth.pieces import Pieces
from synth.rooms.assigning import NO_RIR, RoomPlacement
from synth.rows.table import lists

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rooms:
    """The rooms of all mixtures of a split.

    Attributes:
        placed: which RIR each stem has.
        rirs: the table that it tells rows of.
    """

    placed: RoomPlacement
    rirs: pa.Table

    @property
    def inside(self) -> Ints:
        """The mixtures that are in a room."""
        return np.flatnonzero(self.placed.in_room)

    def rir_ids(self, mixture: int) -> list[str]:
        """Of s1..sN and, where it is in the room, the noise."""
        rows = self._rows(mixture)
        ids: list[str] = self.rirs["id"].take(pa.array(rows)).to_pylist()
        return ids

    def columns(self) -> dict[str, Any]:
        """The columns of the plan that tell of rooms."""
        rows = [self._rows(mixture) for mixture in range(len(self.placed.in_room))]
        edges = np.append(0, np.cumsum([len(of_mixture) for of_mixture in rows]))
        flat = pa.array(np.concatenate([np.zeros(0, dtype=np.int64), *rows]))
        names = {
            "rir_ids": "id",
            "rir_sha256s": "audio_sha256",
            "t60_s": "t60_s",
            "drr_db": "drr_db",
            "source_positions_m": "source_m",
        }
        columns: dict[str, Any] = {
            name: lists(self.rirs[column].take(flat).combine_chunks(), edges) for name, column in names.items()
        }
        first = pa.array([int(of_mixture[0]) if len(of_mixture) else None for of_mixture in rows], pa.int64())
        columns["microphone_positions_m"] = self.rirs["microphones_m"].take(first).combine_chunks()
        columns["room_id"] = pa.array(self.placed.room_ids, pa.string())
        return columns

    def _rows(self, mixture: int) -> Ints:
        rows = np.append(self.placed.rirs[mixture], self.placed.noise_rirs[mixture])
        present: Ints = rows[rows != NO_RIR]
        return present


def factors_of_pieces(pieces: Pieces, inside: Ints, measured: list[Measured], mixtures: int, stems: int) -> Floats:
    """By which the gain of each piece is to be multiplied: 1 outside rooms."""
    factors = np.ones((mixtures, stems))
    for mixture, found in zip(inside.tolist(), measured, strict=True):
        factors[mixture, : len(found.factors)] = found.factors
    of_pieces: Floats = factors[pieces.mixture, pieces.stem - 1]
    return of_pieces
