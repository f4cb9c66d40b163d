"""Text sets as a user builds them: conversion, splits that do not leak, duplicates, errors put in, labels, exports."""

import json
from pathlib import Path
from typing import Any

import datasets
import pytest

import catalog
from catalog.errors import CatalogError, IntegrityError
from catalog.export import export
from flows.cli import run
from flows.specs import is_text_spec, load_text_spec, spec_names
from flows.text.build import build
from flows.text.ingest import ingest
from synth.errors import SpecError
from synth.text import opencc
from synth.text.convert import convert
from synth.text.edits import Edit, invert

SENTENCES = [
    "他在出租车里打开软件，查看信息。",
    "服务器的默认设置在屏幕上显示。",
    "头发干燥的皇后在后面发展事业。",
    "网络视频的质量取决于硬盘和内存。",
]


@pytest.fixture(autouse=True)
def root_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YULIAO_CATALOG", str(tmp_path / "catalog"))


@pytest.fixture
def corpora(tmp_path: Path) -> None:
    """DRCD with two articles that stand in dev and test; CMRC with a copy of one of DRCD's contexts."""
    drcd: dict[str, list[dict[str, Any]]] = {"training": [], "dev": [], "test": []}
    for k in range(40):
        split = ("training", "dev", "test")[k % 3]
        context = f"第{k}號的軟體在伺服器裡，預設的資訊共{k}筆，由第{k}位使用者從計程車上傳。這一段說的是{chr(0x4E00 + 37 * k)}。"
        paragraph = {
            "context": context,
            "id": f"{k}-1",
            "qas": [_qa(f"{k}-1-1", context, "資訊"), _qa(f"{k}-1-2", context, "計程車")],
        }
        drcd[split].append(
            {"title": f"題目{k if k >= 6 else k // 3 * 3}", "id": str(k if k >= 6 else k // 3 * 3), "paragraphs": [paragraph]}
        )
    for split, data in drcd.items():
        (tmp_path / f"DRCD_{split}.json").write_text(json.dumps({"data": data}), encoding="utf-8")
    ingest("drcd", [tmp_path / f"DRCD_{split}.json" for split in drcd])
    cmrc = []
    for k in range(20):
        context = f"记录{k}：" + "".join(SENTENCES[k % 4 :] + SENTENCES[: k % 4]) + f"共{k}条。𠮷"
        answers = ["信息", "服务器的默认设置", "头发", "硬盘"]
        qas = [{"query_id": f"T{k}Q{q}", "query_text": "是什么？", "answers": [answer]} for q, answer in enumerate(answers)]
        qas.append({"query_id": f"T{k}Q9", "query_text": "无解？", "answers": ["不在文中"]})
        cmrc.append({"context_id": f"T{k}", "context_text": context, "title": f"题{k}", "qas": qas})
    copy = "第7号的软件在服务器里，默认的信息共7笔，由第7位用户从出租车上传。这一段说的是別的。"
    cmrc.append(
        {
            "context_id": "COPY",
            "context_text": copy,
            "title": "",
            "qas": [{"query_id": "C", "query_text": "？", "answers": ["信息"]}],
        }
    )
    near = drcd["dev"][2]["paragraphs"][0]["context"].replace("軟體", "软体").replace("這", "这")
    cmrc.append(
        {
            "context_id": "NEAR",
            "context_text": near,
            "title": "",
            "qas": [{"query_id": "N", "query_text": "？", "answers": ["資訊"]}],
        }
    )
    (tmp_path / "cmrc2018_train.json").write_text(json.dumps(cmrc), encoding="utf-8")
    ingest("cmrc2018", [tmp_path / "cmrc2018_train.json"])


def _qa(identifier: str, context: str, answer: str) -> dict[str, Any]:
    return {
        "id": identifier,
        "question": f"「{answer}」在何處？",
        "answers": [{"text": answer, "answer_start": context.index(answer)}],
    }


def rows_of(name: str) -> list[dict[str, Any]]:
    return [row for split in catalog.get(name).values() for row in split]


def test_two_corpora_in_one_script(corpora: None, tmp_path: Path) -> None:
    """Taiwan's words, exact answers, the original beside them; whoever has no answer in the context is left out and counted."""
    build(load_text_spec("mrc_zh_tw", {"conversion.from_hans": "s2twp"}))
    rows = rows_of("mrc_zh_tw")
    for row in rows:
        for text, start in zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True):
            assert row["context"][start : start + len(text)] == text
    converted = [row for row in rows if row["conversion"]]
    assert {row["original_answers"]["text"][0]: row["answers"]["text"][0] for row in converted} == {
        "信息": "資訊",
        "服务器的默认设置": "伺服器的預設設定",
        "头发": "頭髮",
        "硬盘": "硬碟",
        "資訊": "資訊",
    }
    assert {row["converter"] for row in converted} == {catalog.manifest("cmrc2018").software["opencc"]}
    assert {row["script"] for row in rows} == {"Hant"}
    manifest = catalog.manifest("mrc_zh_tw")
    assert manifest.report["left_out"] == {"no answer in the context": 20}
    assert manifest.report["conversion"] == {"answers": 82, "exact": 82}
    assert manifest.licence.name == "CC-BY-SA-3.0 AND CC-BY-SA-4.0"
    assert "converted by OpenCC" in manifest.licence.notes
    assert [item.name for item in manifest.inputs] == ["drcd", "cmrc2018"]
    plain = datasets.load_from_disk(str(tmp_path / "catalog/mrc_zh_tw/versions/1"))
    assert [row["answers"] for part in plain.values() for row in part] == [row["answers"] for row in rows]
    assert catalog.verify("mrc_zh_tw").ok


def test_articles_and_near_copies_stay_in_one_split(corpora: None) -> None:
    """DRCD's shared articles are split anew, and a near copy goes where its original is."""
    build(load_text_spec("mrc_zh_tw"))
    place = {row["id"]: split for split, part in catalog.get("mrc_zh_tw").items() for row in part}
    articles: dict[str, set[str]] = {}
    for split, part in catalog.get("mrc_zh_tw").items():
        for row in part:
            articles.setdefault(row["article_id"], set()).add(split)
    assert all(len(splits) == 1 for splits in articles.values())
    report = catalog.manifest("mrc_zh_tw").report
    assert report["articles_in_several_official_splits"] == 2
    (pair,) = [pair for pair in report["duplicates"]["pairs"] if "NEAR" in pair["first"] + pair["second"]]
    other = pair["first"] if "NEAR" in pair["second"] else pair["second"]
    assert place["cmrc2018-N"] == place[f"{other}-1"]
    assert report["duplicates"]["across_corpora"] >= 1


def test_what_changes_nothing_publishes_nothing(corpora: None) -> None:
    first = build(load_text_spec("mrc_zh_cn"))
    assert first.created
    assert not build(load_text_spec("mrc_zh_cn")).created
    assert build(load_text_spec("mrc_zh_cn", {"seed": 1}), overrides={"seed": 1}).version == 2


def test_tokens_and_readings_on_demand(corpora: None) -> None:
    """Tokens tile; each character has a place; the share of answers on edges stands in the statistics."""
    spec = load_text_spec("mrc_zh_tw", {"corpus": "drcd", "tokens.engine": "rjieba", "readings": ["zhuyin"]})
    build(spec, name="with_tokens")
    for row in rows_of("with_tokens")[:10]:
        assert [token["start"] for token in row["context_tokens"]][1:] == [token["end"] for token in row["context_tokens"]][:-1]
        assert row["context_tokens"][-1]["end"] == len(row["context"]) == len(row["context_zhuyin"])
    for split in catalog.manifest("with_tokens").statistics.values():
        assert split["answers_on_token_edges"] > 0.9


def test_readings_can_be_added(corpora: None) -> None:
    """The spec's go before Taiwan's, in zhuyin and in pinyin; Taiwan's stay for the others."""
    own = {"資訊": "ㄗˇ ㄒㄩㄣˋ", "筆": "ㄅㄧˋ"}
    build(load_text_spec("mrc_zh_tw", {"corpus": "drcd", "readings": ["zhuyin", "pinyin"], "readings_table": own}))
    row = rows_of("mrc_zh_tw")[0]
    for word, zhuyin, pinyin in (("資訊", ["ㄗˇ", "ㄒㄩㄣˋ"], ["zǐ", "xùn"]), ("筆", ["ㄅㄧˋ"], ["bì"])):
        at = row["context"].index(word)
        assert row["context_zhuyin"][at : at + len(word)] == zhuyin
        assert row["context_pinyin"][at : at + len(word)] == pinyin


def test_inexact_answers_are_marked_or_left_out(tmp_path: Path) -> None:
    """An answer that begins inside a phrase that is replaced as a whole is widened to it."""
    context = "他用U盘存文件，还有软件。"
    qas = [{"query_id": f"Q{k}", "query_text": "？", "answers": [answer]} for k, answer in enumerate(["盘", "软件"])]
    path = tmp_path / "cmrc2018_train.json"
    path.write_text(json.dumps([{"context_id": "T", "context_text": context, "title": "", "qas": qas}]), encoding="utf-8")
    ingest("cmrc2018", [path])
    asked = {"corpus": "cmrc2018", "conversion.from_hans": "s2twp"}
    build(load_text_spec("mrc_zh_tw", asked))
    rows = rows_of("mrc_zh_tw")
    assert [(row["answers"]["text"], row["answers_exact"]) for row in rows] == [(["隨身碟"], [False]), (["軟體"], [True])]
    assert catalog.manifest("mrc_zh_tw").report["conversion"] == {"answers": 2, "exact": 1}
    export("mrc_zh_tw", "squad", tmp_path)
    (written,) = tmp_path.glob("mrc_zh_tw-*.json")
    paragraphs = json.loads(written.read_text(encoding="utf-8"))["data"][0]["paragraphs"]
    assert [qa["answers"][0]["exact"] for qa in paragraphs[0]["qas"]] == [False, True]
    build(load_text_spec("mrc_zh_tw", {**asked, "keep_inexact": False}), name="exact")
    assert [row["answers"]["text"] for row in rows_of("exact")] == [["軟體"]]
    assert catalog.manifest("exact").report["left_out"] == {"every answer inexact after conversion": 1}


def test_a_converted_row_can_be_checked_back(corpora: None) -> None:
    """From what it keeps of the original: text, answers, free answers, configuration and version."""
    build(load_text_spec("mrc_zh_tw", {"conversion.from_hans": "s2twp"}))
    converted = [row for row in rows_of("mrc_zh_tw") if row["conversion"]]
    assert converted
    for row in converted:
        was = row["original_answers"]
        spans = [(start, start + len(text)) for text, start in zip(was["text"], was["answer_start"], strict=True)]
        again = convert(row["original_context"], spans, row["conversion"])
        assert (again.text, row["converter"]) == (row["context"], opencc.version())
        assert [again.text[start:end] for start, end in again.spans] == row["answers"]["text"]
        assert [start for start, _ in again.spans] == row["answers"]["answer_start"]
        assert row["original_free_answers"] == row["free_answers"] == []


def test_an_entity_that_is_inexact_keeps_its_sentence(tmp_path: Path) -> None:
    """Untagged, widened, counted; the original text and its entities stay in the row, and lead to the same again."""
    lines = ["用 O", "U B-ORG", "盘 B-LOC", "存 O", "信 B-ORG", "息 I-ORG", "𠮷 B-PER", "sir I-PER"]
    (tmp_path / "example.train").write_text("\n".join(lines) + "\n", encoding="utf-8")
    ingest("peoples_daily_ner", [tmp_path / "example.train"])
    asked = {"corpus": "peoples_daily_ner", "conversion.script": "Hant", "conversion.from_hans": "s2twp"}
    build(load_text_spec("ner_zh", asked))
    (row,) = rows_of("ner_zh")
    names = catalog.get("ner_zh", split="train").features["ner_tags"].feature.names
    assert "".join(row["tokens"]) == "用隨身碟存資訊𠮷sir"
    found = [(tag, row["tokens"][k]) for k, tag in enumerate(names[number] for number in row["ner_tags"]) if tag != "O"]
    assert found == [("B-ORG", "資"), ("I-ORG", "訊"), ("B-PER", "𠮷"), *(("I-PER", letter) for letter in "sir")]
    widened = [{"start": 1, "end": 4, "label": label} for label in ("ORG", "LOC")]
    assert row["inexact_entities"] == widened
    assert row["original_text"] == "用U盘存信息𠮷sir"
    spans = [(entity["start"], entity["end"]) for entity in row["original_entities"]]
    assert [row["original_text"][slice(*span)] for span in spans] == ["U", "盘", "信息", "𠮷sir"]
    again = convert(row["original_text"], spans, row["conversion"])
    assert (again.text, again.exact) == ("".join(row["tokens"]), [False, False, True, True])
    counts = catalog.manifest("ner_zh").report["counts"]
    assert (counts["entities converted"], counts["entities inexact after conversion, left untagged"]) == (4, 2)
    export("ner_zh", "jsonl", tmp_path)
    said = json.loads((tmp_path / "ner_zh-train.jsonl").read_text(encoding="utf-8"))
    assert said["original_entities"][3] == {"start": 6, "end": 10, "label": "PER", "start_utf16": 6, "end_utf16": 11}
    assert catalog.verify("ner_zh").ok


def test_what_is_exported_says_its_licence_and_what_was_changed(corpora: None, tmp_path: Path) -> None:
    """As CC BY-SA asks: names and addresses of licences, whom to name, where from, and the conversion with its version."""
    build(load_text_spec("mrc_zh_tw", {"conversion.from_hans": "s2twp"}))
    written = export("mrc_zh_tw", "squad", tmp_path / "out")
    assert written.note == str(tmp_path / "out" / "mrc_zh_tw-LICENCE.txt")
    note = Path(written.note).read_text(encoding="utf-8")
    for said in (
        "Licence: CC-BY-SA-3.0 AND CC-BY-SA-4.0",
        "https://creativecommons.org/licenses/by-sa/3.0/",
        "https://creativecommons.org/licenses/by-sa/4.0/",
        "Delta Electronics",
        "iFLYTEK",
        "arXiv:1806.00920",
        "Source: https://github.com/ymcui/cmrc2018",
        "- drcd@1: brought into the form",
        f"- mrc_zh_tw@1: converted by OpenCC {opencc.version()} (s2twp)",
        "- these files: written in the form squad",
    ):
        assert said in note
    build(load_text_spec("csc_asr", {"corpora": ["drcd"]}))
    again = Path(export("csc_asr", "csc-tsv", tmp_path / "out", split="train").note).read_text(encoding="utf-8")
    assert "- csc_asr@1: errors put into the texts" in again


def test_correction_sets_invert_and_keep_the_share_of_identical_pairs(corpora: None) -> None:
    spec = load_text_spec("csc_asr", {"corpora": ["drcd"], "identical": 0.3, "rates.homophone": 0.1, "rates.word": 0.05})
    build(spec)
    rows = rows_of("csc_asr")
    for row in rows:
        assert invert(row["wrong"], [Edit(**edit) for edit in row["edits"]]) == row["right"]
        assert row["source_id"].startswith("drcd-")
    assert sum(not row["edits"] for row in rows) / len(rows) == pytest.approx(0.3, abs=0.02)
    kinds = {edit["kind"] for row in rows for edit in row["edits"]}
    assert {"homophone", "deletion"} <= kinds
    assert not any(set("0123456789") & set(edit["correct"]) for row in rows for edit in row["edits"])
    place: dict[str, set[str]] = {}
    for split, part in catalog.get("csc_asr").items():
        for row in part:
            place.setdefault(row["article_id"], set()).add(split)
    assert all(len(splits) == 1 for splits in place.values())
    assert catalog.verify("csc_asr").ok


def test_no_right_text_of_a_correction_set_stands_in_two_splits(tmp_path: Path) -> None:
    """Pairs of one right text stay together, with sentences made of other corpora; official splits stay, the later one wins."""
    rights = {"train": "今天天氣很好，我們出門。", "test": "他在銀行裡工作了很久。"}
    pairs = [{"id": f"r{k}", "original_text": f"今天天汽{k}。", "correct_text": rights["train"]} for k in range(60)]
    pairs.append({"id": "both", "original_text": "他在銀行裏工作。", "correct_text": rights["test"]})
    (tmp_path / "train.json").write_text(json.dumps(pairs), encoding="utf-8")
    test = [{"id": f"t{k}", "original_text": f"他在銀行{k}。", "correct_text": rights["test"]} for k in range(8)]
    (tmp_path / "test.json").write_text(json.dumps(test), encoding="utf-8")
    ingest("csc_own", [tmp_path / "train.json", tmp_path / "test.json"])
    context = rights["test"] + "".join(f"這是第{k}個在市場上的事實。" for k in range(30))
    article = {"title": "題目", "id": "1", "paragraphs": [{"id": "1-1", "context": context, "qas": [_qa("q", context, "銀行")]}]}
    (tmp_path / "DRCD_training.json").write_text(json.dumps({"data": [article]}), encoding="utf-8")
    ingest("drcd", [tmp_path / "DRCD_training.json"])
    build(load_text_spec("csc_asr", {"corpora": ["csc_own", "drcd"]}))
    place = {row["id"]: split for split, part in catalog.get("csc_asr").items() for row in part}
    assert {split for name, split in place.items() if name.startswith("csc_own-r")} == {"train"}
    assert {split for name, split in place.items() if not name.startswith("csc_own-r")} == {"test"}
    assert {f"csc_own-t{k}" for k in range(8)} | {"csc_own-both"} < set(place)
    assert any(name.startswith("drcd") for name in place)
    assert catalog.manifest("csc_asr").report["counts"]["moved_to_a_later_split"] == 1


def test_a_sentence_has_the_same_errors_whatever_stands_beside_it(corpora: None) -> None:
    """But for weights, which are of the corpus: here both sets have the same."""
    build(load_text_spec("csc_asr", {"lengths": [5, 60]}), name="one")
    build(load_text_spec("csc_asr", {"lengths": [5, 60], "split_proportions": {"train": 1}}), name="other")
    one = {row["right"]: row["wrong"] for row in rows_of("one")}
    assert one == {row["right"]: row["wrong"] for row in rows_of("other")}


def test_labels_of_two_corpora_by_name(tmp_path: Path) -> None:
    """BMES asked for; a sentence that stands in train and test goes to test."""
    (tmp_path / "msra_train_bio.txt").write_text("北\tB-LOC\n京\tI-LOC\n\n李\tB-PER\n\n", encoding="utf-8")
    (tmp_path / "msra_test_bio.txt").write_text("北\tB-LOC\n京\tI-LOC\n\n", encoding="utf-8")
    (tmp_path / "example.dev").write_text("上 B-ORG\n汽 I-ORG\n", encoding="utf-8")
    ingest("msra_ner", sorted(tmp_path.glob("msra*")))
    ingest("peoples_daily_ner", [tmp_path / "example.dev"])
    build(load_text_spec("ner_zh", {"scheme": "BMES", "conversion.script": "Hant"}))
    rows = catalog.get("ner_zh")
    names = rows["train"].features["ner_tags"].feature.names
    assert {split: ["".join(row["tokens"]) for row in part] for split, part in rows.items()} == {
        "train": ["李"],
        "validation": ["上汽"],
        "test": ["北京", "北京"],
    }
    assert [names[tag] for tag in rows["test"][0]["ner_tags"]] == ["B-LOC", "E-LOC"]
    assert [names[tag] for tag in rows["train"][0]["ner_tags"]] == ["S-PER"]
    assert catalog.manifest("ner_zh").report["counts"] == {
        "entities converted": 4,
        "entities inexact after conversion, left untagged": 0,
        "moved_to_a_later_split": 1,
    }


def test_classes_and_pairs_keep_rows_without_labels(tmp_path: Path) -> None:
    (tmp_path / "train.json").write_text(json.dumps({"sentence": "软件", "label": "109"}), encoding="utf-8")
    (tmp_path / "test.json").write_text(json.dumps({"id": 1, "sentence": "股市"}), encoding="utf-8")
    ingest("tnews", [tmp_path])
    build(load_text_spec("cls_zh", {"corpus": "tnews", "conversion.script": "Hant", "conversion.from_hans": "s2twp"}))
    rows = catalog.get("cls_zh")
    assert (rows["train"][0]["text"], rows["train"][0]["original_text"], rows["test"][0]["label"]) == ("軟體", "软件", None)
    assert rows["train"].features["label"].int2str(rows["train"][0]["label"]) == "tech"


def test_the_command_builds_text(corpora: None, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Dry run, build, export; mistakes are one line."""
    assert run(["build", "mrc_zh_tw", "--corpus", "drcd", "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["corpora"] == ["drcd@1"]
    assert run(["build", "mrc_zh_tw", "--corpus", "drcd", "--name", "mine"]) == 0
    assert catalog.manifest("mine").overrides == {"corpus": "drcd"}
    assert run(["export", "mine", "--format", "squad", "--to", str(tmp_path / "out")]) == 0
    capsys.readouterr()
    for arguments, said in (
        (["build", "mrc_zh_tw", "--corpus", "drdc"], "did you mean 'drcd'"),
        (["build", "mrc_zh_tw", "--set", "seeed=1"], "did you mean 'seed'"),
        (["build", "ner_zh", "--corpus", "drcd"], "kind mrc"),
        (["ingest", "fgc"], "--from"),
        (["plan", "mrc_zh_tw", "--to", str(tmp_path / "plan.arrow")], "no plan"),
        (["export", "mine", "--format", "squd", "--to", str(tmp_path)], "did you mean 'squad'"),
    ):
        assert run(arguments) == 2
        printed = capsys.readouterr().err
        assert said in printed
        assert printed.count("\n") == 1


def test_every_shipped_spec_of_text_can_be_read() -> None:
    found = [name for name in spec_names() if is_text_spec(name)]
    assert {"mrc_zh_tw", "mrc_zh_cn", "csc_asr", "ner_zh", "pairs_zh", "cls_zh"} <= set(found)
    for name in found:
        assert load_text_spec(name).name == name
    with pytest.raises(SpecError):
        is_text_spec("nothing")


def test_a_corpus_named_twice_is_refused(corpora: None) -> None:
    with pytest.raises(CatalogError, match="twice"):
        build(load_text_spec("mrc_zh_tw", {"corpora": ["drcd", "drcd@1"]}))


def test_a_dry_run_refuses_what_the_build_would(corpora: None, capsys: pytest.CaptureFixture[str]) -> None:
    """A name that cannot be, and one that a set of another kind has: before any work."""
    for name, said in (("no/such", "no/such"), ("drcd", None), ("cmrc2018", None)):
        for further in ([], ["--dry-run"]):
            arguments = ["build", "csc_asr", "--set", "corpora=[drcd]", "--name", name, *further]
            assert run(arguments) == 2
            assert (said or "of kind 'mrc'") in capsys.readouterr().err
    assert run(["build", "mrc_zh_tw", "--name", "other", "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "other"


def test_a_damaged_blob_is_named(corpora: None, tmp_path: Path) -> None:
    """By builds and exports alike."""
    for blob in (tmp_path / "catalog" / "cmrc2018" / "blobs").iterdir():
        blob.chmod(0o600)
        blob.write_bytes(blob.read_bytes()[:2000])
        damaged = blob.name
    for work in (lambda: build(load_text_spec("mrc_zh_tw")), lambda: export("cmrc2018", "squad", tmp_path / "out")):
        with pytest.raises(IntegrityError, match=damaged):
            work()
    assert not list((tmp_path / "out").glob("cmrc2018-t*"))
