"""Rows that are planned in rooms, heard and measured by worker processes, each once: what was measured is kept."""

import importlib.metadata
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from catalog.manifests import Pin
from catalog.measured import measured_file
from flows.mixtures.shards import opened
from flows.progress import Progress
from flows.workers import ordered_map
from synth.levelling.measuring import Measured, Wanted, measure_rows
from synth.render import Loads

ALGORITHM = 1  # raised when the same row shall be measured otherwise
_ROWS_PER_TASK = 64  # about a second of work


@dataclass(frozen=True)
class _Task:
    root_url: str
    inputs: tuple[Pin, ...]
    rows: Sequence[dict[str, Any]]
    wanted: Wanted


def hear_rows(
    root_url: str, inputs: Sequence[Pin], workers: int, progress: Progress
) -> Callable[[Sequence[dict[str, Any]], Wanted, Loads], list[Measured]]:
    """`synth.levelling.measuring.measure_rows` by worker processes, which open the inputs themselves.

    Rows of one room follow each other, so that its RIRs are made ready once. A plan that was killed goes on where it was, and
    one that was made before is not heard again.

    Args:
        root_url: of the catalog.
        inputs: of the set.
        workers: processes; 1 measures in this one.
        progress: told of mixtures heard.
    """

    def measure(rows: Sequence[dict[str, Any]], wanted: Wanted, loads: Loads) -> list[Measured]:
        order = sorted(range(len(rows)), key=lambda row: rows[row]["rir_ids"])
        parts = [order[at : at + _ROWS_PER_TASK] for at in range(0, len(rows), _ROWS_PER_TASK)]
        tasks = [_Task(root_url, tuple(inputs), [rows[row] for row in part], wanted) for part in parts]
        found: dict[int, Measured] = {}
        heard = ordered_map(_measure, tasks, min(workers, max(1, len(tasks))), 2 * workers)
        for part, measured in zip(parts, heard, strict=True):
            found |= zip(part, measured, strict=True)
            progress(len(found), len(rows), "mixtures heard")
        return [found[row] for row in range(len(rows))]

    return measure


def _measure(task: _Task) -> list[Measured]:
    path = _cache_path(task)
    if path.exists():
        return [Measured(**told) for told in json.loads(path.read_text())]
    _, loads = opened(task.root_url, task.inputs, task.wanted.sample_rate_hz, task.wanted.num_channels)
    measured = measure_rows(task.rows, task.wanted, loads)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_text(json.dumps([asdict(found) for found in measured]))
    temporary.replace(path)
    return measured


def _cache_path(task: _Task) -> Path:
    """Named by all that decides the measures."""
    pins = [held.manifest_sha256 for held in task.inputs]
    return measured_file(["heard", pins, asdict(task.wanted), task.rows, _libraries(), ALGORITHM], "json")


@cache
def _libraries() -> list[str]:
    """Versions of those that decide the last bits of what is heard."""
    return [importlib.metadata.version(package) for package in ("numpy", "scipy", "soxr", "audiomentations")]
