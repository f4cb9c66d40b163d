"""What mixtures are made of: pieces of recordings, each with its place."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

NOISE = 0  # the stem of noise; those of speech count from 1


@dataclass(frozen=True)
class Pieces:
    """Pieces of all mixtures of a split, one value each, int64 [pieces]; sorted by mixture, then stem, then offset.

    Attributes:
        mixture: row of the plan.
        stem: k of s_k, or `NOISE`.
        source: row of the table of recordings.
        start: first sample in its recording, a multiple of 10 ms.
        length: samples.
        offset: sample of the mixture at which it begins.
        fade_in: samples over which it comes in, 0 for none: `sqrt((k + 0.5) / fade_in)` at sample k, of equal power with a
            piece that fades out meanwhile, and the same on every machine.
        fade_out: samples over which it goes out, in the mirror.
    """

    mixture: Ints
    stem: Ints
    source: Ints
    start: Ints
    length: Ints
    offset: Ints
    fade_in: Ints
    fade_out: Ints

    @staticmethod
    def of(mixture: Ints, stem: Ints, source: Ints, start: Ints, length: Ints, offset: Ints) -> "Pieces":
        """Pieces without fades, in any order: they are sorted."""
        none = np.zeros_like(mixture)
        return Pieces(mixture, stem, source, start, length, offset, none, none).taken(np.lexsort((offset, stem, mixture)))

    def taken(self, which: NDArray[np.intp] | NDArray[np.bool_]) -> "Pieces":
        """Some of the pieces: their positions, or a mask."""
        return Pieces(*(getattr(self, field.name)[which] for field in fields(self)))

    def stem_begins(self) -> NDArray[np.intp]:
        """The first piece of each stem."""
        return np.flatnonzero((np.diff(self.mixture, prepend=-1) != 0) | (np.diff(self.stem, prepend=-1) != 0))

    def __len__(self) -> int:
        return len(self.mixture)

    @property
    def stop(self) -> Ints:
        """The sample of the mixture after the last of each piece."""
        return self.offset + self.length


@dataclass(frozen=True)
class Placement:
    """Where the sources of all mixtures of a split lie.

    Attributes:
        pieces: of the speech stems.
        num_samples: of each mixture, int64 [mixtures].
        n_src: of each mixture, int64 [mixtures].
        ratios_asked: overlap ratio asked of each mixture, float64 [mixtures]; NaN where none is asked.
        ratio_draws: how often it was drawn, int32 [mixtures].
    """

    pieces: Pieces
    num_samples: Ints
    n_src: Ints
    ratios_asked: Floats
    ratio_draws: NDArray[np.int32]


@dataclass(frozen=True)
class Spoken:
    """Samples of each mixture in which anyone speaks, and those in which several do, int64 [mixtures] each."""

    by_any: Ints
    by_several: Ints

    @property
    def overlap_ratios(self) -> Floats:
        """Overlapped samples / samples in which anyone speaks, float64 [mixtures] (DESIGN, decision 3)."""
        ratios: Floats = self.by_several / np.maximum(self.by_any, 1)
        return ratios


def spoken_samples(pieces: Pieces, mixtures: int) -> Spoken:
    """How much is spoken in each mixture, by the extents of the pieces, of which those of one stem do not overlap each other."""
    mixture = np.concatenate([pieces.mixture, pieces.mixture])
    at = np.concatenate([pieces.offset, pieces.stop])
    change = np.repeat([1, -1], len(pieces))
    order = np.lexsort((at, mixture))
    mixture, at, change = mixture[order], at[order], change[order]
    speaking = np.cumsum(change)  # of all mixtures in one run: each ends with nobody speaking
    spans = np.append(at[1:] - at[:-1], 0)
    counted = [np.bincount(mixture, weights=spans * (speaking >= n), minlength=mixtures).astype(np.int64) for n in (1, 2)]
    return Spoken(*counted)


def overlap_ratios(pieces: Pieces, mixtures: int) -> Floats:
    """`Spoken.overlap_ratios` of pieces."""
    return spoken_samples(pieces, mixtures).overlap_ratios
