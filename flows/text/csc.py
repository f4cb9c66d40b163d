"""Correction pairs as others write them: pycorrector's JSON, lines of wrong, tab, right; and the row that any form comes to."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from flows.text.adapter import HALF_A_PAIR, NO_ID, Notes, Row, TextFile, row_id
from flows.text.files import decoded, parsed_json, parsed_json_lines
from synth.text.characters import has_lone_surrogate, special_characters
from synth.text.edits import difference


def read_pairs(file: TextFile, notes: Notes) -> Iterator[Row]:
    """pycorrector's JSON, a list or one object a line, or lines of wrong, tab, right."""
    if file.path.endswith(".tsv"):
        for number, line in enumerate(decoded(file).split("\n"), 1):
            wrong, tab, right = line.rstrip("\r").partition("\t")
            if tab and "\t" not in right:
                yield from pair_row(f"{file.place}:{number}", wrong, right, notes)
            elif line.strip():
                notes.refuse(f"{file.place}:{number}", "not two columns")
        return
    begins_list = file.data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")
    items: Any = enumerate(parsed_json(file), 1) if begins_list else parsed_json_lines(file)
    for number, item in items:
        given, corrected = (item.get(key) if isinstance(item, dict) else None for key in ("original_text", "correct_text"))
        if not (isinstance(given, str) and isinstance(corrected, str)):
            notes.refuse(f"{file.place}:{number}", "no original_text and correct_text")
            continue
        identifier = row_id(item.get("id"), f"{file.place}:{number}")
        if identifier is None:
            notes.refuse(f"{file.place}:{number}", NO_ID)
            continue
        if "wrong_ids" in item and len(given) == len(corrected):
            places = [k for k in range(len(given)) if given[k] != corrected[k]]
            notes.counts["wrong_ids_do_not_match"] += item["wrong_ids"] != places
        yield from pair_row(identifier, given, corrected, notes)


def pair_row(identifier: str, wrong: str, right: str, notes: Notes, broken: str = HALF_A_PAIR) -> Iterator[Row]:
    """The row, or none where it is refused: for the reason `broken` where a text has lone surrogates."""
    if has_lone_surrogate(wrong + right):
        notes.refuse(identifier, broken)
        return
    edits = [asdict(edit) for edit in difference(wrong, right, "given")]
    notes.counts["rows"] += 1
    notes.counts["identical"] += not edits
    notes.counts["edits"] += len(edits)
    notes.counts.update({f"characters: {name}": count for name, count in special_characters(right).items()})
    yield {"source_id": identifier, "wrong": wrong, "right": right, "edits": edits, "article_id": None}
