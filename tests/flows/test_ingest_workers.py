"""Worker processes: order, errors, and nobody left behind."""

import importlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flows.workers import WorkerDied, ordered_map, started
from synth.errors import YuliaoError


def square(number: int) -> int:
    if number == 13:
        raise YuliaoError("thirteen")
    if number == 14:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.02 * (number % 3 == 0))
    return number * number


def loaded_by_lists(number: int) -> tuple[bool, bool]:
    import pyarrow as pa

    pa.array([number])
    before = "pandas" in sys.modules
    importlib.import_module("pandas")
    return before, "pandas" in sys.modules


def test_workers_do_without_pandas_until_somebody_asks_for_it() -> None:
    """Pyarrow would import it for the first list, which takes as long as all other imports together."""
    assert list(ordered_map(loaded_by_lists, [1], 2, 2)) == [(False, True)]


@pytest.mark.parametrize("workers", [1, 2])
def test_results_keep_the_order_of_tasks_and_few_are_in_flight(workers: int) -> None:
    """Tasks are taken no faster than results are."""
    taken = 0

    def tasks() -> Iterator[int]:
        nonlocal taken
        for number in range(12):
            taken += 1
            yield number

    for done, result in enumerate(ordered_map(square, tasks(), workers, 3)):
        assert result == done * done
        assert taken <= done + 3


@pytest.mark.parametrize(("weight", "ahead"), [(1, 4), (2, 2), (9, 1)])
def test_heavy_tasks_count_for_several(weight: int, ahead: int) -> None:
    """What is held in memory is bounded, also where one task is more than all that may be held."""
    taken = 0

    def tasks() -> Iterator[int]:
        nonlocal taken
        for number in range(6):
            taken += 1
            yield number

    with started(2) as processes:
        for done, result in enumerate(processes.ordered_map(square, tasks(), 4, lambda task: weight)):
            assert result == done * done
            assert taken <= done + ahead


def test_errors_of_workers_reach_the_caller() -> None:
    """As they were raised."""
    with pytest.raises(YuliaoError, match="thirteen"):
        list(ordered_map(square, [1, 13, 2], 2, 4))


def test_a_killed_worker_is_an_error_with_advice() -> None:
    """Not a hang."""
    with pytest.raises(WorkerDied, match="fewer workers"):
        list(ordered_map(square, [1, 14, 2], 2, 4))


def test_workers_end_with_a_killed_parent(tmp_path: Path, process_environment: dict[str, str]) -> None:
    """kill -9 of the parent: its workers are gone soon after, busy or not."""
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent(
            """
            import os, pathlib, sys, time
            from flows.workers import ordered_map

            def busy(number):
                pathlib.Path(sys.argv[1], f"{os.getpid()}.pid").touch()
                time.sleep(60)

            if __name__ == "__main__":
                list(ordered_map(busy, range(4), 2, 4))
            """
        )
    )
    parent = subprocess.Popen([sys.executable, program, tmp_path], env=process_environment, start_new_session=True)
    try:
        wait_until(lambda: len(list(tmp_path.glob("*.pid"))) == 2)
    finally:
        parent.kill()
        parent.wait()
    workers = [int(path.stem) for path in tmp_path.glob("*.pid")]
    wait_until(lambda: not any(alive(pid) for pid in workers))


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Running still; one that only waits to be reaped is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
