"""What the rows of a set hold: which signals, in which columns, and what is told of them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from synth.columns import NOISE_FIELDS, PLAN_FIELDS, ROOM_FIELDS

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
    """

    n_src: int
    noise: bool = False
    rooms: bool = False
    mix_types: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    num_channels: int = 1

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
        )

    def signals(self) -> list[str]:
        """The columns of audio, in their order. Those of sources and of noise are null where a mixture has none."""
        stems = [f"s{k}" for k in range(1, self.n_src + 1)]
        further = [f"mix_{type_}" for type_ in self.mix_types]
        targets = [f"{stem}_{target}" for target in self.targets for stem in stems]
        return ["mixture", *stems, *(["noise"] if self.noise else []), *further, *targets]

    def plan_schema(self) -> pa.Schema:
        """The columns of the plan."""
        return pa.schema([("id", pa.string()), *self.plan_fields()])

    def plan_fields(self) -> list[tuple[str, pa.DataType]]:
        """The columns of the plan but `id`."""
        return [*PLAN_FIELDS, *(NOISE_FIELDS if self.noise else []), *(ROOM_FIELDS if self.rooms else [])]
