"""Small things about texts: scripts, special characters, UTF-16 offsets, duplicates, groups."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from synth.text.characters import has_lone_surrogate, script, special_characters
from synth.text.duplicates import duplicates
from synth.text.groups import draw_splits, joined
from synth.text.utf16 import Units

LONG = "維基百科是一個自由內容的百科全書計畫，由志工共同撰寫，任何人都可以編輯其中的條目並加以改進，內容涵蓋各種主題。"


def test_scripts_are_told_by_characters_of_one_side() -> None:
    assert [script(text) for text in ("這個軟體", "这个软件", "人中大小", "abc", "", "發发")] == ["Hant", "Hans", *["Zyyy"] * 4]


def test_special_characters_are_counted_and_kept() -> None:
    text = "一\u200b二\u3000三\u00a0𠮷\0\x07\ud800\n\ufeff"
    assert special_characters(text) == {
        "zero_width": 2,
        "ideographic_space": 1,
        "no_break_space": 1,
        "astral": 1,
        "nul": 1,
        "control": 1,
        "lone_surrogate": 1,
        "line_break": 1,
    }
    assert has_lone_surrogate(text)
    assert not has_lone_surrogate("👨‍👩‍👧")


@given(text=st.text(alphabet="一a𠮷👨\u200d", max_size=20))
def test_units_are_those_of_utf16(text: str) -> None:
    units = Units(text)
    for offset in range(len(text) + 1):
        assert units.before(offset) == len(text[:offset].encode("utf-16-le")) // 2


def test_texts_that_are_the_same_or_nearly_are_found() -> None:
    """The same in another script and spacing; one with another end; not one that only shares words."""
    simplified = "维基百科是一个自由内容的百科全书计划，由志工共同撰写，任何人都可以编辑其中的条目并加以改进，内容涵盖各种主题。"
    texts = [LONG, "完全不同的一段文字，講的是別的事情。", f" {simplified} ", LONG[:-5] + "許多語言。", "維基百科", "", ""]
    found = {(pair.first, pair.second): pair.jaccard for pair in duplicates(texts, 0.7)}
    assert set(found) == {(0, 2), (0, 3), (5, 6)}
    assert found[0, 2] == found[5, 6] == 1
    assert 0.7 <= found[0, 3] < 1


def test_rows_that_share_a_key_by_others_are_one_group() -> None:
    assert joined([["a"], ["b"], ["c", "a"], ["b", "c"], ["d"]]) == [0, 0, 0, 0, 4]


def test_the_split_of_a_group_hangs_on_nothing_else() -> None:
    """Shares are about those asked for; more groups move none."""
    names = [f"article-{k}" for k in range(2000)]
    proportions = {"train": 8.0, "validation": 1.0, "test": 1.0}
    drawn = draw_splits(names, proportions, seed=0, dataset="d")
    assert draw_splits(names[500:], proportions, seed=0, dataset="d") == drawn[500:]
    assert draw_splits(names, proportions, seed=1, dataset="d") != drawn
    counts = Counter(drawn)
    assert abs(counts["train"] - 1600) < 100
    assert abs(counts["test"] - 200) < 60
