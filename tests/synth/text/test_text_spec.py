"""Specs of text sets: read, overridden, refused in one line that names the key."""

from typing import Any

import pytest

from synth.errors import SpecError
from synth.text.spec import CscSpec, MrcSpec, parse_text_spec

MRC = "name: m\nkind: mrc\ncorpora: [drcd]\nconversion: {script: Hant}\n"
CSC = "name: c\nkind: csc\ncorpora: [drcd]\n"


def test_a_corpus_laid_over_a_spec_stands_for_all_of_its_own() -> None:
    spec = parse_text_spec(MRC, "m", {"corpus": "mine@2", "conversion.from_hans": "s2twp", "tokens.engine": "rjieba"})
    assert isinstance(spec, MrcSpec)
    assert spec.corpora == ["mine@2"]
    assert spec.conversion.from_hans == "s2twp"
    assert spec.tokens is not None


def test_defaults_of_errors_are_five_in_a_hundred() -> None:
    spec = parse_text_spec(CSC, "c")
    assert isinstance(spec, CscSpec)
    assert sum(spec.rates.model_dump().values()) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("text", "overrides", "said"),
    [
        (MRC, {"corpra": 1}, "unknown key 'corpra'; did you mean 'corpora'"),
        (MRC, {"conversion.scrip": 1}, "unknown key 'conversion.scrip'; did you mean 'script'"),
        (MRC, {"conversion.from_hans": "s2twpp"}, "s2twp"),
        (MRC, {"conversion.from_hans": "s2hk"}, "conversion.from_hans: .*'s2t', 's2tw' or 's2twp'"),
        (MRC, {"conversion.from_hans": "tw2s"}, "conversion.from_hans: .*'s2t', 's2tw' or 's2twp'"),
        (MRC, {"conversion.from_hant": "t2jp"}, "conversion.from_hant: .*'t2s', 'tw2s' or 'tw2sp'"),
        (MRC, {"split_proportions": {}}, "split_proportions: .*at least 1"),
        (CSC, {"split_proportions": {}}, "split_proportions: .*at least 1"),
        (CSC, {"protect": ["[a-z]+", "[A-Z"]}, r"protect: '\[A-Z': no regular expression \(unterminated character set"),
        (CSC, {"protect": ["a", "(?i)b"]}, "protect: the patterns together: no regular expression"),
        (MRC, {"conversion.script": "Latn"}, "conversion.script"),
        (MRC, {"readings_table": {"人質": "ㄖㄣˊ"}}, "readings_table: 人質: ㄖㄣˊ: give a syllable in zhuyin for each character"),
        (MRC, {"readings_table": {"人": "rén"}}, "readings_table: 人: rén: give a syllable"),
        (CSC, {"readings": {"垃": "xx"}}, "readings: 垃: xx: give a syllable in zhuyin"),
        (CSC, {"confusions": {"未": "末x"}}, "confusions: 未: 末x: give one Chinese character"),
        (CSC, {"confusions": {"未末": "末"}}, "confusions: 未末: 末: give one"),
        (CSC, {"confusions": {"未": ""}}, "confusions: 未: : give one"),
        (CSC, {"lengths": [200, 3]}, "lengths: the shortest, 200, is longer than the longest, 3"),
        (MRC, {"duplicates": 0.8}, "duplicates: expected keys with values, .* and got 0.8"),
        (MRC, {"split_proportions": [1, 1]}, r"split_proportions: expected keys with values, .* and got \[1, 1\]"),
        (MRC, {"split_proportions": {"validaton": 1}}, "unknown key 'split_proportions.validaton': should be 'train'"),
        (MRC, {"name.x": 1}, "name is a value"),
        (CSC, {"rates.homophone": 2}, "rates.homophone"),
        (CSC, {"rates.homophone": 0.9}, "add up"),
        (CSC, {"identical": -1}, "identical"),
        ("kind: mcr\nname: x", {}, "unknown kind 'mcr' of text set; the kinds are mrc, csc, ner, pairs, cls"),
        ("kind: [mrc]\nname: x", {}, "the kinds are mrc"),
        ("kind: mrc\nname: x", {}, "is missing"),
        ("[", {}, "YAML"),
        ("- a", {}, "not a spec"),
    ],
)
def test_mistakes_are_one_line(text: str, overrides: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said) as refused:
        parse_text_spec(text, "where", overrides)
    assert str(refused.value).startswith("where")
    assert "\n" not in str(refused.value)
