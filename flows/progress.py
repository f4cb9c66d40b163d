"""How far long work has come: a bar on a terminal, plain lines otherwise; always on stderr, since stdout is for results."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from flows.tables import human_size

if TYPE_CHECKING:
    from rich.progress import Task

# (done, total, unit): how many are done of how many, None where that is not known yet, and of what ("mixtures").
Progress = Callable[[int, int | None, str], None]

_SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def shown(title: str, stream: TextIO | None = None) -> Iterator[Progress]:
    """A `Progress` that shows what it is told under `title`, on `stream` (default: stderr)."""
    stream = stream or sys.stderr
    with (_bar if stream.isatty() else _lines)(title, stream) as progress:
        yield progress


def nothing(done: int, total: int | None, unit: str) -> None:
    """A `Progress` that shows nothing."""


@contextmanager
def _bar(title: str, stream: TextIO) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(file=stream)) as bar:
        task_id = bar.add_task(title, total=None, count="")
        task = bar.tasks[0]

        def progress(done: int, total: int | None, unit: str) -> None:
            bar.update(task_id, completed=done, total=total, count=f"{counted(done, total, unit)} {_rate(task, unit)}")

        yield progress


def _rate(task: "Task", unit: str) -> str:
    speed = task.finished_speed or task.speed
    return f"({_amount(round(speed), unit)}/s)" if speed else ""


@contextmanager
def _lines(title: str, stream: TextIO) -> Iterator[Progress]:
    started = time.monotonic()
    last_line_at = -_SECONDS_BETWEEN_LINES
    finished = False
    first: tuple[float, int] | None = None  # what a rebuild finds done already is no work of this run

    def progress(done: int, total: int | None, unit: str) -> None:
        nonlocal last_line_at, finished, first
        now = time.monotonic()
        first = first or (now, done)
        if now - last_line_at < _SECONDS_BETWEEN_LINES and (finished or done != total):
            return
        last_line_at, finished = now, done == total
        passed, made = now - first[0], done - first[1]
        rate = made / passed if passed > 0 and made > 0 else 0.0
        pace = f", {_amount(round(rate), unit)}/s" if rate else ""
        left = f", about {(total - done) / rate:,.0f} s left" if rate and total and total > done else ""
        print(f"{title}: {counted(done, total, unit)} after {now - started:.0f} s{pace}{left}", file=stream, flush=True)

    yield progress


def counted(done: int, total: int | None, unit: str) -> str:
    """`1,200 of 50,000 mixtures`, or `3.1 GB of 15.6 GB` where the unit is B."""
    amount = f"{_amount(done, unit)} of {_amount(total, unit)}" if total is not None else _amount(done, unit)
    return amount if unit == "B" else f"{amount} {unit}"


def _amount(count: int, unit: str) -> str:
    return human_size(count) if unit == "B" else f"{count:,}"
