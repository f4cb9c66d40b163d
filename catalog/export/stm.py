"""STM: who said what when. A line for each utterance, the row's id for the file and k of s_k for the channel.

What is not known is for scoring tools to leave out.
"""

from collections.abc import Iterator

from catalog.export import Context, Format, LeaveOut, Row
from catalog.export.spans import COLUMNS, breaks_columns, seconds, utterances

_UNKNOWN = "IGNORE_TIME_SEGMENT_IN_SCORING"


def _lines(context: Context, rows: Iterator[Row], leave_out: LeaveOut) -> Iterator[str]:
    for row in rows:
        said = utterances(row)
        if breaks_columns(row["id"], *(span.speaker_id for span in said)):
            leave_out("white space in the id of a speaker")
            continue
        rate = row["sample_rate_hz"]
        for span in said:
            text = _UNKNOWN if span.text is None else " ".join(span.text.split())
            times = f"{seconds(span.begin, rate)} {seconds(span.end, rate)}"
            yield f"{row['id']} {span.stem} {span.speaker_id} {times} {text}\n"


FORMATS = (Format("stm", ("separation", "enhancement"), "stm", _lines, COLUMNS),)
