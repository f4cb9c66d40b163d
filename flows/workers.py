"""Work spread over processes: results in the order of the tasks, few tasks in flight, nobody left behind."""

import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from typing import TypeVar

from synth.errors import YuliaoError

T = TypeVar("T")
R = TypeVar("R")


class WorkerDied(YuliaoError):
    """A worker process ended in the middle of its work."""


def available_cpus() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Workers:
    """Processes that are there for several uses, since starting one takes half a second; see `started`."""

    pool: ProcessPoolExecutor | None  # None: this process does all the work

    def ordered_map(
        self, function: Callable[[T], R], tasks: Iterable[T], in_flight: int, weigh: Callable[[T], int] = lambda task: 1
    ) -> Iterator[R]:
        """`function` of each task, in order.

        Tasks of at most `in_flight` by weight are taken ahead of the result that is waited for, which bounds the memory they
        take; a heavier one is alone with what was there before it. Tasks, results and `function` must pickle. An error of
        `function` is raised here.

        Raises:
            WorkerDied: a worker was killed.
        """
        if self.pool is None:
            yield from map(function, tasks)
            return
        waiting: deque[tuple[Future[R], int]] = deque()
        weight = 0
        try:
            for task in tasks:
                waiting.append((self.pool.submit(function, task), weigh(task)))
                weight += waiting[-1][1]
                while waiting and weight >= in_flight:
                    future, of_first = waiting.popleft()
                    yield future.result()
                    weight -= of_first
            while waiting:
                yield waiting.popleft()[0].result()
        except BrokenProcessPool as error:
            raise WorkerDied(
                "a worker process was killed, perhaps because memory ran out; run it again with fewer workers"
            ) from error


@contextmanager
def started(workers: int) -> Iterator[Workers]:
    """That many worker processes, started as tasks come and gone behind the block; with one, this process does the work."""
    if workers == 1:
        yield Workers(None)
        return
    # Not fork: pyarrow's and numpy's threads do not survive it.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin)
    try:
        yield Workers(pool)
    finally:
        pool.shutdown(cancel_futures=True)


def ordered_map(function: Callable[[T], R], tasks: Iterable[T], workers: int, in_flight: int) -> Iterator[R]:
    """`Workers.ordered_map` by processes of its own, gone with the last result."""
    with started(workers) as own:
        yield from own.ordered_map(function, tasks, in_flight)


def _begin() -> None:
    """Let the parent alone answer Ctrl-C, and end with it even where it was killed without a word."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _keep_pandas_out()


class _NoPandas:
    """Among the finders of modules: there is no pandas."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name == "pandas":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


def _keep_pandas_out() -> None:
    """Pyarrow looks once whether there is pandas, and importing it takes longer than all that a worker needs."""
    import pyarrow as pa

    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(finder)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)
