"""What is exported reads back: places from 0 and from 1, UTF-16 offsets, what a format cannot say is left out and counted."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

import catalog
from catalog.errors import CatalogError, DatasetNotFound
from catalog.export import Exported, export
from catalog.manifests import Licence
from catalog.roots import open_root
from catalog.text_kinds import text_schema
from flows.text.adapter import Notes, TextFile
from flows.text.csc import read_pairs
from flows.text.labelled import conll_reader
from flows.text.shards import write_rows
from flows.text.sighan import read_sgml
from synth.text.edits import apply, difference
from synth.text.tagging import tag_names

Export = Callable[[str, str, list[dict[str, Any]]], tuple[Exported, str]]


@pytest.fixture
def exported(tmp_path: Path) -> Export:
    """`exported(kind, format, rows)`: rows published, exported, and the text of the file."""

    def exported(kind: str, format_: str, rows: list[dict[str, Any]]) -> tuple[Exported, str]:
        root = str(tmp_path / "catalog")
        labels = tag_names(["PER", "LOC"], "BIO") if kind == "ner" else ["no", "yes"]
        whole = [{"id": f"r{k}", **row} for k, row in enumerate(rows)]
        shards = write_rows(open_root(root), kind, "test", text_schema(kind, labels), whole)
        catalog.publish(kind, kind=kind, splits={"test": shards}, fingerprint="0" * 64, licence=Licence(name="own"), root=root)
        written = export(kind, format_, tmp_path / "out", root=root)
        (file,) = written.files
        return written, Path(file).read_text(encoding="utf-8")

    return exported


def pair(right: str, *changes: tuple[int, int, str]) -> dict[str, Any]:
    wrong, edits = apply(right, [(*change, "any") for change in changes])
    return {"right": right, "wrong": wrong, "edits": [asdict(edit) for edit in edits]}


PAIRS = [
    pair("今天天氣很好", (3, 4, "汽"), (5, 6, "号")),
    pair("𠮷<沒有>&錯"),
    pair("少了一個字", (2, 3, "")),
    pair("𠮷多了", (1, 1, "𠮷"), (2, 3, "子")),
    pair("有\t與\n", (0, 1, "友")),
]


def test_tsv_says_every_error(exported: Export) -> None:
    """And leaves out what breaks its lines."""
    written, text = exported("csc", "csc-tsv", PAIRS)
    notes = Notes()
    read = list(read_pairs(TextFile("x.tsv", text.encode()), notes))
    assert [(row["wrong"], row["right"]) for row in read] == [(row["wrong"], row["right"]) for row in PAIRS[:4]]
    assert written.left_out == {"a tab or line break in the text": 1}
    assert list(written.files.values()) == [4]


def test_sighan_counts_from_one_and_says_substitutions_alone(exported: Export) -> None:
    written, text = exported("csc", "sighan", PAIRS)
    assert 'location="4"' in text
    assert 'location="6"' in text
    read = list(read_sgml(TextFile("x.sgml", text.encode()), Notes()))
    assert [(row["wrong"], row["right"]) for row in read] == [(row["wrong"], row["right"]) for row in PAIRS[:2]]
    assert written.left_out == {
        "a character inserted or dropped, which the format cannot say": 2,
        "a NUL or line break in the text": 1,
    }


def test_pycorrector_counts_from_zero(exported: Export) -> None:
    written, text = exported("csc", "pycorrector", PAIRS)
    items = json.loads(text)
    assert [item["wrong_ids"] for item in items] == [[3, 5], [], [0]]
    assert list(items[0]) == ["id", "original_text", "wrong_ids", "correct_text"]
    assert list(written.files.values()) == [3]
    _, empty = exported("csc", "pycorrector", PAIRS)
    assert json.loads(empty) == items


def test_ours_has_utf16_offsets_beside_code_points(exported: Export) -> None:
    """As JavaScript slices."""
    _, text = exported("csc", "jsonl", PAIRS)
    rows = [json.loads(line) for line in text.splitlines()]
    assert [row["right"] for row in rows] == [row["right"] for row in PAIRS]
    for row in rows:
        for edit in row["edits"]:
            units = row["right"].encode("utf-16-le")[2 * edit["start_utf16"] : 2 * edit["end_utf16"]]
            assert units.decode("utf-16-le") == edit["correct"]
            units = row["wrong"].encode("utf-16-le")[2 * edit["wrong_start_utf16"] : 2 * edit["wrong_end_utf16"]]
            assert units.decode("utf-16-le") == edit["wrong"]


def test_squad_groups_articles_and_has_both_offsets(exported: Export) -> None:
    row = {
        "title": "題",
        "context": "𠮷在臺北",
        "question": "何處？",
        "is_impossible": False,
        "article_id": "a",
        "context_id": "c",
        "answers": {"text": ["臺北"], "answer_start": [2]},
        "answers_exact": [True],
    }
    nothing = row | {"answers": {"text": [], "answer_start": []}, "answers_exact": [], "is_impossible": True}
    _, text = exported("mrc", "squad", [row, nothing, row | {"article_id": "b"}])
    document = json.loads(text)
    assert [len(article["paragraphs"]) for article in document["data"]] == [1, 1]
    first, second = document["data"][0]["paragraphs"][0]["qas"]
    assert first["answers"] == [{"text": "臺北", "answer_start": 2, "answer_start_utf16": 3, "exact": True}]
    assert second["is_impossible"]
    _, lines = exported("mrc", "jsonl", [row])
    assert json.loads(lines.splitlines()[0])["answers"]["answer_start_utf16"] == [3]


@pytest.mark.parametrize("scheme", ["bio", "bmes"])
def test_conll_comes_back(scheme: str, exported: Export) -> None:
    """A space is a character; a line break cannot be one."""
    rows = [
        {"tokens": list("北京 李"), "ner_tags": [3, 4, 0, 1]},
        {"tokens": ["\n"], "ner_tags": [0]},
        {"tokens": ["一"], "ner_tags": [0]},
    ]
    written, text = exported("ner", f"conll-{scheme}", rows)
    assert text.startswith("北\tB-LOC\n京\t" + ("I-LOC" if scheme == "bio" else "E-LOC"))
    reader = conll_reader(("PER", "LOC"), tag_names(["PER", "LOC"], "BIO"))
    read = list(reader(TextFile("x.txt", text.encode()), Notes()))
    assert [(row["tokens"], row["ner_tags"]) for row in read] == [(rows[k]["tokens"], rows[k]["ner_tags"]) for k in (0, 2)]
    assert written.left_out == {"a character that ends a line or a column": 1}


def test_labels_have_their_names(exported: Export) -> None:
    """In ours; and `datasets` knows them as ClassLabel."""
    _, text = exported("cls", "jsonl", [{"text": "一", "label": 1}, {"text": "二", "label": None}])
    assert [json.loads(line)["label_names"] for line in text.splitlines()] == ["yes", None]


def test_mistakes(exported: Export, tmp_path: Path) -> None:
    """Another kind's format, an unknown one, an unknown split: named, and nothing is written."""
    exported("cls", "jsonl", [{"text": "一", "label": 1}])
    root = tmp_path / "catalog"
    for format_, split, said in (("squad", None, "not for kind cls"), ("jsnl", None, "jsonl"), ("jsonl", "tset", "test")):
        with pytest.raises(CatalogError, match=said):
            export("cls", format_, tmp_path / "none", split=split, root=root)
    (tmp_path / "taken" / "cls-test.jsonl").mkdir(parents=True)
    with pytest.raises(CatalogError, match="cannot write"):
        export("cls", "jsonl", tmp_path / "taken", root=root)
    with pytest.raises(DatasetNotFound):
        export("clss", "jsonl", tmp_path / "none", root=root)
    assert not (tmp_path / "none").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(CatalogError, match="cannot write"):
        export("cls", "jsonl", tmp_path / "file", root=root)


def test_differences_of_one_length_are_substitutions() -> None:
    """What the two formats without insertions lean on."""
    assert all(len(edit.correct) == len(edit.wrong) == 1 for edit in difference("一二三", "三二一"))
