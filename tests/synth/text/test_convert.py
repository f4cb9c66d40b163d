"""Conversion keeps every span: on any text, by identity, by cutting, and by tracking."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.draws import hash_text
from synth.text.convert import SAME_LENGTH, Span, SpanError, convert, track
from synth.text.opencc import ConversionError, configurations, convert_text, read_chain

# What the tables know, what they do not, and what breaks tools: joiners, lone surrogates, NULs, compatibility characters.
PIECES = [
    *(
        "软件",
        "信息",
        "服务器",
        "默认",
        "打印机",
        "头发",
        "发展",
        "皇后",
        "后面",
        "干燥",
        "干部",
        "U盘",
        "SQL注入",
        "算法",
        "进制",
        "出租车",
        "硅谷",
    ),
    *(
        "軟體",
        "資訊",
        "伺服器",
        "頭髮",
        "發展",
        "計程車",
        "隨身碟",
        "演算法",
        "肯亞",
        "外部索引鍵",
        "憑藉",
        "著名",
        "為什麼",
        "乾燥",
        "台灣",
        "裡面",
        "只",
        "么",
        "丽",
    ),
    *(
        "👨‍👩‍👧‍👦",
        "𠮷",
        "\u200b",
        "\u3000",
        "\0",
        "\ud800",
        "\udfff",
        "\n",
        "\x1e",
        "a",
        "Ω",
        "，",
        "。",
        "的",
        "了",
        "é",
        "e\u0301",
    ),
]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join)
CONFIGURATIONS = ["s2twp", "tw2sp", "s2tw", "tw2s", "s2t", "t2s"]


@st.composite
def texts_with_spans(draw: st.DrawFn) -> tuple[str, list[tuple[int, int]]]:
    text = draw(TEXTS)
    edges = st.integers(0, len(text))
    return text, draw(st.lists(st.tuples(edges, edges).map(lambda span: (min(span), max(span))), max_size=6))


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
@given(case=texts_with_spans())
def test_any_text_any_spans(configuration: str, case: tuple[str, list[tuple[int, int]]]) -> None:
    """The text is OpenCC's; exact edges belong together, others are widened; what lies apart stays apart."""
    text, spans = case
    result = convert(text, spans, configuration)
    assert result.text == convert_text(text, configuration)
    assert len(result.spans) == len(result.exact) == len(spans)
    if configuration in SAME_LENGTH:
        assert result.spans == spans
        assert all(result.exact)
    for (start, end), (to_start, to_end) in zip(spans, result.spans, strict=True):
        assert 0 <= to_start <= to_end <= len(result.text)
        assert start == end or to_start < to_end
        if (start, end) == (0, len(text)):
            assert (to_start, to_end) == (0, len(result.text))
    exact = [(span, moved) for span, moved, kept in zip(spans, result.spans, result.exact, strict=True) if kept]
    for (_, end), (_, to_end) in exact:
        for (start, _), (to_start, _) in exact:
            assert to_end <= to_start if end <= start else to_end >= to_start


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
@given(text=TEXTS)
def test_what_is_tracked_is_what_opencc_writes(configuration: str, text: str) -> None:
    """Character for character; the aligned positions go up on both sides, from end to end."""
    tracked, cuts = track(text, configuration)
    assert tracked == convert_text(text, configuration)
    assert cuts[0] == (0, 0)
    assert cuts[-1] == (len(text), len(tracked))
    for (source, target), (further_source, further_target) in pairwise(cuts):
        assert source < further_source
        assert target < further_target


@pytest.mark.parametrize("configuration", ["s2twp", "tw2sp"])
@given(case=texts_with_spans())
def test_tiles_join_to_the_whole(configuration: str, case: tuple[str, list[tuple[int, int]]]) -> None:
    """Cut anywhere, convert, and put the exact slices together again: nothing is lost and nothing twice."""
    text, spans = case
    edges = sorted({0, len(text), *(edge for span in spans for edge in span)})
    tiles = list(pairwise(edges))
    result = convert(text, tiles, configuration)
    if all(result.exact):
        assert "".join(result.text[start:end] for start, end in result.spans) == result.text
    else:
        assert len("".join(result.text[start:end] for start, end in result.spans)) >= len(result.text)


@pytest.mark.parametrize("configuration", sorted(SAME_LENGTH))
def test_the_tables_of_these_change_no_length(configuration: str) -> None:
    """Every key of every table, and what makes characters uniform."""
    chain = read_chain(configuration)
    for stage in (*chain.stages, *filter(None, [chain.normalisation])):
        for table in stage.tables:
            assert all(len(key) == len(value) for key, value in table.items())


def test_phrases_change_lengths_and_answers_follow() -> None:
    """The second 信息 is meant, behind a phrase that grows."""
    text = "出租车的信息，服务器的信息"
    start = text.rindex("信息")
    result = convert(text, [(start, start + 2), (0, 3), (0, len(text))], "s2twp")
    assert result.text == "計程車的資訊，伺服器的資訊"
    assert [result.text[a:b] for a, b in result.spans] == ["資訊", "計程車", result.text]
    assert all(result.exact)


def test_an_edge_inside_a_replaced_phrase_is_widened_and_marked() -> None:
    """U盘 becomes 隨身碟, of which no part is 盘."""
    text = "用U盘存"
    result = convert(text, [(2, 3), (1, 3), (3, 4), (0, 2)], "s2twp")
    assert [result.text[a:b] for a, b in result.spans] == ["隨身碟", "隨身碟", "存", "用隨身碟"]
    assert result.exact == [False, True, True, False]


@pytest.mark.parametrize(
    ("text", "spans", "configuration", "expected", "exact"),
    [
        # Grown at its begin, within, at its end.
        ("我用算法信息", [(2, 4), (5, 6)], "s2twp", ["演算法", "訊"], [True, True]),
        ("肯亞的字串", [(0, 1), (0, 2), (3, 4)], "tw2sp", ["肯尼亚", "肯尼亚", "字符串"], [False, True, False]),
        ("用進制和信息", [(1, 3), (5, 6)], "s2twp", ["進位制", "訊"], [True, True]),
        # Shrunk: nothing is left of the middle, and no span becomes empty.
        ("外部索引鍵", [(1, 4), (4, 5), (0, 5)], "tw2sp", ["外键", "外键", "外键"], [False, False, True]),
        ("演算法", [(0, 1), (1, 3), (0, 3)], "tw2sp", ["算", "算法", "算法"], [False, False, True]),
        ("虛擬機器裡", [(3, 4), (0, 4), (4, 5)], "tw2sp", ["机", "虚拟机", "里"], [False, True, True]),
    ],
)
def test_phrases_that_only_grow_or_shrink(
    text: str, spans: list[Span], configuration: str, expected: list[str], exact: list[bool]
) -> None:
    """What came in or went belongs to as much of the phrase as is sure: 算法 is 演算法, and not its last two characters."""
    result = convert(text, spans, configuration)
    assert ([result.text[a:b] for a, b in result.spans], result.exact) == (expected, exact)


def test_a_character_is_read_in_its_context() -> None:
    """头发 is 頭髮 and 发展 發展, also where the edge lies within the word."""
    result = convert("头发发展", [(1, 2), (2, 3)], "s2twp")
    assert [result.text[a:b] for a, b in result.spans] == ["髮", "發"]


@pytest.mark.parametrize("span", [(-1, 2), (0, 5), (3, 2), (5, 5)])
def test_spans_outside_the_text_are_refused(span: tuple[int, int]) -> None:
    with pytest.raises(SpanError, match="4 code points"):
        convert("一二三四", [span], "s2twp")


def test_an_unknown_configuration_names_near_ones() -> None:
    with pytest.raises(ConversionError, match="s2twp"):
        convert("一", [], "s2twpp")
    assert {"s2twp", "tw2sp", *SAME_LENGTH} <= set(configurations())


def test_a_line_of_four_megabytes() -> None:
    """In one piece, with spans at its end."""
    text = "这个软件的信息在服务器里" * 112_000
    assert len(text.encode()) > 4_000_000
    start = len(text) - len("服务器里")
    result = convert(text, [(start, start + 3)], "s2twp")
    assert [result.text[a:b] for a, b in result.spans] == ["伺服器"]
    assert result.exact == [True]


@pytest.mark.parametrize("configuration", ["s2twp", "tw2sp"])
def test_every_phrase_that_is_replaced_is_tracked(configuration: str) -> None:
    """Each key of the tables that change lengths, between others, and some of the long tables."""
    keys = [key for stage in read_chain(configuration).stages for table in stage.tables for key in table]
    keys = sorted(set(keys), key=lambda key: (hash_text(key), key))[:6000]
    for first in range(0, len(keys), 60):
        text = "".join(keys[first : first + 60])
        assert track(text, configuration)[0] == convert_text(text, configuration)


@pytest.mark.parametrize("configuration", ["s2twp", "tw2sp"])
@given(case=texts_with_spans())
def test_cutting_and_tracking_agree(configuration: str, case: tuple[str, list[tuple[int, int]]]) -> None:
    """Where both know an edge, they know the same one: neither can be wrong by itself."""
    text, spans = case
    positions = dict(track(text, configuration)[1])
    result = convert(text, spans, configuration)
    for (start, end), (to_start, to_end), exact in zip(spans, result.spans, result.exact, strict=True):
        if exact and start in positions and end in positions:
            assert (to_start, to_end) == (positions[start], positions[end])


def test_spans_wherever_they_can_stand_keep_the_clauses_apart() -> None:
    """An edge inside a phrase costs the exactness of its own clause at most; every other character is followed."""
    text = "用U盘存，服务器的信息。" * 3 + "出租车"
    spans = [(k, k + 1) for k in range(len(text))]
    result = convert(text, spans, "s2twp")
    inside = {k for k, character in enumerate(text) if character in "U盘务器服出租车"}
    assert {k for k, exact in enumerate(result.exact) if not exact} <= inside
    assert [result.text[a:b] for (a, b), (k, _) in zip(result.spans, spans, strict=True) if text[k] in "，。的"] == list(
        "，的。" * 3
    )


def test_a_tracked_text_that_is_not_opencc_s_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of another release could lead it astray: edges are widened to the clause then, and none is called exact."""
    monkeypatch.setattr(
        "synth.text.convert.track", lambda text, configuration: (text + "?", [(0, 0), (len(text), len(text) + 1)])
    )
    result = convert("信息。用U盘存，信息", [(5, 6), (0, 2), (8, 10)], "s2twp")
    assert result.text == "資訊。用隨身碟存，資訊"
    assert result.exact[1]
    assert not result.exact[0]
    assert result.text[slice(*result.spans[0])] == "用隨身碟存，"
