"""The spec of a set: what is asked for, read from YAML."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from synth.distributions import Distribution, Uniform
from synth.errors import SpecError, near_matches

SPLITS = ("train", "validation", "test")
_MOST_SIR_DB = 40.0
_MOST_MIXTURES = 10_000_000  # of a split: what is more is a slip of the pen, and its plan would fill the memory


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class SplitSpec(_Strict):
    """How much a split holds."""

    mixtures: int = Field(ge=0, le=_MOST_MIXTURES, strict=True)


class FullOverlap(_Strict):
    """Every source speaks from the first sample to the last: longer ones are cut to the shortest."""

    mode: Literal["full"]


class PartialOverlap(_Strict):
    """Two whole utterances, the second beginning before the first ends.

    `ratio` is drawn per mixture: overlapped samples / samples in which anyone speaks (utterance extents).
    """

    mode: Literal["partial"]
    ratio: Distribution = Uniform(uniform=(0.1, 0.9))

    @model_validator(mode="after")
    def _ratio_in_range(self) -> "PartialOverlap":
        low, high = self.ratio.support()
        if not 0 < low <= high <= 1:
            raise ValueError(f"overlap ratios lie above 0 and up to 1; asked {low}..{high}")
        return self


class Levels(_Strict):
    """Levels of the sources, over active frames: 20 ms within 40 dB of the loudest frame of the source as it is mixed.

    One source keeps its level and the other is raised; both are raised where one would lie below -42 dBFS, and lowered by
    one gain where their sum could clip.
    """

    sir_db: Distribution = Uniform(uniform=(-5.0, 5.0))  # level of s1 over each further source

    @model_validator(mode="after")
    def _sir_in_range(self) -> "Levels":
        low, high = self.sir_db.support()
        if low < -_MOST_SIR_DB or high > _MOST_SIR_DB:
            raise ValueError(
                f"sir_db lies within -{_MOST_SIR_DB:.0f} and {_MOST_SIR_DB:.0f} dB, beyond which 16 bits hold nothing of the "
                f"weaker source; asked {low:g}..{high:g}"
            )
        return self


class Published(_Strict):
    """Size of the set whose recipe this is, as its makers state it: the card prints it beside ours."""

    mixtures: dict[str, int] = {}
    hours: dict[str, float] = {}


class SeparationSpec(_Strict):
    """A set of mixtures for speech separation."""

    name: str
    kind: Literal["separation"]
    description: str = ""
    corpus: str
    seed: int = 0
    sample_rate_hz: int = Field(default=16000, ge=1000)
    n_src: int = Field(default=2, ge=1)
    storage: Literal["audio", "plan"] = "audio"  # plan: nothing is rendered before it is read
    splits: dict[Literal["train", "validation", "test"], SplitSpec] = Field(min_length=1)
    # Shares of the speakers, for a corpus that has no official split into the splits asked for.
    split_proportions: dict[Literal["train", "validation", "test"], Annotated[float, Field(gt=0)]] = {
        "train": 0.8,
        "validation": 0.1,
        "test": 0.1,
    }
    overlap: Annotated[FullOverlap | PartialOverlap, Field(discriminator="mode")]
    levels: Levels = Levels()
    published: Published = Published()

    @model_validator(mode="after")
    def _mixes_two(self) -> "SeparationSpec":
        if self.n_src != 2:
            raise ValueError(f"n_src is {self.n_src}: this version mixes two sources, so n_src must be 2")
        if not self.counts():
            raise ValueError("every split asks for 0 mixtures: ask for some, as in splits.train.mixtures=1000")
        missing = sorted(set(self.counts()) - set(self.split_proportions))
        if missing:
            raise ValueError(f"split_proportions says nothing about {', '.join(missing)}")
        return self

    def counts(self) -> dict[str, int]:
        """Mixtures asked for, by split, in the order train, validation, test; splits without any are left out."""
        return {split: self.splits[split].mixtures for split in SPLITS if split in self.splits and self.splits[split].mixtures}


def parse_spec(text: str, where: str, overrides: Mapping[str, Any] | None = None) -> SeparationSpec:
    """Read a spec from YAML, with `overrides` by dotted key (`{"splits.train.mixtures": 2000}`) laid over it.

    Args:
        text: the YAML.
        where: what to call it in an error: a name or a path.

    Raises:
        SpecError: unreadable YAML, an unknown key (near matches are named), a value of the wrong kind or range.
    """
    try:
        data = yaml.load(text, Loader=_EachKeyOnce)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise SpecError(f"{where} is not readable YAML{place}: {getattr(error, 'problem', None) or error}") from error
    if not isinstance(data, dict):
        raise SpecError(f"{where} is not a spec: expected keys such as name, kind and corpus")
    for key, value in (overrides or {}).items():
        _override(data, key, value, where)
    try:
        return SeparationSpec.model_validate(data)
    except ValidationError as error:
        raise SpecError(f"{where}: {_first_problem(error, data)}") from error


class _EachKeyOnce(yaml.SafeLoader):
    """Refuses a key that stands twice, where YAML would take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands twice in one place", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _override(data: dict[str, Any], dotted: str, value: Any, where: str) -> None:
    *parents, last = dotted.split(".")
    node = data
    for depth, part in enumerate(parents):
        node = node.setdefault(part, {})
        if not isinstance(node, dict):
            raise SpecError(f"{where}: cannot set {dotted}: {'.'.join(parents[: depth + 1])} is a value, not a group of keys")
    node[last] = value


def _first_problem(error: ValidationError, data: dict[str, Any]) -> str:
    """One line about the first problem: unknown keys first, since they explain the others."""
    problems = sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    problem = problems[0]
    modes = {"full", "partial"}  # the discriminator's value stands in the location, but is no key that a user wrote
    location = [str(part) for part in problem["loc"] if str(part) not in modes]
    key = ".".join(location)
    if problem["type"] == "extra_forbidden":
        return f"unknown key {key!r}{near_matches(location[-1], _known_keys(location[:-1], data))}"
    if problem["type"] == "missing":
        return f"the key {key!r} is missing"
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "literal_error" and location[:1] == ["splits"]:
        return f"unknown split {location[1]!r}{near_matches(location[1], SPLITS)}"
    got = f" (got {problem['input']!r})" if isinstance(problem["input"], str | int | float | list) else ""
    return f"{key}: {message}{got}" if key else message


def _known_keys(path: list[str], data: dict[str, Any]) -> list[str]:
    models: dict[str, type[BaseModel]] = {"": SeparationSpec, "levels": Levels, "published": Published}
    overlap = data.get("overlap")
    mode = overlap.get("mode") if isinstance(overlap, dict) else None
    models["overlap"] = PartialOverlap if mode == "partial" else FullOverlap
    if path[:1] == ["splits"] and len(path) == 2:
        return list(SplitSpec.model_fields)
    model = models.get(".".join(path))
    return list(model.model_fields) if model else []
