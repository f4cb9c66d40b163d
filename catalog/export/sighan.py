"""SIGHAN's sgml: passages, and mistakes by a place that counts from 1. Substitutions alone can be said."""

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from catalog.export import Context, Format, LeaveOut, Row


def _lines(context: Context, rows: Iterator[Row], leave_out: LeaveOut) -> Iterator[str]:
    for row in rows:
        if len(row["wrong"]) != len(row["right"]) or any(len(edit["correct"]) != len(edit["wrong"]) for edit in row["edits"]):
            leave_out("a character inserted or dropped, which the format cannot say")
            continue
        if "\0" in row["wrong"] or "\n" in row["wrong"] or "\r" in row["wrong"]:
            leave_out("a NUL or line break in the text")
            continue
        identifier = quoteattr(row["id"])
        yield f'<ESSAY title="">\n<TEXT>\n<PASSAGE id={identifier}>{escape(row["wrong"])}</PASSAGE>\n</TEXT>\n'
        for k, (wrong, right) in enumerate(zip(row["wrong"], row["right"], strict=True), 1):
            if wrong != right:
                yield (
                    f'<MISTAKE id={identifier} location="{k}">\n<WRONG>{escape(wrong)}</WRONG>\n'
                    f"<CORRECTION>{escape(right)}</CORRECTION>\n</MISTAKE>\n"
                )
        yield "</ESSAY>\n"


FORMATS = (Format("sighan", ("csc",), "sgml", _lines),)
