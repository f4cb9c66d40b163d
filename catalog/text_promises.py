"""What the kinds of text promise of their rows: answers are slices of their context, edits lead from one text to the other."""

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from synth.text.edits import Edit, EditError, invert

Row = dict[str, Any]


def broken_texts(kind: str, batch: pa.RecordBatch) -> Iterator[str]:
    """One line about the rows of a batch that do not keep what their kind promises; nothing for kinds that promise nothing."""
    if kind not in _CHECKS:
        return
    columns, kept, what = _CHECKS[kind]
    wrong = [row["id"] for row in batch.select(["id", *columns]).to_pylist() if not kept(row)]
    if wrong:
        yield f"{what} in {len(wrong)} rows ({', '.join(wrong[:3])}{', ...' if len(wrong) > 3 else ''})"


def _answers_are_slices(row: Row) -> bool:
    """Those before conversion too, which are null where there was none."""
    return _slices(row["context"], row["answers"]) and (
        row["original_context"] is None or _slices(row["original_context"], row["original_answers"])
    )


def _slices(context: str, answers: Row) -> bool:
    texts, starts = answers["text"], answers["answer_start"]
    return len(texts) == len(starts) and all(
        start >= 0 and context.startswith(text, start) for text, start in zip(texts, starts, strict=True)
    )


def _edits_invert(row: Row) -> bool:
    right: str = row["right"]
    try:
        return invert(row["wrong"], [Edit(**edit) for edit in row["edits"]]) == right
    except EditError:
        return False


def _as_many_tags(row: Row) -> bool:
    return len(row["tokens"]) == len(row["ner_tags"])


_CHECKS: dict[str, tuple[tuple[str, ...], Callable[[Row], bool], str]] = {
    "mrc": (
        ("context", "answers", "original_context", "original_answers"),
        _answers_are_slices,
        "an answer is not the slice of its context",
    ),
    "csc": (("wrong", "right", "edits"), _edits_invert, "the edits do not lead from the right text to the wrong one"),
    "ner": (("tokens", "ner_tags"), _as_many_tags, "there are not as many tags as characters"),
}
