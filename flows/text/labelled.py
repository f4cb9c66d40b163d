"""Named entities, pairs and classes as their corpora write them."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from flows.text.adapter import HALF_A_PAIR, NO_ID, Notes, Row, TextError, TextFile, row_id
from flows.text.files import decoded, parsed_json_lines
from synth.text.characters import has_lone_surrogate, special_characters
from synth.text.tagging import entities, tags

Reader = Callable[[TextFile, Notes], Iterator[Row]]


def conll_reader(labels: Sequence[str], tag_names: Sequence[str]) -> Reader:
    """A reader of CoNLL files of these labels, which gives tags as places in `tag_names` (BIO)."""
    return partial(_read_conll, set(labels), {name: k for k, name in enumerate(tag_names)})


def _read_conll(labels: set[str], numbers: Mapping[str, int], file: TextFile, notes: Notes) -> Iterator[Row]:
    """`character TAB tag` or `character SPACE tag`, a blank line between sentences; BIO, BMES or BIOES.

    The tag is what stands behind the last separator, so that a character that is a space itself survives.
    """
    characters: list[str] = []
    found: list[str] = []
    first = 1
    for number, line in enumerate([*decoded(file).split("\n"), ""], 1):
        line = line.rstrip("\r")
        if line.strip(" \t\n"):
            match = re.fullmatch(r"(.+?)[\t ](\S+)", line, re.DOTALL)
            if match is None or not (match[2] == "O" or match[2].partition("-")[2] in labels):
                notes.counts["lines_not_understood"] += 1
                if characters or found:
                    found.append("?")
                    characters.append("?")
                else:
                    characters, found, first = ["?"], ["?"], number
                continue
            if not characters:
                first = number
            characters.append(match[1])
            found.append(match[2])
        elif characters:
            yield from _sentence(f"{file.place}:{first}", characters, found, numbers, notes)
            characters, found = [], []


def _sentence(row_id: str, characters: list[str], found: list[str], numbers: Mapping[str, int], notes: Notes) -> Iterator[Row]:
    notes.counts["sentences"] += 1
    notes.counts["characters"] += len(characters)
    notes.counts.update({f"characters: {name}": count for name, count in special_characters("".join(characters)).items()})
    if "?" in found:
        notes.refuse(row_id, "a line that is no character with a tag")
        return
    if any(map(has_lone_surrogate, characters)):
        notes.refuse(row_id, HALF_A_PAIR)
        return
    spans = entities(found)
    notes.counts["entities"] += len(spans)
    for _, _, label in spans:
        notes.counts[f"entities: {label}"] += 1
    ours = tags(len(characters), spans, "BIO")
    notes.counts["tags_repaired"] += sum(
        tag.startswith("I-") and mine.startswith("B-") for tag, mine in zip(found, ours, strict=True)
    )
    yield {"source_id": row_id, "tokens": characters, "ner_tags": [numbers[tag] for tag in ours]}


def pairs_reader(labels: Sequence[str]) -> Reader:
    """A reader of pairs: JSON lines with sentence1, sentence2 and label, or lines of the three with tabs between."""
    return partial(_read_pairs, {label: k for k, label in enumerate(labels)})


def _read_pairs(numbers: Mapping[str, int], file: TextFile, notes: Notes) -> Iterator[Row]:
    for number, item in _items(file, ("sentence1", "sentence2", "label"), notes):
        where = _where(item, file, number, notes)
        if where is not None:
            yield from _labelled(where, item, ("sentence1", "sentence2"), item.get("label"), numbers, notes)


def cls_reader(labels: Sequence[str], codes: Mapping[str, str]) -> Reader:
    """A reader of classified texts in JSON lines; `codes` go from the corpus's codes to the names of labels."""
    return partial(_read_cls, {label: k for k, label in enumerate(labels)}, codes)


def _read_cls(numbers: Mapping[str, int], codes: Mapping[str, str], file: TextFile, notes: Notes) -> Iterator[Row]:
    for number, item in _items(file, ("text", "label"), notes):
        where = _where(item, file, number, notes)
        row = {"text": item.get("text", item.get("sentence"))}
        label = None if item.get("label") is None else codes.get(str(item["label"]), str(item["label"]))
        if where is not None:
            yield from _labelled(where, row, ("text",), label, numbers, notes)


def _where(item: Mapping[str, Any], file: TextFile, number: int, notes: Notes) -> str | None:
    place = f"{file.place}:{number}"
    identifier = row_id(item.get("id"), place)
    if identifier is None:
        notes.counts["rows"] += 1
        notes.refuse(place, NO_ID)
    return identifier


def folder_reader(labels: Sequence[str]) -> Reader:
    """A reader of files of text that lie in a folder named for their class."""
    return partial(_read_folder, {label: k for k, label in enumerate(labels)})


def _read_folder(numbers: Mapping[str, int], file: TextFile, notes: Notes) -> Iterator[Row]:
    path = PurePosixPath(file.path)
    where = f"{path.parent.name}/{path.stem}"
    try:
        text = decoded(file)
    except TextError:  # one of very many files: it is refused by itself, as a row is elsewhere
        notes.counts["rows"] += 1
        notes.refuse(where, "not UTF-8")
        return
    yield from _labelled(where, {"text": text}, ("text",), path.parent.name, numbers, notes)


def _items(file: TextFile, columns: Sequence[str], notes: Notes) -> Iterator[tuple[int, dict[str, Any]]]:
    """Objects of a JSON lines file; of a TSV its lines by `columns`, without the line of titles that some copies have."""
    if file.path.endswith((".json", ".jsonl")):
        for number, item in parsed_json_lines(file):
            if isinstance(item, dict):
                yield number, item
            else:
                notes.refuse(f"{file.place}:{number}", "no JSON object")
        return
    for number, line in enumerate(decoded(file).split("\n"), 1):
        fields = line.rstrip("\r").split("\t")
        if number == 1 and fields[-1].strip().lower() == columns[-1]:
            continue
        if len(fields) == len(columns):
            yield number, dict(zip(columns, fields, strict=True))
        elif line.strip():
            notes.refuse(f"{file.place}:{number}", f"not {len(columns)} columns")


def _labelled(
    where: str, item: Mapping[str, Any], texts: Sequence[str], label: Any, numbers: Mapping[str, int], notes: Notes
) -> Iterator[Row]:
    notes.counts["rows"] += 1
    values = [value for value in (item.get(column) for column in texts) if isinstance(value, str) and value.strip()]
    if len(values) < len(texts):
        notes.refuse(where, "a text that is missing, empty or no text")
        return
    if any(map(has_lone_surrogate, values)):
        notes.refuse(where, HALF_A_PAIR)
        return
    if label is not None and str(label) not in numbers:
        notes.refuse(where, "a label that the corpus does not have")
        return
    notes.counts["without_label" if label is None else f"label: {label}"] += 1
    for value in values:
        notes.counts.update({f"characters: {name}": count for name, count in special_characters(value).items()})
    yield {"source_id": where, **dict(zip(texts, values, strict=True)), "label": None if label is None else numbers[str(label)]}
