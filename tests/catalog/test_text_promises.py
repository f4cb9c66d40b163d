"""`verify` tells rows of text that do not keep what their kind promises."""

from pathlib import Path
from typing import Any

import pytest

import catalog
from catalog.manifests import Licence
from catalog.roots import open_root
from catalog.text_kinds import text_schema
from flows.text.shards import write_rows

EDIT = {"start": 0, "end": 1, "wrong_start": 0, "wrong_end": 1, "correct": "一", "wrong": "二", "kind": "any"}


@pytest.mark.parametrize(
    ("kind", "kept", "broken"),
    [
        (
            "mrc",
            {"context": "一二三", "answers": {"text": ["二"], "answer_start": [1]}},
            {"context": "一二三", "answers": {"text": ["二"], "answer_start": [2]}},
        ),
        ("csc", {"wrong": "二", "right": "一", "edits": [EDIT]}, {"wrong": "三", "right": "一", "edits": [EDIT]}),
        ("ner", {"tokens": ["一"], "ner_tags": [0]}, {"tokens": ["一", "二"], "ner_tags": [0]}),
    ],
)
def test_broken_rows_are_named(kind: str, kept: dict[str, Any], broken: dict[str, Any], tmp_path: Path) -> None:
    """One line with the ids; nothing about rows that keep it."""
    storage = open_root(tmp_path)
    for name, rows in (("good", [kept]), ("bad", [kept, broken, broken])):
        whole = [{"id": f"r{k}", **row} for k, row in enumerate(rows)]
        shards = write_rows(storage, name, "test", text_schema(kind, ["O"]), whole)
        catalog.publish(
            name, kind=kind, splits={"test": shards}, fingerprint="0" * 64, licence=Licence(name="own"), root=tmp_path
        )
    assert catalog.verify("good", root=tmp_path).ok
    (problem,) = catalog.verify("bad", root=tmp_path).problems
    assert "in 2 rows (r1, r2)" in problem
