"""Entities to tags and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.text.convert import SpanError
from synth.text.tagging import Entity, entities, tag_names, tags


@st.composite
def marked(draw: st.DrawFn) -> tuple[int, list[Entity]]:
    edges = sorted(draw(st.sets(st.integers(0, 30), max_size=10)))
    spans = list(zip(edges[::2], edges[1::2], strict=False))
    return 30, [(start, end, draw(st.sampled_from(["PER", "LOC"]))) for start, end in spans]


@pytest.mark.parametrize("scheme", ["BIO", "BMES"])
@given(case=marked())
def test_any_entities_come_back(scheme: str, case: tuple[int, list[Entity]]) -> None:
    length, spans = case
    found = tags(length, spans, scheme)  # type: ignore[arg-type]
    assert entities(found) == spans
    assert set(found) <= set(tag_names(["PER", "LOC"], scheme))  # type: ignore[arg-type]


def test_the_schemes() -> None:
    spans = [(0, 1, "PER"), (1, 4, "LOC"), (5, 7, "LOC")]
    assert " ".join(tags(7, spans, "BIO")) == "B-PER B-LOC I-LOC I-LOC O B-LOC I-LOC"
    assert " ".join(tags(7, spans, "BMES")) == "S-PER B-LOC M-LOC E-LOC O B-LOC E-LOC"
    assert tag_names(["PER"], "BMES") == ["O", "B-PER", "M-PER", "E-PER", "S-PER"]


def test_damaged_tags_begin_where_they_begin() -> None:
    """I- without B-, another label in the middle, BIOES."""
    assert entities(["O", "I-PER", "I-PER", "I-LOC"]) == [(1, 3, "PER"), (3, 4, "LOC")]
    assert entities(["B-PER", "I-PER", "E-PER", "S-LOC"]) == [(0, 3, "PER"), (3, 4, "LOC")]


@pytest.mark.parametrize("spans", [[(0, 2, "A"), (1, 3, "A")], [(2, 2, "A")], [(3, 9, "A")]])
def test_entities_that_overlap_or_lie_outside_are_refused(spans: list[Entity]) -> None:
    with pytest.raises(SpanError):
        tags(5, spans, "BIO")
