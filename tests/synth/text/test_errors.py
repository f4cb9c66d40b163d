"""Errors: keyed, invertible, at the rates asked for, never where they must not be."""

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.text.characters import HAN
from synth.text.confusions import Confusions, homophone_words, near_syllables
from synth.text.edits import invert
from synth.text.errors import Errors
from synth.text.readings import TAIWAN, character_reading, split_tone
from synth.text.spec import ErrorRates
from synth.text.tokens import fold

# Characters of everyday text, many of which sound or look like another one here.
CHARACTERS = (
    "的地得是事市式試室時十石實使史始世視不步部布在再載有友又右我臥人仁他她它這者著中鐘終種重來萊上尚大打到道倒說為圍位未味國果過和何河合"
    "年念子字自紫資出初處觸會回灰灰匯可科課客也夜業葉你呢能下夏嚇生聲升勝省成城程誠台臺後后候厚己已巳末辨辯辦微徵清請情晴睛"
)
FREQUENCIES = {character: 1 + k % 50 for k, character in enumerate(CHARACTERS)}
TEXTS = st.text(alphabet=CHARACTERS + "，。A1 𠮷👨\u200d👩\0\ud800\n", max_size=80)


def errors(**rates: float) -> Errors:
    nothing = dict.fromkeys(ErrorRates.model_fields, 0.0)
    words = homophone_words({"時事": 9, "實施": 9, "試試": 9}, {"時事": "ㄕ ㄕ", "實施": "ㄕ ㄕ", "試試": "ㄕ ㄕ"}, 1)
    return Errors(
        ErrorRates(**(nothing | rates)), Confusions(FREQUENCIES, TAIWAN, {"未": "末"}), words, protect=re.compile("[A-Z0-9]+")
    )


@given(text=TEXTS, seed=st.integers(0, 5))
def test_any_text_comes_back(text: str, seed: int) -> None:
    """The edits invert exactly; the same seed and text give the same errors."""
    made = errors(
        homophone=0.1, other_tone=0.1, near_homophone=0.1, shape=0.05, word=0.05, deletion=0.03, duplication=0.03, insertion=0.03
    )
    wrong, edits = made.put_in(text, seed)
    assert invert(wrong, edits) == text
    assert made.put_in(text, seed) == (wrong, edits)
    for edit in edits:
        assert all(map(HAN.match, edit.correct))
        assert edit.kind in ErrorRates.model_fields


@given(text=TEXTS, edges=st.tuples(st.integers(0, 80), st.integers(0, 80)))
def test_protected_spans_stay(text: str, edges: tuple[int, int]) -> None:
    """No edit reaches into them, insertions included."""
    start, end = sorted(edges)
    _, edits = errors(homophone=0.2, deletion=0.1, insertion=0.1, duplication=0.1).put_in(text, 0, [(start, end)])
    for edit in edits:
        assert edit.end <= start or edit.start >= end


@given(text=TEXTS)
def test_errors_keep_their_distance(text: str) -> None:
    """At least one character that stays between two errors."""
    _, edits = errors(homophone=0.4, deletion=0.1).put_in(text, 3)
    for one, other in pairwise(edits):
        assert other.start - one.end >= 1


def test_rates_are_those_asked_for() -> None:
    """Within a fifth, over 20,000 characters that all have homophones."""
    asked = {"homophone": 0.03, "deletion": 0.01, "duplication": 0.01, "insertion": 0.005}
    made = errors(**asked)
    texts = ["是事市式試室" * 20 + str(k) for k in range(170)]
    counts = Counter(edit.kind for text in texts for edit in made.put_in(text, 0)[1])
    characters = sum(len(HAN.findall(text)) for text in texts)
    for kind, rate in asked.items():
        assert counts[kind] / characters == pytest.approx(rate, rel=0.2)


def test_what_is_taken_for_what() -> None:
    """Same syllable and tone, same syllable, near syllable, shape; never what is the same once simplified."""
    confusions = Confusions(FREQUENCIES, TAIWAN, {"未": "末"})
    us = [k / 40 for k in range(40)]
    for character in CHARACTERS:
        said = split_tone(character_reading(character, TAIWAN))
        for kind in ("homophone", "other_tone", "near_homophone", "shape"):
            for other in {confusions.pick(kind, character, u) for u in us} - {None}:
                assert fold(other) != fold(character)
                heard = split_tone(character_reading(other, TAIWAN))
                if kind == "homophone":
                    assert heard == said
                if kind == "other_tone":
                    assert heard[0] == said[0]
                    assert heard[1] != said[1]
                if kind == "near_homophone":
                    assert heard[0] in near_syllables(said[0])
    assert {confusions.pick("homophone", "台", u) for u in us} == {None}
    assert {confusions.pick("shape", "己", u) for u in us} == {"已", "巳"}
    assert "末" in {confusions.pick("shape", "未", u) for u in us}


def test_near_syllables_are_one_step_away() -> None:
    assert near_syllables("ㄓㄤ") == ["ㄗㄤ", "ㄓㄢ"]
    assert near_syllables("ㄧㄣ") == ["ㄧㄥ"]
    assert near_syllables("ㄇㄚ") == []


def test_word_errors_replace_whole_words_where_they_stand() -> None:
    made = errors(word=0.5)
    _, edits = made.put_in("他說時事很重" * 20, 0)
    assert edits
    assert {edit.correct for edit in edits} == {"時事"}
    assert {edit.wrong for edit in edits} <= {"實施", "試試"}
    nowhere = Errors(made.rates, made.confusions, made.words, lambda text, span: False)
    assert nowhere.put_in("他說時事很重" * 20, 0)[1] == []


def test_readings_come_from_the_spec_too(jieba_cache: Path) -> None:
    """A reading that is said to be another one makes other homophones."""
    confusions = Confusions({"甲": 1, "乙": 1}, {"甲": "ㄧˇ"})
    assert confusions.pick("homophone", "甲", 0.5) == "乙"


@pytest.mark.parametrize("piece", ["是事市式試室，", "是事市A1式試室，"])
def test_a_line_of_four_megabytes(piece: str) -> None:
    """In one piece, with 200,000 words of letters and digits too: as many spans looked through one by one would take an hour."""
    text = piece * 200_000
    assert len(text.encode()) > 4_000_000
    made = errors(homophone=0.01, deletion=0.01)
    began = process_time()
    wrong, edits = made.put_in(text, 0, [(k, k + 2) for k in range(0, len(text), 100)])
    assert process_time() - began < 10
    assert invert(wrong, edits) == text
    assert len(edits) > 10_000


@given(text=TEXTS, spans=st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80)), max_size=6), seed=st.integers(0, 5))
def test_protected_spans_may_overlap_in_any_order(text: str, spans: list[tuple[int, int]], seed: int) -> None:
    """None of their characters is in an edit, and nothing is put in before one."""
    spans = [(min(edges), max(edges)) for edges in spans]
    _, edits = errors(homophone=0.2, deletion=0.1, insertion=0.1, duplication=0.1).put_in(text, seed, spans)
    kept = {k for start, end in spans for k in range(start, end)}
    for edit in edits:
        assert kept.isdisjoint(range(edit.start, max(edit.end, edit.start + 1)))
