"""Arrays of microphones, as a spec asks for them."""

import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Position = tuple[float, float, float]  # x, y, z in metres


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class SingleMicrophone(_Strict):
    """One microphone."""

    geometry: Literal["single"] = "single"

    def offsets_m(self) -> list[Position]:
        """Where the microphones lie about the centre of the array, before it is turned."""
        return [(0.0, 0.0, 0.0)]


class LinearArray(_Strict):
    """Microphones in a row, `spacing_m` apart."""

    geometry: Literal["linear"]
    microphones: int = Field(ge=2, le=64)
    spacing_m: float = Field(gt=0, le=1)

    def offsets_m(self) -> list[Position]:
        """Where the microphones lie about the centre of the array, before it is turned."""
        return [((k - (self.microphones - 1) / 2) * self.spacing_m, 0.0, 0.0) for k in range(self.microphones)]


class CircularArray(_Strict):
    """Microphones evenly on a horizontal circle."""

    geometry: Literal["circular"]
    microphones: int = Field(ge=2, le=64)
    radius_m: float = Field(gt=0, le=1)

    def offsets_m(self) -> list[Position]:
        """Where the microphones lie about the centre of the array, before it is turned."""
        angles = [2 * math.pi * k / self.microphones for k in range(self.microphones)]
        return [(self.radius_m * math.cos(angle), self.radius_m * math.sin(angle), 0.0) for angle in angles]


class ExplicitArray(_Strict):
    """Microphones at given places: `positions_m`, each [x, y, z] about the centre of the array."""

    geometry: Literal["explicit"]
    positions_m: tuple[Position, ...] = Field(min_length=1, max_length=64)

    def offsets_m(self) -> list[Position]:
        """Where the microphones lie about the centre of the array, before it is turned."""
        return list(self.positions_m)


MicrophoneArray = Annotated[SingleMicrophone | LinearArray | CircularArray | ExplicitArray, Field(discriminator="geometry")]
