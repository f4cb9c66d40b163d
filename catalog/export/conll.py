"""CoNLL: a character, a tab and its tag on each line, a blank line behind each sentence; BIO or BMES."""

import re
from collections.abc import Iterator
from functools import partial

from catalog.export import Context, Format, LeaveOut, Row
from catalog.text_kinds import label_names
from catalog.text_rows import read_schema
from synth.text.tagging import Scheme, entities, tags

_BREAKS_LINES = re.compile("[\t\n\r]")


def _lines(scheme: Scheme, context: Context, rows: Iterator[Row], leave_out: LeaveOut) -> Iterator[str]:
    names = label_names(read_schema(context.storage, context.manifest), "ner_tags")
    for row in rows:
        if any(not token or _BREAKS_LINES.search(token) for token in row["tokens"]):
            leave_out("a character that ends a line or a column")
            continue
        found = tags(len(row["tokens"]), entities([names[tag] for tag in row["ner_tags"]]), scheme)
        yield "".join(f"{token}\t{tag}\n" for token, tag in zip(row["tokens"], found, strict=True)) + "\n"


FORMATS = (
    Format("conll-bio", ("ner",), "txt", partial(_lines, "BIO")),
    Format("conll-bmes", ("ner",), "txt", partial(_lines, "BMES")),
)
