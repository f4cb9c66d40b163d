"""Text corpora as a user takes them in: counts, refusals and repairs; the audited numbers where the real files are at hand."""

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

import catalog
from catalog.manifests import Manifest
from flows.cli import run
from flows.recordings.ingest_report import told_of
from flows.text import corpora
from flows.text.adapter import TextError
from flows.text.ingest import ingest, read
from synth.text.convert import convert, track
from synth.text.opencc import convert_text

REAL = Path(os.environ.get("YULIAO_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture
def root_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder is enough here: publishing to S3 is tested where publishing is."""
    monkeypatch.setenv("YULIAO_CATALOG", str(tmp_path / "catalog"))
    return str(tmp_path / "catalog")


@pytest.fixture
def drcd(tmp_path: Path) -> Path:
    """DRCD's form: an article that stands in dev and test, an answer that occurs twice."""

    def article(number: str, paragraph: str, context: str, answer: str, start: int) -> dict[str, Any]:
        answers = [{"id": str(k), "text": answer, "answer_start": start} for k in (1, 2)]
        qas = [{"id": f"{number}-{paragraph}-1", "question": "何處？", "answers": answers}]
        return {
            "title": f"題{number}",
            "id": number,
            "paragraphs": [{"context": context, "id": f"{number}-{paragraph}", "qas": qas}],
        }

    folder = tmp_path / "drcd"
    folder.mkdir()
    files = {
        "DRCD_training.json": [article("1", "1", "臺北在北部，臺北很大。", "臺北", 6)],
        "DRCD_dev.json": [article("2", "1", "高雄\u200b在南部。", "高雄", 0), article("3", "1", "𠮷在中間", "中間", 2)],
        "DRCD_test.json": [article("2", "2", "南投在中部。", "中部", 3)],
    }
    for name, data in files.items():
        (folder / name).write_text(json.dumps({"version": "1.3", "data": data}, ensure_ascii=False), encoding="utf-8")
    return folder


def counts(manifest: Manifest, file: str) -> dict[str, int]:
    (found,) = [entry for entry in manifest.report["files"] if entry["file"] == file]
    numbers: dict[str, int] = found["counts"]
    return numbers


def cmrc(folder: Path, document: Any) -> Path:
    path = folder / "cmrc2018_dev.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_a_corpus_keeps_its_splits_and_counts_what_it_met(drcd: Path, root_url: str) -> None:
    """Official splits, the shared article declared, offsets of code points behind an astral character."""
    published = ingest("drcd", [drcd])
    rows = catalog.get("drcd")
    assert {split: len(part) for split, part in rows.items()} == {"train": 1, "validation": 2, "test": 1}
    row = rows["train"][0]
    assert row["answers"] == {"text": ["臺北", "臺北"], "answer_start": [6, 6]}
    assert row["answer_positions"] == ["given", "given"]
    assert (row["id"], row["corpus"], row["official_split"], row["script"]) == ("drcd-1-1-1", "drcd", "training", "Hant")
    astral = rows["validation"][1]
    assert astral["context"][astral["answers"]["answer_start"][0] :] == "中間"
    assert counts(catalog.manifest("drcd"), "DRCD_training.json")["occurs_more_than_once"] == 2
    assert counts(catalog.manifest("drcd"), "DRCD_dev.json")["characters: zero_width"] == 1
    assert catalog.manifest("drcd").licence.name == "CC-BY-SA-3.0"
    assert catalog.verify(str(published)).ok
    assert not ingest("drcd", [drcd]).created


def test_a_zip_and_a_folder_are_the_same_corpus(drcd: Path, tmp_path: Path, root_url: str) -> None:
    with zipfile.ZipFile(tmp_path / "drcd.zip", "w") as archive:
        for path in sorted(drcd.iterdir()):
            archive.write(path, f"release/{path.name}")
    first = ingest("drcd", [drcd])
    again = ingest("drcd", [tmp_path / "drcd.zip"])
    assert first.created
    assert not again.created


def test_numbers_first_occurrences_and_missing_starts_are_repaired_and_counted(tmp_path: Path, root_url: str) -> None:
    """CMRC's damage, in both of its forms."""
    context = "2008年11月12日启用，共147位。启用后，三人、四人同行。"
    answers = [39764.0, 147.0, "启用", "三人四人", "五人"]
    qas = [{"query_id": f"Q{k}", "query_text": "何？", "answers": [answer]} for k, answer in enumerate(answers)]
    qas.append({"query_id": "Q9", "query_text": " ", "answers": ["启用"]})
    native = [{"context_id": "DEV_0", "context_text": context, "title": "站", "qas": qas}]
    ingest("cmrc2018", [cmrc(tmp_path, native)])
    rows = list(catalog.get("cmrc2018", split="validation"))
    assert [row["answers"]["text"] for row in rows] == [["2008年11月12日"], ["147"], ["启用"], ["三人、四人"], []]
    assert [row["answer_positions"] for row in rows] == [["number"], ["number"], ["guess"], ["loose"], []]
    assert rows[4]["free_answers"] == ["五人"]
    found = counts(catalog.manifest("cmrc2018"), "cmrc2018_dev.json")
    assert (found["position: number"], found["position: loose"], found["answers_not_in_context"]) == (2, 1, 1)
    assert found["refused: an empty question"] == 1
    (file,) = catalog.manifest("cmrc2018").report["files"]
    assert file["refused"] == [{"where": "Q9", "reason": "an empty question"}]


def test_rows_that_utf8_cannot_hold_and_ids_given_twice_are_refused_one_by_one(tmp_path: Path, root_url: str) -> None:
    qas = [
        {"query_id": "Q0", "query_text": "何？", "answers": ["甲"]},
        {"query_id": "Q0", "query_text": "何？", "answers": ["甲"]},
        {"query_id": "Q0", "query_text": "誰？", "answers": ["甲"]},
        {"query_id": "Q1", "query_text": "何\ud83d？", "answers": ["甲"]},
        {"query_id": "Q2", "query_text": "何？", "answers": [None]},
        {"query_id": "Q3", "query_text": "何？", "answers": []},
    ]
    ingest("cmrc2018", [cmrc(tmp_path, [{"context_id": "DEV_0", "context_text": "甲乙\0丙", "qas": qas}])])
    assert [row["source_id"] for row in catalog.get("cmrc2018", split="validation")] == ["Q0"]
    assert catalog.get("cmrc2018", split="validation")[0]["context"] == "甲乙\0丙"
    assert counts(catalog.manifest("cmrc2018"), "cmrc2018_dev.json")["refused"] == 5


@pytest.mark.parametrize("field", ["id", "context_id", "article_id", "title"])
def test_an_id_or_title_that_utf8_cannot_hold_is_refused_and_escaped(field: str, tmp_path: Path, root_url: str) -> None:
    """The row alone; the manifest names it by an id that it can hold."""

    def article(half: dict[str, str]) -> dict[str, Any]:
        ids = {"id": "Q", "context_id": "C", "article_id": "A", "title": "T"} | half
        qas = [{"id": ids["id"], "question": "何？", "answers": [{"text": "甲", "answer_start": 0}]}]
        paragraphs = [{"id": ids["context_id"], "context": "甲乙", "qas": qas}]
        return {"title": ids["title"], "id": ids["article_id"], "paragraphs": paragraphs}

    path = tmp_path / "own.json"
    path.write_text(json.dumps({"data": [article({field: "x\ud83d"}), article({"id": "whole"})]}), encoding="utf-8")
    ingest("mrc_own", [path])
    assert [row["source_id"] for row in catalog.get("mrc_own", split="train")] == ["whole"]
    (file,) = catalog.manifest("mrc_own").report["files"]
    assert [refused["where"] for refused in file["refused"]] == ["x\\ud83d" if field == "id" else "Q"]
    assert file["counts"]["refused: half of a surrogate pair, which UTF-8 cannot hold"] == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"data": [', "line 1, column 11"),
        ('{"data": "臺"}'.encode("big5"), "may be big5"),
        ('{"data": []}'.encode("utf-16"), "UTF-16"),
        (b'{"data": [{"paragraphs": [{"context": 3, "qas": []}]}]}', "data.0.paragraphs.0.context"),
        (b"[" * 100_000, "JSON"),
        (b'{"data": NaN}', "NaN is no JSON"),
        (b'{"data": []}', "no file of drcd has a row"),
        (b"", "the file is empty"),
    ],
)
def test_a_file_that_is_damaged_is_refused_with_the_place(data: bytes, said: str, tmp_path: Path, root_url: str) -> None:
    """And nothing is published."""
    path = tmp_path / "DRCD_dev.json"
    path.write_bytes(data)
    with pytest.raises(TextError, match=said) as refused:
        ingest("drcd", [path])
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert catalog.list_datasets() == []


def test_the_command_takes_text(drcd: Path, root_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ingest", "drcd", "--from", str(drcd), "--sample", "1", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["name"], printed["version"]) == ("drcd_sample", 1)
    assert run(["ingest", "drcd", "--from", str(drcd / "nothing")]) == 2


REAL_FILES = {  # articles, paragraphs, questions, answers, starts that do not match, answers that occur more than once
    "drcd/DRCD_dev.json": (383, 1000, 3524, 7048, 0, 2043),
    "drcd/DRCD_test.json": (378, 1000, 3493, 6986, 0, 1935),
    "cmrc2018/squad-style-cmrc2018_dev.json": (848, 848, 3219, 9657, 200, 1287),
    "cmrc2018/squad-style-cmrc2018_trial.json": (256, 256, 1002, 1002, 5, 77),
}


def at_hand() -> list[Any]:
    """The real files, those that are not there to be skipped. `YULIAO_SHARED_DATA` says where they lie."""
    missing = pytest.mark.skip(reason="the real file is not at hand (YULIAO_SHARED_DATA); a made-up twin runs always")
    return [pytest.param(file, marks=[] if (REAL / file).is_file() else [missing]) for file in REAL_FILES]


@pytest.mark.parametrize("file", at_hand())
def test_the_audited_counts_of_the_real_files(file: str) -> None:
    """And what is repaired: every number of CMRC, in whichever form it stands."""
    _, report = read(corpora.get(file.partition("/")[0]), [REAL / file], None, lambda done, total, unit: None)
    found = report["files"][0]["counts"]
    names = ("articles", "paragraphs", "questions", "answers", "start_does_not_match", "occurs_more_than_once")
    assert tuple(found[name] for name in names) == REAL_FILES[file]
    if "cmrc2018_dev" in file:
        assert (found["position: loose"], found["position: number"], found["answers_not_in_context"]) == (161, 25, 7)


@pytest.mark.slow
@pytest.mark.parametrize("configuration", ["s2twp", "tw2sp"])
@pytest.mark.parametrize("file", at_hand())
def test_answers_of_the_real_files_survive_phrases(file: str, configuration: str) -> None:
    """All of them exact, and the tracked converter writes what OpenCC writes in every context."""
    rows, _ = read(corpora.get(file.partition("/")[0]), [REAL / file], None, lambda done, total, unit: None)
    contexts: dict[str, set[tuple[int, int]]] = {}
    for row in (row for of_split in rows.values() for row in of_split):
        for text, start in zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True):
            contexts.setdefault(row["context"], set()).add((start, start + len(text)))
    for context, spans in contexts.items():
        assert all(convert(context, spans, configuration).exact)
        assert track(context, configuration)[0] == convert_text(context, configuration)


def test_what_was_refused_is_told_at_once(tmp_path: Path, root_url: str) -> None:
    """By reason, with the first of each; a corpus without trouble says nothing."""
    qas = [{"query_id": str(k), "query_text": "谁？", "answers": [answer]} for k, answer in enumerate(["人", None, True, "鬼"])]
    document = [{"context_id": "T", "context_text": "人在这里", "title": "", "qas": qas}]
    published = ingest("cmrc2018", [cmrc(tmp_path, document)], root=root_url)
    assert told_of(catalog.manifest(published.name, published.version, root=root_url)) == [
        "2 left out: an answer that is neither text nor a number; the first: cmrc2018_dev.json: 1",
        "1 answers do not stand in their contexts, and are free answers",
    ]
    document[0]["qas"] = qas[:1]
    published = ingest("cmrc2018", [cmrc(tmp_path, document)], root=root_url)
    assert told_of(catalog.manifest(published.name, published.version, root=root_url)) == []
