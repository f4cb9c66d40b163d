"""Edits lead from the right text to the wrong one and back, to the last character."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.text.edits import Edit, EditError, apply, difference, invert

TEXTS = st.text(alphabet="一二三ab 𠮷👨\u200d👩\0\ud800\n", max_size=30)


@st.composite
def changed(draw: st.DrawFn) -> tuple[str, list[tuple[int, int, str, str]]]:
    text = draw(TEXTS)
    edges = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    return text, [(start, end, draw(TEXTS), "any") for start, end in zip(edges[::2], edges[1::2], strict=False)]


@given(case=changed())
def test_what_was_changed_can_be_taken_back(case: tuple[str, list[tuple[int, int, str, str]]]) -> None:
    """And both sides of every edit stand where it says."""
    right, changes = case
    wrong, edits = apply(right, changes)
    assert invert(wrong, edits) == right
    for edit in edits:
        assert right[edit.start : edit.end] == edit.correct
        assert wrong[edit.wrong_start : edit.wrong_end] == edit.wrong


@given(wrong=TEXTS, right=TEXTS)
def test_the_difference_of_any_two_texts_leads_from_one_to_the_other(wrong: str, right: str) -> None:
    assert invert(wrong, difference(wrong, right)) == right


def test_texts_of_one_length_differ_character_by_character() -> None:
    """As pycorrector and SIGHAN count."""
    edits = difference("今天天汽很号", "今天天氣很好")
    assert [(edit.start, edit.wrong, edit.correct) for edit in edits] == [(3, "汽", "氣"), (5, "号", "好")]


def test_long_texts_are_aligned_where_they_differ() -> None:
    """A character dropped in a megabyte is one edit of that character; what would take minutes to align is one edit whole."""
    right = "今天天氣很好，" * 150_000
    began = process_time()
    edits = difference(right[:500_003] + right[500_004:], right)
    assert [(edit.end - edit.start, edit.wrong) for edit in edits] == [(1, "")]
    wrong = "頭" + "一二" * 20_000 + "尾"
    right = "頭" + "二二一" * 20_000 + "尾"
    (edit,) = difference(wrong, right)
    assert (edit.start, edit.end, edit.wrong_end) == (1, 60_001, 40_001)
    assert invert(wrong, [edit]) == right
    assert len(difference("一二" * 200, "二二一" * 200)) > 1
    assert process_time() - began < 10


def test_edits_of_another_text_are_refused() -> None:
    edit = Edit(0, 1, 0, 1, "一", "二", "any")
    with pytest.raises(EditError, match="another"):
        invert("三", [edit])
    with pytest.raises(EditError, match="overlaps"):
        apply("一二三", [(0, 2, "", "any"), (1, 3, "", "any")])
