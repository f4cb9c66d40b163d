"""What every text adapter keeps to, and what the files of each look like."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from catalog.leakage import DISJOINT_COLUMNS
from catalog.names import is_name
from catalog.text_kinds import text_schema
from flows.cli import run
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


def test_who_cannot_fetch_is_told_how_to_come_by_the_files(corpus: TextCorpus, capsys: pytest.CaptureFixture[str]) -> None:
    """Where to ask, under which names the files are known, the command to go on with; in one line."""
    if corpus.archives:
        return
    assert run(["ingest", corpus.name]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "https://" in said or "http://" in said
    assert all(pattern in said for pattern in corpus.files)
    assert f"`yuliao ingest {corpus.name} --from FOLDER`" in said


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


def test_nulls_are_what_is_not_given(tmp_path: Path) -> None:
    """Titles and ids of articles go by their place then; answers that are kept back are none."""
    qas = [{"id": 0, "question": "Where?", "answers": [{"text": "France", "answer_start": 12}]}]
    qas.append({"id": 1, "question": "Why?", "answers": None})
    article = {"title": None, "id": None, "paragraphs": [{"id": None, "context": "Paris is in France.", "qas": qas}]}
    rows, report = rows_of("mrc_own", tmp_path, {"x/own.json": json.dumps({"data": [article]})})
    assert [(row["id"], row["article_id"], row["title"]) for row in rows["train"]] == [("mrc_own-0", "x/own.json#0", "")]
    assert report["files"][0]["refused"] == [{"where": "1", "reason": "no answer, and not said to be unanswerable"}]


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
    """Space in tags is none of that; no passage goes out with a mistake left in because its mark could not be read.

    A mark that does not say of which passage it is takes those of its essay along.
    """
    mistake = '<MISTAKE id="{}" location="{}" >\n<WRONG>{}</WRONG>\n<CORRECTION>{}</CORRECTION>\n</MISTAKE>\n'
    sgml = (
        '<PASSAGE id="A1" >今天天汽</PASSAGE><PASSAGE id="A2">今天天汽</PASSAGE><PASSAGE id="A3">今天天汽</PASSAGE>\n'
        + mistake.format("A1", 4, "汽", "氣")
        + '<MISTAKE id="A2" location="4"><WRONG>汽</WRONG></MISTAKE>\n'
        + mistake.format("A3", "four", "汽", "氣")
        + mistake.format("A9", 4, "汽", "氣")
        + '<ESSAY title="b"><PASSAGE id="A4">今天天汽</PASSAGE><PASSAGE id="A5">沒有錯</PASSAGE><MISTAKE></ESSAY>\n'
        + "<ESSAY><MISTAKE></ESSAY>\n"
        + '<ESSAY><PASSAGE id="A6">沒有錯</PASSAGE></ESSAY>\n'
    )
    files = {
        "B1.sgml": sgml,
        "TestInput.txt": "(pid=B1)\t天汽\n(pid=B2)\t天汽很号\n(pid=B3)\t天汽\n(pid=B4)\t沒有錯\n",
        "TestTruth.txt": "B1, 2, 氣\nB2, 2, 氣, 4\nB3,\nB4, 0\nB9, 0\n",
    }
    rows, report = rows_of("sighan", tmp_path, files)
    assert [(row["source_id"], row["right"]) for row in rows["train"]] == [
        ("A1", "今天天氣"),
        ("A6", "沒有錯"),
    ]
    assert [(row["source_id"], row["right"]) for row in rows["test"]] == [("B1", "天氣"), ("B4", "沒有錯")]
    counts = {file["official_split"]: file["counts"] for file in report["files"]}
    assert counts["training"]["refused: a mistake that is not written as they are"] == 4
    assert counts["training"]["mistakes_without_an_id"] == 2
    assert counts["training"]["refused: a mistake of no passage"] == 2
    assert counts["test"]["refused: truth that is not pairs of place and character"] == 2
    assert counts["test"]["truths_of_no_passage"] == 1


SAMPLES = """<DOC Nid="00001">
<P>這家店的東西很貴，我門不買。 </P>
<TEXT>
<MISTAKE wrong_position=11>
<WRONG>我門</WRONG>
<CORRECT>我們</CORRECT>
</MISTAKE>
</TEXT>
</DOC>

<doc Nid="00002">
<p>沒有錯&amp;</p>
<TEXT>
<MISTAKE wrong_position=0>
</MISTAKE>
</TEXT>
</doc>
<DOC Nid="00003"><P>天汽</P><TEXT><MISTAKE wrong_position=1><WRONG>天汽</WRONG><CORRECT>天氣</CORRECT></MISTAKE></TEXT></DOC>
<DOC Nid="00004"><P>天汽</P><TEXT><MISTAKE wrong_position=2></MISTAKE></TEXT></DOC>
<DOC Nid="00005"><P>天汽</P><TEXT><MISTAKE wrong_position=2><WRONG>汽</WRONG></MISTAKE></TEXT></DOC>
<DOC Nid="00006"><P>天汽</P>
"""


def test_sighan_of_2013_has_a_layout_of_its_own(tmp_path: Path) -> None:
    """One passage a document, places that count from 1, 0 for none; of the tests subtask 2 alone says what is right."""
    test = "SIGHAN/FinalTest /FinalTest_SubTask"
    files = {
        "SampleSet/Bakeoff2013_SampleSet_WithError_00001-00350.txt": SAMPLES,
        f"{test}2.txt": "(NID=00401) 今天天汽很号\n(NID=00402) 沒有錯\n",
        f"{test}2_Truth.txt": "00401, 4, 氣, 6, 好\n00402, 0\n",
        f"{test}1.txt": "(NID=0001) 今天天汽很号\n",
        f"{test}1_Truth.txt": "0001, 4, 6\n",
        "__MACOSX/SampleSet/._Bakeoff2013_SampleSet_WithError_00001-00350.txt": "\0",
    }
    rows, report = rows_of("sighan", tmp_path, files)
    assert [(row["source_id"], row["wrong"], row["right"]) for row in rows["train"]] == [
        ("00001", "這家店的東西很貴，我門不買。 ", "這家店的東西很貴，我們不買。 "),
        ("00002", "沒有錯&", "沒有錯&"),
    ]
    assert [(row["source_id"], row["right"]) for row in rows["test"]] == [("00401", "今天天氣很好"), ("00402", "沒有錯")]
    (samples,) = [file for file in report["files"] if file["official_split"] == "training"]
    assert {refused["where"]: refused["reason"] for refused in samples["refused"]} == {
        "00003": "a mistake that does not stand where it is said to",
        "00004": "a mistake that is not written as they are",
        "00005": "a mistake that is not written as they are",
        "SampleSet/Bakeoff2013_SampleSet_WithError_00001-00350.txt, document 6": "a document that is not written as they are",
    }
    assert samples["counts"]["passages"] == 6
    assert len(report["other_files"]) == 2


def test_a_stray_byte_costs_sighan_a_passage_and_many_cost_it_the_file(tmp_path: Path) -> None:
    """The released files have one or two each. What is not UTF-8 throughout is refused whole, with what it may be."""
    one = '<PASSAGE id="A{}">沒有錯</PASSAGE>\n'
    whole = "".join(map(one.format, range(60))).encode()
    (tmp_path / "B1.sgml").write_bytes(whole + '<PASSAGE id="B">沒有'.encode() + b"\x8c\xaf</PASSAGE>\n")
    rows, report = rows_of("sighan", tmp_path, {})
    assert len(rows["train"]) == 60
    assert report["files"][0]["refused"] == [{"where": "B", "reason": "bytes that are not UTF-8"}]
    for name, data in (("big5", whole.decode().encode("big5")), ("utf-16", whole.decode().encode("utf-16"))):
        (tmp_path / "B1.sgml").write_bytes(data)
        with pytest.raises(TextError, match=f"(?i){name}"):
            rows_of("sighan", tmp_path, {})


def test_ids_that_are_null_or_no_ids(tmp_path: Path) -> None:
    """Null and empty are not given: the row goes by its place, the same wherever its folder lies. 0 is an id."""
    item = {"original_text": "他他去了", "correct_text": "他去了"}
    lines = [item | {"id": wrong} for wrong in (None, "", 0, 7, True, 1.5, ["x"])]
    rows, report = rows_of("csc_own", tmp_path / "c", {"a/train.jsonl": "\n".join(map(json.dumps, [*lines, item]))})
    assert [row["source_id"] for row in rows["train"]] == ["a/train.jsonl:1", "a/train.jsonl:2", "0", "7", "a/train.jsonl:8"]
    assert report["files"][0]["counts"]["refused: an id that is neither text nor a whole number"] == 3
    for corpus, text in (("afqmc", {"sentence1": "一", "sentence2": "二"}), ("tnews", {"sentence": "一"})):
        lines = [text | {"id": wrong, "label": "0" if corpus == "afqmc" else "100"} for wrong in (None, 0, False)]
        lines += [text | {"label": label} for label in (True, "", [], "None", None)]
        rows, report = rows_of(corpus, tmp_path / corpus, {"train.json": "\n".join(map(json.dumps, lines))})
        assert [row["source_id"] for row in rows["train"]] == ["train.json:1", "0", "train.json:8"]
        assert rows["train"][-1]["label"] is None
        assert report["files"][0]["counts"]["refused: a label that the corpus does not have"] == 4


def test_cmrc_in_both_forms_is_read_in_one(tmp_path: Path) -> None:
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


def test_fgc_says_where_it_is_not_what_was_recalled(tmp_path: Path) -> None:
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


def test_one_bad_article_of_very_many_is_refused_by_itself(tmp_path: Path) -> None:
    """And a corpus of very many files does not list them all in its manifest: those with refusals first, and sums."""
    folder = tmp_path / "THUCNews" / "体育"
    folder.mkdir(parents=True)
    for k in range(250):
        (folder / f"{k:03}.txt").write_text(f"第{k}场比赛", encoding="utf-8")
    (folder / "249.txt").write_bytes("比赛".encode("gbk"))
    rows, report = rows_of("thucnews", tmp_path, {})
    assert len(rows["train"]) == 249
    assert report["files"][0]["refused"] == [{"where": "体育/249", "reason": "not UTF-8"}]
    assert (len(report["files"]), report["files_in_all"]) == (200, 250)
    assert report["counts_of_all_files"] == {"label: 体育": 249, "refused": 1, "refused: not UTF-8": 1, "rows": 250}
    assert report["changes"][-1] == "1 rows left out that could not be used"


def test_a_start_that_a_table_made_a_fraction_of_is_one(tmp_path: Path) -> None:
    """12.0 is 12: of several occurrences the one that is meant."""
    starts = [7.0, 7.5, "7", True, None, 1e300]
    qas = [{"id": str(k), "question": "?", "answers": [{"text": "an", "answer_start": start}]} for k, start in enumerate(starts)]
    rows, report = rows_of("mrc_own", tmp_path, {"own.json": squad(qas, "an and an")})
    found = [(row["answers"]["answer_start"], row["answer_positions"]) for row in rows["train"]]
    assert found == [([7], ["given"]), *[([0], ["guess"])] * 5]
    assert report["files"][0]["counts"]["start_does_not_match"] == 4


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
