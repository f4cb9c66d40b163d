"""Texts that are the same, or nearly so, found among many: exactly by digest, nearly by MinHash (datasketch) and then counted."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from datasketch import MinHash, MinHashLSH
from numpy.typing import NDArray

from synth.text.opencc import convert_text

_SHINGLE = 5  # characters
_PERMUTATIONS = 64
_SLACK = 0.15  # the index is asked for less than what is wanted, because it estimates


@dataclass(frozen=True)
class Duplicate:
    """Two texts by their positions, `first < second`, and the share of pieces they have in common (Jaccard): 1 for the same."""

    first: int
    second: int
    jaccard: float


def folded(text: str) -> str:
    """What is compared: simplified characters, no white space, lower case."""
    return "".join(convert_text(text, "t2s").split()).lower()


def duplicates(texts: Sequence[str], jaccard: float) -> list[Duplicate]:
    """Pairs of texts that are the same once folded, or have at least `jaccard` of their five-character pieces in common.

    Of texts that are the same, each is paired with the first; only the firsts are compared further. Near pairs are found by an
    index that may miss a few near the threshold; each that is found is counted out.
    """
    keys = [folded(text) for text in texts]
    firsts: dict[str, int] = {}
    found = [Duplicate(first, k, 1.0) for k, key in enumerate(keys) if (first := firsts.setdefault(key, k)) != k]
    index = MinHashLSH(threshold=max(0.05, jaccard - _SLACK), num_perm=_PERMUTATIONS)
    pieces = {k: _pieces(key) for key, k in firsts.items()}
    sketch = MinHash(num_perm=_PERMUTATIONS, seed=1)
    for k, shingles in pieces.items():
        if not shingles.size:
            continue
        hashes = _sketch(sketch, shingles)
        for other in sorted(index.query(hashes)):
            common = np.intersect1d(pieces[other], shingles, assume_unique=True).size
            shared = common / (pieces[other].size + shingles.size - common)
            if shared >= jaccard:
                found.append(Duplicate(other, k, shared))
        index.insert(k, hashes)
    return sorted(found, key=lambda pair: (pair.first, pair.second))


def _pieces(key: str) -> NDArray[np.uint32]:
    """Hashes of the pieces, each once, in four bytes each; a text shorter than one piece is one."""
    data = key.encode("utf-32-le", "surrogatepass")
    size = 4 * _SHINGLE
    starts = range(0, max(len(data) - size, 0) + 4, 4) if data else ()
    return np.unique(np.fromiter((zlib.crc32(data[k : k + size]) for k in starts), np.uint32))


def _sketch(empty: MinHash, hashes: NDArray[np.uint32]) -> MinHash:
    sketch = empty.copy()
    sketch.hashfunc = int
    sketch.update_batch(hashes.astype(np.uint64))
    return sketch
