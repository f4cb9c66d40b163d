"""Recycled memory: never two holders of one block, always given back, never more kept than allowed."""

import gc
import os
import threading

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from catalog.blocks import POOL, BlockPool


@given(st.lists(st.tuples(st.integers(1, 300), st.integers(0, 5)), max_size=60))
def test_a_kept_block_is_never_written_by_another(steps: list[tuple[int, int]]) -> None:
    """Whatever is taken, kept (as array or as view only) and dropped in whatever order, what is kept stays as it was."""
    pool = BlockPool()
    kept: list[tuple[int, np.ndarray]] = []
    for mark, (size, action) in enumerate(steps):
        block = pool.take(size)
        assert len(block) >= size
        block[:] = mark
        if action < 2:
            kept.append((mark, block))
        elif action == 2:
            kept.append((mark, block[size // 2 : size][:]))  # a view of a view, nothing else
        elif kept and action == 3:
            kept.pop(mark % len(kept))
        del block
        assert all((array == value).all() for value, array in kept)


def test_the_last_view_gives_the_block_back() -> None:
    """The same memory comes again after its last view died, and not a moment earlier."""
    pool = BlockPool()
    block = pool.take(1000)
    address = block.ctypes.data
    view = block[10:20].reshape(2, 5)
    del block
    assert pool.free_bytes() == 0
    assert pool.take(1000).ctypes.data != address
    pool.clear()
    del view
    assert pool.free_bytes() == 4 * 1024
    assert pool.take(700).ctypes.data == address


def test_a_buffer_of_a_view_keeps_the_block() -> None:
    """Others hold arrays through the buffer protocol, as torch.from_numpy and memoryview do."""
    pool = BlockPool()
    buffer = memoryview(pool.take(16)[:4])
    assert pool.free_bytes() == 0
    del buffer
    assert pool.free_bytes() == 4 * 16


def test_free_memory_is_bounded() -> None:
    """However many rows were held at once, no more than the bound stays behind; a block above it is never kept."""
    pool = BlockPool(free_bytes_max=3 * 4096)
    blocks = [pool.take(1024) for _ in range(10)]
    del blocks
    assert pool.free_bytes() == 3 * 4096
    pool.clear()
    pool.take(100_000)
    assert pool.free_bytes() == 0


def test_blocks_are_writable_and_of_any_size() -> None:
    """Also one without samples, which a row of empty signals asks for."""
    for size in (0, 1, 2, 3, 1024, 1025):
        block = BlockPool().take(size)
        assert block.dtype == np.float32
        assert block.flags.writeable
        assert len(block) >= size


def test_threads_share_the_pool() -> None:
    """Four threads that keep a few blocks each never see another's mark in their own."""
    pool, wrong = BlockPool(), []

    def work(mark: int) -> None:
        kept: list[np.ndarray] = []
        for k in range(2000):
            block = pool.take(64 + k % 3)
            block[:] = mark
            kept.append(block[:64])
            if len(kept) > 5:
                if not all((array == mark).all() for array in kept):
                    wrong.append(mark)
                kept.clear()

    threads = [threading.Thread(target=work, args=(mark,)) for mark in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_forked_child_begins_with_an_empty_pool() -> None:
    """Its copies of the parent's free blocks would only be copied again; blocks held over the fork stay intact on both sides."""
    gc.collect()
    held = POOL.take(5000)
    held[:] = 7
    POOL.take(5000)
    assert POOL.free_bytes() > 0
    child = os.fork()
    if child == 0:
        fresh = POOL.free_bytes() == 0
        POOL.take(5000)[:] = 1
        os._exit(0 if fresh and (held == 7).all() else 1)
    POOL.take(5000)[:] = 2
    assert os.waitpid(child, 0)[1] == 0
    assert (held == 7).all()
