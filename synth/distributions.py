"""What a spec may ask to be drawn: from numbers in [0, 1) to values."""

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Fixed(_Strict):
    """Always the same value: `5.0` or `{fixed: 5.0}`."""

    fixed: float

    def values(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """`u` in [0, 1) [n] to values [n]."""
        return np.full(u.shape, self.fixed)

    def distinct_values(self) -> int | None:
        """How many different values there are; None where there is no end to them."""
        return 1

    def support(self) -> tuple[float, float]:
        """Smallest and largest possible value."""
        return self.fixed, self.fixed


class Uniform(_Strict):
    """Evenly between two values: `{uniform: [low, high]}`."""

    uniform: tuple[float, float]

    @model_validator(mode="after")
    def _ordered(self) -> "Uniform":
        if self.uniform[0] > self.uniform[1]:
            raise ValueError(f"the range {list(self.uniform)} is turned round: write [low, high]")
        return self

    def values(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """`u` in [0, 1) [n] to values [n]."""
        low, high = self.uniform
        return low + u * (high - low)

    def distinct_values(self) -> int | None:
        """How many different values there are; None where there is no end to them."""
        return 1 if self.uniform[0] == self.uniform[1] else None

    def support(self) -> tuple[float, float]:
        """Smallest and largest possible value."""
        return self.uniform


class Choice(_Strict):
    """One of several values, each as likely: `{choice: [0, 5, 10, 15]}`."""

    choice: tuple[float, ...] = Field(min_length=1)

    def values(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """`u` in [0, 1) [n] to values [n]."""
        return np.asarray(self.choice)[(u * len(self.choice)).astype(np.intp)]

    def distinct_values(self) -> int | None:
        """How many different values there are; None where there is no end to them."""
        return len(set(self.choice))

    def support(self) -> tuple[float, float]:
        """Smallest and largest possible value."""
        return min(self.choice), max(self.choice)


class NormalParameters(_Strict):
    """Mean and standard deviation of the normal distribution before it is cut to [min, max]."""

    mean: float
    std: float = Field(gt=0)
    min: float
    max: float

    @model_validator(mode="after")
    def _ordered(self) -> "NormalParameters":
        if self.min >= self.max:
            raise ValueError(f"min {self.min} must lie below max {self.max}")
        return self


class Normal(_Strict):
    """A truncated normal distribution: `{normal: {mean: 0, std: 3, min: -6, max: 6}}`."""

    normal: NormalParameters

    def values(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """`u` in [0, 1) [n] to values [n], by the inverse of the truncated distribution function."""
        from scipy.special import ndtr, ndtri

        p = self.normal
        low, high = ndtr((p.min - p.mean) / p.std), ndtr((p.max - p.mean) / p.std)
        normal: NDArray[np.float64] = ndtri(low + u * (high - low))
        return np.clip(p.mean + p.std * normal, p.min, p.max)

    def distinct_values(self) -> int | None:
        """How many different values there are; None where there is no end to them."""
        return None

    def support(self) -> tuple[float, float]:
        """Smallest and largest possible value."""
        return self.normal.min, self.normal.max


_FORMS: dict[str, type[Fixed | Uniform | Choice | Normal]] = {
    "fixed": Fixed,
    "uniform": Uniform,
    "choice": Choice,
    "normal": Normal,
}


def _parse(value: Any) -> Any:
    if isinstance(value, tuple(_FORMS.values())):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Fixed(fixed=value)
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in _FORMS:
        return _FORMS[next(iter(value))].model_validate(value)
    raise ValueError(f"expected a number or one of {', '.join(_FORMS)}, as in {{uniform: [-5, 5]}}; got {value!r}")


Distribution = Annotated[Fixed | Uniform | Choice | Normal, BeforeValidator(_parse)]
