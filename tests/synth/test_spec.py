"""Specs: read, overridden, and refused with one line that says what to write instead."""

import pytest

from synth.errors import SpecError, YuliaoError
from synth.spec import PartialOverlap, parse_spec

SPEC = """
name: two
kind: separation
corpus: aishell1
splits: {train: {mixtures: 100}, test: {mixtures: 0}}
overlap: {mode: partial}
"""


def test_a_short_spec_is_filled_with_the_defaults() -> None:
    spec = parse_spec(SPEC, "two.yaml")
    assert spec.counts() == {"train": 100}
    assert isinstance(spec.overlap, PartialOverlap)
    assert spec.overlap.ratio.support() == (0.1, 0.9)
    assert spec.levels.sir_db.support() == (-5, 5)
    assert spec.sample_rate_hz == 16000


def test_overrides_reach_any_depth_and_make_what_is_missing() -> None:
    overrides = {"splits.validation.mixtures": 7, "levels.sir_db": {"choice": [0, 3]}, "seed": 9, "overlap.ratio": 0.5}
    spec = parse_spec(SPEC, "two.yaml", overrides)
    assert spec.counts() == {"train": 100, "validation": 7}
    assert spec.levels.sir_db.support() == (0, 3)
    assert spec.seed == 9
    assert isinstance(spec.overlap, PartialOverlap)
    assert spec.overlap.ratio.support() == (0.5, 0.5)


@pytest.mark.parametrize(
    ("text", "overrides", "says"),
    [
        ("a: [1, 2", {}, "not readable YAML at line 1"),
        ("just words", {}, "not a spec"),
        (SPEC, {"sampel_rate_hz": 8000}, "unknown key 'sampel_rate_hz'; did you mean 'sample_rate_hz'"),
        (SPEC, {"splits.train.mixture": 5}, "unknown key 'splits.train.mixture'; did you mean 'mixtures'"),
        (SPEC, {"overlap.ratoi": 0.5}, "unknown key 'overlap.ratoi'; did you mean 'ratio'"),
        (SPEC, {"levels.sir": 0}, "unknown key 'levels.sir'; did you mean 'sir_db'"),
        (SPEC, {"splits.dev.mixtures": 5}, "unknown split 'dev'"),
        (SPEC, {"name.first": "x"}, "name is a value, not a group of keys"),
        (SPEC, {"splits.train.mixtures": -1}, "splits.train.mixtures: .*greater than or equal to 0.*got -1"),
        (SPEC, {"splits.train.mixtures": "many"}, "splits.train.mixtures: .*got 'many'"),
        (SPEC, {"splits.train.mixtures": 0}, "every split asks for 0 mixtures"),
        (SPEC, {"levels.sir_db": {"uniform": [5, -5]}}, "turned round"),
        (SPEC, {"overlap.ratio": {"uniform": [0.0, 0.9]}}, "above 0 and up to 1"),
        (SPEC, {"overlap.ratio": 1.2}, "above 0 and up to 1"),
        (SPEC, {"overlap.mode": "spares"}, "overlap"),
        (SPEC, {"n_src": 0}, "n_src: .*greater than or equal to 1"),
        (SPEC, {"n_src": {"choice": [1, 2.5]}}, "whole numbers from 1 to 32"),
        (SPEC, {"n_src": 1, "overlap": {"mode": "partial"}}, "overlaps with nobody"),
        (SPEC, {"n_src": 3, "speakers.gender": "different"}, "for two sources"),
        (SPEC, {"length": "min", "overlap": {"mode": "partial"}}, "for overlap.mode full, not for partial"),
        (SPEC, {"overlap": {"mode": "conversation"}}, "give length.seconds"),
        (SPEC, {"length.secnods": 4}, "unknown key 'length.secnods'; did you mean 'seconds'"),
        (SPEC, {"length": {"seconds": 0}}, "length.seconds: .*greater than or equal to 0.1"),
        (SPEC, {"overlap": {"mode": "sparse"}, "n_src": 3, "length.seconds": 1}, "leaves 3 sources no turn .* at least 1.5"),
        (SPEC, {"overlap": {"mode": "sequential"}, "length.seconds": 1.9}, "longest pause .1 s. between them: .* at least 2.0"),
        (SPEC, {"levels": {"level_db": -50, "sir_db": 35}}, "put a source at -85 dB"),
        (SPEC, {"rooms": {"corpus": "rirs", "noise": True}}, "rooms.noise .* ask for noise"),
        (SPEC, {"speakers.held_out": 1}, "speakers.held_out: a share of the speakers lies within 0 and 0.9"),
        (SPEC, {"speakers.held_out": [1]}, "speakers.held_out.0: .*a valid string"),
        (SPEC, {"length": 4}, "length: expected min, max or seconds"),
        (SPEC, {"n_src": {"uniform": [1, 3]}}, "n_src"),
        (SPEC, {"noise": {}}, "noise needs something"),
        (SPEC, {"noise": {"corpus": "musan", "snr_db": {"uniform": [20, 5]}}}, "turned round"),
        (SPEC, {"noise.corpsu": "musan"}, "unknown key 'noise.corpsu'; did you mean 'corpus'"),
        (SPEC, {"mix_types": ["clean"]}, "ask for noise"),
        (SPEC, {"targets": ["early"]}, "ask for rooms"),
        (SPEC, {"levels.level_db": 3}, "within -60 and 0 dB"),
        (SPEC, {"split_proportions": {"validation": 0.5}}, "split_proportions says nothing about train"),
        (SPEC.replace("corpus: aishell1", ""), {}, "'corpus' is missing"),
    ],
)
def test_nonsense_is_refused_in_one_line(text: str, overrides: dict[str, object], says: str) -> None:
    with pytest.raises(SpecError, match=says) as caught:
        parse_spec(text, "two.yaml", overrides)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("two.yaml")
    assert isinstance(caught.value, YuliaoError)
