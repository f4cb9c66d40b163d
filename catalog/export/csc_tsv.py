"""Correction pairs as lines of wrong, tab, right: says every kind of error, and not which kind it is."""

import re
from collections.abc import Iterator

from catalog.export import Context, Format, LeaveOut, Row

_BREAKS_LINES = re.compile("[\t\n\r]")


def _lines(context: Context, rows: Iterator[Row], leave_out: LeaveOut) -> Iterator[str]:
    for row in rows:
        if _BREAKS_LINES.search(row["wrong"] + row["right"]):
            leave_out("a tab or line break in the text")
        else:
            yield f"{row['wrong']}\t{row['right']}\n"


FORMATS = (Format("csc-tsv", ("csc",), "tsv", _lines),)
