"""Recycled float32 memory: page faults of new arrays cost more than decoding, so a block comes back when its last view dies."""

import os
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FREE_BYTES_MAX = 128 * 2**20


@dataclass(frozen=True, slots=True)
class _Memory:
    array: NDArray[np.float32]
    interface: dict[str, Any]  # numpy takes longer to describe an array than to make one of the description


class _Owner:
    """Stands behind every array of one block (as their `base`); when the last of them is gone, the memory is free again."""

    __slots__ = ("__array_interface__", "memory", "pool")

    def __init__(self, memory: _Memory, pool: "BlockPool") -> None:
        self.memory = memory
        self.pool = pool
        self.__array_interface__ = memory.interface

    def __del__(self) -> None:
        self.pool.give_back(self.memory)


class BlockPool:
    """Blocks of float32 in sizes of powers of two, at most `free_bytes_max` of them kept free.

    Free of locks: `deque.append` and `deque.pop` are atomic, and a finaliser may run in the middle of any other call of the same
    thread. Racing threads can overshoot the bound by one block each.
    """

    def __init__(self, free_bytes_max: int = FREE_BYTES_MAX) -> None:
        self.free_bytes_max = free_bytes_max
        self._free: defaultdict[int, deque[_Memory]] = defaultdict(deque)

    def take(self, num_samples: int) -> NDArray[np.float32]:
        """A writable float32 array of at least `num_samples`, of undefined content, that nobody else holds.

        The array and every view of it keep the block; the block is used again only after all of them are gone.
        """
        size = 1 << max(num_samples - 1, 0).bit_length()
        try:
            memory = self._free[size].pop()
        except IndexError:
            array = np.empty(size, np.float32)
            memory = _Memory(array, array.__array_interface__)
        return np.asarray(_Owner(memory, self))

    def give_back(self, memory: _Memory) -> None:
        """For the finaliser of a block: keep its memory, or let it go where enough is kept."""
        if self.free_bytes() + memory.array.nbytes <= self.free_bytes_max:
            self._free[memory.array.size].append(memory)

    def free_bytes(self) -> int:
        """Bytes of the blocks that wait to be used again."""
        return sum(4 * size * len(blocks) for size, blocks in list(self._free.items()))

    def clear(self) -> None:
        """Return all free memory to the system."""
        self._free.clear()


POOL = BlockPool()
# A child's copies of the parent's free blocks would be copied page by page on the first write: no cheaper than new ones.
os.register_at_fork(after_in_child=POOL.clear)
