"""Files of labelled text, as each corpus lays them out: entities, pairs, classes."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flows.text import corpora
from flows.text.ingest import read

RowsOf = Callable[..., Any]


def test_conll_with_tabs_and_with_spaces(tmp_path: Path, rows_of: RowsOf) -> None:
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


def test_pairs_as_json_lines_and_as_tsv(tmp_path: Path, rows_of: RowsOf) -> None:
    """Labels are strings; those of test are kept back; some copies have a line of titles."""
    item = {"sentence1": "花呗提额", "sentence2": "怎么提额", "label": "1"}
    lines = {"train.json": json.dumps(item), "test.json": json.dumps({"id": 0, "sentence1": "一", "sentence2": "二"})}
    rows, _ = rows_of("afqmc", tmp_path / "a", lines)
    assert (rows["train"][0]["label"], rows["test"][0]["label"]) == (1, None)
    tsv = 'sentence1\tsentence2\tlabel\n"聊天室\t聊天室哪个好\t1\n一\t二\n三\t四\t7\n'
    rows, report = rows_of("lcqmc", tmp_path / "l", {"train.tsv": tsv})
    assert [(row["sentence1"], row["label"]) for row in rows["train"]] == [('"聊天室', 1)]
    assert report["files"][0]["counts"]["refused"] == 2


def test_classes_by_code_and_by_folder(tmp_path: Path, rows_of: RowsOf) -> None:
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


def test_one_bad_article_of_very_many_is_refused_by_itself(tmp_path: Path, rows_of: RowsOf) -> None:
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


def test_ids_that_are_null_or_no_ids(tmp_path: Path, rows_of: RowsOf) -> None:
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
