"""Reading comprehension of several corpora in one script: duplicates found, splits by article, answers kept."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from catalog.errors import CatalogError
from catalog.text_kinds import Columns, mrc_schema
from flows.text.adapter import Row
from flows.text.made import Made
from flows.text.sources import Source, counted
from synth.text import opencc, readings, tokens
from synth.text.convert import Converted, Span, convert
from synth.text.duplicates import Duplicate, duplicates, folded
from synth.text.groups import draw_splits, joined
from synth.text.spec import MrcSpec

NAMED_AT_MOST = 200
_SPANS = pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32())]))


def build_mrc(spec: MrcSpec, sources: Sequence[Source], cache: Path) -> Made:
    """The rows of a set of reading comprehension.

    Rows come together in one split where they share an article, a title or a context that is nearly the same.

    Raises:
        CatalogError: no row is left.
    """
    left_out: Counter[str] = Counter()
    rows = []
    for source in sources:
        for row in source.rows():
            reason = _unusable(row)
            left_out[reason] += 1
            if not reason:
                rows.append(row)
    if not rows:
        raise CatalogError(f"{spec.name}: its corpora have no Chinese question with an answer in the context; take others")
    contexts = list(dict.fromkeys(row["context"] for row in rows))
    pairs = duplicates(contexts, spec.duplicates.jaccard)
    number = {context: k for k, context in enumerate(contexts)}
    groups = joined(_keys(row, number[row["context"]], pairs_of(pairs)) for row in rows)
    names: dict[int, str] = {}
    for row, group in zip(rows, groups, strict=True):
        name = f"{row['corpus']}-{row['article_id']}"
        names[group] = min(names.get(group, name), name)
    drawn = dict(
        zip(names, draw_splits(list(names.values()), spec.split_proportions, seed=spec.seed, dataset=spec.name), strict=True)
    )
    splits: dict[str, list[Row]] = {split: [] for split in spec.split_proportions}
    counts: Counter[str] = Counter()
    conversions = _converted_contexts(rows, spec)
    for row, group in zip(rows, groups, strict=True):
        made = _converted(row, spec, conversions, counts)
        if made is None:
            left_out["every answer inexact after conversion"] += 1
            continue
        splits[drawn[group]].append(made)
    statistics = _columns_on_demand(spec, splits, cache)
    for split, of_split in splits.items():
        statistics.setdefault(split, {}).update(_sizes(of_split))
    report = {
        "conversion": counted(counts),
        "left_out": {reason: count for reason, count in sorted(left_out.items()) if reason},
        "duplicates": _described(pairs, contexts, rows),
        "groups": len(names),
        "articles_in_several_official_splits": _shared_articles(rows),
    }
    configurations = ", ".join(
        sorted({row["conversion"] for of_split in splits.values() for row in of_split if row["conversion"]})
    )
    changes = ["questions of several corpora brought together, splits drawn anew by article"]
    if configurations:
        changes.append(f"converted by OpenCC {opencc.version()} ({configurations}); original text and answers kept in the rows")
    return Made(mrc_schema(_further(spec)), splits, statistics, report, changes)


def _unusable(row: Row) -> str:
    if row["script"] == "Latn":
        return "not Chinese"
    if not row["is_impossible"] and not row["answers"]["text"]:
        return "no answer in the context"
    return ""


def pairs_of(pairs: Sequence[Duplicate]) -> dict[int, list[Duplicate]]:
    """The pairs in which each text stands."""
    found: dict[int, list[Duplicate]] = {}
    for pair in pairs:
        found.setdefault(pair.first, []).append(pair)
        found.setdefault(pair.second, []).append(pair)
    return found


def _keys(row: Row, context: int, pairs: dict[int, list[Duplicate]]) -> list[tuple[Any, ...]]:
    keys: list[tuple[Any, ...]] = [("article", row["corpus"], row["article_id"]), ("context", context)]
    if row["title"].strip():
        keys.append(("title", folded(row["title"])))
    return keys + [("pair", pair.first, pair.second) for pair in pairs.get(context, ())]


def _configuration(row: Row, spec: MrcSpec) -> str | None:
    if row["script"] == "Hans" and spec.conversion.script == "Hant":
        return spec.conversion.from_hans
    if row["script"] == "Hant" and spec.conversion.script == "Hans":
        return spec.conversion.from_hant
    return None


def _spans(row: Row) -> list[Span]:
    answers = row["answers"]
    return [(start, start + len(text)) for text, start in zip(answers["text"], answers["answer_start"], strict=True)]


_Contexts = dict[tuple[str, str], tuple[Converted, dict[Span, int]]]


def _converted_contexts(rows: Sequence[Row], spec: MrcSpec) -> _Contexts:
    """Each context once, with the answers of all its questions."""
    spans: dict[tuple[str, str], dict[Span, int]] = {}
    for row in rows:
        configuration = _configuration(row, spec)
        if configuration:
            places = spans.setdefault((configuration, row["context"]), {})
            for span in _spans(row):
                places.setdefault(span, len(places))
    return {key: (convert(key[1], places, key[0]), places) for key, places in spans.items()}


def _converted(row: Row, spec: MrcSpec, contexts: _Contexts, counts: Counter[str]) -> Row | None:
    configuration = _configuration(row, spec)
    row = {**row, "article_id": f"{row['corpus']}-{row['article_id']}", "context_id": f"{row['corpus']}-{row['context_id']}"}
    if configuration is None:
        return row
    converted, places = contexts[configuration, row["context"]]
    found = [(converted.spans[places[span]], converted.exact[places[span]]) for span in _spans(row)]
    counts["answers"] += len(found)
    counts["exact"] += sum(exact for _, exact in found)
    kept = [k for k, (_, exact) in enumerate(found) if exact or spec.keep_inexact]
    if found and not kept:
        return None
    title = convert(row["title"], [], configuration).text
    question = convert(row["question"], [], configuration).text
    return {
        **row,
        "title": title,
        "context": converted.text,
        "question": question,
        "answers": {
            "text": [converted.text[slice(*found[k][0])] for k in kept],
            "answer_start": [found[k][0][0] for k in kept],
        },
        "answer_positions": [row["answer_positions"][k] for k in kept],
        "answers_exact": [found[k][1] for k in kept],
        "free_answers": [convert(text, [], configuration).text for text in row["free_answers"]],
        "language": "zh-TW" if spec.conversion.script == "Hant" else "zh-CN",
        "script": spec.conversion.script,
        "original_title": row["title"],
        "original_context": row["context"],
        "original_question": row["question"],
        "original_answers": row["answers"],
        "original_free_answers": row["free_answers"],
        "conversion": configuration,
        "converter": opencc.version(),
    }


def _further(spec: MrcSpec) -> Columns:
    texts = ("context", "question")
    spans = [(f"{text}_tokens", _SPANS) for text in texts if spec.tokens]
    return [*spans, *((f"{text}_{form}", pa.list_(pa.string())) for form in spec.readings for text in texts)]


def _columns_on_demand(spec: MrcSpec, splits: dict[str, list[Row]], cache: Path) -> dict[str, dict[str, Any]]:
    """Tokens and readings put into the rows; each context is cut once."""
    if spec.tokens is None and not spec.readings:
        return {}
    segment = tokens.segmenter(spec.tokens.engine if spec.tokens else "jieba", cache)
    table = {**(readings.TAIWAN if spec.conversion.script == "Hant" else {}), **spec.readings_table}
    made: dict[str, tuple[list[Span], dict[str, list[str]]]] = {}
    statistics = {}
    for split, rows in splits.items():
        on_edges = all_ = 0
        for row in rows:
            for column in ("context", "question"):
                text = row[column]
                if text not in made:
                    spans = segment(text)
                    made[text] = spans, {form: readings.readings(text, spans, form, table) for form in spec.readings}
                spans, said = made[text]
                row[f"{column}_tokens"] = [{"start": start, "end": end} for start, end in spans]
                for form, values in said.items():
                    row[f"{column}_{form}"] = values
            here, of = tokens.share_on_edges(_spans(row), made[row["context"]][0])
            on_edges, all_ = on_edges + here, all_ + of
        statistics[split] = {"answers_on_token_edges": round(on_edges / all_, 4) if all_ else None}
    return statistics


def _sizes(rows: Sequence[Row]) -> dict[str, Any]:
    return {
        "questions": len(rows),
        "answers": sum(len(row["answers"]["text"]) for row in rows),
        "unanswerable": sum(row["is_impossible"] for row in rows),
        "contexts": len({row["context_id"] for row in rows}),
        "articles": len({row["article_id"] for row in rows}),
        "corpora": counted(Counter(row["corpus"] for row in rows)),
        "converted": sum(row["conversion"] is not None for row in rows),
        "answer_positions": counted(Counter(position for row in rows for position in row["answer_positions"])),
    }


def _described(pairs: Sequence[Duplicate], contexts: Sequence[str], rows: Sequence[Row]) -> dict[str, Any]:
    """Contexts that stand there more than once, within a corpus and across; the first pairs by name."""
    owner: dict[str, Row] = {}
    copies: Counter[str] = Counter()
    seen: set[tuple[str, str, str]] = set()
    for row in rows:
        owner.setdefault(row["context"], row)
        key = row["corpus"], row["context_id"], row["context"]
        copies[row["context"]] += key not in seen
        seen.add(key)
    ends = [(owner[contexts[pair.first]], owner[contexts[pair.second]], pair) for pair in pairs]
    named = [
        {
            "first": f"{one['corpus']}-{one['context_id']}",
            "second": f"{other['corpus']}-{other['context_id']}",
            "jaccard": round(pair.jaccard, 4),
        }
        for one, other, pair in ends[:NAMED_AT_MOST]
    ]
    return {
        "contexts_given_again": sum(count - 1 for count in copies.values()),
        "same_but_for_script_and_spaces": sum(pair.jaccard == 1 for pair in pairs),
        "nearly_the_same": sum(pair.jaccard < 1 for pair in pairs),
        "across_corpora": sum(one["corpus"] != other["corpus"] for one, other, _ in ends),
        "pairs": named,
    }


def _shared_articles(rows: Sequence[Row]) -> int:
    official: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        official.setdefault((row["corpus"], row["article_id"]), set()).add(row["official_split"])
    return sum(len(splits) > 1 for splits in official.values())
