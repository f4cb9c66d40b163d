"""What a spec may ask about who speaks when: overlap and length."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from synth.distributions import Distribution, Fixed, Uniform

LEAST_CUT_S = 0.5  # nothing shorter is left of a turn that is cut, or of an utterance that is joined to others


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class FullOverlap(_Strict):
    """Every source speaks from the first sample on: with length `min` to the last, longer ones being cut to the shortest."""

    mode: Literal["full"]


class PartialOverlap(_Strict):
    """Whole utterances, each beginning before the one before it ends.

    `ratio` is drawn per mixture: overlapped samples / samples in which anyone speaks (utterance extents).
    """

    mode: Literal["partial"]
    ratio: Distribution = Uniform(uniform=(0.1, 0.9))

    @model_validator(mode="after")
    def _ratio_in_range(self) -> "PartialOverlap":
        _check_ratio(self.ratio, least=0.0)
        return self


class SequentialOverlap(_Strict):
    """One after another, with a pause before each turn but the first. With a length in seconds, turns go on until it is full."""

    mode: Literal["sequential"]
    pause_s: Distribution = Uniform(uniform=(0.2, 1.0))

    @model_validator(mode="after")
    def _pause_in_range(self) -> "SequentialOverlap":
        _check_seconds("pause_s", self.pause_s)
        return self


class SparseOverlap(_Strict):
    """Utterances are cut at their pauses, and the speakers take turns piece by piece, overlapping by `ratio` over the mixture.

    A pause is what lies more than 40 dB below the loudest 10 ms of its utterance for `least_pause_s`. With a length in seconds,
    further utterances are said until it is full.
    """

    mode: Literal["sparse"]
    ratio: Distribution = Uniform(uniform=(0.0, 0.4))
    least_pause_s: float = Field(default=0.2, ge=0.1, le=60.0)  # in an utterance, to be cut there
    own_pause_s: float = Field(default=0.05, ge=0.0, le=60.0)  # least pause between two pieces of one speaker

    @model_validator(mode="after")
    def _ratio_in_range(self) -> "SparseOverlap":
        low, high = self.ratio.support()
        if not 0 <= low <= high <= 1:
            raise ValueError(f"overlap ratios lie in 0 to 1; asked {low}..{high}")
        return self


class ConversationOverlap(_Strict):
    """Turns of a talk: after each, somebody else takes the next, with a pause or, in a share of the turns, before it ends.

    An overlap is no longer than either of the two turns, and no speaker speaks before their own last turn ends.
    """

    mode: Literal["conversation"]
    pause_s: Distribution = Uniform(uniform=(0.1, 1.5))
    overlap_s: Distribution = Uniform(uniform=(0.1, 1.0))
    overlapped_turns: float = Field(default=0.3, ge=0.0, le=1.0)  # share of the turns that begin before the last has ended

    @model_validator(mode="after")
    def _in_range(self) -> "ConversationOverlap":
        _check_seconds("pause_s", self.pause_s)
        _check_seconds("overlap_s", self.overlap_s)
        return self


class FixedLength(_Strict):
    """So many seconds: what is longer is cut, what is shorter is filled with silence, or with more utterances of the speaker."""

    seconds: float = Field(ge=0.1, le=7200.0)  # below, a source may have no two frames of 20 ms
    join: bool = False
    pause_s: Distribution = Fixed(fixed=0.2)  # between two utterances that are joined

    @model_validator(mode="after")
    def _pause_in_range(self) -> "FixedLength":
        _check_seconds("pause_s", self.pause_s)
        return self


Overlap = Annotated[
    FullOverlap | PartialOverlap | SequentialOverlap | SparseOverlap | ConversationOverlap, Field(discriminator="mode")
]


def _named_or_seconds(value: Any) -> Any:
    if value in ("min", "max") or isinstance(value, dict | FixedLength):
        return value
    raise ValueError(f"expected min, max or seconds, as in {{seconds: 4.0}}; got {value!r}")


Length = Annotated[Literal["min", "max"] | FixedLength, BeforeValidator(_named_or_seconds)]


def _check_ratio(ratio: Distribution, least: float) -> None:
    low, high = ratio.support()
    if not least < low <= high <= 1:
        raise ValueError(f"overlap ratios lie above {least:g} and up to 1; asked {low}..{high}")


def _check_seconds(name: str, seconds: Distribution) -> None:
    low, high = seconds.support()
    if low < 0 or high > 60:
        raise ValueError(f"{name} lies in 0 to 60 seconds; asked {low:g}..{high:g}")
