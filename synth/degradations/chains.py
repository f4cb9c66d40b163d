"""A chain of degradations: asked for in a spec, drawn by key, kept with the row as plain values, and applied from these alone."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from synth.degradations.transforms import TRANSFORMS, Samples, Transform
from synth.distributions import Distribution
from synth.draws import Draws
from synth.errors import PlanError, near_matches

Step = dict[str, Any]
Piece = NDArray[np.int16] | NDArray[np.float64]

_FULL_SCALE = 32768.0
_DECIMALS = 6


class StepSpec(BaseModel):
    """One step of a chain: a transform, how often it is taken, and the distributions of its parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    transform: str
    probability: float = Field(default=1.0, ge=0, le=1)
    parameters: dict[str, Distribution] = {}  # those left out are drawn as `synth.degradations.transforms` says

    @model_validator(mode="after")
    def _known(self) -> "StepSpec":
        if self.transform not in TRANSFORMS:
            raise ValueError(f"unknown transform {self.transform!r}{near_matches(self.transform, TRANSFORMS)}")
        known = TRANSFORMS[self.transform].parameters
        for name, distribution in self.parameters.items():
            if name not in known:
                raise ValueError(f"{self.transform} has no parameter {name!r}{near_matches(name, known)}")
            low, high = distribution.support()
            if low < known[name].low or high > known[name].high:
                raise ValueError(
                    f"{name} of {self.transform} lies in {known[name].low:g} to {known[name].high:g}; asked {low:g} to {high:g}"
                )
        return self

    def distributions(self) -> dict[str, Distribution]:
        """The distribution of every parameter, by name, in their order."""
        known = TRANSFORMS[self.transform].parameters
        return {name: self.parameters.get(name, known[name].default) for name in known}


class DegradationSpec(BaseModel):
    """A chain of steps, applied in this order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: tuple[StepSpec, ...] = ()

    def keeps_length(self) -> bool:
        """Whether no step can change how many samples there are."""
        return all(TRANSFORMS[step.transform].divides_length is None for step in self.steps)


def check_degradations(spec: DegradationSpec, sample_rate_hz: int) -> None:
    """Refuse, by the ends of its ranges, a chain that cannot be applied at this rate.

    Raises:
        PlanError: a frequency that may reach half of the sample rate.
    """
    for step in spec.steps:
        for name, distribution in step.distributions().items():
            _check_frequency(step.transform, name, distribution.support()[1], sample_rate_hz)


def _check_frequency(transform: str, name: str, value: float, sample_rate_hz: int) -> None:
    if name in ("cutoff_hz", "center_hz") and value >= sample_rate_hz / 2:
        raise PlanError(
            f"{name} of {transform} reaches {value:g} Hz, but at {sample_rate_hz} Hz there is nothing from "
            f"{sample_rate_hz / 2:g} Hz on: ask for less"
        )


def draw_degradations(spec: DegradationSpec, draws: Draws, items: NDArray[np.uint64]) -> list[list[Step]]:
    """The chain of each item: the steps that were taken, each `{"transform": name, parameter: value, ...}`.

    Values are numbers that JSON keeps; a step that draws while it is applied has a `seed` besides. A draw depends on the item and
    on the number of the step in the chain, so that chains for several signals of a row need items of their own
    (`synth.draws.hashes`).

    Args:
        items: uint64 [items].
    """
    chains: list[list[Step]] = [[] for _ in items]
    for number, step in enumerate(spec.steps):
        key, transform = f"degradations/{number}", TRANSFORMS[step.transform]
        taken = draws.uniform(f"{key}/taken", items) < step.probability
        columns: dict[str, list[float | int]] = {
            name: _values(transform, name, distribution.values(draws.uniform(f"{key}/{name}", items)))
            for name, distribution in step.distributions().items()
        }
        if transform.seeded:
            columns["seed"] = [int(bits) for bits in draws.bits(f"{key}/seed", items) >> np.uint64(32)]
        for item in np.flatnonzero(taken):
            chains[item].append({"transform": step.transform, **{name: column[item] for name, column in columns.items()}})
    return chains


def as_json(chains: Sequence[Sequence[Mapping[str, Any]]]) -> pa.Array:
    """Chains as rows hold them, string [chains]: null where no step was taken."""
    return pa.array([json.dumps(chain, sort_keys=True) if chain else None for chain in chains], pa.string())


def _values(transform: Transform, name: str, drawn: NDArray[np.float64]) -> list[float | int]:
    if transform.parameters[name].whole:
        return [round(value) for value in drawn.tolist()]
    return [round(value, _DECIMALS) for value in drawn.tolist()]


def degraded_length(num_samples: int, steps: Sequence[Mapping[str, Any]]) -> int:
    """How many samples a chain makes of `num_samples`: speed and TimeStretch divide by their rate and round, the others keep."""
    for step in steps:
        by = TRANSFORMS[step["transform"]].divides_length
        num_samples = round(num_samples / step[by]) if by else num_samples
    return num_samples


def apply_degradations(samples: Piece, sample_rate_hz: int, steps: Sequence[Mapping[str, Any]]) -> Piece:
    """A piece after the steps of a row, one after another: the same bits each time on one machine.

    Computed in float32. The global generators of Python and numpy are left as they were.

    Args:
        samples: int16 or float64 in the range of int16, of [samples] or [channels, samples].
        steps: of `draw_degradations`.

    Returns:
        Of the dtype of `samples`; int16 is rounded and cut to its range. `degraded_length` samples.

    Raises:
        PlanError: an unknown transform, missing or unknown values, samples that are not finite, a frequency too high for the
            rate.
    """
    for step in steps:
        _check_step(step, sample_rate_hz)
    if not steps or not samples.size:
        return samples
    if not np.isfinite(samples).all():
        raise PlanError("a piece to degrade has samples that are not finite numbers: leave it out or record it again")
    degraded: Samples = (samples / _FULL_SCALE).astype(np.float32)
    for step in steps:
        values = {name: value for name, value in step.items() if name not in ("transform", "seed")}
        if degraded.size:  # speed can leave nothing of a piece of one sample
            degraded = TRANSFORMS[step["transform"]].apply(degraded, sample_rate_hz, values, step.get("seed", 0))
    result = degraded.astype(np.float64) * _FULL_SCALE
    if samples.dtype == np.int16:
        return np.clip(np.rint(result), -32768, 32767).astype(np.int16)
    return result


def _check_step(step: Mapping[str, Any], sample_rate_hz: int) -> None:
    name = step.get("transform", "")
    if name not in TRANSFORMS:
        raise PlanError(f"unknown transform {name!r} in the steps of a row{near_matches(str(name), TRANSFORMS)}")
    wanted = {*TRANSFORMS[name].parameters, *(["seed"] if TRANSFORMS[name].seeded else [])}
    given = set(step) - {"transform"}
    if given != wanted:
        raise PlanError(f"a step {name} has the values {sorted(given)} where {sorted(wanted)} belong: draw the steps again")
    for parameter in TRANSFORMS[name].parameters:
        _check_frequency(name, parameter, step[parameter], sample_rate_hz)
