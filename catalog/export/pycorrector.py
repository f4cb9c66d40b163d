"""pycorrector's JSON: a list of texts with the places that are wrong, counted from 0. Substitutions alone can be said."""

import json
from collections.abc import Iterator

from catalog.export import Context, Format, LeaveOut, Row


def _lines(context: Context, rows: Iterator[Row], leave_out: LeaveOut) -> Iterator[str]:
    opening = "[\n"
    for row in rows:
        wrong, right = row["wrong"], row["right"]
        if len(wrong) != len(right) or any(len(edit["correct"]) != len(edit["wrong"]) for edit in row["edits"]):
            leave_out("a character inserted or dropped, which the format cannot say")
            continue
        places = [k for k in range(len(wrong)) if wrong[k] != right[k]]
        item = {"id": row["id"], "original_text": wrong, "wrong_ids": places, "correct_text": right}
        yield opening + json.dumps(item, ensure_ascii=False)
        opening = ",\n"
    yield "\n]\n" if opening != "[\n" else "[]\n"


FORMATS = (Format("pycorrector", ("csc",), "json", _lines),)
