"""Named entities, pairs and classes of several corpora as one set: labels by name, official splits, no text in two of them."""

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from catalog.errors import CatalogError
from catalog.text_kinds import text_schema
from flows.text.adapter import Row
from flows.text.made import Made
from flows.text.sources import Source, counted
from synth.text import opencc
from synth.text.convert import convert
from synth.text.duplicates import folded
from synth.text.spec import LabelledSpec
from synth.text.tagging import Entity, Scheme, entities, tag_names, tags

_ORDER = ("train", "validation", "test")
_COLUMN = {"ner": "ner_tags", "pairs": "label", "cls": "label"}
_TEXTS = {"ner": ("tokens",), "pairs": ("sentence1", "sentence2"), "cls": ("text",)}


def build_labelled(spec: LabelledSpec, sources: Sequence[Source]) -> Made:
    """The rows of a set with labels, those of several corpora under one list of names.

    Rows keep their official split; a text (a pair of them) that stands in several goes to the last of train, validation, test.

    Raises:
        CatalogError: no row is left.
    """
    names = _names(spec, sources)
    number = {name: k for k, name in enumerate(names)}
    counts: Counter[str] = Counter()
    texts: dict[tuple[str, ...], int] = {}
    found: list[tuple[tuple[str, ...], int, Row]] = []
    for source in sources:
        theirs = source.labels(_COLUMN[spec.kind])
        for split in source.manifest.splits:
            place = _ORDER.index(split)
            for row in source.rows_of(split):
                made = _row(row, spec, theirs, number, counts)
                key = tuple(sorted(folded("".join(row[column])) for column in _TEXTS[spec.kind]))
                found.append((key, place, made))
                texts[key] = max(texts.get(key, 0), place)
    if not found:
        raise CatalogError(f"{spec.name}: no row is left of its corpora")
    splits: dict[str, list[Row]] = {split: [] for split in _ORDER}
    for key, place, row in found:
        counts["moved_to_a_later_split"] += texts[key] != place
        splits[_ORDER[texts[key]]].append(row)
    statistics = {split: _sizes(spec.kind, rows, names) for split, rows in splits.items()}
    configurations = sorted({row["conversion"] for _, _, row in found if row["conversion"]})
    changes = ["rows of several corpora brought together, their labels by name"]
    if configurations:
        changes.append(f"converted by OpenCC {opencc.version()} ({', '.join(configurations)}); original text kept in the rows")
    return Made(text_schema(spec.kind, names), splits, statistics, {"counts": counted(counts), "labels": names}, changes)


def _names(spec: LabelledSpec, sources: Sequence[Source]) -> list[str]:
    column = _COLUMN[spec.kind]
    names = list(dict.fromkeys(name for source in sources for name in source.labels(column)))
    if spec.kind != "ner":
        return names
    return tag_names(dict.fromkeys(name.partition("-")[2] for name in names if name != "O"), spec.scheme)


def _row(row: Row, spec: LabelledSpec, theirs: Sequence[str], number: dict[str, int], counts: Counter[str]) -> Row:
    configuration = _configuration(row, spec)
    said = {"conversion": configuration, "converter": opencc.version() if configuration else None}
    if spec.kind == "ner":
        return {**row, **_said(row, said, spec), **_tagged(row, configuration, spec.scheme, theirs, number, counts)}
    label = None if row["label"] is None else number[theirs[row["label"]]]
    made = {**row, **_said(row, said, spec), "label": label}
    for column in _TEXTS[spec.kind] if configuration else ():
        made[f"original_{column}"] = row[column]
        made[column] = convert(row[column], [], configuration or "").text
    return made


def _tagged(
    row: Row, configuration: str | None, scheme: Scheme, theirs: Sequence[str], number: dict[str, int], counts: Counter[str]
) -> Row:
    """Characters, their tags and, of a converted row, what it was before.

    An entity that lost an edge in conversion, within a phrase that was replaced as a whole, has no tags: it stands in
    `inexact_entities`, widened to that phrase.
    """
    # A corpus's token may be several characters, a Latin word for example.
    ends = [0, *accumulate(map(len, row["tokens"]))]
    text = "".join(row["tokens"])
    found = [(ends[start], ends[end], label) for start, end, label in entities([theirs[tag] for tag in row["ner_tags"]])]
    further: Row = {}
    characters, tagged = text, found
    if configuration:
        converted = convert(text, [(start, end) for start, end, _ in found], configuration)
        moved = [(*span, label) for span, (_, _, label) in zip(converted.spans, found, strict=True)]
        characters = converted.text
        tagged = [entity for entity, exact in zip(moved, converted.exact, strict=True) if exact]
        inexact = [entity for entity, exact in zip(moved, converted.exact, strict=True) if not exact]
        further = {"original_text": text, "original_entities": _spans(found), "inexact_entities": _spans(inexact)}
        counts["entities converted"] += len(found)
        counts["entities inexact after conversion, left untagged"] += len(inexact)
    numbers = [number[tag] for tag in tags(len(characters), tagged, scheme)]
    return {"tokens": list(characters), "ner_tags": numbers, **further}


def _spans(found: Sequence[Entity]) -> list[Row]:
    return [{"start": start, "end": end, "label": label} for start, end, label in found]


def _said(row: Row, said: dict[str, Any], spec: LabelledSpec) -> dict[str, Any]:
    if said["conversion"] is None or spec.conversion is None:
        return said
    script = spec.conversion.script
    return {**said, "script": script, "language": "zh-TW" if script == "Hant" else "zh-CN"}


def _configuration(row: Row, spec: LabelledSpec) -> str | None:
    if spec.conversion is None or row["script"] == spec.conversion.script:
        return None
    return {"Hans": spec.conversion.from_hans, "Hant": spec.conversion.from_hant}.get(row["script"])


def _sizes(kind: str, rows: Sequence[Row], names: Sequence[str]) -> dict[str, Any]:
    sizes: dict[str, Any] = {"rows": len(rows), "corpora": counted(Counter(row["corpus"] for row in rows))}
    if kind == "ner":
        found = Counter(label for row in rows for _, _, label in entities([names[tag] for tag in row["ner_tags"]]))
        return {**sizes, "characters": sum(len(row["tokens"]) for row in rows), "entities": counted(found)}
    labels = Counter("none" if row["label"] is None else names[row["label"]] for row in rows)
    return {**sizes, "labels": counted(labels)}
