"""Keyed random draws: a counter-based hash of (seed, dataset, split, item, draw), vectorised over the items.

No generator has a state, so neither the order of the items nor the number of workers can change a draw.
The mixing function is the finaliser of SplitMix64 (Steele, Lea and Flood, 2014), applied twice.
"""

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The SplitMix64 finaliser: a bijection of 64-bit integers whose output bits all depend on all input bits."""
    z = values + _GOLDEN
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def hash_text(text: str) -> int:
    """64-bit hash of a text, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def hash_texts(texts: Iterable[str]) -> NDArray[np.uint64]:
    """`hash_text` of each text, as uint64 [texts]."""
    digests = [hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest() for text in texts]
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def hashes(key: str, items: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """64 random bits for each item under `key`."""
    return mix(mix(items) ^ np.uint64(hash_text(key)))


class Draws:
    """The draws of one split of one dataset: `uniform("sir_db", items)` is the same whenever and wherever it is asked."""

    def __init__(self, seed: int, dataset: str, split: str) -> None:
        self._key = f"{seed}\0{dataset}\0{split}"

    def bits(self, draw: str, items: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """64 random bits for each item."""
        return hashes(f"{self._key}\0{draw}", items)

    def uniform(self, draw: str, items: NDArray[np.uint64]) -> NDArray[np.float64]:
        """A number in [0, 1) for each item, with 53 random bits."""
        return (self.bits(draw, items) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def order(self, draw: str, items: NDArray[np.uint64]) -> NDArray[np.intp]:
        """A random permutation of the items' positions that depends on the items and not on their order."""
        bits = self.bits(draw, items)
        order = np.argsort(bits)
        in_order = bits[order]
        # Two sorts only where two items drew the same, which hardly ever happens.
        return order if (in_order[1:] != in_order[:-1]).all() else np.lexsort((items, bits))
