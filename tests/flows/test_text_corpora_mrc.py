"""Files of questions about texts, as each corpus lays them out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.text import corpora
from flows.text.adapter import TextError

RowsOf = Callable[..., Any]


def squad(qas: list[dict[str, Any]], context: str = "Paris is in France.") -> str:
    return json.dumps({"version": "v2.0", "data": [{"title": "Paris", "paragraphs": [{"context": context, "qas": qas}]}]})


def test_squad_with_and_without_answers(tmp_path: Path, rows_of: RowsOf) -> None:
    """Plausible answers are none; an article without an id goes by its title."""
    answer = {"text": "Paris", "answer_start": 0}
    qas: list[dict[str, Any]] = [
        {"id": "a", "question": " What?", "answers": [answer]},
        {"id": "b", "question": "Who?", "answers": [], "is_impossible": True, "plausible_answers": [answer]},
        {"id": "c", "question": "Who?", "answers": {"text": [], "answer_start": []}},
        {"id": "d", "question": "Where?", "answers": {"text": ["France"], "answer_start": [12]}},
    ]
    rows, _ = rows_of("squad", tmp_path, {"train-v2.0.json": squad(qas)})
    found = {row["source_id"]: row for row in rows["train"]}
    assert [found[key]["is_impossible"] for key in "abcd"] == [False, True, True, False]
    assert found["b"]["answers"] == {"text": [], "answer_start": []}
    assert found["d"]["answers"] == {"text": ["France"], "answer_start": [12]}
    assert {row["article_id"] for row in rows["train"]} == {"Paris"}
    assert {row["script"] for row in rows["train"]} == {"Latn"}


def test_own_annotations_without_an_id_or_a_start_for_each_answer_are_refused(tmp_path: Path, rows_of: RowsOf) -> None:
    """By the question: what is no id, columns of two lengths. One that has no id goes by its place."""
    whole = {"id": 1, "question": "Where?", "answers": {"text": ["France"], "answer_start": [12]}}
    qas: list[dict[str, Any]] = [
        whole,
        whole | {"id": "a", "answers": {"text": ["France", "Paris"], "answer_start": [12]}},
        whole | {"id": "b", "answers": {"text": [], "answer_start": [12]}},
        whole | {"id": ""},
        whole | {"id": " "},
        whole | {"id": None},
    ]
    qas += [whole | {"id": wrong} for wrong in (True, 1.5, ["a"])]
    rows, report = rows_of("mrc_own", tmp_path / "own", {"own.json": squad(qas)})
    assert [row["source_id"] for row in rows["train"]] == ["1", "own.json:4", "own.json:5", "own.json:6"]
    (file,) = report["files"]
    assert file["counts"]["questions"] == 9
    assert file["counts"]["refused: not as many answers as starts"] == 2
    assert file["counts"]["refused: an id that is neither text nor a whole number"] == 3
    assert [refused["where"] for refused in file["refused"]] == ["a", "b", *["a question of Paris#0"] * 3]
    with pytest.raises(TextError, match=r"data\.0\.paragraphs\.0\.qas\.0\.id: Field required"):
        rows_of("mrc_own", tmp_path / "none", {"own.json": squad([{"question": "Where?", "answers": []}])})


def test_nulls_are_what_is_not_given(tmp_path: Path, rows_of: RowsOf) -> None:
    """Titles and ids of articles go by their place then; answers that are kept back are none."""
    qas = [{"id": 0, "question": "Where?", "answers": [{"text": "France", "answer_start": 12}]}]
    qas.append({"id": 1, "question": "Why?", "answers": None})
    article = {"title": None, "id": None, "paragraphs": [{"id": None, "context": "Paris is in France.", "qas": qas}]}
    rows, report = rows_of("mrc_own", tmp_path, {"x/own.json": json.dumps({"data": [article]})})
    assert [(row["id"], row["article_id"], row["title"]) for row in rows["train"]] == [("mrc_own-0", "x/own.json#0", "")]
    assert report["files"][0]["refused"] == [{"where": "1", "reason": "no answer, and not said to be unanswerable"}]


def test_a_start_that_a_table_made_a_fraction_of_is_one(tmp_path: Path, rows_of: RowsOf) -> None:
    """12.0 is 12: of several occurrences the one that is meant."""
    starts = [7.0, 7.5, "7", True, None, 1e300]
    qas = [{"id": str(k), "question": "?", "answers": [{"text": "an", "answer_start": start}]} for k, start in enumerate(starts)]
    rows, report = rows_of("mrc_own", tmp_path, {"own.json": squad(qas, "an and an")})
    found = [(row["answers"]["answer_start"], row["answer_positions"]) for row in rows["train"]]
    assert found == [([7], ["given"]), *[([0], ["guess"])] * 5]
    assert report["files"][0]["counts"]["start_does_not_match"] == 4


def test_translations_of_squad_tell_their_script(tmp_path: Path, rows_of: RowsOf) -> None:
    qa = [{"id": "a", "question": "何处？", "answers": [{"text": "法国", "answer_start": 3}]}]
    rows, _ = rows_of(
        "squad_zh",
        tmp_path,
        {"train.json": squad(qa, "巴黎在法国，这个国家。"), "dev.json": squad([qa[0] | {"id": "b"}], "巴黎在法國，這個國家。")},
    )
    assert [(row["script"], row["language"]) for split in rows.values() for row in split] == [
        ("Hant", "zh-TW"),
        ("Hans", "zh-CN"),
    ]
    assert rows["validation"][0]["free_answers"] == ["法国"]


def test_cmrc_in_both_forms_is_read_in_one(tmp_path: Path, rows_of: RowsOf) -> None:
    """The native form, whatever the files are called and in which order they come; the other is named, and no duplicate."""
    native = [
        {
            "context_id": "T",
            "context_text": "车站很大",
            "title": "",
            "qas": [{"query_id": "Q", "query_text": "？", "answers": ["车站"]}],
        }
    ]
    qas = [{"id": "Q", "question": "？", "answers": [{"text": "车站", "answer_start": 0}]}]
    squad_style = json.dumps({"data": [{"title": "", "paragraphs": [{"id": "T", "context": "车站很大", "qas": qas}]}]})
    files = {
        "a/squad-style-cmrc2018_trial.json": squad_style,
        "b/cmrc2018_trial.json": json.dumps(native),
        "cmrc2018_dev.json": squad_style.replace('"Q"', '"D"'),
    }
    rows, report = rows_of("cmrc2018", tmp_path, files)
    assert [row["answer_positions"] for row in rows["test"]] == [["found"]]
    assert [row["source_id"] for row in rows["validation"]] == ["D"]
    assert report["left_aside_for_another_form"] == [
        {"file": "a/squad-style-cmrc2018_trial.json", "official_split": "trial", "read_instead": "b/cmrc2018_trial.json"}
    ]
    assert not any(file["refused"] for file in report["files"])


def test_fgc_answers_are_found_where_they_stand(tmp_path: Path, rows_of: RowsOf) -> None:
    questions = [
        {"QID": "D1Q1", "QTEXT": "何處？", "ANSWER": [{"ATEXT": "臺北"}, {"ATEXT": "不在文中"}], "ATYPE": "x"},
        {"QID": "D1Q2", "QTEXT": "是否？", "ANSWER": [{"ATEXT": "否"}]},
    ]
    document = [{"DID": "D1", "DTEXT": "他住在臺北。", "QUESTIONS": questions}]
    rows, _ = rows_of("fgc", tmp_path, {"FGC_release_all_train.json": json.dumps(document)})
    assert [row["answers"]["text"] for row in rows["train"]] == [["臺北"], []]
    assert [row["free_answers"] for row in rows["train"]] == [["不在文中"], ["否"]]


def test_fgc_says_where_it_is_not_what_was_recalled(tmp_path: Path, rows_of: RowsOf) -> None:
    """Its fields were never seen: others are counted by name, and a file of another form is answered with what was expected."""
    answer = {"ATEXT": "臺北", "ATOKEN": [[0, 1]]}
    qas = [{"QID": "D1Q1", "QTEXT": "何處？", "AMODE": "Single-Span", "ANSWER": [answer], "SHINT": []}]
    document = {"DID": "D1", "DTEXT": "臺北在北部。", "QUESTIONS": qas, "SENTS": []}
    rows, report = rows_of("fgc", tmp_path, {"FGC_release_all_train.json": json.dumps([document])})
    assert rows["train"][0]["answers"] == {"text": ["臺北"], "answer_start": [0]}
    counts = report["files"][0]["counts"]
    assert {name: count for name, count in counts.items() if name.startswith("field")} == {
        "field not foreseen: QUESTIONS.ANSWER.ATOKEN": 1,
        "field not foreseen: QUESTIONS.SHINT": 1,
        "field not foreseen: SENTS": 1,
    }
    assert report["not_confirmed_yet"] == list(corpora.get("fgc").recalled) != []
    with pytest.raises(TextError, match=r"0\.DTEXT: .* recalled and never confirmed: .*ATEXT"):
        rows_of("fgc", tmp_path, {"FGC_release_all_train.json": json.dumps([{"DID": "D1", "CONTEXT": "臺北"}])})
