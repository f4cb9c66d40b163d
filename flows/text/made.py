"""What a builder of a text set gives: rows by split, and what is to be said about them."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from flows.text.adapter import Row


@dataclass(frozen=True)
class Made:
    """A text set before it is published."""

    schema: pa.Schema
    splits: dict[str, list[Row]]
    statistics: dict[str, Any]
    report: dict[str, Any]
    changes: list[str]  # what was done to the corpora, a sentence each: licences ask for it
