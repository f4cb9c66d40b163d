"""CTM: a line for each word, the row's id for the file and k of s_k for the channel.

It is for sets whose rows have `words`: for each piece the words of its recording, with `begin_s` and `end_s` in that recording.
A word of which a piece has only a part comes with that part.
"""

from collections.abc import Iterator
from typing import Any

from catalog.errors import CatalogError
from catalog.export import Context, Format, LeaveOut, Row
from catalog.export.spans import COLUMNS, Span, breaks_columns, seconds, spans
from catalog.text_rows import read_schema


def _lines(context: Context, rows: Iterator[Row], leave_out: LeaveOut) -> Iterator[str]:
    manifest = context.manifest
    if "words" not in read_schema(context.storage, manifest).names:
        raise CatalogError(
            f"ctm needs the times of words, and {manifest.name}@{manifest.version} has none (no column 'words'): "
            "take stm, which has the text of each utterance"
        )
    for row in rows:
        words = row["words"]
        if words is None or any(of_piece is None for of_piece in words):
            leave_out("a piece whose words have no times")
        elif breaks_columns(row["id"], *(word["word"] for of_piece in words for word in of_piece)):
            leave_out("a word that is empty or has white space in it")
        else:
            for span in spans(row):
                yield from _words(row, span, words[span.piece])


def _words(row: Row, span: Span, words: list[dict[str, Any]]) -> Iterator[str]:
    rate = row["sample_rate_hz"]
    for word in words:
        begin = max(round(word["begin_s"] * rate) - span.start, 0)
        end = min(round(word["end_s"] * rate) - span.start, span.length)
        if begin < end:
            yield f"{row['id']} {span.stem} {seconds(span.begin + begin, rate)} {seconds(end - begin, rate)} {word['word']}\n"


FORMATS = (Format("ctm", ("separation",), "ctm", _lines, (*COLUMNS, "words")),)
