"""Correction sets as others write them: SIGHAN's sgml and truth files, pycorrector's JSON, pairs in a TSV."""

import re
from collections.abc import Iterator
from dataclasses import asdict
from html import unescape
from typing import Any

from flows.text.adapter import HALF_A_PAIR, Notes, Row, TextFile
from flows.text.files import decoded, parsed_json, parsed_json_lines
from synth.text.characters import has_lone_surrogate, special_characters
from synth.text.edits import difference

_PASSAGE = re.compile(r'<PASSAGE\s+id="([^"]+)"\s*>(.*?)</PASSAGE\s*>', re.DOTALL)
_MISTAKE = re.compile(  # behind "<MISTAKE"
    r'\s+id="([^"]+)"\s+location="(\d{1,9})"\s*>'
    r"\s*<WRONG\s*>(.*?)</WRONG\s*>\s*<CORRECTION\s*>(.*?)</CORRECTION\s*>\s*</MISTAKE\s*>",
    re.DOTALL,
)
_MISTAKE_ID = re.compile(r'[^>]*?\bid\s*=\s*"([^"]+)"')
_INPUT = re.compile(r"\(?(?:pid|NID|id)=([^)\s]+)\)?\s+(.*)")


def read_sgml(file: TextFile, notes: Notes) -> Iterator[Row]:
    """SIGHAN 2014 and 2015, training: passages with mistakes at places that count from 1.

    WRONG is the word around the mistake, and `location` the place of the character in the passage.
    """
    text = decoded(file)
    mistakes: dict[str, list[tuple[int, str, str]]] = {}
    unreadable: set[str] = set()
    for number, tagged in enumerate(re.split(r"<MISTAKE\b", text)[1:], 1):
        read = _MISTAKE.match(tagged)
        if read:
            mistakes.setdefault(read[1], []).append((int(read[2]), unescape(read[3]).strip(), unescape(read[4]).strip()))
        else:
            named = _MISTAKE_ID.match(tagged)
            unreadable.add(named[1] if named else f"{file.path}, mistake {number}")
    passages = list(_PASSAGE.finditer(text))
    for identifier in sorted((mistakes.keys() | unreadable) - {match[1] for match in passages}):
        notes.refuse(identifier, "a mistake of no passage")
    for match in passages:
        notes.counts["passages"] += 1
        if match[1] in unreadable:
            notes.refuse(match[1], "a mistake that is not written as they are")
            continue
        wrong = unescape(match[2]).strip("\r\n")
        right: str | None = wrong
        for location, bad, good in mistakes.get(match[1], []):
            right = None if right is None or len(bad) != len(good) else _corrected(wrong, right, location - 1, bad, good)
        if right is None:
            notes.refuse(match[1], "a mistake that does not stand where it is said to")
            continue
        yield from _row(match[1], wrong, right, notes)


def _corrected(wrong: str, right: str, place: int, bad: str, good: str) -> str | None:
    """`right` with the word put right that covers `place`; None where `wrong` does not have it there."""
    for start in range(max(0, place - len(bad) + 1), place + 1):
        at = place - start
        if wrong.startswith(bad, start) and bad[at] != good[at]:
            return right[:start] + good + right[start + len(bad) :]
    return None


def read_truth(file: TextFile, notes: Notes) -> Iterator[Row]:
    """SIGHAN's tests, input and truth in one: `(pid=ID) text`, and `ID, place, character, ...` with 0 for none."""
    texts: dict[str, str] = {}
    truth: dict[str, list[str]] = {}
    for line in filter(str.strip, decoded(file).split("\n")):
        said = _INPUT.match(line)
        if said:
            texts[said[1]] = said[2].rstrip("\r\n")
        else:
            identifier, *fields = (part.strip() for part in line.split(","))
            truth[identifier] = [field for field in fields if field]
    notes.counts["truths_of_no_passage"] += len(truth.keys() - texts.keys())
    for identifier, wrong in texts.items():
        notes.counts["passages"] += 1
        places = truth.get(identifier)
        if places is None:
            notes.refuse(identifier, "no truth for it")
            continue
        if places == ["0"]:
            places = []
        elif not places or len(places) % 2:
            notes.refuse(identifier, "truth that is not pairs of place and character")
            continue
        characters = list(wrong)
        try:
            for place, correct in zip(places[::2], places[1::2], strict=True):
                if len(correct) != 1 or int(place) < 1:
                    raise ValueError
                characters[int(place) - 1] = correct
        except (ValueError, IndexError):
            notes.refuse(identifier, "a mistake that does not stand where it is said to")
            continue
        yield from _row(identifier, wrong, "".join(characters), notes)


def read_pairs(file: TextFile, notes: Notes) -> Iterator[Row]:
    """pycorrector's JSON, a list or one object a line, or lines of wrong, tab, right."""
    if file.path.endswith(".tsv"):
        for number, line in enumerate(decoded(file).split("\n"), 1):
            wrong, tab, right = line.rstrip("\r").partition("\t")
            if tab and "\t" not in right:
                yield from _row(f"{file.path}:{number}", wrong, right, notes)
            elif line.strip():
                notes.refuse(f"{file.path}:{number}", "not two columns")
        return
    begins_list = file.data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")
    items: Any = enumerate(parsed_json(file), 1) if begins_list else parsed_json_lines(file)
    for number, item in items:
        given, corrected = (item.get(key) if isinstance(item, dict) else None for key in ("original_text", "correct_text"))
        if not (isinstance(given, str) and isinstance(corrected, str)):
            notes.refuse(f"{file.path}:{number}", "no original_text and correct_text")
            continue
        row_id = str(item.get("id") or f"{file.path}:{number}")
        if "wrong_ids" in item and len(given) == len(corrected):
            places = [k for k in range(len(given)) if given[k] != corrected[k]]
            notes.counts["wrong_ids_do_not_match"] += item["wrong_ids"] != places
        yield from _row(row_id, given, corrected, notes)


def _row(row_id: str, wrong: str, right: str, notes: Notes) -> Iterator[Row]:
    if has_lone_surrogate(wrong + right):
        notes.refuse(row_id, HALF_A_PAIR)
        return
    edits = [asdict(edit) for edit in difference(wrong, right, "given")]
    notes.counts["rows"] += 1
    notes.counts["identical"] += not edits
    notes.counts["edits"] += len(edits)
    notes.counts.update({f"characters: {name}": count for name, count in special_characters(right).items()})
    yield {"source_id": row_id, "wrong": wrong, "right": right, "edits": edits, "article_id": None}
