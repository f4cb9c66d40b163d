"""Answers are located by stated rules, and the slice is always the answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.text.answers import locate, occurrences

TEXTS = st.text(alphabet="一二三，。 　aＡ1１2𠮷\u200b\0\ud800", max_size=30)


@given(context=TEXTS, answer=TEXTS | st.integers(-5, 100_000) | st.floats(), start=st.none() | st.integers(-2, 40))
def test_the_slice_is_the_answer_or_there_is_none(context: str, answer: str | float, start: int | None) -> None:
    found = locate(context, answer, start)
    if found.position == "none":
        assert found.start == -1
    else:
        assert found.text
        assert context[found.start : found.start + len(found.text)] == found.text


@pytest.mark.parametrize(
    ("answer", "start", "first_only", "expected"),
    [
        ("二", 1, False, ("二", 1, "given")),
        ("二", 1, True, ("二", 1, "guess")),
        ("二", 4, True, ("二", 4, "guess")),
        ("一", 0, True, ("一", 0, "given")),
        ("一", None, False, ("一", 0, "found")),
        ("二", None, False, ("二", 1, "guess")),
        ("二", -1, False, ("二", 1, "guess")),
        ("三", 0, False, ("三", 2, "moved")),
        ("三四", -1, False, ("三，四", 2, "loose")),
        ("Ａ１", None, False, ("A1", 7, "loose")),
        ("九", 3, False, ("九", -1, "none")),
        ("", 0, False, ("", -1, "none")),
    ],
)
def test_rules(answer: str, start: int | None, first_only: bool, expected: tuple[str, int, str]) -> None:
    """In the context 一二三，二四。A1: 二 stands there twice."""
    context = "一二三，二四。A1" if answer != "三四" else "一二三，四。A1"
    found = locate(context, answer, start, first_only=first_only)
    assert (found.text, found.start, found.position) == expected


@pytest.mark.parametrize(
    ("number", "context", "text"),
    [
        (39764.0, "該站於2008年11月12日啟用", "2008年11月12日"),
        (147.0, "全校1470人中有147位教師", "147"),
        (1470.0, "全校1,470人", "1,470"),
        (0.25, "佔25%左右", "25%"),
        (3.5, "約3.5公里", "3.5"),
        (39764, "39764人", "39764"),
        ("39764.0", "該站於2008年11月12日啟用", "2008年11月12日"),
    ],
)
def test_numbers_that_a_spreadsheet_made_are_read_off_the_context(number: float | str, context: str, text: str) -> None:
    """Dates are days since 1899-12-30; a number is never taken out of a longer one."""
    found = locate(context, number, None)
    assert (found.text, found.position) == (text, "number")


def test_a_number_that_stands_nowhere_is_none() -> None:
    assert locate("沒有數字", 12.0, None).position == "none"
    assert locate("共1470人", 147.0, None).position == "none"
    assert locate("nan", float("nan"), None).position == "none"


def test_occurrences_overlap() -> None:
    assert occurrences("哈哈哈", "哈哈") == [0, 1]
