"""The kinds of text: reading comprehension, correction, named entities, pairs, classes. Offsets are code points."""

import json
from collections.abc import Mapping, Sequence

import pyarrow as pa

from catalog.kinds import with_features

Columns = Sequence[tuple[str, pa.DataType]]

ANSWERS = pa.struct([("text", pa.list_(pa.string())), ("answer_start", pa.list_(pa.int32()))])
EDITS = pa.list_(
    pa.struct(
        [
            ("start", pa.int32()),  # in `right`
            ("end", pa.int32()),
            ("wrong_start", pa.int32()),  # in `wrong`
            ("wrong_end", pa.int32()),
            ("correct", pa.string()),
            ("wrong", pa.string()),
            ("kind", pa.string()),
        ]
    )
)

ENTITIES = pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32()), ("label", pa.string())]))

# What every row of text says of where it comes from.
PROVENANCE: Columns = [
    ("corpus", pa.string()),
    ("source_id", pa.string()),  # as the corpus names it
    ("official_split", pa.string()),
    ("language", pa.string()),
    ("script", pa.string()),  # Hant, Hans, Latn, or Zyyy where the text does not tell
]
# What a converted row was before; null in the others.
CONVERSION: Columns = [
    ("conversion", pa.string()),  # configuration of OpenCC
    ("converter", pa.string()),  # its version and how it was set
]


def mrc_schema(further: Columns = ()) -> pa.Schema:
    """Rows of kind `mrc`: one question each. `context[answer_start:][:len(text)] == text` for each of `answers`.

    The columns `original_*` are null where nothing was converted. `further` are columns on demand.
    """
    return _schema(
        [
            ("id", pa.string()),
            ("title", pa.string()),
            ("context", pa.string()),
            ("question", pa.string()),
            ("answers", ANSWERS),
            ("answer_positions", pa.list_(pa.string())),  # for each answer: by which rule it was found
            ("answers_exact", pa.list_(pa.bool_())),  # for each answer: whether conversion kept both edges
            ("free_answers", pa.list_(pa.string())),  # those that do not stand in the context
            ("is_impossible", pa.bool_()),
            ("article_id", pa.string()),  # never in two splits of a set
            ("context_id", pa.string()),
            *PROVENANCE,
            ("original_title", pa.string()),
            ("original_context", pa.string()),
            ("original_question", pa.string()),
            ("original_answers", ANSWERS),
            ("original_free_answers", pa.list_(pa.string())),
            *CONVERSION,
            *further,
        ]
    )


def csc_schema() -> pa.Schema:
    """Rows of kind `csc`: a wrong text, the right one, and the edits between them, of which there may be none."""
    return _schema(
        [
            ("id", pa.string()),
            ("wrong", pa.string()),
            ("right", pa.string()),
            ("edits", EDITS),
            ("article_id", pa.string()),
            *PROVENANCE,
        ]
    )


def ner_schema(tag_names: Sequence[str]) -> pa.Schema:
    """Rows of kind `ner`: characters and a tag for each; numbers of tags are places in `tag_names`.

    Of a converted row, `original_entities` are in code points of `original_text`; `inexact_entities` have no tags, since
    conversion replaced a phrase across an edge of theirs: in code points of the characters, widened to that phrase.
    """
    columns: Columns = [
        ("id", pa.string()),
        ("tokens", pa.list_(pa.string())),
        ("ner_tags", pa.list_(pa.int64())),
        *PROVENANCE,
        ("original_text", pa.string()),
        ("original_entities", ENTITIES),
        ("inexact_entities", ENTITIES),
        *CONVERSION,
    ]
    return _schema(columns, {"ner_tags": {"feature": _class_label(tag_names), "_type": "List"}})


def pairs_schema(labels: Sequence[str]) -> pa.Schema:
    """Rows of kind `pairs`: two sentences and a label, null where the corpus keeps it back."""
    columns: Columns = [
        ("id", pa.string()),
        ("sentence1", pa.string()),
        ("sentence2", pa.string()),
        ("label", pa.int64()),
        *PROVENANCE,
        ("original_sentence1", pa.string()),
        ("original_sentence2", pa.string()),
        *CONVERSION,
    ]
    return _schema(columns, {"label": _class_label(labels)})


def cls_schema(labels: Sequence[str]) -> pa.Schema:
    """Rows of kind `cls`: a text and its class, null where the corpus keeps it back."""
    columns: Columns = [
        ("id", pa.string()),
        ("text", pa.string()),
        ("label", pa.int64()),
        *PROVENANCE,
        ("original_text", pa.string()),
        *CONVERSION,
    ]
    return _schema(columns, {"label": _class_label(labels)})


def text_schema(kind: str, labels: Sequence[str] = ()) -> pa.Schema:
    """The schema of a kind of text; `labels` are the names of tags or classes, in the order of their numbers."""
    if kind == "ner":
        return ner_schema(labels)
    if kind == "pairs":
        return pairs_schema(labels)
    if kind == "cls":
        return cls_schema(labels)
    return csc_schema() if kind == "csc" else mrc_schema()


def label_names(schema: pa.Schema, column: str) -> list[str]:
    """The names of the numbers in a column of labels or of lists of labels."""
    feature = json.loads(schema.metadata[b"huggingface"])["info"]["features"][column]
    names: list[str] = feature.get("feature", feature)["names"]
    return names


def _class_label(names: Sequence[str]) -> dict[str, object]:
    return {"names": list(names), "_type": "ClassLabel"}


def _schema(columns: Columns, labelled: Mapping[str, object] | None = None) -> pa.Schema:
    schema = with_features(pa.schema([*columns, ("row_digest", pa.string())]), None)
    metadata = json.loads(schema.metadata[b"huggingface"])
    metadata["info"]["features"].update(labelled or {})
    return schema.with_metadata({"huggingface": json.dumps(metadata, ensure_ascii=False)})
