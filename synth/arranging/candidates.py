"""The utterances that a split may mix: long and loud enough, and of no speaker who is held out."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.draws import Draws, hash_texts
from synth.errors import PlanError
from synth.levels.frames import Energies
from synth.pairing.pairs import Pool
from synth.spec import SeparationSpec

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

QUIETEST_RMS = 8.0  # of active frames: what is below is no speech but the noise of a converter


@dataclass(frozen=True)
class Candidates:
    """Utterances by their rows in the table of a split.

    Attributes:
        usable: rows of what sources may be, int64.
        held_out: rows of the speakers who are held out, int64.
        powers: active power of every row, float64 [rows of the table].
        doubts_db: how far rounding may move it, float64 [rows of the table].
        left_out: ids of what cannot be mixed, by reason.
    """

    usable: Ints
    held_out: Ints
    powers: Floats
    doubts_db: Floats
    left_out: dict[str, list[str]]


def candidates(spec: SeparationSpec, sources: pa.Table, energies: Energies, frame: int, draws: Draws) -> Candidates:
    """Sort the rows of a split's table of utterances."""
    rows = np.arange(len(sources), dtype=np.int64)
    lengths = sources["num_samples"].to_numpy()
    powers, doubts_db = energies.active_powers(rows, np.zeros_like(rows), lengths, frame)
    short = lengths < 2 * frame
    quiet = ~short & (powers < QUIETEST_RMS**2)
    ids = sources["id"]
    left_out = {"shorter than 20 ms": ids.filter(pa.array(short)).to_pylist(), "silent": ids.filter(pa.array(quiet)).to_pylist()}
    good = ~short & ~quiet
    held = _held_out(spec.speakers.held_out, sources["speaker_id"], draws)
    return Candidates(rows[good & ~held], rows[good & held], powers, doubts_db, left_out)


def _held_out(asked: tuple[str, ...] | float, speaker_ids: pa.ChunkedArray, draws: Draws) -> NDArray[np.bool_]:
    speakers = speaker_ids.combine_chunks().dictionary_encode()
    names = speakers.dictionary.to_pylist()
    if isinstance(asked, float):
        order = draws.order("held out", hash_texts(names))
        count = max(1, round(asked * len(names))) if asked else 0  # of a few speakers as well: somebody was asked for
        chosen = {names[at] for at in order[:count]}
    else:
        chosen = set(asked)
    held: NDArray[np.bool_] = np.array([name in chosen for name in names], dtype=bool)[speakers.indices.to_numpy()]
    return held


def pool_of(sources: pa.Table, keys: NDArray[np.uint64], rows: Ints) -> Pool:
    """The pool of some rows of the table, whose ids have the hashes `keys`."""
    speakers = sources["speaker_id"].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)[rows]
    speakers = np.unique(speakers, return_inverse=True)[1].astype(np.int64)
    return Pool(sources["num_samples"].to_numpy()[rows].astype(np.int64), speakers, keys[rows])


def pools_that_meet(spec: SeparationSpec, split: str, sources: pa.Table, pool: Pool, rows: Ints) -> list[tuple[Pool, Ints]]:
    """Pools within which whoever is of two speakers may meet, each with its utterances' numbers in `pool`.

    All in one; with speakers of the same gender one each for female and male; with different genders one in which all speakers of
    a gender count as one, so that only female and male meet.

    Raises:
        PlanError: too few speakers.
    """
    most = spec.source_numbers()[-1]
    everyone = np.arange(len(rows), dtype=np.int64)
    if spec.speakers.gender == "any" or most == 1:
        _check_speakers(split, "usable utterances", pool, most)
        return [(pool, everyone)]
    genders = np.array(sources["gender"].take(pa.array(rows)).to_pylist(), dtype=object)
    female, male = everyone[genders == "female"], everyone[genders == "male"]
    if spec.speakers.gender == "same":
        pools = [(_part(pool, part), part) for part in (female, male)]
        able = [(part, where) for part, where in pools if len(np.unique(part.speakers)) >= most]
        if not able:
            raise PlanError(
                f"the split {split!r} has no {most} speakers of the same gender (speakers.gender same): utterances with a known "
                f"gender are {len(female)} female and {len(male)} male; take another corpus, or gender any"
            )
        return able
    both = np.concatenate([female, male])
    if not len(female) or not len(male):
        raise PlanError(
            f"the split {split!r} has {len(female)} utterances by female and {len(male)} by male speakers, and speakers.gender "
            "different needs both: take another corpus, or gender any"
        )
    by_gender = replace(_part(pool, both), speakers=np.repeat([0, 1], [len(female), len(male)]).astype(np.int64))
    return [(by_gender, both)]


def _part(pool: Pool, which: Ints) -> Pool:
    speakers = np.unique(pool.speakers[which], return_inverse=True)[1].astype(np.int64)
    return Pool(pool.lengths[which], speakers, pool.keys[which])


def _check_speakers(split: str, what: str, pool: Pool, most: int) -> None:
    distinct = len(np.unique(pool.speakers))
    if distinct < most:
        raise PlanError(
            f"the split {split!r} has {what} of {distinct} speaker{'s' * (distinct != 1)}, and a mixture needs {most}"
            f"{' different ones' if most > 1 else ''}: take a corpus or proportions (split_proportions) that give it more"
        )
