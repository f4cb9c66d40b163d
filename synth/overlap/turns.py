"""Who speaks when, where speakers take turns."""

from synth.draws import Draws
from synth.levels.frames import Energies
from synth.overlap.sparse import place_sparse
from synth.overlap.spec import ConversationOverlap, SequentialOverlap, SparseOverlap
from synth.overlap.talks import place_talks
from synth.pairing.groups import Groups, Supply
from synth.pairing.pairs import Pool
from synth.pieces import Placement


def place_turns(
    overlap: SequentialOverlap | SparseOverlap | ConversationOverlap,
    seconds: float | None,
    groups: Groups,
    pool: Pool,
    supply: Supply,
    energies: Energies,
    sample_rate_hz: int,
    draws: Draws,
) -> Placement:
    """Turns of the sources of every mixture.

    Args:
        overlap: how turns follow each other.
        seconds: length of every mixture; None means that each source says its one utterance.
        groups: the sources.
        pool: the utterances.
        supply: further utterances of a speaker.
        energies: of the 10 ms frames of the pool's utterances.
        sample_rate_hz: of all of them.
        draws: of the split. Each draw is keyed by the number of the mixture and that of the turn or the stem.
    """
    if isinstance(overlap, SparseOverlap):
        return place_sparse(overlap, seconds, groups, pool, supply, energies, sample_rate_hz, draws)
    return place_talks(overlap, seconds, groups, pool, supply, energies, sample_rate_hz, draws)
