"""The kinds of text: reading comprehension. Offsets are code points."""

from collections.abc import Sequence

import pyarrow as pa

from catalog.kinds import with_features

ANSWERS = pa.struct([("text", pa.list_(pa.string())), ("answer_start", pa.list_(pa.int32()))])

# What every row of text says of where it comes from.
PROVENANCE: list[tuple[str, pa.DataType]] = [
    ("corpus", pa.string()),
    ("source_id", pa.string()),  # as the corpus names it
    ("official_split", pa.string()),
    ("language", pa.string()),
    ("script", pa.string()),  # Hant, Hans, Latn, or Zyyy where the text does not tell
]


def mrc_schema(further: Sequence[tuple[str, pa.DataType]] = ()) -> pa.Schema:
    """Rows of kind `mrc`: one question each. `context[answer_start:][:len(text)] == text` for each of `answers`.

    The columns `original_*` are null where nothing was converted. `further` are columns on demand.
    """
    return with_features(
        pa.schema(
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
                ("conversion", pa.string()),  # configuration of OpenCC
                ("converter", pa.string()),  # its version and how it was set
                *further,
                ("row_digest", pa.string()),
            ]
        ),
        None,
    )


def text_schema(kind: str, labels: Sequence[str] = (), further: Sequence[tuple[str, pa.DataType]] = ()) -> pa.Schema:
    """The schema of a kind of text; `labels` are the names of the kinds that have labels."""
    return mrc_schema(further)
