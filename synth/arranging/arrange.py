"""The mixtures of a split before any level is known: who meets whom, where each lies, and which levels are asked."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.arranging.candidates import pools_that_meet
from synth.arranging.meeting import Meeting, meet
from synth.arranging.placing import place_full, place_partial
from synth.draws import Draws
from synth.levels.frames import Energies
from synth.overlap.spec import FullOverlap, PartialOverlap
from synth.overlap.turns import place_turns
from synth.pairing.groups import Supply
from synth.pairing.pairs import Pool
from synth.pieces import Placement
from synth.spec import SeparationSpec

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Arrangement:
    """Mixtures that are to be levelled.

    Attributes:
        placement: where the sources lie; they are rows of the split's table of utterances.
        sir_db: level asked of s1 over each further source, float64 [mixtures, most sources - 1]; some of them absent.
        level_db: level asked of s1 against full scale, float64 [mixtures]; None where none is.
    """

    placement: Placement
    sir_db: Floats
    level_db: Floats | None


def arrange(
    spec: SeparationSpec, split: str, sources: pa.Table, pool: Pool, usable: Ints, energies: Energies, draws: Draws
) -> Arrangement:
    """Arrange all mixtures of a split by lot.

    Args:
        spec: what is asked for.
        split: its name.
        sources: the split's table of utterances.
        pool: those that may be mixed.
        usable: their rows in the table, int64.
        energies: of the pool.
        draws: of the split.

    Raises:
        PlanError: the pool cannot give what is asked.
    """
    mixtures = spec.counts()[split]
    meeting = meet(spec, pool, pools_that_meet(spec, split, sources, pool, usable), mixtures, draws)
    placement = _place(spec, meeting, pool, energies, draws)
    pieces = replace(placement.pieces, source=usable[placement.pieces.source])
    level_db = spec.levels.level_db.values(draws.uniform("level_db", _items(mixtures))) if spec.levels.level_db else None
    return Arrangement(replace(placement, pieces=pieces), _sir_asked(spec, mixtures, draws), level_db)


def _place(spec: SeparationSpec, meeting: Meeting, pool: Pool, energies: Energies, draws: Draws) -> Placement:
    used = np.bincount(meeting.groups.utterance, minlength=len(pool.lengths))
    supply = Supply(pool, used, draws)
    if isinstance(spec.overlap, FullOverlap):
        return place_full(spec, meeting, pool, supply, draws)
    if isinstance(spec.overlap, PartialOverlap):
        return place_partial(spec, spec.overlap.ratio, meeting, pool, supply, draws)
    return place_turns(spec.overlap, spec.seconds(), meeting.groups, pool, supply, energies, spec.sample_rate_hz, draws)


def _sir_asked(spec: SeparationSpec, mixtures: int, draws: Draws) -> Floats:
    further = range(2, spec.source_numbers()[-1] + 1)
    names = ["sir_db" if k == 2 else f"sir_db {k}" for k in further]
    columns = [spec.levels.sir_db.values(draws.uniform(name, _items(mixtures))) for name in names]
    return np.stack(columns, axis=1) if columns else np.zeros((mixtures, 0))


def _items(mixtures: int) -> NDArray[np.uint64]:
    return np.arange(mixtures, dtype=np.uint64)
