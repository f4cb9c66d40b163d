"""Tokens tile the text, traditional characters are folded, readings follow the word."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.text.readings import TAIWAN, readings
from synth.text.tokens import ENGINES, fold, segmenter, share_on_edges

TEXTS = st.text(alphabet="銀行重慶音樂垃圾企業的人，。 AB12\u3000\n\0𠮷👨\u200d👩\ud800\u200b", max_size=40)


@pytest.mark.parametrize("engine", ENGINES)
def test_tokens_tile_any_text(engine: str, jieba_cache: Path) -> None:
    """From the first to the last character, without gaps."""
    segment = segmenter(engine, jieba_cache)

    @settings(max_examples=60)
    @given(text=TEXTS)
    def tile(text: str) -> None:
        position = 0
        for start, end in segment(text):
            assert start == position < end
            position = end
        assert position == len(text)
        assert len(fold(text)) == len(text)

    tile()


@pytest.mark.parametrize("engine", ENGINES)
def test_traditional_text_is_cut_as_simplified_text(engine: str, jieba_cache: Path) -> None:
    segment = segmenter(engine, jieba_cache)
    text = "他在銀行工作，喜歡聽音樂"
    assert [text[a:b] for a, b in segment(text)] == ["他", "在", "銀行", "工作", "，", "喜歡", "聽", "音樂"]


def test_the_cache_lies_where_it_is_told_to(jieba_cache: Path) -> None:
    segmenter("jieba", jieba_cache)("一")
    assert [path.name for path in jieba_cache.iterdir()] == ["jieba.cache"]


def test_spans_on_edges_are_counted() -> None:
    assert share_on_edges([(0, 2), (1, 2), (2, 5), (0, 0)], [(0, 2), (2, 4), (4, 5)]) == (3, 4)


def test_characters_are_read_as_in_their_word(jieba_cache: Path) -> None:
    """Folded first: pypinyin has 银行 and not 銀行."""
    text = "銀行在重慶，步行聽音樂A"
    tokens = segmenter("jieba", jieba_cache)(text)
    assert readings(text, tokens, "pinyin") == [
        *("yín", "háng", "zài", "chóng", "qìng", "", "bù", "xíng", "tīng", "yīn", "yuè", ""),
    ]
    assert readings(text, tokens, "zhuyin")[:2] == ["ㄧㄣˊ", "ㄏㄤˊ"]


def test_taiwan_reads_otherwise_and_more_can_be_said(jieba_cache: Path) -> None:
    """By character and by word; the caller's own go before."""
    text = "垃圾企業到法國研究"
    tokens = segmenter("jieba", jieba_cache)(text)
    assert readings(text, tokens, "zhuyin", TAIWAN) == [
        *("ㄌㄜˋ", "ㄙㄜˋ", "ㄑㄧˋ", "ㄧㄝˋ", "ㄉㄠˋ", "ㄈㄚˋ", "ㄍㄨㄛˊ", "ㄧㄢˊ", "ㄐㄧㄡˋ"),
    ]
    assert readings(text, tokens, "zhuyin")[:3] == ["ㄌㄚ", "ㄐㄧ", "ㄑㄧˇ"]
    assert readings("到", [(0, 1)], "zhuyin", {"到": "ㄅㄚ"}) == ["ㄅㄚ"]


def test_words_of_the_table_go_before_characters_in_zhuyin_and_pinyin() -> None:
    """Also inside a longer token: 質 is read otherwise in 人質 than in 品質."""
    text = "人質的品質，劫持人質"
    tokens = [(0, 2), (2, 3), (3, 5), (5, 6), (6, 10)]
    zhuyin, pinyin = readings(text, tokens, "zhuyin", TAIWAN), readings(text, tokens, "pinyin", TAIWAN)
    assert [zhuyin[k] for k in (0, 1, 4, 5, 9)] == ["ㄖㄣˊ", "ㄓˋ", "ㄓˊ", "", "ㄓˋ"]
    assert [pinyin[k] for k in (0, 1, 4, 5, 9)] == ["rén", "zhì", "zhí", "", "zhì"]
    assert readings("垃圾", [(0, 2)], "pinyin", TAIWAN) == ["lè", "sè"]
    assert readings("到", [(0, 1)], "pinyin", {"到": "?"}) == ["dào"]


def test_every_syllable_of_the_table_has_its_pinyin() -> None:
    """A character reads otherwise than by pypinyin, or its entry would be idle."""
    for character in (entry for entry in TAIWAN if len(entry) == 1):
        assert readings(character, [(0, 1)], "pinyin", TAIWAN) != readings(character, [(0, 1)], "pinyin"), character


@given(text=TEXTS)
def test_every_character_has_a_place(text: str) -> None:
    """Also where it has no reading."""
    spans = [(k, k + 1) for k in range(len(text))]
    for form in ("pinyin", "zhuyin"):
        assert len(readings(text, spans, form, TAIWAN)) == len(text)
