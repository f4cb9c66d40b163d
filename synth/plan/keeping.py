"""An earlier plan on a corpus that has changed since: rows whose sources are what they were stay, only the others are planned."""

from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synth.arranging.arrange import Arrangement
from synth.arranging.candidates import Candidates, candidates, pool_of
from synth.arranging.meeting import Meeting
from synth.arranging.placing import place_full
from synth.draws import Draws, hash_texts
from synth.errors import PlanError
from synth.levelling.surroundings import Surroundings
from synth.levels.frames import Energies, Frames, frame_samples
from synth.overlap.spec import FullOverlap, PartialOverlap
from synth.pairing.groups import Groups, Supply
from synth.pairing.pairs import Pool
from synth.pieces import Pieces, Placement, spoken_samples
from synth.plan.refilling import LOST, Couples, Meets, refill
from synth.plan.report import split_report
from synth.plan.split import SplitPlan, plan_split
from synth.render import Load
from synth.spec import SeparationSpec, SplitSpec

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_IDENTITY = ["id", "speaker_id", "gender", "text", "num_samples", "audio_sha256"]
_MOST_PLANS = 20


@dataclass(frozen=True)
class KeptPlan:
    """A plan of which most rows are those of an earlier one, in their places.

    Attributes:
        plan: all rows; `kept`, `levelled_anew` and `refilled` in its report add up to them.
        fresh: which of them are not the earlier ones, bool [rows].
    """

    plan: SplitPlan
    fresh: Bools


@dataclass(frozen=True)
class _Ground:
    """What rows may be planned from now."""

    spec: SeparationSpec  # its name keys other draws than those of the earlier plan
    split: str
    sources: pa.Table
    rows: Ints
    who: Candidates
    pool: Pool
    draws: Draws


@dataclass(frozen=True)
class _Pieces:
    """The pieces of speech of earlier rows: of which row, and which row of the table of utterances; LOST if none may be it."""

    mixture: Ints
    source: Ints
    changed: Bools  # the same utterance, speaker and gender; other samples or another text

    def rows_with(self, which: Bools, rows: int) -> Bools:
        """Rows of which some piece is one of `which`."""
        found = np.zeros(rows, dtype=bool)
        found[self.mixture[which]] = True
        return found


def keep_split(
    spec: SeparationSpec,
    split: str,
    earlier: pa.Table,
    corpus: pa.Table,
    load: Load,
    rows: Ints,
    around: Surroundings,
    salt: str,
) -> KeptPlan:
    """Plan a split anew as far as its corpus has changed.

    A row stays as it is where all its utterances are there, with the same samples, speakers and texts. Where only samples or
    texts are others, whoever met still meets in the same order; lengths, levels and gains are planned anew. Where an utterance
    is gone, the row is refilled: in mixtures of two whole utterances another takes its place, others are arranged anew.

    Args:
        spec: what both plans are asked for.
        split: its name.
        earlier: the plan that is kept.
        corpus: utterances, as `synth.plan.split.plan_split` takes them.
        load: from the id of one to its samples.
        rows: those of the corpus that the split may use.
        around: the noises and rooms of the split.
        salt: part of the key of every new draw.

    Raises:
        PlanError: the sources cannot give what is asked.
    """
    ground = _ground(spec, split, earlier, corpus, rows, salt)
    found = _found(earlier, ground)
    lost = found.rows_with(found.source == LOST, len(earlier))
    changed = (found.rows_with(found.changed, len(earlier)) | _babble_changed(earlier, ground)) & ~lost
    if _of_two_whole(spec):
        fresh = np.flatnonzero(lost | changed)
        arranged = _of_two(earlier, found, changed, ground, fresh)
        tables = [_levelled(earlier, fresh, arranged, ground, corpus, load, around)]
    else:
        changed_rows = np.flatnonzero(changed)
        placement, whole = _as_it_lay(earlier.take(pa.array(changed_rows)), ground)
        lost[changed_rows[~whole]] = True
        changed &= ~lost
        changed_rows, lost_rows = np.flatnonzero(changed), np.flatnonzero(lost)
        if len(changed_rows):
            placement, _ = _as_it_lay(earlier.take(pa.array(changed_rows)), ground)
        fresh = np.concatenate([changed_rows, lost_rows])
        kept = earlier.filter(pa.array(~lost & ~changed))
        tables = [
            _levelled(earlier, changed_rows, placement, ground, corpus, load, around),
            _arranged_anew(len(lost_rows), kept, ground, corpus, load, around),
        ]
    table = _merged(earlier, fresh, pa.concat_tables(tables))
    is_fresh = np.zeros(len(earlier), dtype=bool)
    is_fresh[fresh] = True
    counts = {
        "kept": int(np.count_nonzero(~is_fresh)),
        "levelled_anew": int(np.count_nonzero(changed)),
        "refilled": int(np.count_nonzero(lost)),
    }
    lies, _ = _as_it_lay(table, ground)
    spoken = spoken_samples(lies.pieces, len(table))
    report: dict[str, Any] = {**counts, **split_report(spec, ground.pool, ground.who, lies, spoken)}
    report["clip_gain_applied"] = int(np.count_nonzero(table["clip_gain_db"].to_numpy() < 0))
    return KeptPlan(SplitPlan(table, report), is_fresh)


def _ground(spec: SeparationSpec, split: str, earlier: pa.Table, corpus: pa.Table, rows: Ints, salt: str) -> _Ground:
    sources = corpus.select(_IDENTITY).take(pa.array(rows))
    energies = Energies(Frames(corpus["frame_energies"], corpus["frame_peaks"], rows))
    frame = frame_samples(spec.sample_rate_hz)
    who = candidates(spec, sources, energies, frame, Draws(spec.seed, spec.name, split))
    if isinstance(spec.speakers.held_out, float) and spec.speakers.held_out:
        held = _held_out_as_before(earlier, sources, who)
        spec = spec.model_copy(update={"speakers": spec.speakers.model_copy(update={"held_out": held})})
        who = candidates(spec, sources, energies, frame, Draws(spec.seed, spec.name, split))
    if not len(who.usable):
        raise PlanError(f"nothing that may be mixed is left of the split {split!r}: build the set anew, without --keep-from")
    spec = spec.model_copy(update={"name": f"{spec.name} {salt}"})
    pool = pool_of(sources, hash_texts(sources["id"].to_pylist()), who.usable)
    return _Ground(spec, split, sources, rows, who, pool, Draws(spec.seed, spec.name, split))


def _held_out_as_before(earlier: pa.Table, sources: pa.Table, who: Candidates) -> tuple[str, ...]:
    """Whoever is drawn to be held out now or was heard as babble before, but nobody who was a source."""
    held = set(sources["speaker_id"].take(pa.array(who.held_out)).to_pylist())
    if "noise_ids" in earlier.column_names:
        babble = earlier.filter(pc.equal(earlier["noise_kind"], "babble"))["noise_ids"].combine_chunks().flatten()
        held.update(sources.filter(pc.is_in(sources["id"], babble.unique()))["speaker_id"].to_pylist())
    return tuple(sorted(held - set(earlier["speaker_ids"].combine_chunks().flatten().to_pylist())))


def _found(earlier: pa.Table, ground: _Ground) -> _Pieces:
    mixture, at = _rows_of(earlier["source_ids"], ground.sources)
    usable = np.zeros(len(ground.sources) + 1, dtype=bool)
    usable[ground.who.usable] = True  # the last stands for what is not there: LOST is -1
    n_src = pc.list_value_length(earlier["speaker_ids"]).to_numpy().astype(np.int64)
    stem = _flat(earlier["stem_numbers"]).to_numpy()
    of_stem = pa.array((np.cumsum(n_src) - n_src)[mixture] + stem - 1)
    there = usable[at]
    for column, name in (("speaker_ids", "speaker_id"), ("genders", "gender")):
        there &= _same(_flat(earlier[column]).take(of_stem), ground.sources[name], at)
    as_it_was = np.ones(len(at), dtype=bool)
    for column, name in (("source_sha256s", "audio_sha256"), ("texts", "text")):
        as_it_was &= _same(_flat(earlier[column]), ground.sources[name], at)
    return _Pieces(mixture, np.where(there, at, LOST), there & ~as_it_was)


def _babble_changed(earlier: pa.Table, ground: _Ground) -> Bools:
    """Rows whose babble is of utterances that are gone, others than they were, or of speakers who are sources now."""
    rows = np.zeros(len(earlier), dtype=bool)
    if "noise_ids" not in earlier.column_names:
        return rows
    mixture, at = _rows_of(earlier["noise_ids"], ground.sources)
    held_out = np.zeros(len(ground.sources) + 1, dtype=bool)
    held_out[ground.who.held_out] = True
    as_it_was = held_out[at] & _same(_flat(earlier["noise_sha256s"]), ground.sources["audio_sha256"], at)
    babble = pc.fill_null(pc.equal(earlier["noise_kind"], "babble"), False).to_numpy()
    rows[mixture[~as_it_was]] = True
    changed: Bools = rows & babble
    return changed


def _rows_of(ids: pa.ChunkedArray, sources: pa.Table) -> tuple[Ints, Ints]:
    """Of each id in some lists, the number of its list and its row of the table, -1 where it is not there."""
    lengths = pc.list_value_length(ids).to_numpy()
    at = pc.index_in(_flat(ids), value_set=sources["id"].combine_chunks())
    return np.repeat(np.arange(len(ids)), lengths), pc.fill_null(at, LOST).to_numpy().astype(np.int64)


def _flat(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks().flatten()


def _same(values: pa.Array, column: pa.ChunkedArray, at: Ints) -> Bools:
    """Whether values are those of rows of a column; two nulls are the same."""
    others = column.combine_chunks().take(pa.array(at, mask=at == LOST))
    equal = pc.fill_null(pc.equal(values, others), False)
    same: Bools = pc.or_(equal, pc.and_(pc.is_null(values), pc.is_null(others))).to_numpy(zero_copy_only=False)
    return same


def _of_two_whole(spec: SeparationSpec) -> bool:
    return spec.source_numbers() == (2,) and isinstance(spec.overlap, FullOverlap | PartialOverlap) and spec.seconds() is None


def _of_two(earlier: pa.Table, found: _Pieces, changed: Bools, ground: _Ground, fresh: Ints) -> Placement:
    """The rows `fresh` of mixtures of two whole utterances."""
    spec, pool = ground.spec, ground.pool
    number = np.full(len(ground.sources) + 1, LOST)
    number[ground.who.usable] = np.arange(len(ground.who.usable))
    lengths = _flat(earlier["lengths_samples"]).to_numpy().reshape(-1, 2)
    offsets = _flat(earlier["offsets_samples"]).to_numpy().reshape(-1, 2)
    partial = isinstance(spec.overlap, PartialOverlap)
    couples = Couples(
        sources=number[found.source].reshape(-1, 2),
        second_first=offsets[:, 0] > 0,
        ratios=earlier["overlap_ratio_asked"].to_numpy(),
        draw_counts=earlier["overlap_ratio_draws"].to_numpy(),
        shared=lengths.sum(axis=1) - earlier["num_samples"].to_numpy() if partial else np.zeros(len(earlier), dtype=np.int64),
    )
    genders = np.array(ground.sources["gender"].take(pa.array(ground.who.usable)).to_pylist(), dtype=object)
    meets = Meets(pool.speakers, genders, spec.speakers.gender)
    ratio = spec.overlap.ratio if isinstance(spec.overlap, PartialOverlap) else None
    new = refill(couples, changed, pool, meets, ratio, ground.draws)
    mixtures = np.arange(len(fresh))
    sources, shared, second_first = new.sources[fresh], new.shared[fresh], new.second_first[fresh]
    groups = Groups(np.repeat(mixtures, 2), np.tile([1, 2], len(fresh)), sources.ravel())
    meeting = Meeting(groups, np.full(len(fresh), 2), new.ratios[fresh], new.draw_counts[fresh])
    if not len(fresh):
        placement = _placement_of(groups, np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64), meeting)
    elif ratio is None:
        used = np.bincount(groups.utterance, minlength=len(pool.lengths))
        placement = place_full(spec, meeting, pool, Supply(pool, used, ground.draws), ground.draws)
    else:
        whole = pool.lengths[sources]
        later = np.where(second_first, 0, 1)  # the source that begins at an offset
        offsets = np.zeros_like(whole)
        offsets[mixtures, later] = whole[mixtures, 1 - later] - shared
        placement = _placement_of(groups, whole.ravel(), offsets.ravel(), whole.sum(axis=1) - shared, meeting)
    return replace(placement, pieces=replace(placement.pieces, source=ground.who.usable[placement.pieces.source]))


def _placement_of(groups: Groups, lengths: Ints, offsets: Ints, num_samples: Ints, meeting: Meeting) -> Placement:
    pieces = Pieces.of(groups.mixture, groups.stem, groups.utterance, np.zeros_like(lengths), lengths, offsets)
    return Placement(pieces, num_samples, meeting.n_src, meeting.ratios, meeting.draw_counts)


def _as_it_lay(plan: pa.Table, ground: _Ground) -> tuple[Placement, Bools]:
    """Where the sources of rows lay, cut to what there is of them now, and in which rows something is left of all of them."""
    mixture, source = _rows_of(plan["source_ids"], ground.sources)
    starts, lengths, offsets, stems = (
        _flat(plan[name]).to_numpy().astype(np.int64)
        for name in ("starts_samples", "lengths_samples", "offsets_samples", "stem_numbers")
    )
    lengths = np.minimum(lengths, ground.sources["num_samples"].to_numpy()[source] - starts)
    pieces = Pieces.of(mixture, stems, source, starts, lengths, offsets)
    n_src = pc.list_value_length(plan["speaker_ids"]).to_numpy().astype(np.int64)
    whole = np.ones(len(plan), dtype=bool)
    whole[mixture[lengths < 2 * frame_samples(ground.spec.sample_rate_hz)]] = False
    num_samples = plan["num_samples"].to_numpy()
    ratios = plan["overlap_ratio_asked"].to_numpy(zero_copy_only=False).astype(np.float64)
    return Placement(pieces, num_samples, n_src, ratios, plan["overlap_ratio_draws"].to_numpy()), whole


def _levelled(
    earlier: pa.Table, rows: Ints, placement: Placement, ground: _Ground, corpus: pa.Table, load: Load, around: Surroundings
) -> pa.Table:
    """Rows at the levels that were asked of them before."""
    if not len(rows):
        return earlier.slice(0, 0)
    asked = earlier.take(pa.array(rows))
    most = ground.spec.source_numbers()[-1]
    sir_db = np.array([row + [0.0] * (most - 1 - len(row)) for row in asked["sir_db_asked"].to_pylist()])
    level_db = None if ground.spec.levels.level_db is None else asked["level_db_asked"].to_numpy()
    arrangement = Arrangement(placement, sir_db.reshape(len(rows), most - 1), level_db)
    return plan_split(ground.spec, ground.split, corpus, load, ground.rows, around, arrangement).table


def _arranged_anew(count: int, kept: pa.Table, ground: _Ground, corpus: pa.Table, load: Load, around: Surroundings) -> pa.Table:
    """So many more mixtures, of utterances that the kept ones use least where these suffice; none of them is there already."""
    if not count:
        return kept.slice(0, 0)
    split = cast(Literal["train", "validation", "test"], ground.split)
    there = set(kept["id"].to_pylist())
    for attempt in range(_MOST_PLANS):
        update = {"name": f"{ground.spec.name} {attempt}", "splits": {split: SplitSpec(mixtures=count)}}
        spec = ground.spec.model_copy(update=update)
        try:
            table = plan_split(spec, split, corpus, load, _used_least(count, kept, ground), around).table
        except PlanError:
            table = plan_split(spec, split, corpus, load, ground.rows, around).table
        ids = table["id"].to_pylist()
        if len(set(ids)) == len(ids) and not there & set(ids):
            return table
    raise PlanError(f"no {count} mixtures were found that are not in the split {split!r} already: build it without --keep-from")


def _used_least(count: int, kept: pa.Table, ground: _Ground) -> Ints:
    """Rows of the corpus: whoever is held out, and twice as many utterances as are wanted at once, those used least first."""
    _, used = _rows_of(kept["source_ids"], ground.sources)
    usable = ground.who.usable
    uses = np.bincount(used, minlength=len(ground.sources))[usable]
    order = np.lexsort((ground.draws.bits("refill", ground.pool.keys), uses))
    wanted = max(2 * count, 10) * ground.spec.source_numbers()[-1]
    chosen = np.sort(np.concatenate([usable[order[:wanted]], ground.who.held_out]))
    of_corpus: Ints = ground.rows[chosen]
    return of_corpus


def _merged(earlier: pa.Table, places: Ints, fresh: pa.Table) -> pa.Table:
    """`earlier` with other rows in some places."""
    at = np.arange(len(earlier))
    at[places] = len(earlier) + np.arange(len(places))
    return pa.concat_tables([earlier, fresh.cast(earlier.schema)]).take(pa.array(at)).combine_chunks()
