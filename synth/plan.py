"""The plan of a split: one row per mixture, everything about it decided but nothing rendered."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.columns import PLAN_SCHEMA
from synth.distributions import Distribution
from synth.draws import Draws, hash_texts, hashes
from synth.errors import PlanError
from synth.levels import Energies, Frames, Peaks, active_power, frame_samples
from synth.pairing import Pairs, Pool, pair_up
from synth.render import Load, scale_into
from synth.spec import PartialOverlap, SeparationSpec

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

FULL_SCALE = 32768.0
_IDENTITY = ["id", "speaker_id", "gender", "text", "num_samples", "audio_sha256"]
_QUIETEST_RMS = 8.0  # of active frames: what is below is no speech but the noise of a converter
_LOWEST_RMS = 250.0  # of active frames of a stem: -42 dBFS
_MOST_DOUBT_DB = 0.02
_GAIN_DECIMALS = 9  # the last bits of a logarithm differ between processors; a plan does not


@dataclass(frozen=True)
class SplitPlan:
    """A plan and what there is to say about it.

    Attributes:
        table: rows of `synth.columns.PLAN_SCHEMA`.
        report: counts for people and manifests, plain values.
    """

    table: pa.Table
    report: dict[str, Any]


@dataclass
class _Placement:
    """Where the two sources of each mixture lie; arrays are int64 [mixtures], or [2, mixtures] with s1 first."""

    sources: Ints
    starts: Ints
    lengths: Ints
    offsets: Ints
    num_samples: Ints


def plan_split(
    spec: SeparationSpec, split: str, corpus: pa.Table, load: Load, rows: NDArray[np.int64] | None = None
) -> SplitPlan:
    """Plan all mixtures of a split.

    Args:
        spec: what is asked for.
        split: "train", "validation" or "test".
        corpus: utterances, with the columns `id, speaker_id, gender, text, num_samples, audio_sha256, frame_energies,
            frame_peaks`, measured at the spec's sample rate.
        load: from a source id to its samples at that rate. Asked only for the few pieces whose level the frames leave in doubt.
        rows: those of `corpus` that the split may use, int64; None means all. The frames are read in place.

    Raises:
        PlanError: the sources cannot give what is asked.
    """
    mixtures = spec.counts()[split]
    draws = Draws(spec.seed, spec.name, split)
    frame = frame_samples(spec.sample_rate_hz)
    rows = np.arange(len(corpus)) if rows is None else rows
    sources = corpus.select(_IDENTITY).take(pa.array(rows))
    frames = Frames(corpus["frame_energies"], corpus["frame_peaks"], rows)
    energies, peaks = Energies(frames), Peaks(frames)
    keys = hash_texts(sources["id"].to_pylist())
    usable, powers, doubts_db, left_out = _usable(sources, energies, frame)
    pool = _pool(sources, usable, keys, split)
    pairs = _pairs(spec, pool, mixtures, draws)
    if isinstance(spec.overlap, PartialOverlap):
        place = _place_partial(spec.overlap.ratio, pool, pairs, draws)
    else:
        place = _place_full(pool, pairs, draws)
    place.sources = usable[place.sources]
    piece_powers, piece_doubts_db = _levels_of_pieces(place, sources, energies, powers, doubts_db, frame)

    items = np.arange(mixtures, dtype=np.uint64)
    sir_asked = spec.levels.sir_db.values(draws.uniform("sir_db", items))
    gains = _gains(np.sqrt(piece_powers), sir_asked)
    bounds = _peak_bounds(place, gains, peaks, frame)
    # Rounding adds half a step per source, and so much is kept free below full scale.
    ceiling = FULL_SCALE - 1 - len(gains) / 2
    clip_gains = np.minimum(1.0, ceiling / bounds)
    gains = np.floor(gains * clip_gains * 10**_GAIN_DECIMALS) / 10**_GAIN_DECIMALS

    stem_powers = gains**2 * piece_powers
    in_doubt = (piece_doubts_db > _MOST_DOUBT_DB) | (stem_powers < _LOWEST_RMS**2)
    _measure(stem_powers, in_doubt & (gains != np.floor(gains)), spec, sources, place, gains, load)
    overlaps = place.lengths.sum(axis=0) - place.num_samples
    table = _table(
        spec,
        sources,
        keys,
        place,
        gains,
        sir_db=10 * np.log10(stem_powers[0] / stem_powers[1]),
        sir_db_asked=sir_asked,
        overlap_ratio=overlaps / place.num_samples,
        overlap_ratio_asked=pairs.ratios,
        overlap_ratio_draws=pairs.draw_counts,
        clip_gain_db=20 * np.log10(clip_gains),
        peak_bound_dbfs=20 * np.log10((bounds * clip_gains + len(gains) / 2) / FULL_SCALE),
    )
    return SplitPlan(table, _report(spec, pool, pairs, place, clip_gains, left_out))


def _gains(rms: Floats, sir_asked_db: Floats) -> Floats:
    """Gains [2, mixtures] that give the SIR asked for, from the active RMS of the sources [2, mixtures].

    No source is lowered: one keeps its level and the other is raised, so that rounding costs nothing. Where both are so quiet
    that rounding would still move frames across the 40 dB that make them active, both are raised.
    """
    relative = rms[0] / rms[1] * 10 ** (-sir_asked_db / 20)
    gains = np.stack([np.maximum(1.0, 1 / relative), np.maximum(1.0, relative)])
    raised: Floats = gains * np.maximum(1.0, _LOWEST_RMS / (gains * rms).min(axis=0))
    return raised


def _usable(sources: pa.Table, energies: Energies, frame: int) -> tuple[Ints, Floats, Floats, dict[str, list[str]]]:
    """Rows of utterances that can be mixed, power and doubt of every row, and the ids of those left out, by reason."""
    rows = np.arange(len(sources), dtype=np.int64)
    lengths = sources["num_samples"].to_numpy()
    powers, doubts_db = energies.active_powers(rows, np.zeros_like(rows), lengths, frame)
    short = lengths < 2 * frame
    quiet = ~short & (powers < _QUIETEST_RMS**2)
    ids = sources["id"]
    left_out = {"shorter than 20 ms": ids.filter(pa.array(short)).to_pylist(), "silent": ids.filter(pa.array(quiet)).to_pylist()}
    return rows[~short & ~quiet], powers, doubts_db, left_out


def _pool(sources: pa.Table, usable: Ints, keys: NDArray[np.uint64], split: str) -> Pool:
    speakers = sources["speaker_id"].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)[usable]
    distinct = len(np.unique(speakers))
    if distinct < 2:
        raise PlanError(
            f"the split {split!r} has usable utterances of {distinct} speaker{'s' * (distinct != 1)}, and a mixture needs 2 "
            "different ones: take a corpus or proportions (split_proportions) that give it more"
        )
    speakers = np.unique(speakers, return_inverse=True)[1].astype(np.int64)
    return Pool(sources["num_samples"].to_numpy()[usable].astype(np.int64), speakers, keys[usable])


def _pairs(spec: SeparationSpec, pool: Pool, mixtures: int, draws: Draws) -> Pairs:
    overlap = spec.overlap

    def draw_ratios(attempt: int, items: Ints) -> Floats:
        if not isinstance(overlap, PartialOverlap):
            return np.zeros(len(items))  # anything can be cut to anything
        return overlap.ratio.values(draws.uniform(f"overlap_ratio {attempt}", items.astype(np.uint64)))

    if isinstance(overlap, PartialOverlap):
        # A pair at one ratio makes two mixtures: either speaker first.
        orders = 2 * values if (values := overlap.ratio.distinct_values()) else None
        return pair_up(pool, mixtures, draws, draw_ratios, overlap.ratio.support()[0], orders)
    pairs = pair_up(pool, mixtures, draws, draw_ratios, most_uses_of_pair=2)
    pairs.ratios = np.ones(mixtures)
    return pairs


def _place_full(pool: Pool, pairs: Pairs, draws: Draws) -> _Placement:
    """Both from the first sample on, the longer cut to the shorter. A pair that comes again comes with its sources exchanged.

    Raises:
        PlanError: more mixtures than there are pairs in either order.
    """
    both = np.stack([pairs.a, pairs.b])
    ordered = np.where(pool.keys[pairs.a] < pool.keys[pairs.b], both, both[::-1])
    pair = ordered[0] * len(pool.lengths) + ordered[1]
    most = Counter(pair.tolist()).most_common(1)[0][1]
    if most > 2:
        raise PlanError(
            f"no way was found to make {len(pairs.a)} fully overlapped mixtures and none of them twice: the pool's "
            f"{len(pool.lengths)} utterances make {pool.pair_count()} pairs of two speakers, in two orders each; ask for fewer"
        )
    exchanged = (draws.bits("s1", pool.keys[ordered[0]] ^ pool.keys[ordered[1]]) & np.uint64(1)).astype(bool) ^ _seen_before(pair)
    sources = np.where(exchanged, ordered[::-1], ordered)
    length = pool.lengths[sources].min(axis=0)
    zeros = np.zeros_like(sources)
    return _Placement(sources, zeros, np.stack([length, length]), zeros.copy(), length)


def _place_partial(ratio: Distribution, pool: Pool, pairs: Pairs, draws: Draws) -> _Placement:
    """Whole utterances, either first, such that they share the asked part: with `m + M` samples in all, an overlap ratio `r`
    means `r * (m + M) / (1 + r)` samples of overlap.

    Two mixtures of the same pair in the same order at the same offset would be one mixture twice: the later one is turned
    round, and if that exists as well, its ratio is drawn anew.
    """
    items = np.arange(len(pairs.a), dtype=np.uint64)
    exchanged = (draws.bits("s1", items) & np.uint64(1)).astype(bool)
    sources = np.where(exchanged, np.stack([pairs.b, pairs.a]), np.stack([pairs.a, pairs.b]))
    lengths = pool.lengths[sources]
    second_first = (draws.bits("order", items) & np.uint64(1)).astype(bool)
    shared = _shared_samples(pairs.ratios, lengths)
    used: set[tuple[int, int, int]] = set()
    for item in _in_doubt(sources, pool):
        first, second = sources[::-1, item] if second_first[item] else sources[:, item]
        attempt = 0
        while (key := (int(first), int(second), int(shared[item]))) in used:
            if (key[1], key[0], key[2]) not in used:
                second_first[item] = not second_first[item]
                first, second = second, first
                continue
            attempt += 1
            if attempt > 1000:
                raise PlanError(
                    f"overlap.ratio leaves too few different mixtures: {len(items)} of {len(pool.lengths)} utterances would "
                    "repeat a pair in the same order at the same offset; ask for fewer, or for ratios that vary more"
                )
            this = slice(item, item + 1)
            drawn = ratio.values(draws.uniform(f"overlap_ratio again {attempt}", items[this]))
            if drawn[0] <= pool.reach(pairs.a[this], pairs.b[this])[0]:
                pairs.ratios[item] = drawn[0]
                pairs.draw_counts[item] += 1
                shared[item] = _shared_samples(drawn, lengths[:, this])[0]
        used.add(key)
    zeros = np.zeros_like(shared)
    offsets = np.where(second_first, np.stack([lengths[1] - shared, zeros]), np.stack([zeros, lengths[0] - shared]))
    return _Placement(sources, np.zeros_like(sources), lengths, offsets, lengths.sum(axis=0) - shared)


def _shared_samples(ratios: Floats, lengths: Ints) -> Ints:
    shared: Ints = np.rint(ratios * lengths.sum(axis=0) / (1 + ratios)).astype(np.int64)
    return shared


def _in_doubt(sources: Ints, pool: Pool) -> list[int]:
    """Mixtures whose pair comes more than once."""
    key = sources.min(axis=0) * len(pool.lengths) + sources.max(axis=0)
    _, inverse, counts = np.unique(key, return_inverse=True, return_counts=True)
    return [int(item) for item in np.flatnonzero(counts[inverse] > 1)]


def _seen_before(keys: Ints) -> NDArray[np.bool_]:
    again = np.ones(len(keys), dtype=bool)
    again[np.unique(keys, return_index=True)[1]] = False
    return again


def _levels_of_pieces(
    place: _Placement, sources: pa.Table, energies: Energies, whole_powers: Floats, whole_doubts_db: Floats, frame: int
) -> tuple[Floats, Floats]:
    """Active power and doubt of the pieces, each [2, mixtures]: those of whole utterances and, where cut, from their frames.

    A piece that is silent (a long pause opens the utterance) is moved to the loudest part of its utterance.
    """
    powers, doubts_db = whole_powers[place.sources], whole_doubts_db[place.sources]
    full_lengths = sources["num_samples"].to_numpy()[place.sources]
    for side in (0, 1):
        cut = np.flatnonzero(place.lengths[side] < full_lengths[side])
        utterances, starts, lengths = place.sources[side, cut], place.starts[side, cut], place.lengths[side, cut]
        powers[side, cut], doubts_db[side, cut] = energies.active_powers(utterances, starts, lengths, frame)
        for item in cut[powers[side, cut] < _QUIETEST_RMS**2]:
            utterance = place.sources[side : side + 1, item]
            length = place.lengths[side : side + 1, item]
            loudest = int(np.argmax(energies.of(utterance[0])[: full_lengths[side, item] // frame]))
            latest = (full_lengths[side, item] - length[0]) // frame
            place.starts[side, item] = min(max(loudest - length[0] // frame // 2, 0), latest) * frame
            start = place.starts[side : side + 1, item]
            (powers[side, item],), (doubts_db[side, item],) = energies.active_powers(utterance, start, length, frame)
    return powers, doubts_db


def _measure(
    stem_powers: Floats,
    in_doubt: NDArray[np.bool_],
    spec: SeparationSpec,
    sources: pa.Table,
    place: _Placement,
    gains: Floats,
    load: Load,
) -> None:
    """Put right the powers of stems that rounding may change by more than a row may be wrong: measure what will be written.

    Raises:
        PlanError: rounding leaves nothing of a stem.
    """
    for side, item in np.argwhere(in_doubt):
        start, length = place.starts[side, item], place.lengths[side, item]
        samples = load(sources["id"][int(place.sources[side, item])].as_py())[start : start + length]
        stem = np.empty_like(samples)
        scale_into(samples, gains[side, item], stem)
        stem_powers[side, item] = active_power(stem, spec.sample_rate_hz)
        if not stem_powers[side, item]:
            raise PlanError(
                f"{sources['id'][int(place.sources[side, item])].as_py()} would be rounded to silence beside a source that is so "
                "much louder: ask for levels closer to each other (--set levels.sir_db=...)"
            )


def _peak_bounds(place: _Placement, gains: Floats, peaks: Peaks, frame: int) -> Floats:
    """A bound on the peak of each mixture: the sum of the sources' peaks, and where that is too much, frame by frame."""
    alone = gains * peaks.largest()[place.sources]
    bounds: Floats = alone.sum(axis=0)
    much = np.flatnonzero(bounds > FULL_SCALE - 1 - len(gains) / 2)
    where = slice(None), much
    together = peaks.bounds(
        place.sources[where], place.starts[where], place.lengths[where], place.offsets[where], gains[where], frame
    )
    bounds[much] = np.maximum(alone[where].max(axis=0), together)
    return bounds


def _table(
    spec: SeparationSpec,
    sources: pa.Table,
    keys: NDArray[np.uint64],
    place: _Placement,
    gains: Floats,
    **measures: NDArray[Any],
) -> pa.Table:
    mixtures = place.sources.shape[1]
    flat = pa.array(place.sources.T.ravel())

    def of_sources(column: str) -> pa.Array:
        return _lists(sources[column].take(flat).combine_chunks(), 2)

    columns: dict[str, Any] = {
        "source_ids": of_sources("id"),
        "speaker_ids": of_sources("speaker_id"),
        "genders": of_sources("gender"),
        "texts": of_sources("text"),
        "source_sha256s": of_sources("audio_sha256"),
        "offsets_samples": _lists(pa.array(place.offsets.T.ravel()), 2),
        "starts_samples": _lists(pa.array(place.starts.T.ravel()), 2),
        "lengths_samples": _lists(pa.array(place.lengths.T.ravel()), 2),
        "gains": _lists(pa.array(gains.T.ravel()), 2),
        "num_samples": place.num_samples,
        "sample_rate_hz": np.full(mixtures, spec.sample_rate_hz, dtype=np.int32),
        **measures,
    }
    for name in ("sir_db", "sir_db_asked"):
        columns[name] = _lists(pa.array(columns[name]), 1)
    columns["id"] = _row_ids(spec, keys, place, gains)
    columns["row_digest"] = _row_digests(columns["id"], sources, place, measures["sir_db_asked"], measures["overlap_ratio_asked"])
    return pa.table({field.name: pa.array(columns[field.name]) for field in PLAN_SCHEMA}, schema=PLAN_SCHEMA)


def _lists(values: pa.Array, per_row: int) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(np.arange(0, len(values) + 1, per_row, dtype=np.int32)), values)


def _row_ids(spec: SeparationSpec, source_keys: NDArray[np.uint64], place: _Placement, gains: Floats) -> list[str]:
    """128-bit hashes of what a mixture is made of, in hex: the same mixture has the same id in every set."""
    keys = source_keys[place.sources]
    state = np.full(place.sources.shape[1], spec.sample_rate_hz, dtype=np.uint64)
    for side in (0, 1):
        for part in (keys[side], place.starts[side], place.lengths[side], place.offsets[side], gains[side]):
            state = hashes("row id", state) ^ np.ascontiguousarray(part).view(np.uint64)
    both = np.stack([hashes("row id, first half", state), hashes("row id, second half", state)], axis=1)
    text = both.astype(">u8").tobytes().hex()
    return [text[at : at + 32] for at in range(0, len(text), 32)]


def _row_digests(
    ids: list[str], sources: pa.Table, place: _Placement, sir_db_asked: Floats, overlap_ratio_asked: Floats
) -> list[str]:
    """SHA-256 of each row: its id (sources, placement, gains), its sources' PCM, speakers and texts, and what was asked."""
    told = [sources[name].to_pylist() for name in ("audio_sha256", "speaker_id", "gender", "text")]
    source = [repr(row) for row in zip(*told, strict=True)]
    rows = zip(ids, *place.sources.tolist(), sir_db_asked.tolist(), overlap_ratio_asked.tolist(), strict=True)
    return [
        hashlib.sha256(f"{row_id} {source[a]} {source[b]} {sir_db!r} {ratio!r}".encode("utf-8", "surrogatepass")).hexdigest()
        for row_id, a, b, sir_db, ratio in rows
    ]


def _report(
    spec: SeparationSpec, pool: Pool, pairs: Pairs, place: _Placement, clip_gains: Floats, left_out: dict[str, list[str]]
) -> dict[str, Any]:
    utterance_uses = np.bincount(np.r_[pairs.a, pairs.b], minlength=len(pool.lengths))
    _, pair_uses = np.unique(np.sort(np.stack([pairs.a, pairs.b]), axis=0), axis=1, return_counts=True)
    report: dict[str, Any] = {
        "mixtures": len(pairs.a),
        "hours": round(float(place.num_samples.sum()) / spec.sample_rate_hz / 3600, 3),
        "speakers": len(np.unique(pool.speakers)),
        "utterances": len(pool.lengths),
        "utterances_left_out": {reason: {"count": len(ids), "first": ids[:20]} for reason, ids in left_out.items() if ids},
        "uses_per_utterance": {"least": int(utterance_uses.min()), "most": int(utterance_uses.max())},
        "pairs": {"possible": pool.pair_count(), "used": len(pair_uses), "most_uses": int(pair_uses.max())},
        "clip_gain_applied": int(np.count_nonzero(clip_gains < 1.0)),
    }
    if isinstance(spec.overlap, PartialOverlap):
        quartiles = spec.overlap.ratio.values(np.array([0, 0.25, 0.5, 0.75, 1 - 2**-53]))
        report["share_of_pairs_that_reach_overlap_ratio"] = {
            f"{ratio:.3f}": round(pool.share_that_reaches(ratio), 4) for ratio in quartiles
        }
        report["overlap_ratios_drawn_anew"] = int(np.count_nonzero(pairs.draw_counts > 1))
    return report
