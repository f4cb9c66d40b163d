"""The plan of a split: one row per mixture, everything about it decided but nothing rendered."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.candidates import candidates, pool_of, pools_that_meet
from synth.draws import Draws, hash_texts
from synth.gains import (
    FULL_SCALE,
    Levels,
    Part,
    active_levels,
    gains_for,
    headroom,
    measured_levels,
    peak_bounds,
    rounded_down,
    settle,
    stem_powers,
)
from synth.groups import Supply
from synth.layout import Layout
from synth.levels import Energies, Frames, Peaks, frame_samples
from synth.meeting import Meeting, meet
from synth.overlap_spec import FullOverlap, PartialOverlap
from synth.pairing import Pool
from synth.pieces import Placement, overlap_ratios
from synth.placing import place_full, place_partial
from synth.plan_table import lists, plan_table
from synth.render import Load
from synth.spec import SeparationSpec
from synth.turns import place_turns

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_IDENTITY = ["id", "speaker_id", "gender", "text", "num_samples", "audio_sha256"]


@dataclass(frozen=True)
class SplitPlan:
    """A plan and what there is to say about it.

    Attributes:
        table: rows of the spec's `Layout`.
        report: counts for people and manifests, plain values.
    """

    table: pa.Table
    report: dict[str, Any]


def plan_split(
    spec: SeparationSpec, split: str, corpus: pa.Table, load: Load, rows: NDArray[np.int64] | None = None
) -> SplitPlan:
    """Plan all mixtures of a split.

    Args:
        spec: what is asked for.
        split: "train", "validation" or "test".
        corpus: utterances, with the columns `id, speaker_id, gender, text, num_samples, audio_sha256, frame_energies,
            frame_peaks`, measured at the spec's sample rate.
        load: from a source id to its samples at that rate. Asked only for the pieces whose level the frames do not tell.
        rows: those of `corpus` that the split may use, int64; None means all. The frames are read in place.

    Raises:
        PlanError: the sources cannot give what is asked.
    """
    mixtures = spec.counts()[split]
    draws = Draws(spec.seed, spec.name, split)
    rate_hz, frame = spec.sample_rate_hz, frame_samples(spec.sample_rate_hz)
    rows = np.arange(len(corpus)) if rows is None else rows
    sources = corpus.select(_IDENTITY).take(pa.array(rows))
    frames = Frames(corpus["frame_energies"], corpus["frame_peaks"], rows)
    energies, peaks = Energies(frames), Peaks(frames)
    who = candidates(spec, sources, energies, frame, draws)
    keys = hash_texts(sources["id"].to_pylist())
    pool = pool_of(sources, keys, who.usable)
    meeting = meet(spec, pool, pools_that_meet(spec, split, sources, pool, who.usable), mixtures, draws)
    of_pool = Energies(replace(frames, rows=rows[who.usable]))
    placement = _place(spec, meeting, pool, of_pool, draws)
    report = _report(spec, pool, meeting, placement, who.left_out)
    pieces = replace(placement.pieces, source=who.usable[placement.pieces.source])

    whole_lengths = sources["num_samples"].to_numpy()
    pieces, levels = active_levels(pieces, whole_lengths, energies, Levels(who.powers, who.doubts_db), rate_hz)
    if spec.levels.measure != "active_rms":
        levels = measured_levels(spec.levels.measure, pieces, sources["id"], load, rate_hz)
    placement = replace(placement, pieces=pieces)

    items = np.arange(mixtures, dtype=np.uint64)
    sir_asked = _sir_asked(spec, placement.n_src, draws)
    level_asked = spec.levels.level_db.values(draws.uniform("level_db", items)) if spec.levels.level_db else None
    relative_db = np.column_stack([np.zeros(mixtures), -sir_asked])[pieces.mixture, pieces.stem - 1]
    gains = gains_for(pieces, levels.powers, relative_db, level_asked)
    bounds = peak_bounds([Part(pieces, gains, peaks)], placement.num_samples, placement.n_src, frame)
    clip_gains = np.minimum(1.0, headroom(placement.n_src) / bounds)
    gains = rounded_down(gains * clip_gains[pieces.mixture])
    written = settle(spec.levels.measure, pieces, levels, gains, sources["id"], load, rate_hz)
    powers = stem_powers(pieces, written, spec.source_numbers()[-1], mixtures)

    table = plan_table(
        Layout.of(spec).plan_schema(),
        rate_hz,
        sources,
        keys,
        placement,
        gains,
        {
            "level_measure": pa.array([spec.levels.measure] * mixtures),
            "level_db": 10 * np.log10(powers[:, 0] / FULL_SCALE**2),
            "level_db_asked": pa.nulls(mixtures, pa.float64()) if level_asked is None else level_asked,
            "sir_db": _per_interferer(10 * np.log10(powers[:, :1] / powers[:, 1:]), placement.n_src),
            "sir_db_asked": _per_interferer(sir_asked, placement.n_src),
            "overlap_ratio": overlap_ratios(pieces, mixtures),
            "clip_gain_db": 20 * np.log10(clip_gains),
            "peak_bound_dbfs": 20 * np.log10((bounds * clip_gains + placement.n_src / 2) / FULL_SCALE),
        },
    )
    return SplitPlan(table, {**report, "clip_gain_applied": int(np.count_nonzero(clip_gains < 1.0))})


def _place(spec: SeparationSpec, meeting: Meeting, pool: Pool, energies: Energies, draws: Draws) -> Placement:
    used = np.bincount(meeting.groups.utterance, minlength=len(pool.lengths))
    supply = Supply(pool, used, draws)
    if isinstance(spec.overlap, FullOverlap):
        return place_full(spec, meeting, pool, supply, draws)
    if isinstance(spec.overlap, PartialOverlap):
        return place_partial(spec, spec.overlap.ratio, meeting, pool, supply, draws)
    return place_turns(spec.overlap, spec.seconds(), meeting.groups, pool, supply, energies, spec.sample_rate_hz, draws)


def _sir_asked(spec: SeparationSpec, n_src: Ints, draws: Draws) -> Floats:
    """Level of s1 over each further source, float64 [mixtures, sources - 1]; some of them absent."""
    items = np.arange(len(n_src), dtype=np.uint64)
    further = range(2, spec.source_numbers()[-1] + 1)
    columns = [spec.levels.sir_db.values(draws.uniform("sir_db" if k == 2 else f"sir_db {k}", items)) for k in further]
    return np.stack(columns, axis=1) if columns else np.zeros((len(n_src), 0))


def _per_interferer(values: Floats, n_src: Ints) -> pa.Array:
    present = np.arange(2, values.shape[1] + 2) <= n_src[:, np.newaxis]
    return lists(values[present], np.append(0, np.cumsum(n_src - 1)))


def _report(
    spec: SeparationSpec, pool: Pool, meeting: Meeting, placement: Placement, left_out: dict[str, list[str]]
) -> dict[str, Any]:
    pieces, mixtures = placement.pieces, len(placement.num_samples)
    utterance_uses = np.bincount(pieces.source, minlength=len(pool.lengths))
    report: dict[str, Any] = {
        "mixtures": mixtures,
        "hours": round(float(placement.num_samples.sum()) / spec.sample_rate_hz / 3600, 3),
        "speakers": len(np.unique(pool.speakers)),
        "utterances": len(pool.lengths),
        "utterances_left_out": {reason: {"count": len(ids), "first": ids[:20]} for reason, ids in left_out.items() if ids},
        "uses_per_utterance": {"least": int(utterance_uses.min()), "most": int(utterance_uses.max())},
    }
    if spec.source_numbers() == (2,):
        together = np.sort(meeting.groups.utterance.reshape(-1, 2), axis=1)
        _, uses = np.unique(together[:, 0] * len(pool.lengths) + together[:, 1], return_counts=True)
        report["pairs"] = {"possible": pool.pair_count(), "used": len(uses), "most_uses": int(uses.max())}
    if isinstance(spec.overlap, PartialOverlap):
        quartiles = spec.overlap.ratio.values(np.array([0, 0.25, 0.5, 0.75, 1 - 2**-53]))
        report["share_of_pairs_that_reach_overlap_ratio"] = {
            f"{ratio:.3f}": round(pool.share_that_reaches(ratio), 4) for ratio in quartiles
        }
        report["overlap_ratios_drawn_anew"] = int(np.count_nonzero(placement.ratio_draws > 1))
    return report
