"""What commands print on stdout: tables for people, one JSON document for programs."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    from catalog.manifests import Manifest

# Where nobody looks through a window nothing is wrapped or cut: a line of `yuliao list | grep` is a row.
_UNBOUNDED = 100_000


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table with a header. Numbers are set to the right; `None` is left empty."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for position, column in enumerate(columns):
        values = [row[position] for row in rows if row[position] is not None]
        numeric = bool(values) and all(isinstance(value, int | float) for value in values)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    _print(table)


def print_facts(facts: Mapping[str, object]) -> None:
    """Names and values below each other; those that are `None` are left out."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        if value is not None:
            table.add_row(name, _cell(value))
    _print(table)


def print_json(document: Any) -> None:
    """One JSON document, and nothing else, on stdout."""
    print(json.dumps(document, ensure_ascii=False, indent=2, sort_keys=False))


def print_splits(manifest: "Manifest") -> None:
    """Rows, length and size of each split of a version."""
    rows = [
        (name, split.rows, None if split.duration_s is None else human_duration(split.duration_s), human_size(split.size_bytes))
        for name, split in in_order(manifest.splits).items()
    ]
    print_table(("split", "rows", "length", "size"), rows)


def print_by_split(measures: Mapping[str, Mapping[str, Any]]) -> None:
    """One column for each split, one line for each measure (nested ones by dotted key)."""
    splits = {name: flattened(of_split) for name, of_split in in_order(measures).items()}
    names = dict.fromkeys(name for of_split in splits.values() for name in of_split)
    print_table(("", *splits), [(name, *(_measure(name, of_split.get(name)) for of_split in splits.values())) for name in names])


def _measure(name: str, value: Any) -> Any:
    return human_size(value) if value is not None and name.endswith("size_bytes") else value


def in_order(splits: Mapping[str, T]) -> dict[str, T]:
    """Splits as they are spoken of: train, validation, test."""
    known = ("train", "validation", "test")
    return {name: splits[name] for name in [*(name for name in known if name in splits), *sorted(set(splits) - set(known))]}


def flattened(document: Mapping[str, Any], prefix: str = "") -> dict[str, object]:
    """Nested mappings as one, by dotted key; of an empty one nothing is left."""
    flat: dict[str, object] = {}
    for key, value in document.items():
        if isinstance(value, Mapping):
            flat.update(flattened(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def human_size(size_bytes: int) -> str:
    """`1.4 GB`: powers of ten, as disks are sold and `df -H` counts."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def human_duration(duration_s: float) -> str:
    """`26.3 h`, `12.5 min` or `8.0 s`."""
    if duration_s >= 3600:
        return f"{duration_s / 3600:,.1f} h"
    return f"{duration_s / 60:.1f} min" if duration_s >= 60 else f"{duration_s:.1f} s"


def _cell(value: object) -> Any:
    from rich.text import Text

    if value is None:
        return Text("")
    return Text(f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value))


def _print(renderable: Any) -> None:
    from rich.console import Console

    width = None if sys.stdout.isatty() else _UNBOUNDED
    console = Console(file=sys.stdout, width=width, highlight=False)
    with console.capture() as captured:
        console.print(renderable)
    # By ourselves, because rich exits with 1 where nobody reads any more.
    sys.stdout.write("".join(f"{line.rstrip(' ')}\n" for line in captured.get().splitlines()))
