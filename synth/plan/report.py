"""What there is to say of how a split was arranged."""

from typing import Any

import numpy as np

from synth.arranging.candidates import Candidates
from synth.levels.frames import frame_samples
from synth.overlap.spec import PartialOverlap
from synth.pairing.pairs import Pool
from synth.pieces import Placement, Spoken
from synth.spec import SeparationSpec


def split_report(spec: SeparationSpec, pool: Pool, who: Candidates, placement: Placement, spoken: Spoken) -> dict[str, Any]:
    """Counts for people and manifests, plain values.

    Args:
        spec: what was asked for.
        pool: the utterances that may be mixed.
        who: their rows in the split's table, and what was left out.
        placement: where the sources lie; they are rows of that table.
        spoken: of that placement.
    """
    pieces, mixtures = placement.pieces, len(placement.num_samples)
    uses_of_utterance = np.bincount(pieces.source, minlength=int(who.usable.max()) + 1)[who.usable]
    left_out = {reason: {"count": len(ids), "first": ids[:20]} for reason, ids in who.left_out.items() if ids}
    report: dict[str, Any] = {
        "mixtures": mixtures,
        "hours": round(float(placement.num_samples.sum()) / spec.sample_rate_hz / 3600, 3),
        "speakers": len(np.unique(pool.speakers)),
        "utterances": len(pool.lengths),
        "utterances_left_out": left_out,
        "uses_per_utterance": {"least": int(uses_of_utterance.min()), "most": int(uses_of_utterance.max())},
    }
    if spec.source_numbers() == (2,):
        together = np.sort(pieces.source[pieces.stem_begins()].reshape(-1, 2), axis=1)
        _, uses = np.unique(together @ (int(who.usable.max()) + 1, 1), return_counts=True)
        report["pairs"] = {"possible": pool.pair_count(), "used": len(uses), "most_uses": int(uses.max())}
    if isinstance(spec.overlap, PartialOverlap):
        quartiles = spec.overlap.ratio.values(np.array([0, 0.25, 0.5, 0.75, 1 - 2**-53]))
        shares = pool.shares_that_reach(quartiles.tolist())
        report["share_of_pairs_that_reach_overlap_ratio"] = {
            f"{ratio:.3f}": round(share, 4) for ratio, share in zip(quartiles, shares, strict=True)
        }
        report["overlap_ratios_drawn_anew"] = int(np.count_nonzero(placement.ratio_draws > 1))
    if not np.isnan(placement.ratios_asked).all():
        with np.errstate(invalid="ignore"):
            short_of = np.abs(spoken.by_several - placement.ratios_asked * spoken.by_any) > frame_samples(spec.sample_rate_hz)
        report["overlap_ratios_not_reached"] = int(np.count_nonzero(short_of))  # by more than a frame of 10 ms
    return report
