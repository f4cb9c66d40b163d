"""Rows that are planned in rooms, heard and measured by worker processes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from catalog.inputs import loads_of, open_inputs
from catalog.manifests import Pin
from catalog.roots import open_root
from flows.progress import Progress
from flows.workers import ordered_map
from synth.measuring import Measured, Wanted, measure_rows
from synth.render import Loads

_ROWS_PER_TASK = 64


@dataclass(frozen=True)
class _Task:
    root_url: str
    inputs: tuple[Pin, ...]
    rows: Sequence[dict[str, Any]]
    wanted: Wanted


def hear_rows(
    root_url: str, inputs: Sequence[Pin], workers: int, progress: Progress
) -> Callable[[Sequence[dict[str, Any]], Wanted, Loads], list[Measured]]:
    """`synth.measuring.measure_rows` by worker processes, which open the inputs themselves.

    Args:
        root_url: of the catalog.
        inputs: of the set.
        workers: processes; 1 measures in this one.
        progress: told of mixtures heard.
    """

    def measure(rows: Sequence[dict[str, Any]], wanted: Wanted, loads: Loads) -> list[Measured]:
        parts = [rows[at : at + _ROWS_PER_TASK] for at in range(0, len(rows), _ROWS_PER_TASK)]
        tasks = [_Task(root_url, tuple(inputs), part, wanted) for part in parts]
        found: list[Measured] = []
        for measured in ordered_map(_measure, tasks, min(workers, max(1, len(tasks))), 2 * workers):
            found += measured
            progress(len(found), len(rows), "mixtures heard")
        return found

    return measure


def _measure(task: _Task) -> list[Measured]:
    loads = _opened(task.root_url, task.inputs, task.wanted.sample_rate_hz, task.wanted.num_channels)
    return measure_rows(task.rows, task.wanted, loads)


@lru_cache(maxsize=1)
def _opened(root_url: str, inputs: tuple[Pin, ...], sample_rate_hz: int, num_channels: int) -> Loads:
    """Opened once in each worker."""
    return loads_of(open_inputs(open_root(root_url), inputs), sample_rate_hz, num_channels, checked=True)
