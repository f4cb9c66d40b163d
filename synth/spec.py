"""The spec of a set: what is asked for, read from YAML."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from synth.degradations.chains import DegradationSpec, StepSpec, check_degradations
from synth.distributions import Choice, Distribution, Uniform
from synth.errors import PlanError, SpecError, near_matches
from synth.noise.spec import NoiseSpec
from synth.overlap.spec import (
    LEAST_CUT_S,
    ConversationOverlap,
    FixedLength,
    FullOverlap,
    Length,
    Overlap,
    PartialOverlap,
    SequentialOverlap,
    SparseOverlap,
)
from synth.rooms.spec import RoomsSpec

SPLITS = ("train", "validation", "test")
_MOST_SIR_DB = 40.0
MOST_SOURCES = 32
_MOST_HELD_OUT = 0.9  # of the speakers: somebody has to be left
_LOWEST_DB = -80.0  # of a source against full scale: 3 steps of int16
_ROUNDING_S = 0.001  # of a pause to samples
_MOST_MIXTURES = 10_000_000  # of a split: what is more is a slip of the pen, and its plan would fill the memory


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class SplitSpec(_Strict):
    """How much a split holds."""

    mixtures: int = Field(ge=0, le=_MOST_MIXTURES, strict=True)


def _ids_or_share(value: Any) -> Any:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, int | float) and not 0 <= value <= _MOST_HELD_OUT:
        raise ValueError(f"a share of the speakers lies within 0 and {_MOST_HELD_OUT:g}, or name them: [ID, ...]; got {value!r}")
    return value


class Speakers(_Strict):
    """Who may meet, and who takes no part."""

    gender: Literal["any", "same", "different"] = "any"  # of the sources of a mixture; unknown genders meet only under any
    # Speakers who are no source of any mixture: their ids, or which share of each split's speakers. Babble is made of them.
    held_out: Annotated[tuple[str, ...] | float, BeforeValidator(_ids_or_share)] = ()


class Levels(_Strict):
    """Levels of the sources, by one measure.

    `active_rms` counts active frames: 20 ms within 40 dB of the loudest frame of the piece as it is mixed. `mean_power` counts
    all samples. `p56` is the active speech level of ITU-T P.56, `lufs` the loudness of BS.1770.
    Without `level_db` no source is lowered: the others are raised to it; all are raised where one would lie below -42 dBFS.
    Where their sum could clip, all are lowered by one gain.
    """

    measure: Literal["active_rms", "mean_power", "p56", "lufs"] = "active_rms"
    sir_db: Distribution = Uniform(uniform=(-5.0, 5.0))  # level of s1 over each further source
    level_db: Distribution | None = None  # of s1, against full scale: dBFS, dBov (p56) or LUFS

    @model_validator(mode="after")
    def _in_range(self) -> "Levels":
        low, high = self.sir_db.support()
        if low < -_MOST_SIR_DB or high > _MOST_SIR_DB:
            raise ValueError(
                f"sir_db lies within -{_MOST_SIR_DB:.0f} and {_MOST_SIR_DB:.0f} dB, beyond which 16 bits hold nothing of the "
                f"weaker source; asked {low:g}..{high:g}"
            )
        if self.level_db is not None:
            low, high = self.level_db.support()
            if low < -60 or high > 0:
                raise ValueError(f"level_db lies within -60 and 0 dB of full scale; asked {low:g}..{high:g}")
            most = self.sir_db.support()[1]
            if low - most < _LOWEST_DB:
                raise ValueError(
                    f"level_db down to {low:g} and sir_db up to {most:g} put a source at {low - most:g} dB, below "
                    f"{_LOWEST_DB:g}, where 16 bits hold nothing of it: raise the one or lower the other"
                )
        return self


class Degradations(_Strict):
    """Chains of degradations: of every utterance before it is mixed, and of the mixture after all.

    The chain of an utterance is drawn once for the set, that of a mixture for each.
    """

    sources: tuple[StepSpec, ...] = ()
    mixture: tuple[StepSpec, ...] = ()

    @model_validator(mode="after")
    def _keeps_in_line(self) -> "Degradations":
        if not DegradationSpec(steps=self.mixture).keeps_length():
            raise ValueError("a step of degradations.mixture changes its length, so that it no longer lines up with its stems")
        return self


class Published(_Strict):
    """Size of the set whose recipe this is, as its makers state it: the card prints it beside ours."""

    mixtures: dict[str, int] = {}
    hours: dict[str, float] = {}


class SeparationSpec(_Strict):
    """A set of mixtures for speech separation."""

    name: str
    kind: Literal["separation", "enhancement"]
    description: str = ""
    corpus: str
    seed: int = 0
    sample_rate_hz: int = Field(default=16000, ge=1000)
    n_src: Annotated[int, Field(ge=1, le=MOST_SOURCES)] | Choice = 2  # {choice: [1, 2, 3]} draws it for each mixture
    storage: Literal["audio", "plan"] = "audio"  # plan: nothing is rendered before it is read
    splits: dict[Literal["train", "validation", "test"], SplitSpec] = Field(min_length=1)
    # Shares of the speakers, for a corpus that has no official split into the splits asked for.
    split_proportions: dict[Literal["train", "validation", "test"], Annotated[float, Field(gt=0)]] = {
        "train": 0.8,
        "validation": 0.1,
        "test": 0.1,
    }
    speakers: Speakers = Speakers()
    overlap: Overlap
    length: Length | None = None  # None: min where all overlap fully, else as long as it comes
    levels: Levels = Levels()
    noise: NoiseSpec | None = None
    rooms: RoomsSpec | None = None
    # Further mixtures of the same stems: clean is all speech and no noise, single is s1 with the noise.
    mix_types: tuple[Literal["clean", "single"], ...] = ()
    targets: tuple[Literal["anechoic", "early", "direct"], ...] = ()  # of every source in its room, beside its image
    clean: Literal["reverberant", "anechoic", "early", "direct"] | None = None  # of kind enhancement: what `clean` holds
    degradations: Degradations = Degradations()
    published: Published = Published()

    @model_validator(mode="before")
    @classmethod
    def _one_speaker_in_noise(cls, data: Any) -> Any:
        """What goes without saying where speech is to be enhanced: one source, whole."""
        if isinstance(data, dict) and data.get("kind") == "enhancement":
            overlap = data.get("overlap", {"mode": "full"})
            whole = {"length": "max"} if overlap == {"mode": "full"} else {}
            return {"n_src": 1, "overlap": overlap, "clean": "reverberant", **whole, **data}
        return data

    @model_validator(mode="after")
    def _asks_for_what_can_be(self) -> "SeparationSpec":
        _check_sources(self)
        _check_length(self)
        _check_surroundings(self)
        _check_degradations(self)
        _check_kind(self)
        if not self.counts():
            raise ValueError("every split asks for 0 mixtures: ask for some, as in splits.train.mixtures=1000")
        missing = sorted(set(self.counts()) - set(self.split_proportions))
        if missing:
            raise ValueError(f"split_proportions says nothing about {', '.join(missing)}")
        return self

    def source_numbers(self) -> tuple[int, ...]:
        """The numbers of sources that a mixture may have, ascending."""
        return tuple(sorted({int(n) for n in self.n_src.choice})) if isinstance(self.n_src, Choice) else (self.n_src,)

    def seconds(self) -> float | None:
        """The length of every mixture, where that is fixed."""
        return self.length.seconds if isinstance(self.length, FixedLength) else None

    def counts(self) -> dict[str, int]:
        """Mixtures asked for, by split, in the order train, validation, test; splits without any are left out."""
        return {split: self.splits[split].mixtures for split in SPLITS if split in self.splits and self.splits[split].mixtures}


def _check_sources(spec: SeparationSpec) -> None:
    if isinstance(spec.n_src, Choice) and any(n != int(n) or not 1 <= n <= MOST_SOURCES for n in spec.n_src.choice):
        raise ValueError(f"n_src takes whole numbers from 1 to {MOST_SOURCES}; asked {list(spec.n_src.choice)}")
    numbers = spec.source_numbers()
    if spec.speakers.gender == "different" and numbers[-1] > 2:
        raise ValueError(f"speakers.gender different is for two sources, female and male; n_src asks for {numbers[-1]}")
    if isinstance(spec.overlap, PartialOverlap | SparseOverlap) and numbers == (1,):
        raise ValueError(f"one source overlaps with nobody: overlap.mode {spec.overlap.mode} needs n_src of 2 or more")


def _check_length(spec: SeparationSpec) -> None:
    mode, length = spec.overlap.mode, spec.length
    if length == "min" and not isinstance(spec.overlap, FullOverlap):
        raise ValueError(f"length min cuts all sources to the shortest, which is for overlap.mode full, not for {mode}")
    if isinstance(spec.overlap, ConversationOverlap) and spec.seconds() is None:
        raise ValueError("a conversation goes on until its time is up: give length.seconds, as in length: {seconds: 120}")
    if isinstance(spec.overlap, PartialOverlap) and spec.seconds() is not None and spec.source_numbers()[-1] > 2:
        raise ValueError("overlap.mode partial with a length in seconds is for two sources; for more take sparse or conversation")
    if (
        isinstance(length, FixedLength)
        and length.join
        and isinstance(spec.overlap, SequentialOverlap | SparseOverlap | ConversationOverlap)
    ):
        raise ValueError(f"length.join is for overlap.mode full and partial: in mode {mode} speakers take further turns anyway")
    if isinstance(spec.overlap, SequentialOverlap | SparseOverlap | ConversationOverlap):
        _check_turns(spec, spec.overlap)


def _check_turns(spec: SeparationSpec, overlap: SequentialOverlap | SparseOverlap | ConversationOverlap) -> None:
    seconds, sources = spec.seconds(), spec.source_numbers()[-1]
    pause_s = 0.0 if isinstance(overlap, SparseOverlap) else overlap.pause_s.support()[1]
    pauses_s = (sources - 1) * (pause_s + _ROUNDING_S) if pause_s else 0.0
    needed = round(sources * LEAST_CUT_S + pauses_s, 3)
    if seconds is not None and seconds < needed:
        pauses = f" and the longest pause ({pause_s:g} s) between them" if pause_s else ""
        raise ValueError(
            f"length.seconds {seconds:g} leaves {sources} sources no turn of {LEAST_CUT_S:g} s each{pauses}: ask for at least "
            f"{needed:g}"
        )


def _check_surroundings(spec: SeparationSpec) -> None:
    if spec.mix_types and spec.noise is None:
        raise ValueError("mix_types differ by the noise, and there is none: ask for noise, or leave mix_types out")
    if spec.rooms is not None and spec.rooms.noise and spec.noise is None:
        raise ValueError("rooms.noise puts the noise into the room, and there is none: ask for noise, or leave rooms.noise out")
    if spec.targets and spec.rooms is None:
        raise ValueError(f"targets ({', '.join(spec.targets)}) are heard in a room, and there is none: ask for rooms")
    if spec.noise is not None and spec.levels.level_db is not None:
        lowest, most = spec.levels.level_db.support()[0], max(snr.support()[1] for snr in spec.noise.snr_db.values())
        if lowest - most < _LOWEST_DB:
            raise ValueError(
                f"level_db down to {lowest:g} and snr_db up to {most:g} put the noise at {lowest - most:g} dB, below "
                f"{_LOWEST_DB:g}, where 16 bits hold nothing of it: raise the one or lower the other"
            )
    for name, asked in (("mix_types", spec.mix_types), ("targets", spec.targets)):
        if len(set(asked)) < len(asked):
            raise ValueError(f"{name} names one twice: {', '.join(asked)}")


def _check_degradations(spec: SeparationSpec) -> None:
    if spec.degradations.sources and spec.noise is not None and spec.noise.babble is not None:
        raise ValueError("degradations.sources with babble is not built: take one of them out")
    try:
        check_degradations(DegradationSpec(steps=(*spec.degradations.sources, *spec.degradations.mixture)), spec.sample_rate_hz)
    except PlanError as error:
        raise ValueError(str(error)) from error


def _check_kind(spec: SeparationSpec) -> None:
    if spec.kind == "separation":
        if spec.clean is not None:
            raise ValueError("clean is for kind enhancement; sources of kind separation have targets")
        return
    if spec.source_numbers() != (1,):
        raise ValueError(f"kind enhancement is of one speaker: n_src must be 1, not {spec.n_src}")
    if spec.noise is None and spec.rooms is None and not spec.degradations.mixture:
        raise ValueError("there is nothing to enhance: ask for noise, rooms or degradations.mixture")
    for key, asked in (("targets", spec.targets), ("mix_types", spec.mix_types)):
        if asked:
            raise ValueError(f"{key} is for kind separation; of kind enhancement, clean says which target it has")
    if spec.clean != "reverberant" and spec.rooms is None:
        raise ValueError(f"clean {spec.clean} is heard in a room, and there is none: ask for rooms, or leave clean out")


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
    node[last] = deepcopy(value)  # which a later override may lay something over


def _first_problem(error: ValidationError, data: dict[str, Any]) -> str:
    """One line about the first problem: unknown keys first, since they explain the others; then what lies deepest, since of
    several forms that a value may have, it has come closest to that one."""

    def location_of(problem: Any) -> list[str]:
        return _keys_of_user(problem["loc"], data, problem["type"] == "missing")

    problem = min(error.errors(), key=lambda one: (one["type"] != "extra_forbidden", -len(location_of(one))))
    location = location_of(problem)
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


def _keys_of_user(location: tuple[int | str, ...], data: Any, missing: bool) -> list[str]:
    """The keys of a location that stand in `data`: pydantic puts names of models and of modes between them."""
    keys: list[str] = []
    for part in location:
        inside = (isinstance(data, dict) and part in data) or (isinstance(data, list) and isinstance(part, int))
        if inside:
            keys.append(str(part))
            data = data[part]
        elif missing and part == location[-1]:
            keys.append(str(part))
    return keys


def _known_keys(path: list[str], data: dict[str, Any]) -> list[str]:
    """The keys that may stand where `path` leads."""
    models: list[type[BaseModel]] = [SeparationSpec]
    for part in path:
        if part in SPLITS:
            continue
        data = data.get(part, {}) if isinstance(data, dict) else {}
        fields = [model.model_fields[part].annotation for model in models if part in model.model_fields]
        models = [found for annotation in fields for found in _models_in(annotation)]
        mode = data.get("mode") if isinstance(data, dict) else None
        models = [model for model in models if mode is None or mode in get_args(_annotation(model, "mode"))] or models
    return [key for model in models for key in model.model_fields]


def _annotation(model: type[BaseModel], key: str) -> Any:
    return model.model_fields[key].annotation if key in model.model_fields else None


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models_in(part)]
