"""Noise of one kind under some mixtures of a split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.distributions import Choice
from synth.draws import Draws
from synth.noise.tracks import Cuts
from synth.pieces import NOISE, Pieces

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Placed:
    """Where the noise of some mixtures lies.

    Attributes:
        pieces: ordered by mixture, those of a recording or talker together.
        relative_gains: linear, float64 [pieces].
        powers, doubts_db: as in `synth.noise.place.NoisePlacement`, float64 [those mixtures].
        report: counts, plain values.
    """

    pieces: Pieces
    relative_gains: Floats
    powers: Floats
    doubts_db: Floats
    report: dict[str, Any]


def noise_pieces(cuts: Cuts, mixture_of_span: Ints, rows: Ints) -> Pieces:
    """Cuts as pieces of the stem of noise; `rows` are those of the recordings in their table."""
    mixture = mixture_of_span[cuts.span]
    source, stem = rows[cuts.recording], np.full(len(mixture), NOISE)
    return Pieces(mixture, stem, source, cuts.start, cuts.length, cuts.offset, cuts.fade_in, cuts.fade_out)


def drawn_numbers(asked: int | Choice, draws: Draws, draw: str, items: NDArray[np.uint64]) -> Ints:
    """How many at once, for each mixture, int64 [mixtures]."""
    if isinstance(asked, int):
        return np.full(len(items), asked, dtype=np.int64)
    return asked.values(draws.uniform(draw, items)).astype(np.int64)


def first_of(left_out: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What a report says of the recordings that were left out, by reason."""
    return {reason: {"count": len(ids), "first": list(ids[:20])} for reason, ids in left_out.items() if ids}


def told(left_out: Mapping[str, Sequence[str]]) -> str:
    """The same in an error: `" (left out: 3 silent)"`, or nothing."""
    counts = ", ".join(f"{len(ids)} {reason}" for reason, ids in left_out.items() if ids)
    return f" (left out: {counts})" if counts else ""
