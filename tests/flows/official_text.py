"""The files of each text corpus in their official form, a few rows each: one function a corpus, named as its adapter.

Loaded by the fixture `official` of conftest.py. Each gives the files by their name, and the rows in them by official split.
"""

import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Official:
    """What the makers publish, and what is in it."""

    files: dict[str, bytes]  # by name, with folders where these matter
    rows: dict[str, int]  # by official split


def _json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def _lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(_json(row) + b"\n" for row in rows)


def _zipped(files: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path), content, zipfile.ZIP_DEFLATED)
    return data.getvalue()


def _squad(*articles: tuple[str, str, str], unanswerable: bool = False) -> bytes:
    """Articles of (id, context, answer): one question each, and one without an answer where the corpus has such."""
    data = []
    for article_id, context, answer in articles:
        answers = [{"id": "1", "text": answer, "answer_start": context.index(answer)}]
        qas: list[dict[str, Any]] = [{"id": f"{article_id}-1-1", "question": "何處？", "answers": answers}]
        if unanswerable:
            qas.append(
                {
                    "id": f"{article_id}-1-2",
                    "question": "何時？",
                    "answers": [],
                    "is_impossible": True,
                    "plausible_answers": answers,
                }
            )
        data.append(
            {
                "title": f"題{article_id}",
                "id": article_id,
                "paragraphs": [{"context": context, "id": f"{article_id}-1", "qas": qas}],
            }
        )
    return _json({"version": "1.3", "data": data})


def drcd() -> Official:
    """An article stands in dev and in test, a character lies beyond 16 bits, a context ends in a blank."""
    files = {
        "DRCD_training.json": _squad(("1", "臺北在北部，臺北很大。", "臺北")),
        "DRCD_dev.json": _squad(("2", "高雄在南部。 ", "高雄"), ("3", "𠮷在中間", "中間")),
        "DRCD_test.json": _squad(("4", "南投在中部。", "中部")).replace('"題4"'.encode(), '"題2"'.encode()),
    }
    return Official(files, {"training": 1, "dev": 2, "test": 1})


def cmrc2018() -> Official:
    """The native form: no offsets, escapes, a number that a spreadsheet made."""

    def native(part: str, context: str, answers: list[Any]) -> bytes:
        qas = [{"query_id": f"{part}_0_QUERY_{k}", "query_text": "何？", "answers": [answer]} for k, answer in enumerate(answers)]
        return json.dumps([{"context_id": f"{part}_0", "context_text": context, "title": "站", "qas": qas}]).encode()

    files = {
        "cmrc2018_train.json": native("TRAIN", "北京在北方。", ["北京"]),
        "cmrc2018_dev.json": native("DEV", "2008年11月12日启用。", [39764.0, "启用"]),
        "cmrc2018_trial.json": native("TRIAL", "上海在东方。", ["东方"]),
    }
    return Official(files, {"train": 1, "dev": 2, "trial": 1})


def squad() -> Official:
    """Version 2.0: questions without an answer."""
    files = {
        "train-v2.0.json": _squad(("Paris", "Paris is in France.", "France"), unanswerable=True),
        "dev-v2.0.json": _squad(("Rome", "Rome is in Italy.", "Italy"), unanswerable=True),
    }
    return Official(files, {"train": 2, "dev": 2})


def squad1() -> Official:
    """Version 1.1: an answer to every question."""
    files = {
        "train-v1.1.json": _squad(("Paris", "Paris is in France.", "France")),
        "dev-v1.1.json": _squad(("Rome", "Rome is in Italy.", "Italy")),
    }
    return Official(files, {"train": 1, "dev": 1})


def squad_zh() -> Official:
    """A translation into each script."""
    files = {"train-zh.json": _squad(("a", "巴黎在法国。", "法国")), "dev-zh.json": _squad(("b", "巴黎在法國。", "法國"))}
    return Official(files, {"train": 1, "dev": 1})


def mrc_own() -> Official:
    """SQuAD's form."""
    files = {
        "mine.json": _squad(("a", "他住在臺北。", "臺北"), unanswerable=True),
        "mine_test.json": _squad(("b", "她在高雄。", "高雄")),
    }
    return Official(files, {"train": 2, "test": 1})


def fgc() -> Official:
    """Names of its own for all fields; answers that do not stand in the passage."""

    def document(number: int) -> bytes:
        questions = [{"QID": f"D{number}Q1", "QTEXT": "何處？", "ANSWER": [{"ATEXT": "臺北"}, {"ATEXT": "是"}], "ATYPE": "x"}]
        return _json([{"DID": f"D{number}", "DTEXT": f"他住在臺北，{number}號。", "QUESTIONS": questions}])

    files = {f"FGC_release_all_{part}.json": document(k) for k, part in enumerate(("train", "dev", "test"))}
    return Official(files, {"train": 1, "dev": 1, "test": 1})


def sighan() -> Official:
    """SGML for training, two files that belong together for the test; places count from 1."""
    sgml = """<ESSAY title="t">
<TEXT>
<PASSAGE id="A1">但是我不能去參加，因為我有一點事情阿！&amp;</PASSAGE>
<PASSAGE id="A2">沒有錯</PASSAGE>
</TEXT>
<MISTAKE id="A1" location="18">
<WRONG>事情阿</WRONG>
<CORRECTION>事情啊</CORRECTION>
</MISTAKE>
</ESSAY>
"""
    files = {
        "Training/SIGHAN15_CSC_B2_Training.sgml": sgml.encode(),
        "Test/SIGHAN15_CSC_TestInput.txt": "(pid=B1)\t今天天汽很号\n(pid=B2)\t沒有錯誤\n".encode(),
        "Test/SIGHAN15_CSC_TestTruth.txt": "B1, 4, 氣, 6, 好\nB2, 0\n".encode(),
    }
    return Official(files, {"training": 2, "test": 2})


def csc_own() -> Official:
    """pycorrector's JSON, as a list and in lines, and pairs in a TSV."""
    item = {"id": "x", "original_text": "这个苹果真好次", "wrong_ids": [6], "correct_text": "这个苹果真好吃"}
    files = {
        "train.json": _json([item]),
        "dev.jsonl": _lines([item | {"id": "y", "original_text": "好次", "wrong_ids": [1], "correct_text": "好吃"}]),
        "test.tsv": "他他去了\t他去了\n".encode(),
    }
    return Official(files, {"train": 1, "dev": 1, "test": 1})


def msra_ner() -> Official:
    """A tab between character and tag."""
    files = {
        "msra_train_bio.txt": "北\tB-LOC\n京\tI-LOC\n人\tO\n\n李\tB-PER\n\n".encode(),
        "msra_test_bio.txt": "海\tB-LOC\n".encode(),
    }
    return Official(files, {"train": 2, "test": 1})


def peoples_daily_ner() -> Official:
    """A space between character and tag."""
    files = {
        f"example.{part}": f"{town} B-LOC\n人 O\n".encode() for part, town in (("train", "海"), ("dev", "沪"), ("test", "京"))
    }
    return Official(files, {"train": 1, "dev": 1, "test": 1})


def afqmc() -> Official:
    """JSON in lines; the labels of test are kept back."""
    labels: dict[str, dict[str, Any]] = {"train": {"label": "1"}, "dev": {"label": "0"}, "test": {"id": 0}}
    files = {
        f"{part}.json": _lines([{"sentence1": f"{part}提额", "sentence2": "怎么提额"} | said]) for part, said in labels.items()
    }
    return Official({"afqmc_public.zip": _zipped(files)}, {"train": 1, "dev": 1, "test": 1})


def lcqmc() -> Official:
    """Three columns with tabs; some copies have a line of titles."""
    files = {f"{part}.tsv": f"sentence1\tsentence2\tlabel\n{part}喜欢\t喜欢吗\t1\n".encode() for part in ("train", "dev", "test")}
    return Official(files, {"train": 1, "dev": 1, "test": 1})


def tnews() -> Official:
    """Codes that skip some numbers."""
    files = {
        f"{part}.json": _lines([{"label": "102", "sentence": f"{part}标题", "keywords": ""}]) for part in ("train", "dev", "test")
    }
    files["labels.json"] = _lines([{"label": "102", "label_desc": "news_entertainment"}])
    return Official({"tnews_public.zip": _zipped(files)}, {"train": 1, "dev": 1, "test": 1})


def thucnews() -> Official:
    """A folder for each class."""
    files = {"THUCNews/体育/0.txt": "赛果\n\u3000\u3000正文".encode(), "THUCNews/财经/1.txt": "股价".encode()}
    return Official(files, {"all": 2})
