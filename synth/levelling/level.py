"""Mixtures that are arranged get their levels: gains for speech and noise, in rooms by hearing them, and none of them clips."""

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.arranging.arrange import Arrangement
from synth.arranging.candidates import Candidates
from synth.draws import Draws
from synth.levelling.gains import (
    FULL_SCALE,
    Levels,
    active_levels,
    gains_for,
    measured_levels,
    rounded_at,
    rounded_down,
    settle,
    stem_powers,
)
from synth.levelling.measuring import Measured, Wanted
from synth.levelling.noise import Noise, in_doubt, measured, noise_of, parts_of, unknown
from synth.levelling.peak_bounds import Part, headroom, peak_bounds
from synth.levelling.rooms import Rooms, factors_of_pieces
from synth.levelling.surroundings import Surroundings
from synth.levels.frames import Energies, Frames, Peaks, frame_samples
from synth.noise.place import place_noise
from synth.noise.sources import Recordings
from synth.noise.spec import Split
from synth.pieces import Pieces, Placement
from synth.render import Load, Loads
from synth.rooms.assigning import assign_rirs
from synth.rooms.images import Target
from synth.spec import SeparationSpec

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STEPS = "degradations"  # the column of a corpus that tells them
_MOST_ERROR_DB = 0.03  # of a stem, as it is written
_ATTEMPTS = 5


@dataclass(frozen=True)
class Material:
    """What the mixtures of a split are made of.

    Attributes:
        spec: what is asked for.
        split: its name.
        corpus: the table of all utterances.
        rows: those of the split.
        sources: what is told of these, without their frames; `rows[k]` of the corpus is its row k.
        frames: theirs.
        who: which of them may be used, and how loud they are.
        load: from the id of an utterance to its samples.
        around: noises and rooms.
        draws: of the split.
    """

    spec: SeparationSpec
    split: str
    corpus: pa.Table
    rows: Ints
    sources: pa.Table
    frames: Frames
    who: Candidates
    load: Load
    around: Surroundings
    draws: Draws


@dataclass(frozen=True)
class Levelled:
    """Mixtures with gains.

    Attributes:
        placement: as it was arranged; silent cuts are moved.
        gains: of its pieces, float64 [pieces].
        powers: of s1..sN as they are written, as a mean square of samples in the range of int16; float64 [mixtures, most
            sources], NaN where absent.
        clip_gains: linear, 1 or less, float64 [mixtures].
        peak_bounds_dbfs: no sample of a mixture exceeds its bound, float64 [mixtures].
        noise: with gains; None where the spec asks for none.
        noise_powers: of the noise as it is written, float64 [mixtures].
        rooms: None where the spec asks for none.
    """

    placement: Placement
    gains: Floats
    powers: Floats
    clip_gains: Floats
    peak_bounds_dbfs: Floats
    noise: Noise | None
    noise_powers: Floats
    rooms: Rooms | None


def level(material: Material, arrangement: Arrangement) -> Levelled:
    """Bring all stems of all mixtures to the levels asked for.

    Raises:
        PlanError: a level that what there is cannot have.
    """
    spec, around = material.spec, material.around
    placement, levels = _measured_pieces(material, arrangement.placement)
    pieces, mixtures, stems = placement.pieces, len(placement.num_samples), spec.source_numbers()[-1]
    relative_db = np.column_stack([np.zeros(mixtures), -arrangement.sir_db])[pieces.mixture, pieces.stem - 1]
    gains = gains_for(pieces, levels.powers, relative_db, arrangement.level_db)
    noise = _noise(material, placement)
    rooms = _rooms(material, placement, noise)
    outside = np.ones(mixtures, dtype=bool) if rooms is None else ~rooms.placed.in_room
    if noise is not None:
        s1 = stem_powers(pieces, gains**2 * levels.powers, stems, mixtures)[:, 0]
        noise = noise.at(np.where(outside, _noise_factors(noise, s1), 1.0))
    roundings = placement.n_src + (0 if noise is None else np.bincount(noise.pieces.mixture, minlength=mixtures))
    frame = frame_samples(spec.sample_rate_hz)
    parts = [Part.of(pieces, gains, Peaks(material.frames), frame)]
    parts += parts_of(noise, around.noises, material.corpus, frame) if noise is not None else []
    bounds = peak_bounds(parts, placement.num_samples, roundings, frame)
    heard: list[Measured] = []
    if rooms is not None:
        heard = _hear(material, rooms, replace(arrangement, placement=placement), gains, noise)
        gains = gains * factors_of_pieces(pieces, rooms.inside, heard, mixtures, stems)
        bounds[rooms.inside] = [found.bound for found in heard]
        if noise is not None:
            by_hearing = np.ones(mixtures)
            by_hearing[rooms.inside] = [found.noise_factor for found in heard]
            noise = noise.at(by_hearing)

    gains, powers, bounds = _as_written(material, pieces, levels, gains, bounds, roundings, outside)
    clip_gains = np.minimum(1.0, headroom(roundings) / bounds)
    noise_powers = np.zeros(mixtures)
    if noise is not None:
        noise = noise.at(clip_gains)
        noise = replace(noise, gains=rounded_down(noise.gains))
        noise = _measured_noise(material, noise, np.flatnonzero(in_doubt(noise) & outside), placement)
        noise_powers = noise.powers.copy()
    for mixture, found in zip(rooms.inside.tolist() if rooms is not None else [], heard, strict=True):
        powers[mixture, : len(found.powers)] = np.array(found.powers) * clip_gains[mixture] ** 2
        noise_powers[mixture] = found.noise_power * clip_gains[mixture] ** 2
    peak_bounds_dbfs = 20 * np.log10((bounds * clip_gains + roundings / 2) / FULL_SCALE)
    return Levelled(placement, gains, powers, clip_gains, peak_bounds_dbfs, noise, noise_powers, rooms)


def _as_written(
    material: Material, pieces: Pieces, levels: Levels, gains: Floats, bounds: Floats, roundings: Ints, outside: NDArray[np.bool_]
) -> tuple[Floats, Floats, Floats]:
    """Gains at which nothing clips, the powers of s1..sN as they are written then [mixtures, stems], and bounds that hold there.

    Where pauses lie 40 dB down, rounding makes frames active or not, and so moves levels that were right before. Such stems get
    other gains, by what they turned out to be, a few times; of mixtures that are heard `outside` of rooms.
    """
    mixtures, stems = len(bounds), material.spec.source_numbers()[-1]
    wanted = stem_powers(pieces, gains**2 * levels.powers, stems, mixtures)
    clip_gains = np.minimum(1.0, headroom(roundings) / bounds)
    rounded = rounded_down(gains * clip_gains[pieces.mixture])
    written = _settled(material, pieces, levels, rounded, outside)
    powers = stem_powers(pieces, written, stems, mixtures)
    for attempt in range(_ATTEMPTS):
        off = np.nan_to_num(np.sqrt(wanted / wanted[:, :1] * powers[:, :1] / powers), nan=1.0)
        if attempt < _ATTEMPTS // 2:  # then the others have to follow s1
            off[:, 0] = np.sqrt(wanted[:, 0] / powers[:, 0]) * clip_gains
        wrong = outside & (20 * np.abs(np.log10(off)).max(axis=1) > _MOST_ERROR_DB)
        these = np.flatnonzero(wrong[pieces.mixture])
        if not len(these):
            break
        of_these = pieces.taken(these)
        gains = gains.copy()
        gains[these] *= off[of_these.mixture, of_these.stem - 1]
        bounds = np.where(wrong, bounds * np.maximum(off.max(axis=1), 1.0), bounds)
        clip_gains = np.minimum(1.0, headroom(roundings) / bounds)
        rounded[these] = rounded_down(gains[these] * clip_gains[of_these.mixture])
        written[these] = _settled(material, of_these, levels.taken(these), rounded[these], outside)
        powers = stem_powers(pieces, written, stems, mixtures)
    return rounded, powers, bounds


def _settled(material: Material, pieces: Pieces, levels: Levels, gains: Floats, outside: NDArray[np.bool_]) -> Floats:
    spec, measure = material.spec, material.spec.levels.measure
    if measure == "active_rms":
        levels = rounded_at(levels, pieces, gains, Energies(material.frames), frame_samples(spec.sample_rate_hz))
    dry = outside[pieces.mixture]
    return settle(measure, pieces, levels, gains, dry, material.sources["id"], material.load, spec.sample_rate_hz)


def _measured_pieces(material: Material, placement: Placement) -> tuple[Placement, Levels]:
    """How loud the pieces of speech are; those that are silent are moved within their utterance."""
    spec, who, sources = material.spec, material.who, material.sources
    whole = Levels(who.powers, who.doubts_db)
    lengths = sources["num_samples"].to_numpy()
    pieces, levels = active_levels(placement.pieces, lengths, Energies(material.frames), whole, spec.sample_rate_hz)
    if spec.levels.measure != "active_rms":
        levels = measured_levels(spec.levels.measure, pieces, sources["id"], material.load, spec.sample_rate_hz)
    return replace(placement, pieces=pieces), levels


def _noise(material: Material, placement: Placement) -> Noise | None:
    """The noise asked for, at gains that are relative within a mixture, with its level at these."""
    spec, around = material.spec, material.around
    if spec.noise is None:
        return None
    held_out = material.rows[material.who.held_out]
    channels = spec.rooms.num_microphones if spec.rooms is not None and not spec.rooms.noise else 1
    placed = place_noise(
        spec.noise,
        cast(Split, material.split),
        placement.num_samples,
        around.noises,
        Recordings(material.corpus, held_out) if len(held_out) else None,
        sample_rate_hz=spec.sample_rate_hz,
        num_channels=channels,
        draws=material.draws,
    )
    noise = noise_of(placed, around.noises, material.corpus)
    if channels > 1:
        return noise  # its mixtures are all in rooms, where it is measured with the speech
    return _measured_noise(material, noise, unknown(noise, spec.levels.measure), placement)


def _measured_noise(material: Material, noise: Noise, mixtures: Ints, placement: Placement) -> Noise:
    spec = material.spec
    loads = material.around.load_noise, material.load
    return measured(noise, mixtures, placement.num_samples, spec.levels.measure, *loads, spec.sample_rate_hz)


def _noise_factors(noise: Noise, s1: Floats) -> Floats:
    """By which the relative gains are multiplied where the noise is heard as it was recorded; 0 where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        factors = np.sqrt(s1 / noise.powers) * 10 ** (-noise.placed.snr_asked / 20)
    return np.where(noise.placed.noisy, factors, 0.0)


def _rooms(material: Material, placement: Placement, noise: Noise | None) -> Rooms | None:
    rooms, rirs = material.spec.rooms, material.around.rirs
    if rooms is None or rirs is None:
        return None
    noisy = noise.placed.noisy if noise is not None else np.zeros(len(placement.n_src), dtype=bool)
    return Rooms(assign_rirs(rooms, rirs, placement.n_src, noisy, material.draws), rirs)


def _hear(material: Material, rooms: Rooms, arrangement: Arrangement, gains: Floats, noise: Noise | None) -> list[Measured]:
    """The mixtures that are in rooms, measured there."""
    spec, around, load = material.spec, material.around, material.load
    clean: tuple[Target, ...] = () if spec.clean in (None, "reverberant") else (spec.clean,)
    channels = spec.rooms.num_microphones if spec.rooms is not None else 1
    wanted = Wanted(spec.levels.measure, spec.sample_rate_hz, channels, (*spec.targets, *clean))
    rows = _rows_to_hear(material.sources, rooms, arrangement, gains, noise)
    return around.measure(rows, wanted, Loads(load, around.load_noise, lambda source_id, steps: load(source_id), around.response))


def _rows_to_hear(
    sources: pa.Table, rooms: Rooms, arrangement: Arrangement, gains: Floats, noise: Noise | None
) -> list[dict[str, Any]]:
    """What `synth.levelling.measuring.measure_row` needs of the mixtures that are in rooms."""
    placement = arrangement.placement
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
            "sir_db_asked": arrangement.sir_db[mixture, : n_src - 1].tolist(),
            "level_db_asked": None if arrangement.level_db is None else float(arrangement.level_db[mixture]),
            "rir_ids": rooms.rir_ids(mixture),
            "source_degradations": steps[these].to_pylist() if steps is not None else None,
        }
        if noise is not None:
            row |= {**noise.row(mixture), "snr_db_asked": float(noise.placed.snr_asked[mixture])}
        rows.append(row)
    return rows
