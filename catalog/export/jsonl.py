"""Rows of text as they are, a JSON object a line; beside each offset in code points the one in UTF-16 units."""

import json
from collections.abc import Iterator
from typing import Any

from catalog.export import Context, Format, LeaveOut, Row
from catalog.text_kinds import label_names
from catalog.text_rows import read_schema
from synth.text.utf16 import Units

_LABELS = {"ner": "ner_tags", "pairs": "label", "cls": "label"}


def _lines(context: Context, rows: Iterator[Row], leave_out: LeaveOut) -> Iterator[str]:
    column = _LABELS.get(context.manifest.kind)
    names = label_names(read_schema(context.storage, context.manifest), column) if column else []
    for row in rows:
        if column:
            row[f"{column}_names"] = _named(row[column], names)
        yield json.dumps(_with_utf16(context.manifest.kind, row), ensure_ascii=False) + "\n"


def _named(value: Any, names: list[str]) -> Any:
    return [names[tag] for tag in value] if isinstance(value, list) else None if value is None else names[value]


def _with_utf16(kind: str, row: Row) -> Row:
    if kind == "csc":
        right, wrong = Units(row["right"]), Units(row["wrong"])
        for edit in row["edits"]:
            edit |= {f"{end}_utf16": right.before(edit[end]) for end in ("start", "end")}
            edit |= {f"{end}_utf16": wrong.before(edit[end]) for end in ("wrong_start", "wrong_end")}
    if kind == "ner" and row["original_text"] is not None:
        for column, text in (("original_entities", row["original_text"]), ("inexact_entities", "".join(row["tokens"]))):
            units = Units(text)
            for entity in row.get(column) or ():
                entity |= {f"{end}_utf16": units.before(entity[end]) for end in ("start", "end")}
    if kind == "mrc":
        context, question = Units(row["context"]), Units(row["question"])
        row["answers"]["answer_start_utf16"] = [context.before(at) for at in row["answers"]["answer_start"]]
        if row["original_answers"] is not None:
            original = Units(row["original_context"])
            row["original_answers"]["answer_start_utf16"] = [
                original.before(at) for at in row["original_answers"]["answer_start"]
            ]
        for column, units in (("context_tokens", context), ("question_tokens", question)):
            for token in row.get(column) or ():
                token |= {f"{end}_utf16": units.before(token[end]) for end in ("start", "end")}
    return row


FORMATS = (Format("jsonl", ("mrc", "csc", "ner", "pairs", "cls"), "jsonl", _lines),)
