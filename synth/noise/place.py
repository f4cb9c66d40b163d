"""Noise under the mixtures of a split: which, from where on, and how loud against each other. Nothing is rendered here."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.draws import Draws
from synth.errors import PlanError
from synth.noise.babble import place_babble
from synth.noise.placed import Placed
from synth.noise.recorded import place_recordings
from synth.noise.sources import Recordings
from synth.noise.spec import NoiseSpec, Split
from synth.pieces import Pieces

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NoisePlacement:
    """The noise of all mixtures of a split.

    Attributes:
        pieces: all of stem `NOISE`; `source` is a row of the table of noises or, of babble, of that of speech.
        from_speech: which of the two, bool [pieces].
        relative_gains: linear, float64 [pieces]: with these the recordings of a mixture, or its talkers, are equally loud.
        noisy: the mixtures that have noise, bool [mixtures].
        snr_asked: dB, float64 [mixtures]; NaN where there is no noise.
        powers: mean square of the noise stem over the whole mixture at the relative gains, float64 [mixtures]; 0 where there is
            none, NaN where frames cannot tell and it has to be measured: where pieces overlap.
        doubts_db: by how much the level may differ from that, float64 [mixtures], since frames are cut at the end; the rounding
            of the rendered stem is not counted. NaN with the powers.
        report: counts for people and manifests, plain values.
    """

    pieces: Pieces
    from_speech: NDArray[np.bool_]
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
    noises: Recordings | None,
    speech: Recordings | None,
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
        noises: recordings of noise that the split may use; None where the spec names no corpus.
        speech: utterances of the split's held-out speakers, who are in no mixture; None where the spec asks for no babble.
        sample_rate_hz: of all lengths.
        num_channels: microphones that get the noise as it was recorded, channel by channel: 1 where the mixture is mono, or
            where the noise is put into a room.
        draws: of the split.

    Raises:
        PlanError: no SNR is given for the split; too few noises, channels or held-out speakers.
    """
    if split not in spec.snr_db:
        raise PlanError(f"noise.snr_db says nothing about {split}: give a distribution for it (--set noise.snr_db.{split}=...)")
    items = np.arange(len(num_samples), dtype=np.uint64)
    noisy = draws.uniform("noisy", items) < spec.probability
    snr_asked = np.where(noisy, spec.snr_db[split].values(draws.uniform("snr_db", items)), np.nan)
    share = spec.babble.share if spec.babble is not None else 0.0
    babbling = noisy & (draws.uniform("babble", items) < share)
    where = f"the split {split!r}"
    parts: list[tuple[str, Ints, Placed]] = []
    if (mixtures := np.flatnonzero(noisy & ~babbling)).size:
        if noises is None:
            raise PlanError(f"{where} has no noises: name a corpus that gives it some (--set noise.corpus=...)")
        placed = place_recordings(
            spec,
            noises,
            mixtures,
            num_samples[mixtures],
            where=where,
            sample_rate_hz=sample_rate_hz,
            num_channels=num_channels,
            draws=draws,
        )
        parts.append(("recorded", mixtures, placed))
    if spec.babble is not None and (mixtures := np.flatnonzero(babbling)).size:
        if speech is None:
            raise PlanError(f"{where} has nobody to babble: hold out some speakers (--set speakers.held_out=0.2)")
        if num_channels > 1:
            raise PlanError(
                f"babble is made of mono utterances, and the mixtures have {num_channels} microphones: it needs a room to be "
                "heard in (rooms), or take recordings of several channels (noise.corpus)"
            )
        placed = place_babble(
            spec.babble,
            speech,
            mixtures,
            num_samples[mixtures],
            crossfade_s=spec.crossfade_s,
            where=where,
            sample_rate_hz=sample_rate_hz,
            draws=draws,
        )
        parts.append(("babble", mixtures, placed))
    return _together(parts, noisy, snr_asked)


def _together(parts: list[tuple[str, Ints, Placed]], noisy: NDArray[np.bool_], snr_asked: Floats) -> NoisePlacement:
    powers, doubts_db = np.zeros(len(noisy)), np.zeros(len(noisy))
    for _, mixtures, placed in parts:
        powers[mixtures], doubts_db[mixtures] = placed.powers, placed.doubts_db
    pieces = [placed.pieces for _, _, placed in parts]
    none = np.zeros(0, dtype=np.int64)
    flat = Pieces(*(np.concatenate([none, *(getattr(part, field.name) for part in pieces)]) for field in fields(Pieces)))
    from_speech = np.repeat([name == "babble" for name, _, _ in parts], [len(part) for part in pieces]).astype(bool)
    gains = np.concatenate([np.zeros(0), *(placed.relative_gains for _, _, placed in parts)])
    order = np.lexsort((flat.offset, flat.mixture))
    report = {"noisy_mixtures": int(noisy.sum()), **{name: placed.report for name, _, placed in parts}}
    return NoisePlacement(flat.taken(order), from_speech[order], gains[order], noisy, snr_asked, powers, doubts_db, report)
