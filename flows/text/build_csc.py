"""Correction sets: sentences of clean corpora with errors put in, and correction corpora as they are."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from catalog.errors import CatalogError
from catalog.text_kinds import csc_schema
from flows.text.adapter import Row
from flows.text.made import Made
from flows.text.sources import Source, counted
from synth.draws import Draws, hash_texts
from synth.text import readings, tokens
from synth.text.characters import HAN, script
from synth.text.confusions import Choice, Confusions, homophone_words
from synth.text.convert import Span
from synth.text.duplicates import folded
from synth.text.edits import Edit
from synth.text.errors import LONGEST_WORD, Errors
from synth.text.groups import draw_splits, joined
from synth.text.opencc import convert_text
from synth.text.spec import CscSpec

SOURCES = ("speech", "mrc", "pairs", "cls", "csc")
_ORDER = ("train", "validation", "test")
_COLUMNS = {"speech": ("text",), "mrc": ("context",), "pairs": ("sentence1", "sentence2"), "cls": ("text",)}
_SENTENCE = re.compile(r"[^。！？!?；\n]+[。！？!?；]*[」』”’）)》]*")
_LEAST_SEEN = 50  # of a word in jieba's dictionary
_WINDOW = 8  # characters on both sides by which a word is told from two that meet
_TRIES = 5  # draws of errors for a sentence that shall have one


def build_csc(spec: CscSpec, sources: Sequence[Source], cache: Path) -> Made:
    """The rows of a correction set.

    A sentence is taken once, however often it stands in the corpora. Rows come together in one split where they share an article
    or the right text, whatever its script. Rows of correction corpora keep their official split, and what they share a group
    with goes there, to the last of train, validation, test; the split of the other groups is drawn.

    Raises:
        CatalogError: no sentence is left.
    """
    counts: Counter[str] = Counter()
    places: dict[str, int] = {}
    real: list[Row] = []
    for source in sources:
        for split in source.manifest.splits if source.manifest.kind == "csc" else ():
            for row in source.rows_of(split):
                if row["script"] in (spec.script, "Zyyy"):
                    places[row["id"]] = _ORDER.index(split)
                    real.append(row)
    clean = _sentences(spec, sources, counts)
    if not clean and not real:
        raise CatalogError(f"{spec.name}: no sentence of {spec.script} within the lengths asked for; take other corpora")
    errors = _errors(spec, [row["right"] for row in clean], cache) if clean else None
    order = Draws(spec.seed, spec.name, "").uniform("identical", hash_texts(row["right"] for row in clean))
    changed: list[Row] = []
    same: list[tuple[float, Row]] = []
    for row, u in zip(clean, order.tolist(), strict=True):
        wrong, edits = (row["right"], []) if u < spec.identical or errors is None else _wrong(errors, row["right"], spec.seed)
        if edits:
            changed.append({**row, "wrong": wrong, "edits": [asdict(edit) for edit in edits]})
        elif u < spec.identical:
            same.append((u, {**row, "wrong": wrong, "edits": []}))
        else:
            counts["left out: no error came about"] += 1
    # Short sentences may come to no error: as many identical ones fewer, so that their share is the one that was asked for.
    wanted = len(same) if spec.identical == 1 else round(len(changed) * spec.identical / (1 - spec.identical))
    counts["left out: more identical than asked for"] += max(len(same) - wanted, 0)
    made = [*real, *changed, *(row for _, row in sorted(same, key=lambda pair: pair[0])[:wanted])]
    splits = _splits(spec, made, places, counts)
    statistics = {split: _sizes(rows) for split, rows in splits.items()}
    changes = ["cut into sentences, splits drawn anew", "errors put into the texts"] if clean else ["brought together"]
    return Made(csc_schema(), splits, statistics, {"counts": counted(counts)}, changes)


def _splits(spec: CscSpec, rows: Sequence[Row], places: Mapping[str, int], counts: Counter[str]) -> dict[str, list[Row]]:
    """Rows by split; `places` are those of official splits in their order, by id of the row."""
    groups = joined(_keys(row) for row in rows)
    names: dict[int, str] = {}
    official: dict[int, int] = {}
    for row, group in zip(rows, groups, strict=True):
        name = row["article_id"] or row["id"]
        names[group] = min(names.get(group, name), name)
        if row["id"] in places:
            official[group] = max(official.get(group, 0), places[row["id"]])
    drawn = draw_splits(list(names.values()), spec.split_proportions, seed=spec.seed, dataset=spec.name)
    chosen = dict(zip(names, drawn, strict=True)) | {group: _ORDER[place] for group, place in official.items()}
    splits: dict[str, list[Row]] = {split: [] for split in _ORDER}
    for row, group in zip(rows, groups, strict=True):
        counts["moved_to_a_later_split"] += row["id"] in places and places[row["id"]] != official[group]
        splits[chosen[group]].append(row)
    return splits


def _keys(row: Row) -> list[tuple[str, str]]:
    keys = [("right", folded(row["right"]))]
    if row["article_id"]:
        keys.append(("article", row["article_id"]))
    return keys


def _sentences(spec: CscSpec, sources: Sequence[Source], counts: Counter[str]) -> list[Row]:
    found: list[Row] = []
    seen: set[str] = set()
    shortest, longest = spec.lengths
    for source in sources:
        for row, text in _texts(source):
            for match in _SENTENCE.finditer(text):
                sentence = match[0].strip()
                counts["sentences"] += 1
                if not shortest <= len(sentence) <= longest:
                    counts["left out: length"] += 1
                elif script(sentence) not in (spec.script, "Zyyy") or not HAN.search(sentence):
                    counts["left out: script"] += 1
                elif sentence in seen:
                    counts["left out: a second time"] += 1
                else:
                    seen.add(sentence)
                    article = row.get("article_id")
                    found.append(
                        {
                            **{column: row.get(column) for column in ("language", "official_split")},
                            "id": f"{row['id']}-{match.start()}",
                            "corpus": source.manifest.name,
                            "source_id": row["id"],
                            "script": spec.script,
                            "article_id": f"{source.manifest.name}-{article}" if article else None,
                            "right": sentence,
                        }
                    )
    return found


def _texts(source: Source) -> Iterator[tuple[Row, str]]:
    kind = source.manifest.kind
    if kind == "csc":
        return
    columns = _COLUMNS[kind]
    contexts: set[str] = set()
    for row in source.rows(("id", "language", "official_split", "article_id", *columns)):
        for k, column in enumerate(columns):
            text = row[column]
            if text is None or (kind == "mrc" and text in contexts):
                continue
            contexts.add(text if kind == "mrc" else "")
            yield (row if k == 0 else {**row, "id": f"{row['id']}-{column}"}), text


def _errors(spec: CscSpec, sentences: Sequence[str], cache: Path) -> Errors:
    frequencies = Counter(character for sentence in sentences for character in HAN.findall(sentence))
    table: Mapping[str, str] = {**(readings.TAIWAN if spec.script == "Hant" else {}), **spec.readings}
    words = _word_choices(spec.script, cache, tuple(table.items())) if spec.rates.word else {}
    return Errors(
        spec.rates,
        Confusions(frequencies, table, spec.confusions),
        words,
        _WordTest(cache).is_word,
        re.compile("|".join(f"(?:{pattern})" for pattern in spec.protect)) if spec.protect else None,
        spec.min_gap,
    )


class _WordTest:
    """Whether a span is a word where it stands, by jieba, which looks at its surroundings only."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache

    def is_word(self, text: str, span: Span) -> bool:
        """Both edges of the span are edges of tokens, and none lies inside."""
        begin = max(0, span[0] - _WINDOW)
        segment = tokens.segmenter("jieba", self._cache)
        return (span[0] - begin, span[1] - begin) in segment(text[begin : span[1] + _WINDOW])


@lru_cache(maxsize=4)
def _word_choices(written: str, cache: Path, table: tuple[tuple[str, str], ...]) -> dict[str, Choice]:
    """Words of jieba's dictionary, in the script of the set, with those that sound the same."""
    own = dict(table)
    words: dict[str, int] = {}
    sounds: dict[str, str] = {}
    for word, count in tokens.words(cache).items():
        if 2 <= len(word) <= LONGEST_WORD and count >= _LEAST_SEEN and all(map(HAN.match, word)):
            ours = convert_text(word, "s2tw") if written == "Hant" else word
            said = readings.readings(ours, [(0, len(ours))], "zhuyin", own)
            if all(said):
                words[ours] = max(words.get(ours, 0), count)
                sounds[ours] = " ".join(readings.split_tone(syllable)[0] for syllable in said)
    return homophone_words(words, sounds, _LEAST_SEEN)


def _wrong(errors: Errors, right: str, seed: int) -> tuple[str, list[Edit]]:
    """The first draw that has an error, so that the share of identical pairs is the one that was asked for."""
    wrong, edits = right, list[Edit]()
    for k in range(_TRIES):
        wrong, edits = errors.put_in(right, seed + k * 1_000_003)
        if edits and wrong != right:
            return wrong, edits
    return right, []


def _sizes(rows: Sequence[Row]) -> dict[str, Any]:
    characters = sum(len(HAN.findall(row["right"])) for row in rows)
    kinds = Counter(edit["kind"] for row in rows for edit in row["edits"])
    return {
        "pairs": len(rows),
        "identical": sum(not row["edits"] for row in rows),
        "han_characters": characters,
        "edits_per_han_character": {kind: round(count / characters, 6) for kind, count in sorted(kinds.items())}
        if characters
        else {},
    }
