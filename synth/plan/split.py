"""The plan of a split: one row per mixture, everything about it decided but nothing rendered."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.arranging.arrange import Arrangement, arrange
from synth.arranging.candidates import candidates, pool_of
from synth.degradations.chains import DegradationSpec, as_json, draw_degradations
from synth.draws import Draws, hash_texts, hashes
from synth.errors import PlanError
from synth.levelling.gains import FULL_SCALE
from synth.levelling.level import STEPS, Levelled, Material, level
from synth.levelling.surroundings import NOTHING, Surroundings
from synth.levels.frames import Energies, Frames, frame_samples
from synth.pieces import Pieces, Spoken, spoken_samples
from synth.plan.report import split_report
from synth.render import Load
from synth.rows.layout import Layout
from synth.rows.table import lists, plan_table
from synth.spec import SeparationSpec

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
    spec: SeparationSpec,
    split: str,
    corpus: pa.Table,
    load: Load,
    rows: NDArray[np.int64] | None = None,
    around: Surroundings = NOTHING,
    arrangement: Arrangement | None = None,
) -> SplitPlan:
    """Plan all mixtures of a split.

    Args:
        spec: what is asked for.
        split: "train", "validation" or "test".
        corpus: utterances, with the columns `id, speaker_id, gender, text, num_samples, audio_sha256, frame_energies,
            frame_peaks`, measured at the spec's sample rate; where the spec degrades sources, after their degradations, which
            the column `degradations` tells as JSON.
        load: from a source id to its samples at that rate, after its degradations. Asked only for the pieces whose level the
            frames do not tell.
        rows: those of `corpus` that the split may use, int64; None means all. The frames are read in place.
        around: the noises and rooms of the split, where the spec asks for some.
        arrangement: mixtures to be levelled, where they are not to be arranged by lot; `spec` says nothing of their number then.

    Raises:
        PlanError: the sources cannot give what is asked.
    """
    draws = Draws(spec.seed, spec.name, split)
    rows = np.arange(len(corpus)) if rows is None else rows
    identity = [*_IDENTITY, *([STEPS] if STEPS in corpus.column_names else [])]
    sources = corpus.select(identity).take(pa.array(rows))
    frames = Frames(corpus["frame_energies"], corpus["frame_peaks"], rows)
    who = candidates(spec, sources, Energies(frames), frame_samples(spec.sample_rate_hz), draws)
    keys = hash_texts(sources["id"].to_pylist())
    pool = pool_of(sources, keys, who.usable)
    if arrangement is None:
        of_pool = Energies(replace(frames, rows=rows[who.usable]))
        arrangement = arrange(spec, split, sources, pool, who.usable, of_pool, draws)
    levelled = level(Material(spec, split, corpus, rows, sources, frames, who, load, around, draws), arrangement)
    spoken = spoken_samples(arrangement.placement.pieces, len(levelled.clip_gains))
    measures = {
        **_measures(spec, arrangement, levelled, spoken),
        **_surroundings(levelled),
        **_degradations(spec, sources, levelled.placement.pieces, draws, len(levelled.clip_gains)),
    }
    schema = Layout.of(spec).plan_schema()
    table = plan_table(schema, spec.sample_rate_hz, sources, keys, levelled.placement, levelled.gains, measures)
    _check_distinct(split, table["id"])
    report = split_report(spec, pool, who, arrangement.placement, spoken)
    if levelled.rooms is not None:
        report["rooms"] = levelled.rooms.placed.report
    if levelled.noise is not None:
        report["noise"] = levelled.noise.placed.report
    return SplitPlan(table, {**report, "clip_gain_applied": int(np.count_nonzero(levelled.clip_gains < 1.0))})


def _measures(spec: SeparationSpec, arrangement: Arrangement, levelled: Levelled, spoken: Spoken) -> dict[str, Any]:
    """The columns of levels and overlap."""
    mixtures, n_src, powers = len(levelled.clip_gains), levelled.placement.n_src, levelled.powers
    asked = arrangement.level_db
    return {
        "level_measure": pa.array([spec.levels.measure] * mixtures),
        "level_db": 10 * np.log10(powers[:, 0] / FULL_SCALE**2),
        "level_db_asked": pa.nulls(mixtures, pa.float64()) if asked is None else asked,
        "sir_db": _per_interferer(10 * np.log10(powers[:, :1] / powers[:, 1:]), n_src),
        "sir_db_asked": _per_interferer(arrangement.sir_db, n_src),
        "overlap_ratio": spoken.overlap_ratios,
        "clip_gain_db": 20 * np.log10(levelled.clip_gains),
        "peak_bound_dbfs": levelled.peak_bounds_dbfs,
    }


def _surroundings(levelled: Levelled) -> dict[str, Any]:
    """The columns of noise and rooms."""
    columns = levelled.rooms.columns() if levelled.rooms is not None else {}
    if levelled.noise is None:
        return columns
    with np.errstate(divide="ignore", invalid="ignore"):
        over_noise = 10 * np.log10(levelled.powers[:, 0] / levelled.noise_powers)
    snr_db = np.where(levelled.noise.placed.noisy, over_noise, np.nan)
    return {**columns, **levelled.noise.columns(), "snr_db": pa.array(snr_db, from_pandas=True)}


def _degradations(spec: SeparationSpec, sources: pa.Table, pieces: Pieces, draws: Draws, mixtures: int) -> dict[str, pa.Array]:
    """The columns that tell what is done to sources and mixtures."""
    columns: dict[str, pa.Array] = {}
    if spec.degradations.sources:
        edges = np.searchsorted(pieces.mixture, np.arange(mixtures + 1))
        columns["source_degradations"] = lists(sources[STEPS].take(pa.array(pieces.source)).combine_chunks(), edges)
    if spec.degradations.mixture:
        chain = DegradationSpec(steps=spec.degradations.mixture)
        items = hashes("mixture", np.arange(mixtures, dtype=np.uint64))
        columns["mixture_degradations"] = as_json(draw_degradations(chain, draws, items))
    return columns


def _check_distinct(split: str, ids: pa.ChunkedArray) -> None:
    again = len(ids) - len(set(ids.to_pylist()))  # quicker than Arrow
    if again:
        raise PlanError(
            f"{again} of the {len(ids)} mixtures of the split {split!r} come a second time, the same to the sample: ask for "
            "fewer, or let something vary (levels.sir_db, levels.level_db, overlap, noise)"
        )


def _per_interferer(values: Floats, n_src: Ints) -> pa.Array:
    present = np.arange(2, values.shape[1] + 2) <= n_src[:, np.newaxis]
    return lists(values[present], np.append(0, np.cumsum(n_src - 1)))
