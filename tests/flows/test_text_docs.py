"""docs/text.md describes every corpus, key, column, class of error, position and format."""

import re
from pathlib import Path
from typing import get_args

from catalog.export import formats
from catalog.text_kinds import mrc_schema
from flows.text import corpora
from synth.text.answers import Position
from synth.text.spec import CscSpec, ErrorRates, LabelledSpec, MrcSpec

DESCRIBED = set(re.findall(r"`([\w-]+)`", (Path(__file__).parents[2] / "docs" / "text.md").read_text(encoding="utf-8")))


def test_everything_has_its_place_in_the_document() -> None:
    assert set(corpora.names()) <= DESCRIBED
    assert {*MrcSpec.model_fields, *CscSpec.model_fields, *LabelledSpec.model_fields, *ErrorRates.model_fields} <= DESCRIBED
    assert set(mrc_schema().names) <= DESCRIBED
    assert {*get_args(Position)} - {"none"} <= DESCRIBED
    assert set(formats()) <= DESCRIBED


def test_the_document_says_which_corpora_are_fetched() -> None:
    """Of text; `docs/text.md` refers to it."""
    text = (Path(__file__).parents[2] / "docs" / "corpora.md").read_text(encoding="utf-8")
    (said,) = re.findall(r"Of text corpora, (.*?) are fetched", text, re.DOTALL)
    assert set(re.findall(r"`(\w+)`", said)) == {name for name in corpora.names() if corpora.get(name).archives}
