"""What every text adapter keeps to, and what the files of each look like."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from catalog.leakage import DISJOINT_COLUMNS
from catalog.names import is_name
from catalog.text_kinds import text_schema
from flows.text import corpora
from flows.text.adapter import Notes, Row, TextCorpus, TextError, TextFile
from flows.text.files import text_files
from flows.text.ingest import read
from synth.text.edits import Edit, invert


@pytest.fixture(params=corpora.names())
def corpus(request: pytest.FixtureRequest) -> TextCorpus:
    return corpora.get(request.param)


def test_declared_facts_are_complete(corpus: TextCorpus) -> None:
    assert is_name(corpus.name)
    assert corpus.name in corpora.names()
    assert corpus.title
    assert corpus.licence.name
    assert corpus.homepage.startswith(("https://", "http://"))
    assert corpus.language in ("zh", "zh-TW", "zh-CN", "en")
    assert set(corpus.files.values()) <= set(corpus.splits)
    assert set(corpus.splits.values()) <= {"train", "validation", "test"}
    assert set(corpus.known_overlaps) <= set(DISJOINT_COLUMNS)
    assert bool(corpus.labels) == (corpus.kind in ("ner", "pairs", "cls"))
    assert "row_digest" in text_schema(corpus.kind, corpus.labels).names


def test_a_file_without_rows_gives_none(corpus: TextCorpus) -> None:
    """Or is refused by an error of ours."""
    for data in (b"", b"\n\n", b"[]", b'{"data": []}', b"\xff\xff", b"[1]", b"{}"):
        try:
            assert list(corpus.read(TextFile("x.json", data), Notes())) in ([], [{"source_id": "/x", "text": "x", "label": 0}])
        except TextError as error:
            assert "\n" not in str(error)


def rows_of(name: str, folder: Path, files: dict[str, str]) -> tuple[dict[str, list[Row]], dict[str, Any]]:
    """Write files, read them with the adapter `name`."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return read(corpora.get(name), [folder], None, lambda done, total, unit: None)


def squad(qas: list[dict[str, Any]], context: str = "Paris is in France.") -> str:
    return json.dumps({"version": "v2.0", "data": [{"title": "Paris", "paragraphs": [{"context": context, "qas": qas}]}]})


def test_squad_with_and_without_answers(tmp_path: Path) -> None:
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


def test_own_annotations_without_an_id_or_a_start_for_each_answer_are_refused(tmp_path: Path) -> None:
    """By the question where it is an empty id or columns of two lengths, by the file where the id is no id at all."""
    whole = {"id": 1, "question": "Where?", "answers": {"text": ["France"], "answer_start": [12]}}
    qas: list[dict[str, Any]] = [
        whole,
        whole | {"id": "a", "answers": {"text": ["France", "Paris"], "answer_start": [12]}},
        whole | {"id": "b", "answers": {"text": [], "answer_start": [12]}},
        whole | {"id": ""},
        whole | {"id": " "},
    ]
    rows, report = rows_of("mrc_own", tmp_path / "own", {"own.json": squad(qas)})
    assert [row["source_id"] for row in rows["train"]] == ["1"]
    (file,) = report["files"]
    assert file["counts"]["questions"] == 5
    assert file["counts"]["refused: not as many answers as starts"] == 2
    assert file["counts"]["refused: an empty id"] == 2
    assert [refused["where"] for refused in file["refused"]] == ["a", "b", "a question of Paris#0", "a question of Paris#0"]
    for number, wrong in enumerate((True, None, 1.5, ["a"])):
        with pytest.raises(TextError, match=r"data\.0\.paragraphs\.0\.qas\.1\.id"):
            rows_of("mrc_own", tmp_path / str(number), {"own.json": squad([whole, whole | {"id": wrong}])})


def test_translations_of_squad_tell_their_script(tmp_path: Path) -> None:
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


def test_fgc_answers_are_found_where_they_stand(tmp_path: Path) -> None:
    questions = [
        {"QID": "D1Q1", "QTEXT": "何處？", "ANSWER": [{"ATEXT": "臺北"}, {"ATEXT": "不在文中"}], "ATYPE": "x"},
        {"QID": "D1Q2", "QTEXT": "是否？", "ANSWER": [{"ATEXT": "否"}]},
    ]
    document = [{"DID": "D1", "DTEXT": "他住在臺北。", "QUESTIONS": questions}]
    rows, _ = rows_of("fgc", tmp_path, {"FGC_release_all_train.json": json.dumps(document)})
    assert [row["answers"]["text"] for row in rows["train"]] == [["臺北"], []]
    assert [row["free_answers"] for row in rows["train"]] == [["不在文中"], ["否"]]


SGML = """<ESSAY title="t">
<TEXT>
<PASSAGE id="A1">但是我不能去參加，因為我有一點事情阿！&amp;</PASSAGE>
<PASSAGE id="A2">聽起來是一份很好的公司。又意思又很多錢。</PASSAGE>
<PASSAGE id="A3">沒有錯</PASSAGE>
<PASSAGE id="A4">位置不對</PASSAGE>
</TEXT>
<MISTAKE id="A1" location="18">
<WRONG>事情阿</WRONG>
<CORRECTION>事情啊</CORRECTION>
</MISTAKE>
<MISTAKE id="A2" location="13">
<WRONG>又</WRONG>
<CORRECTION>有</CORRECTION>
</MISTAKE>
<MISTAKE id="A4" location="9">
<WRONG>誤</WRONG>
<CORRECTION>對</CORRECTION>
</MISTAKE>
</ESSAY>
"""


def test_sighan_counts_from_one(tmp_path: Path) -> None:
    """Training and test; what does not stand where it is said to is refused and named."""
    files = {
        "Training/B1.sgml": SGML,
        "Test/SIGHAN15_CSC_TestInput.txt": "(pid=B1)\t今天天汽很号\n(pid=B2)\t沒有錯\n(pid=B3)\t短\n",
        "Test/SIGHAN15_CSC_TestTruth.txt": "B1, 4, 氣, 6, 好\nB2, 0\nB3, 7, 長\n",
    }
    rows, report = rows_of("sighan", tmp_path, files)
    assert [row["right"] for row in rows["train"]] == [
        "但是我不能去參加，因為我有一點事情啊！&",
        "聽起來是一份很好的公司。有意思又很多錢。",
        "沒有錯",
    ]
    assert [(row["wrong"], row["right"]) for row in rows["test"]] == [("今天天汽很号", "今天天氣很好"), ("沒有錯", "沒有錯")]
    assert {refused["where"] for file in report["files"] for refused in file["refused"]} == {"A4", "B3"}
    for row in (*rows["train"], *rows["test"]):
        assert invert(row["wrong"], [Edit(**edit) for edit in row["edits"]]) == row["right"]


def test_sighan_refuses_what_it_cannot_read(tmp_path: Path) -> None:
    """Space in tags is none of that; no passage goes out with a mistake left in because its mark could not be read."""
    mistake = '<MISTAKE id="{}" location="{}" >\n<WRONG>{}</WRONG>\n<CORRECTION>{}</CORRECTION>\n</MISTAKE>\n'
    sgml = (
        '<PASSAGE id="A1" >今天天汽</PASSAGE><PASSAGE id="A2">今天天汽</PASSAGE><PASSAGE id="A3">今天天汽</PASSAGE>\n'
        + mistake.format("A1", 4, "汽", "氣")
        + '<MISTAKE id="A2" location="4"><WRONG>汽</WRONG></MISTAKE>\n'
        + mistake.format("A3", "four", "汽", "氣")
        + mistake.format("A9", 4, "汽", "氣")
        + "<MISTAKE>\n"
    )
    files = {
        "B1.sgml": sgml,
        "TestInput.txt": "(pid=B1)\t天汽\n(pid=B2)\t天汽很号\n(pid=B3)\t天汽\n(pid=B4)\t沒有錯\n",
        "TestTruth.txt": "B1, 2, 氣\nB2, 2, 氣, 4\nB3,\nB4, 0\nB9, 0\n",
    }
    rows, report = rows_of("sighan", tmp_path, files)
    assert [(row["source_id"], row["right"]) for row in rows["train"]] == [("A1", "今天天氣")]
    assert [(row["source_id"], row["right"]) for row in rows["test"]] == [("B1", "天氣"), ("B4", "沒有錯")]
    counts = {file["official_split"]: file["counts"] for file in report["files"]}
    assert counts["training"]["refused: a mistake that is not written as they are"] == 2
    assert counts["training"]["refused: a mistake of no passage"] == 2
    assert counts["test"]["refused: truth that is not pairs of place and character"] == 2
    assert counts["test"]["truths_of_no_passage"] == 1


def test_own_corrections_come_as_json_or_tsv(tmp_path: Path) -> None:
    item = {"id": "x", "original_text": "这个苹果真好次", "wrong_ids": [6], "correct_text": "这个苹果真好吃"}
    files = {
        "train.json": json.dumps([item]),
        "dev.jsonl": json.dumps(item | {"id": "y", "wrong_ids": [0]}) + "\n" + json.dumps({"id": "z"}),
        "test.tsv": "他他去了\t他去了\n没有\n",
    }
    rows, report = rows_of("csc_own", tmp_path, files)
    assert rows["train"][0]["edits"][0]["start"] == 6
    assert [row["right"] for row in rows["test"]] == ["他去了"]
    counts = {file["file"]: file["counts"] for file in report["files"]}
    assert counts["dev.jsonl"]["wrong_ids_do_not_match"] == 1
    assert counts["dev.jsonl"]["refused: no original_text and correct_text"] == 1
    assert counts["test.tsv"]["refused: not two columns"] == 1


def test_conll_with_tabs_and_with_spaces(tmp_path: Path) -> None:
    """A character that is a space; BIO and BMES; damage; no empty sentence at the end."""
    tab = "北\tB-LOC\n京\tI-LOC\n \tO\n人\tO\n\n李\tI-PER\n\n\n坏行\n好\tO\n\n王\tB-XYZ\n"
    rows, report = rows_of("msra_ner", tmp_path / "m", {"msra_train_bio.txt": tab})
    names = corpora.get("msra_ner").labels
    assert [(row["tokens"], [names[tag] for tag in row["ner_tags"]]) for row in rows["train"]] == [
        (["北", "京", " ", "人"], ["B-LOC", "I-LOC", "O", "O"]),
        (["李"], ["B-PER"]),
    ]
    counts = report["files"][0]["counts"]
    assert (counts["sentences"], counts["tags_repaired"], counts["refused"], counts["entities: LOC"]) == (4, 1, 2, 1)
    rows, _ = rows_of("peoples_daily_ner", tmp_path / "p", {"example.dev": "海 S-LOC\n  O\n上 B-LOC\n海 E-LOC\n"})
    assert rows["validation"][0]["tokens"] == ["海", " ", "上", "海"]
    assert [names[tag] for tag in rows["validation"][0]["ner_tags"]] == ["B-LOC", "O", "B-LOC", "I-LOC"]


def test_pairs_as_json_lines_and_as_tsv(tmp_path: Path) -> None:
    """Labels are strings; those of test are kept back; some copies have a line of titles."""
    item = {"sentence1": "花呗提额", "sentence2": "怎么提额", "label": "1"}
    lines = {"train.json": json.dumps(item), "test.json": json.dumps({"id": 0, "sentence1": "一", "sentence2": "二"})}
    rows, _ = rows_of("afqmc", tmp_path / "a", lines)
    assert (rows["train"][0]["label"], rows["test"][0]["label"]) == (1, None)
    tsv = 'sentence1\tsentence2\tlabel\n"聊天室\t聊天室哪个好\t1\n一\t二\n三\t四\t7\n'
    rows, report = rows_of("lcqmc", tmp_path / "l", {"train.tsv": tsv})
    assert [(row["sentence1"], row["label"]) for row in rows["train"]] == [('"聊天室', 1)]
    assert report["files"][0]["counts"]["refused"] == 2


def test_classes_by_code_and_by_folder(tmp_path: Path) -> None:
    """TNEWS's codes skip 105 and 111; THUCNews's zip has Chinese names, in GBK at times."""
    lines = "\n".join(json.dumps({"sentence": "标题", "label": code, "label_desc": "x"}) for code in ("100", "116", "105"))
    rows, report = rows_of("tnews", tmp_path / "t", {"train.json": lines})
    names = corpora.get("tnews").labels
    assert [names[row["label"]] for row in rows["train"]] == ["story", "game"]
    assert len(names) == 15
    assert report["files"][0]["counts"]["refused: a label that the corpus does not have"] == 1
    with zipfile.ZipFile(tmp_path / "THUCNews.zip", "w") as archive:
        archive.writestr("THUCNews/SSSS/1.txt", "题目\n\u3000\u3000正文")
        archive.writestr("THUCNews/股票/2.txt", "题目")
    data = (tmp_path / "THUCNews.zip").read_bytes()  # a name in GBK that is not marked as anything, as old Windows tools write it
    (tmp_path / "THUCNews.zip").write_bytes(data.replace(b"SSSS", "体育".encode("gbk")))
    rows, _ = read(corpora.get("thucnews"), [tmp_path / "THUCNews.zip"], None, lambda done, total, unit: None)
    names = corpora.get("thucnews").labels
    assert sorted((row["source_id"], names[row["label"]]) for row in rows["train"]) == [("体育/1", "体育"), ("股票/2", "股票")]


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    path = tmp_path / "drcd.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("DRCD_dev.json", "一" * 10_000)
    data = bytearray(path.read_bytes())
    data[40] ^= 0xFF
    path.write_bytes(data)
    return path


def test_a_damaged_zip_is_refused(damaged: Path) -> None:
    with pytest.raises(TextError, match="damaged"):
        list(text_files([damaged]))
