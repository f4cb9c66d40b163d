"""RTTM: who spoke when. A line for each piece of speech; the row's id stands for the file."""

from collections.abc import Iterator

from catalog.export import Context, Format, LeaveOut, Row
from catalog.export.spans import COLUMNS, breaks_columns, seconds, spans


def _lines(context: Context, rows: Iterator[Row], leave_out: LeaveOut) -> Iterator[str]:
    for row in rows:
        said = spans(row)
        if breaks_columns(row["id"], *(span.speaker_id for span in said)):
            leave_out("white space in the id of a speaker")
            continue
        rate = row["sample_rate_hz"]
        for span in said:
            begin, length = seconds(span.begin, rate), seconds(span.length, rate)
            yield f"SPEAKER {row['id']} 1 {begin} {length} <NA> <NA> {span.speaker_id} <NA> <NA>\n"


FORMATS = (Format("rttm", ("separation", "enhancement"), "rttm", _lines, COLUMNS),)
