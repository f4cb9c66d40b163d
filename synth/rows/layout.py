"""What the rows of a set hold: which signals, in which columns, and what is told of them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from synth.rows.columns import (
    MIXTURE_DEGRADATION_FIELDS,
    NOISE_FIELDS,
    PLAN_FIELDS,
    ROOM_FIELDS,
    SOURCE_DEGRADATION_FIELDS,
)

if TYPE_CHECKING:
    from synth.spec import SeparationSpec  # readers need layouts, but no specs, and are to start at once


@dataclass(frozen=True)
class Layout:
    """What follows from a spec for the columns of its rows.

    Attributes:
        n_src: the most sources a mixture has.
        noise: whether mixtures may have noise.
        rooms: whether they may be in a room.
        mix_types: further mixtures of the same stems, "clean" and "single".
        targets: further targets of every source, "anechoic", "early" and "direct".
        num_channels: microphones.
        clean: the target of a set of kind enhancement; None for kind separation.
        degraded_sources, degraded_mixture: whether there are degradations of these.
    """

    n_src: int
    noise: bool = False
    rooms: bool = False
    mix_types: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    num_channels: int = 1
    clean: str | None = None
    degraded_sources: bool = False
    degraded_mixture: bool = False

    @staticmethod
    def of(spec: "SeparationSpec") -> "Layout":
        """The layout of the rows that a spec asks for."""
        return Layout(
            n_src=spec.source_numbers()[-1],
            noise=spec.noise is not None,
            rooms=spec.rooms is not None,
            mix_types=tuple(spec.mix_types),
            targets=tuple(spec.targets),
            num_channels=spec.rooms.num_microphones if spec.rooms is not None else 1,
            clean=spec.clean,
            degraded_sources=bool(spec.degradations.sources),
            degraded_mixture=bool(spec.degradations.mixture),
        )

    def signals(self) -> dict[str, str]:
        """The columns of audio, in their order, and what each holds: a signal by its name in `synth.render`.

        Those of sources and of noise are null where a mixture has none.
        """
        noise = {"noise": "noise"} if self.noise else {}
        if self.clean is not None:
            return {"noisy": "mixture", "clean": "s1" if self.clean == "reverberant" else f"s1_{self.clean}", **noise}
        stems = [f"s{k}" for k in range(1, self.n_src + 1)]
        further = [f"mix_{type_}" for type_ in self.mix_types]
        targets = [f"{stem}_{target}" for target in self.targets for stem in stems]
        return {name: name for name in ["mixture", *stems, *noise, *further, *targets]}

    @property
    def additive(self) -> bool:
        """Whether the stems in the columns add up to the mixture."""
        return not self.degraded_mixture and self.clean in (None, "reverberant")

    @property
    def by_library(self) -> bool:
        """Whether libraries render the rows, whose last bits may differ between processors."""
        return self.rooms or self.degraded_sources or self.degraded_mixture

    def plan_schema(self) -> pa.Schema:
        """The columns of the plan."""
        return pa.schema([("id", pa.string()), *self.plan_fields()])

    def plan_fields(self) -> list[tuple[str, pa.DataType]]:
        """The columns of the plan but `id`."""
        asked = {
            "noise": (NOISE_FIELDS, self.noise),
            "rooms": (ROOM_FIELDS, self.rooms),
            "sources": (SOURCE_DEGRADATION_FIELDS, self.degraded_sources),
            "mixture": (MIXTURE_DEGRADATION_FIELDS, self.degraded_mixture),
        }
        return [*PLAN_FIELDS, *(field for fields, wanted in asked.values() if wanted for field in fields)]
