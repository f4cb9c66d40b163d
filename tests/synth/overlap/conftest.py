"""Speakers with something to say, and what holds of every placement of it."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from synth.draws import Draws, hash_texts
from synth.levels.frames import Energies, Frames
from synth.overlap.spec import ConversationOverlap, SequentialOverlap, SparseOverlap
from synth.overlap.turns import place_turns
from synth.pairing.groups import Groups, Supply
from synth.pairing.pairs import Pool
from synth.pieces import Pieces, Placement

Ints = np.ndarray
RATE_HZ = 8000
FRAME = 80
DRAWS = Draws(7, "d", "train")


def pool_of(speakers: int, each: int, seconds: tuple[float, float] = (0.3, 6.0), seed: int = 0) -> tuple[Pool, list[Ints]]:
    """Utterances with silence at their begin and in them; with the energies of their frames."""
    random = np.random.default_rng(seed)
    lengths = (random.uniform(*seconds, speakers * each) * RATE_HZ).astype(np.int64)
    energies = [_energies(random, -(-int(length) // FRAME)) for length in lengths]
    return Pool(lengths, np.repeat(np.arange(speakers), each), hash_texts(f"u{k}" for k in range(len(lengths)))), energies


def _energies(random: np.random.Generator, frames: int) -> Ints:
    speech = random.integers(10**6, 10**8, frames)
    runs = np.repeat(random.random(frames // 25 + 1) < 0.4, 25)[:frames]
    runs[: frames // 10] = True
    energies = np.where(runs, random.integers(0, 5_000, frames), speech)
    energies[frames // 2] = 10**8
    return energies


def energies_of(lists: list[Ints]) -> Energies:
    column = pa.chunked_array([pa.array(lists, pa.list_(pa.int64()))])
    return Energies(Frames(column, column, np.arange(len(lists))))


def groups_of(pool: Pool, n_src: list[int], seed: int = 0) -> Groups:
    """Different speakers in each mixture."""
    random = np.random.default_rng(seed)
    speakers = len(np.unique(pool.speakers))
    chosen = [random.permutation(speakers)[:count] for count in n_src]
    utterances = [random.choice(np.flatnonzero(pool.speakers == speaker)) for row in chosen for speaker in row]
    stems = np.concatenate([np.arange(1, count + 1) for count in n_src])
    return Groups(np.repeat(np.arange(len(n_src)), n_src), stems, np.array(utterances, dtype=np.int64))


def place(
    overlap: SequentialOverlap | SparseOverlap | ConversationOverlap,
    seconds: float | None,
    groups: Groups,
    pool: Pool,
    lists: list[Ints],
) -> Placement:
    supply = Supply(pool, np.bincount(groups.utterance, minlength=len(pool.lengths)), DRAWS)
    return place_turns(overlap, seconds, groups, pool, supply, energies_of(lists), RATE_HZ, DRAWS)


def turns_of(placement: Placement, mixture: int) -> Pieces:
    """The pieces of a mixture in the order in which they begin."""
    pieces = placement.pieces.taken(placement.pieces.mixture == mixture)
    return pieces.taken(np.lexsort((pieces.stop, pieces.offset)))


def check(placement: Placement, groups: Groups, pool: Pool) -> None:
    """What holds of every placement."""
    pieces = placement.pieces
    assert (pieces.start % FRAME == 0).all() and (pieces.start >= 0).all() and (pieces.offset >= 0).all()
    assert (pieces.length > 0).all()
    assert (pieces.start + pieces.length <= pool.lengths[pieces.source]).all()
    assert (pieces.stop <= placement.num_samples[pieces.mixture]).all()
    assert (placement.n_src == np.bincount(groups.mixture)).all()
    speakers = {(m, k): pool.speakers[u] for m, k, u in zip(groups.mixture, groups.stem, groups.utterance, strict=True)}
    assert all(speakers[m, k] == pool.speakers[u] for m, k, u in zip(pieces.mixture, pieces.stem, pieces.source, strict=True))
    following = (np.diff(pieces.mixture) == 0) & (np.diff(pieces.stem) == 0)
    assert (pieces.offset[1:] >= pieces.stop[:-1])[following].all()


@pytest.fixture(scope="session")
def turns() -> SimpleNamespace:
    """The functions above."""
    return SimpleNamespace(pool_of=pool_of, groups_of=groups_of, place=place, turns_of=turns_of, check=check)
