"""Files of sentences and their corrections, as each corpus lays them out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.text.adapter import TextError
from synth.text.edits import Edit, invert

RowsOf = Callable[..., Any]


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


def test_sighan_counts_from_one(tmp_path: Path, rows_of: RowsOf) -> None:
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


def test_sighan_refuses_what_it_cannot_read(tmp_path: Path, rows_of: RowsOf) -> None:
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


def test_sighan_of_2013_has_a_layout_of_its_own(tmp_path: Path, rows_of: RowsOf) -> None:
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


def test_a_stray_byte_costs_sighan_a_passage_and_many_cost_it_the_file(tmp_path: Path, rows_of: RowsOf) -> None:
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


def test_own_corrections_come_as_json_or_tsv(tmp_path: Path, rows_of: RowsOf) -> None:
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
