"""Progress and tables, as terminals and pipes get them."""

import io
import json

import pytest

from flows import progress, tables


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only when it is told to."""

    class Clock:
        now_s = 100.0

        def monotonic(self) -> float:
            return self.now_s

    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def test_lines_come_now_and_then_with_rate_and_time_left(clock):
    stream = io.StringIO()
    with progress.shown("build", stream) as tell:
        for done in range(0, 5000, 100):
            tell(done, 10_000, "mixtures")
            clock.now_s += 1
        tell(10_000, 10_000, "mixtures")
    assert stream.getvalue().splitlines() == [
        "build: 0 of 10,000 mixtures after 0 s",
        "build: 1,000 of 10,000 mixtures after 10 s, 100/s, about 90 s left",
        "build: 2,000 of 10,000 mixtures after 20 s, 100/s, about 80 s left",
        "build: 3,000 of 10,000 mixtures after 30 s, 100/s, about 70 s left",
        "build: 4,000 of 10,000 mixtures after 40 s, 100/s, about 60 s left",
        "build: 10,000 of 10,000 mixtures after 50 s, 200/s",
    ]


def test_what_a_resumed_build_finds_done_does_not_count_as_speed(clock):
    stream = io.StringIO()
    with progress.shown("build", stream) as tell:
        tell(9_000, 10_000, "mixtures")
        clock.now_s += 10
        tell(9_100, 10_000, "mixtures")
    assert stream.getvalue().splitlines()[1] == "build: 9,100 of 10,000 mixtures after 10 s, 10/s, about 90 s left"


def test_the_end_is_told_once(clock):
    stream = io.StringIO()
    with progress.shown("ingest", stream) as tell:
        for done in (0, 5, 10, 10, 10):
            tell(done, 10, "mixtures")
    assert len(stream.getvalue().splitlines()) == 2


def test_bytes_are_counted_as_sizes(clock):
    stream = io.StringIO()
    with progress.shown("ingest", stream) as tell:
        tell(0, None, "B")
        clock.now_s += 10
        tell(15_000_000_000, 30_000_000_000, "B")
    assert stream.getvalue().splitlines() == [
        "ingest: 0 B after 0 s",
        "ingest: 15.0 GB of 30.0 GB after 10 s, 1.5 GB/s, about 10 s left",
    ]


def test_a_terminal_gets_a_bar(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    stream = Terminal()
    with progress.shown("build", stream) as tell:
        tell(5, 10, "mixtures")
        tell(10, 10, "mixtures")
    assert "10 of 10 mixtures" in stream.getvalue()


def test_a_table_keeps_every_cell_and_sets_numbers_to_the_right(capsys):
    tables.print_table(("name", "rows"), [("語料", 12_000), ("b", 7), ("[bold]", None)])
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "name      rows",
        "語料    12,000",
        "b            7",
        "[bold]",
    ]


def test_json_keeps_characters_as_they_are(capsys):
    tables.print_json({"text": "你好"})
    out = capsys.readouterr().out
    assert json.loads(out) == {"text": "你好"} and "你好" in out


@pytest.mark.parametrize(
    ("size_bytes", "expected"), [(0, "0 B"), (999, "999 B"), (1_500, "1.5 kB"), (2_000_000_000, "2.0 GB"), (3 * 10**12, "3.0 TB")]
)
def test_sizes(size_bytes, expected):
    assert tables.human_size(size_bytes) == expected


@pytest.mark.parametrize(("duration_s", "expected"), [(8, "8.0 s"), (750, "12.5 min"), (403_200, "112.0 h")])
def test_durations(duration_s, expected):
    assert tables.human_duration(duration_s) == expected


def test_nested_facts_are_shown_by_dotted_key():
    assert tables.flattened({"a": {"b": 1, "c": {"d": 2}}, "e": {}}) == {"a.b": 1, "a.c.d": 2}


def test_splits_come_in_their_usual_order():
    assert list(tables.in_order({"test": 1, "extra": 2, "train": 3, "validation": 4})) == ["train", "validation", "test", "extra"]
