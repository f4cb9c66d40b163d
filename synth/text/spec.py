"""Specs of text sets: what is asked for, read from YAML."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator

from synth.errors import SpecError, near_matches
from synth.text.characters import HAN

Rate = Annotated[float, Field(ge=0, le=1)]
Split = Literal["train", "validation", "test"]
_SYLLABLE = re.compile("˙?[ㄅ-ㄩ]{1,3}[ˊˇˋ˙]?")


def _are_readings(table: dict[str, str]) -> dict[str, str]:
    for word, said in table.items():
        syllables = said.split()
        if not word or len(syllables) != len(word) or not all(map(_SYLLABLE.fullmatch, syllables)):
            raise ValueError(f"{word}: {said}: give a syllable in zhuyin for each character, as in {{人質: ㄖㄣˊ ㄓˋ}}")
    return table


def _look_alike(table: dict[str, str]) -> dict[str, str]:
    for character, others in table.items():
        if not HAN.fullmatch(character) or not others or not all(map(HAN.fullmatch, others)):
            raise ValueError(f"{character}: {others}: give one Chinese character and those that look like it: {{未: 末}}")
    return table


Readings = Annotated[dict[str, str], AfterValidator(_are_readings)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Tokens(_Strict):
    """Columns of tokens: `jieba`, or `rjieba`, which is faster and cuts one token in 200 otherwise."""

    engine: Literal["jieba", "rjieba"] = "jieba"


class _TextSpec(_Strict):
    name: str
    description: str = ""
    corpora: list[str] = Field(min_length=1)  # NAME[@V] each


class _DrawnSpec(_TextSpec):
    """A set whose splits are drawn."""

    seed: int = 0
    # Shares of the groups (articles, or texts that are nearly the same); a group's split does not change when others come.
    split_proportions: dict[Split, Annotated[float, Field(gt=0)]] = Field(
        default={"train": 0.8, "validation": 0.1, "test": 0.1}, min_length=1
    )


class Conversion(_Strict):
    """Into which script, and by which configuration of OpenCC a row of another script gets there.

    Taiwan's and the mainland's only: converted rows are labelled zh-TW or zh-CN.
    """

    script: Literal["Hant", "Hans"]
    from_hans: Literal["s2t", "s2tw", "s2twp"] = "s2tw"
    from_hant: Literal["t2s", "tw2s", "tw2sp"] = "tw2s"


class Duplicates(_Strict):
    """Contexts count as nearly the same from this share of common five-character pieces on (Jaccard)."""

    jaccard: Annotated[float, Field(gt=0.3, le=1)] = 0.8


class MrcSpec(_DrawnSpec):
    """Reading comprehension."""

    kind: Literal["mrc"]
    conversion: Conversion
    duplicates: Duplicates = Duplicates()
    keep_inexact: bool = True  # answers of which an edge fell into a phrase that was replaced as a whole, marked
    tokens: Tokens | None = None
    readings: list[Literal["pinyin", "zhuyin"]] = []
    readings_table: Readings = {}  # further ones, in zhuyin: {"人質": "ㄖㄣˊ ㄓˋ"}


class LabelledSpec(_TextSpec):
    """Named entities, similarity of pairs, classes: corpora of one kind together, their labels by name."""

    kind: Literal["ner", "pairs", "cls"]
    scheme: Literal["BIO", "BMES"] = "BIO"  # of the tags, for `ner`
    conversion: Conversion | None = None


class ErrorRates(_Strict):
    """Errors per Han character, by class, and how substitutions are shared out."""

    homophone: Rate = 0.021  # same syllable and tone
    other_tone: Rate = 0.00875  # same syllable
    near_homophone: Rate = 0.00525  # a syllable that is often taken for it: zh-z, n-l, an-ang, ...
    shape: Rate = 0.0
    word: Rate = 0.0  # a whole word for another of the same sound
    deletion: Rate = 0.0075
    duplication: Rate = 0.0075
    insertion: Rate = 0.0

    @model_validator(mode="after")
    def _some(self) -> "ErrorRates":
        if not 0 < sum(self.model_dump().values()) <= 0.5:
            raise ValueError("the rates must add up to more than 0 and at most 0.5")
        return self


class CscSpec(_DrawnSpec):
    """Sentences with errors such as speech recognition makes, beside what they should be."""

    kind: Literal["csc"]
    script: Literal["Hant", "Hans"] = "Hant"  # sentences of the other one are left out
    rates: ErrorRates = ErrorRates()
    identical: Rate = 0.1  # share of the sentences that are left as they are
    min_gap: int = Field(default=1, ge=0)  # characters between two errors
    lengths: tuple[Annotated[int, Field(ge=1)], int] = (5, 128)  # of a sentence, in characters
    protect: list[str] = [r"[A-Za-z0-9]+"]  # patterns of what no error touches
    readings: Readings = {}  # further readings, in zhuyin: {"垃": "ㄌㄜˋ"}
    confusions: Annotated[dict[str, str], AfterValidator(_look_alike)] = {}  # further characters that look alike: {"未": "末"}

    @field_validator("lengths")
    @classmethod
    def _not_reversed(cls, lengths: tuple[int, int]) -> tuple[int, int]:
        if lengths[0] > lengths[1]:
            raise ValueError(f"the shortest, {lengths[0]}, is longer than the longest, {lengths[1]}")
        return lengths

    @field_validator("protect")
    @classmethod
    def _patterns(cls, protect: list[str]) -> list[str]:
        for pattern in protect:
            _compiled(pattern, repr(pattern))
        _compiled("|".join(f"(?:{pattern})" for pattern in protect), "the patterns together")  # as they are used
        return protect


def _compiled(pattern: str, what: str) -> None:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{what}: no regular expression ({error}); a sign that is meant as itself takes a backslash") from error


TextSpec = Annotated[MrcSpec | CscSpec | LabelledSpec, Field(discriminator="kind")]
KINDS = ("mrc", "csc", "ner", "pairs", "cls")
_MODELS: dict[str, type[_TextSpec]] = {"mrc": MrcSpec, "csc": CscSpec, **dict.fromkeys(("ner", "pairs", "cls"), LabelledSpec)}
_GROUPS: dict[str, type[BaseModel]] = {
    "conversion": Conversion,
    "duplicates": Duplicates,
    "tokens": Tokens,
    "rates": ErrorRates,
}


def parse_text_spec(text: str, where: str, overrides: Mapping[str, Any] | None = None) -> MrcSpec | CscSpec | LabelledSpec:
    """Read the spec of a text set from YAML, with `overrides` by dotted key laid over it; `corpus` stands for one of `corpora`.

    Raises:
        SpecError: unreadable YAML, an unknown key (near matches are named), a value of the wrong kind or range.
    """
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SpecError(f"{where} is not readable YAML: {getattr(error, 'problem', None) or error}") from error
    if not isinstance(data, dict):
        raise SpecError(f"{where} is not a spec: expected keys such as name, kind and corpora")
    for dotted, value in (overrides or {}).items():
        key, laid = ("corpora", [value]) if dotted == "corpus" else (dotted, value)
        *parents, last = key.split(".")
        node = data
        for part in parents:
            node = node.setdefault(part, {})
            if not isinstance(node, dict):
                raise SpecError(f"{where}: cannot set {dotted}: {part} is a value, not a group of keys")
        node[last] = laid
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in _MODELS:
        raise SpecError(f"{where}: unknown kind {kind!r} of text set; the kinds are {', '.join(KINDS)}")
    try:
        spec: MrcSpec | CscSpec | LabelledSpec = TypeAdapter(TextSpec).validate_python(data)
    except ValidationError as error:
        raise SpecError(f"{where}: {_first_problem(error, kind)}") from error
    return spec


def _first_problem(error: ValidationError, kind: str) -> str:
    """One line about the first problem: unknown keys first, since they explain the others."""
    problem = sorted(error.errors(), key=lambda found: found["type"] != "extra_forbidden")[0]
    location = [str(part) for part in problem["loc"] if part not in KINDS]  # the discriminator is no key that a user wrote
    key = ".".join(location)
    if problem["type"] == "extra_forbidden":
        model: type[BaseModel] = _GROUPS.get(location[0], _MODELS[kind]) if len(location) > 1 else _MODELS[kind]
        return f"unknown key {key!r}{near_matches(location[-1], model.model_fields)}"
    if problem["type"] == "missing":
        return f"the key {key!r} is missing"
    if problem["type"] in ("dict_type", "model_type"):
        return f"{key}: expected keys with values, such as {{a: 1, b: 2}}, and got {problem['input']!r}"
    if location[-1:] == ["[key]"]:
        return f"unknown key {key.removesuffix('.[key]')!r}: {problem['msg'].removeprefix('Input ')}"
    return f"{key}: {problem['msg'].removeprefix('Value error, ')}"
