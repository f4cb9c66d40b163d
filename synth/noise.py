"""Noise under the mixtures of a split: which, from where on, and how loud against each other. Nothing is rendered here."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.draws import Draws
from synth.errors import PlanError
from synth.noise_sources import Recordings
from synth.noise_spec import NoiseSpec, Split
from synth.pieces import Pieces
from synth.recorded_noise import place_recordings

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NoisePlacement:
    """The noise of all mixtures of a split.

    Attributes:
        pieces: all of stem `NOISE`; `source` is a row of the table of noises.
        relative_gains: linear, float64 [pieces]: with these the recordings of a mixture are equally loud.
        noisy: the mixtures that have noise, bool [mixtures].
        snr_asked: dB, float64 [mixtures]; NaN where there is no noise.
        powers: mean square of the noise stem over the whole mixture at the relative gains, float64 [mixtures]; 0 where there is
            none, NaN where frames cannot tell and it has to be measured: where pieces overlap.
        doubts_db: by how much the level may differ from that, float64 [mixtures], since frames are cut at the end; the rounding
            of the rendered stem is not counted. NaN with the powers.
        report: counts for people and manifests, plain values.
    """

    pieces: Pieces
    relative_gains: Floats
    noisy: NDArray[np.bool_]
    snr_asked: Floats
    powers: Floats
    doubts_db: Floats
    report: dict[str, Any]


def place_noise(
    spec: NoiseSpec,
    split: Split,
    num_samples: Ints,
    noises: Recordings,
    *,
    sample_rate_hz: int,
    num_channels: int,
    draws: Draws,
) -> NoisePlacement:
    """Place noise under every mixture that is to have some.

    No noise of the split is used more than once oftener than another, and none twice in a mixture. A section that is silent is
    never taken.

    Args:
        spec: what is asked for.
        split: the split, for its SNR.
        num_samples: of each mixture, int64 [mixtures].
        noises: recordings of noise that the split may use.
        sample_rate_hz: of all lengths.
        num_channels: microphones that get the noise as it was recorded, channel by channel: 1 where the mixture is mono, or
            where the noise is put into a room.
        draws: of the split.

    Raises:
        PlanError: no SNR is given for the split; too few noises or channels; nothing but silence.
    """
    if split not in spec.snr_db:
        raise PlanError(f"noise.snr_db says nothing about {split}: give a distribution for it (--set noise.snr_db.{split}=...)")
    items = np.arange(len(num_samples), dtype=np.uint64)
    noisy = draws.uniform("noisy", items) < spec.probability
    snr_asked = np.where(noisy, spec.snr_db[split].values(draws.uniform("snr_db", items)), np.nan)
    mixtures = np.flatnonzero(noisy)
    placed = place_recordings(
        spec,
        noises,
        mixtures,
        num_samples[mixtures],
        where=f"the split {split!r}",
        sample_rate_hz=sample_rate_hz,
        num_channels=num_channels,
        draws=draws,
    )
    powers, doubts_db = np.zeros(len(num_samples)), np.zeros(len(num_samples))
    powers[mixtures], doubts_db[mixtures] = placed.powers, placed.doubts_db
    order = np.lexsort((placed.pieces.source, placed.pieces.offset, placed.pieces.mixture))
    report = {"noisy_mixtures": int(noisy.sum()), **placed.report}
    return NoisePlacement(placed.pieces.taken(order), placed.relative_gains[order], noisy, snr_asked, powers, doubts_db, report)
