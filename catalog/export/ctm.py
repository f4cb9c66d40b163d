"""CTM: a line for each word, the row's id for the file and k of s_k for the channel; of each row by channel and begin.

When words are said in the recordings of the corpus is told from outside, by a file of forced alignments. A word of which a piece
has only a part comes with that part.
"""

import json
from collections.abc import Iterator
from typing import Any

from catalog.export import Context, Format, LeaveOut, Row
from catalog.export.spans import COLUMNS, Span, breaks_columns, seconds, spans
from catalog.export.words import Words
from synth.degradations.chains import degraded_length


def _lines(context: Context, rows: Iterator[Row], leave_out: LeaveOut) -> Iterator[str]:
    known = context.words
    for row in rows:
        if any(source_id not in known for source_id in row["source_ids"]):
            leave_out("an utterance of which the file has no words")
        elif breaks_columns(row["id"]):
            leave_out("white space in the id of the row")
        else:
            steps = row.get("source_degradations") or [None] * len(row["source_ids"])
            for span in sorted(spans(row), key=lambda span: (span.stem, span.begin)):
                yield from _words(row, span, known[span.source_id], json.loads(steps[span.piece] or "[]"))


def _words(row: Row, span: Span, words: Words, steps: list[dict[str, Any]]) -> Iterator[str]:
    """Lines of one piece; `steps` are the degradations of its recording, which may have become shorter or longer by them."""
    rate = row["sample_rate_hz"]
    for begin_s, end_s, word in words.in_order():
        first, behind = (degraded_length(round(at_s * rate), steps) - span.start for at_s in (begin_s, end_s))
        begin, end = max(first, 0), min(behind, span.length)
        if begin < end:
            yield f"{row['id']} {span.stem} {seconds(span.begin + begin, rate)} {seconds(end - begin, rate)} {word}\n"


FORMATS = (Format("ctm", ("separation", "enhancement"), "ctm", _lines, (*COLUMNS, "source_degradations"), takes_words=True),)
