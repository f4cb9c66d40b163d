"""Rows whose levels frames do not tell, since they are heard in a room: their gains, from the stems themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synth.errors import PlanError
from synth.render import Loads, dry_pieces, noise_pieces, noise_stem_into
from synth.rooms.images import Target
from synth.rooms.stems import Heard, hear, heard, peak_bound, stem_image

FULL_SCALE = 32768.0


@dataclass(frozen=True)
class Wanted:
    """How rows are measured: small, so that it travels to worker processes."""

    measure: str
    sample_rate_hz: int
    num_channels: int
    targets: tuple[Target, ...]


@dataclass(frozen=True)
class Measured:
    """What came of a row.

    Attributes:
        factors: by which the gains of s1..sN are to be multiplied.
        noise_factor: the same of the noise; 0 where there is none.
        powers: of s1..sN then, at microphone 0, as a mean square of samples in the range of int16.
        noise_power: of the noise.
        bound: on the magnitude of all signals of the row.
    """

    factors: list[float]
    noise_factor: float
    powers: list[float]
    noise_power: float
    bound: float


def measure_rows(rows: Sequence[dict[str, Any]], wanted: Wanted, loads: Loads) -> list[Measured]:
    """`measure_row` of each, one after another."""
    return [measure_row(row, loads, wanted) for row in rows]


def unheard(rows: Sequence[dict[str, Any]], wanted: Wanted, loads: Loads) -> list[Measured]:
    """In the place of `measure_rows` where only numbers of mixtures and their lengths are of interest.

    Stems count as loud as any, so that gains mean nothing; but mixtures of which different levels are asked stay different.
    """
    return [_as_asked(row) for row in rows]


def _as_asked(row: dict[str, Any]) -> Measured:
    level_db = row["level_db_asked"] or 0.0
    factors = [float(10 ** ((level_db - sir_db) / 20)) for sir_db in (0.0, *row["sir_db_asked"])]
    noise_factor = float(10 ** ((level_db - row["snr_db_asked"]) / 20)) if row.get("noise_ids") else 0.0
    return Measured(factors, noise_factor, [1.0] * len(factors), 1.0, 1.0)


def measure_row(row: dict[str, Any], loads: Loads, wanted: Wanted) -> Measured:
    """Hear the stems of a row in its room and find the factors that bring them to the levels asked for.

    Args:
        row: `NEEDED_TO_RENDER`, with gains that may be any in all, and `sir_db_asked`, `snr_db_asked` and `level_db_asked`.
        loads: where its recordings are.
        wanted: how to measure.

    Raises:
        PlanError: a stem in which the measure finds nothing.
    """
    num_samples, rate_hz = row["num_samples"], wanted.sample_rate_hz
    count = max(row["stem_numbers"])
    pieces = [dry_pieces(row, k, loads) for k in range(1, count + 1)]
    rooms = row["rir_ids"]
    stems = [
        hear(of_stem, loads.response(rir_id, "reverberant"), num_samples, wanted.measure, rate_hz)
        for of_stem, rir_id in zip(pieces, rooms, strict=False)
    ]
    for k, stem in enumerate(stems):
        if not stem.power > 0:
            raise PlanError(
                f"{row['source_ids'][row['stem_numbers'].index(k + 1)]} has no level by {wanted.measure} in its room: it is too "
                "short or too quiet for that measure; ask for longer mixtures or levels.measure active_rms"
            )
    asked = row["level_db_asked"]
    first = 1.0 if asked is None else FULL_SCALE * 10 ** (asked / 20) / np.sqrt(stems[0].power)
    s1 = stems[0].power * first**2
    levels = [0.0, *row["sir_db_asked"]]
    factors = [float(np.sqrt(s1 / stem.power) * 10 ** (-sir / 20)) for stem, sir in zip(stems, levels, strict=True)]
    targets = [
        factor * float(np.abs(stem_image(of_stem, loads.response(rir_id, target), num_samples, 0, num_samples)).max())
        for target in wanted.targets
        for of_stem, rir_id, factor in zip(pieces, rooms, factors, strict=False)
    ]
    powers = [stem.power * factor**2 for stem, factor in zip(stems, factors, strict=True)]
    if not row.get("noise_ids"):
        return Measured(factors, 0.0, powers, 0.0, max([peak_bound(stems, factors), *targets]))
    noise = _noise(row, loads, wanted)
    if not noise.power > 0:
        raise PlanError(f"the noise {row['noise_ids'][0]} is silent where it was taken: leave it out of its corpus")
    noise_factor = float(np.sqrt(s1 / noise.power) * 10 ** (-row["snr_db_asked"] / 20))
    bound = peak_bound([*stems, noise], [*factors, noise_factor])
    return Measured(factors, noise_factor, powers, noise.power * noise_factor**2, max([bound, *targets]))


def _noise(row: dict[str, Any], loads: Loads, wanted: Wanted) -> Heard:
    """The noise of a row at its gains: in the room, or as it was recorded."""
    num_samples, rate_hz = row["num_samples"], wanted.sample_rate_hz
    measure = "lufs" if wanted.measure == "lufs" else "mean_power"
    if len(row["rir_ids"]) > max(row["stem_numbers"]):
        response = loads.response(row["rir_ids"][-1], "reverberant")
        return hear(noise_pieces(row, loads), response, num_samples, measure, rate_hz)
    written = np.empty((wanted.num_channels, num_samples))
    noise_stem_into(row, loads, written, 0)
    return heard(written, measure, rate_hz)
