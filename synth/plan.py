"""The plan of a split: one row per mixture, everything about it decided but nothing rendered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.arranging import Arrangement, arrange
from synth.candidates import candidates, pool_of
from synth.degradations import DegradationSpec, as_json, draw_degradations
from synth.draws import Draws, hash_texts, hashes
from synth.errors import PlanError
from synth.gains import (
    FULL_SCALE,
    Levels,
    Part,
    active_levels,
    gains_for,
    headroom,
    measured_levels,
    peak_bounds,
    rounded_at,
    rounded_down,
    settle,
    stem_powers,
)
from synth.images import Response, Target
from synth.layout import Layout
from synth.levels import Energies, Frames, Peaks, frame_samples
from synth.measuring import Measured, Wanted, measure_rows
from synth.noise import place_noise
from synth.noise_sources import Recordings
from synth.noise_spec import Split
from synth.pieces import Pieces, Placement, overlap_ratios
from synth.plan_noise import Noise, in_doubt, measured, noise_of, parts_of, unknown
from synth.plan_rooms import Rooms, factors_of_pieces
from synth.plan_table import lists, plan_table
from synth.render import Load, Loads, no_room, nothing_recorded
from synth.room_plan import assign_rirs
from synth.spec import SeparationSpec
from synth.split_report import split_report

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STEPS = "degradations"  # the column of a corpus that tells them
_IDENTITY = ["id", "speaker_id", "gender", "text", "num_samples", "audio_sha256"]


@dataclass(frozen=True)
class Surroundings:
    """What a split has besides speech.

    Attributes:
        noises: recordings that it may use.
        load_noise: from the id of one to its samples.
        rirs: RIRs that it may use: `id, room_id, recording_id, audio_sha256, t60_s, drr_db, source_m, microphones_m`.
        response: from the id of one, and a target, to what a stem is heard through.
        measure: `synth.measuring.measure_row` over many rows; worker processes may share them.
    """

    noises: Recordings | None = None
    load_noise: Load = nothing_recorded
    rirs: pa.Table | None = None
    response: Callable[[str, Target], Response] = no_room
    measure: Callable[[Sequence[dict[str, Any]], Wanted, Loads], list[Measured]] = measure_rows


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
    around: Surroundings = Surroundings(),
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
    rate_hz, frame = spec.sample_rate_hz, frame_samples(spec.sample_rate_hz)
    rows = np.arange(len(corpus)) if rows is None else rows
    identity = [*_IDENTITY, *([STEPS] if STEPS in corpus.column_names else [])]
    sources = corpus.select(identity).take(pa.array(rows))
    frames = Frames(corpus["frame_energies"], corpus["frame_peaks"], rows)
    energies, peaks = Energies(frames), Peaks(frames)
    who = candidates(spec, sources, energies, frame, draws)
    keys = hash_texts(sources["id"].to_pylist())
    pool = pool_of(sources, keys, who.usable)
    if arrangement is None:
        of_pool = Energies(replace(frames, rows=rows[who.usable]))
        arrangement = arrange(spec, split, sources, pool, who.usable, of_pool, draws)
    placement, sir_asked, level_asked = arrangement.placement, arrangement.sir_db, arrangement.level_db
    pieces, mixtures = placement.pieces, len(placement.num_samples)
    report = split_report(spec, pool, who, placement)

    whole_lengths = sources["num_samples"].to_numpy()
    pieces, levels = active_levels(pieces, whole_lengths, energies, Levels(who.powers, who.doubts_db), rate_hz)
    if spec.levels.measure != "active_rms":
        levels = measured_levels(spec.levels.measure, pieces, sources["id"], load, rate_hz)
    placement = replace(placement, pieces=pieces)

    relative_db = np.column_stack([np.zeros(mixtures), -sir_asked])[pieces.mixture, pieces.stem - 1]
    gains = gains_for(pieces, levels.powers, relative_db, level_asked)
    stems = spec.source_numbers()[-1]
    noise = _noise(spec, split, placement, around, load, corpus, rows[who.held_out], draws)
    rooms = _rooms(spec, placement, noise, around, draws)
    outside = np.ones(mixtures, dtype=bool) if rooms is None else ~rooms.placed.in_room
    if noise is not None:
        s1 = stem_powers(pieces, gains**2 * levels.powers, stems, mixtures)[:, 0]
        noise = noise.at(np.where(outside, _noise_factors(noise, s1), 1.0))
    roundings = placement.n_src + (0 if noise is None else np.bincount(noise.pieces.mixture, minlength=mixtures))
    parts = [Part(pieces, gains, peaks), *(parts_of(noise, around.noises, corpus) if noise is not None else [])]
    bounds = peak_bounds(parts, placement.num_samples, roundings, frame)
    heard: list[Measured] = []
    if rooms is not None:
        asked_of_rows = _rows_to_hear(rooms, sources, placement, gains, noise, sir_asked, level_asked)
        heard = around.measure(
            asked_of_rows,
            _wanted(spec),
            Loads(load, around.load_noise, lambda source_id, steps: load(source_id), around.response),
        )
        gains = gains * factors_of_pieces(pieces, rooms.inside, heard, mixtures, stems)
        bounds[rooms.inside] = [found.bound for found in heard]
        if noise is not None:
            by_hearing = np.ones(mixtures)
            by_hearing[rooms.inside] = [found.noise_factor for found in heard]
            noise = noise.at(by_hearing)
    clip_gains = np.minimum(1.0, headroom(roundings) / bounds)
    gains = rounded_down(gains * clip_gains[pieces.mixture])
    if spec.levels.measure == "active_rms":
        levels = rounded_at(levels, pieces, gains, energies, frame)
    written = settle(spec.levels.measure, pieces, levels, gains, outside[pieces.mixture], sources["id"], load, rate_hz)
    powers = stem_powers(pieces, written, stems, mixtures)
    around_columns: dict[str, Any] = {}
    if rooms is not None:
        for mixture, found in zip(rooms.inside.tolist(), heard, strict=True):
            powers[mixture, : len(found.powers)] = np.array(found.powers) * clip_gains[mixture] ** 2
        around_columns |= rooms.columns()
        report["rooms"] = rooms.placed.report
    if noise is not None:
        noise = noise.at(clip_gains)
        noise = replace(noise, gains=rounded_down(noise.gains))
        noise = _measured(spec, noise, np.flatnonzero(in_doubt(noise) & outside), placement, around, load)
        noise_powers = noise.powers.copy()
        if rooms is not None:
            noise_powers[rooms.inside] = [found.noise_power for found in heard] * clip_gains[rooms.inside] ** 2
        with np.errstate(divide="ignore", invalid="ignore"):
            snr_db = np.where(noise.placed.noisy, 10 * np.log10(powers[:, 0] / noise_powers), np.nan)
        around_columns |= {**noise.columns(), "snr_db": pa.array(snr_db, from_pandas=True)}
        report["noise"] = noise.placed.report
    around_columns |= _degradations(spec, sources, pieces, draws, mixtures)

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
            "peak_bound_dbfs": 20 * np.log10((bounds * clip_gains + roundings / 2) / FULL_SCALE),
            **around_columns,
        },
    )
    _check_distinct(split, table["id"])
    return SplitPlan(table, {**report, "clip_gain_applied": int(np.count_nonzero(clip_gains < 1.0))})


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


def _noise(
    spec: SeparationSpec,
    split: str,
    placement: Placement,
    around: Surroundings,
    load: Load,
    corpus: pa.Table,
    held_out: Ints,
    draws: Draws,
) -> Noise | None:
    """The noise asked for, at gains that are relative within a mixture, with its level at these."""
    if spec.noise is None:
        return None
    speech = Recordings(corpus, held_out) if len(held_out) else None
    channels = spec.rooms.num_microphones if spec.rooms is not None and not spec.rooms.noise else 1
    placed = place_noise(
        spec.noise,
        cast(Split, split),
        placement.num_samples,
        around.noises,
        speech,
        sample_rate_hz=spec.sample_rate_hz,
        num_channels=channels,
        draws=draws,
    )
    noise = noise_of(placed, around.noises, corpus)
    if channels > 1:
        return noise  # its mixtures are all in rooms, where it is measured with the speech
    return _measured(spec, noise, unknown(noise, spec.levels.measure), placement, around, load)


def _measured(
    spec: SeparationSpec, noise: Noise, mixtures: Ints, placement: Placement, around: Surroundings, load: Load
) -> Noise:
    return measured(noise, mixtures, placement.num_samples, spec.levels.measure, around.load_noise, load, spec.sample_rate_hz)


def _noise_factors(noise: Noise, s1: Floats) -> Floats:
    """By which the relative gains are multiplied where the noise is heard as it was recorded; 0 where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        factors = np.sqrt(s1 / noise.powers) * 10 ** (-noise.placed.snr_asked / 20)
    return np.where(noise.placed.noisy, factors, 0.0)


def _rooms(spec: SeparationSpec, placement: Placement, noise: Noise | None, around: Surroundings, draws: Draws) -> Rooms | None:
    if spec.rooms is None or around.rirs is None:
        return None
    noisy = noise.placed.noisy if noise is not None else np.zeros(len(placement.n_src), dtype=bool)
    return Rooms(assign_rirs(spec.rooms, around.rirs, placement.n_src, noisy, draws), around.rirs)


def _wanted(spec: SeparationSpec) -> Wanted:
    channels = spec.rooms.num_microphones if spec.rooms is not None else 1
    clean: tuple[Target, ...] = () if spec.clean in (None, "reverberant") else (spec.clean,)
    return Wanted(spec.levels.measure, spec.sample_rate_hz, channels, (*spec.targets, *clean))


def _rows_to_hear(
    rooms: Rooms,
    sources: pa.Table,
    placement: Placement,
    gains: Floats,
    noise: Noise | None,
    sir_asked: Floats,
    level_asked: Floats | None,
) -> list[dict[str, Any]]:
    """What `synth.measuring.measure_row` needs of the mixtures that are in rooms."""
    pieces = placement.pieces
    ids = sources["id"].take(pa.array(pieces.source)).combine_chunks()
    steps = sources[STEPS].take(pa.array(pieces.source)).combine_chunks() if STEPS in sources.column_names else None
    edges = np.searchsorted(pieces.mixture, np.arange(len(placement.num_samples) + 1))
    rows = []
    for mixture in rooms.inside.tolist():
        these = slice(int(edges[mixture]), int(edges[mixture + 1]))
        n_src = int(placement.n_src[mixture])
        row = {
            "source_ids": ids[these].to_pylist(),
            "stem_numbers": pieces.stem[these].tolist(),
            "offsets_samples": pieces.offset[these].tolist(),
            "starts_samples": pieces.start[these].tolist(),
            "lengths_samples": pieces.length[these].tolist(),
            "gains": gains[these].tolist(),
            "num_samples": int(placement.num_samples[mixture]),
            "sir_db_asked": sir_asked[mixture, : n_src - 1].tolist(),
            "level_db_asked": None if level_asked is None else float(level_asked[mixture]),
            "rir_ids": rooms.rir_ids(mixture),
            "source_degradations": steps[these].to_pylist() if steps is not None else None,
        }
        if noise is not None:
            row |= {**noise.row(mixture), "snr_db_asked": float(noise.placed.snr_asked[mixture])}
        rows.append(row)
    return rows


def _per_interferer(values: Floats, n_src: Ints) -> pa.Array:
    present = np.arange(2, values.shape[1] + 2) <= n_src[:, np.newaxis]
    return lists(values[present], np.append(0, np.cumsum(n_src - 1)))
