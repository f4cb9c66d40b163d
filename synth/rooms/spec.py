"""What a spec may ask about the rooms that mixtures are in: a corpus of impulse responses, or rooms to be simulated."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from synth.errors import SpecError
from synth.rooms.shoeboxes import RoomSpec

SplitName = Literal["train", "validation", "test"]
RoomCount = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]  # of a split: what is more is a slip of the pen


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class RoomsSpec(_Strict):
    """Rooms for mixtures: each mixture lies in one, and each of its sources in a place of its own there.

    Either `corpus`, of kind `rir`, recorded or simulated before; or `simulate`, with the number of `rooms`: of each split, or of
    all together, to be shared out as the mixtures' speakers are.
    """

    corpus: str | None = None  # NAME[@V]
    simulate: RoomSpec | None = None
    rooms: dict[SplitName, RoomCount] | RoomCount | None = None
    microphones: int | None = Field(default=None, ge=1, le=64, strict=True)  # the first so many of the corpus; None: 1
    probability: float = Field(default=1.0, gt=0.0, le=1.0)  # share of the mixtures that are in a room; the others stay dry
    noise: bool = False  # it is a point source in the room as well

    @model_validator(mode="after")
    def _one_source_of_rooms(self) -> "RoomsSpec":
        if (self.corpus is None) == (self.simulate is None):
            raise ValueError("rooms come from a corpus of RIRs or are simulated: give one of corpus and simulate")
        if self.corpus is not None and self.rooms is not None:
            raise ValueError("the corpus has the rooms it has: leave rooms out, which counts simulated ones")
        if self.simulate is not None and self.rooms is None:
            raise ValueError("rooms is missing: say how many to simulate, as in rooms: {train: 1000, validation: 100, test: 100}")
        if self.simulate is not None and self.microphones is not None:
            raise ValueError("the array of simulate says how many microphones there are: leave microphones out")
        if self.num_microphones > 1 and self.probability < 1:
            raise ValueError(
                f"an array of {self.num_microphones} microphones hears nothing outside a room: probability must be 1, "
                f"not {self.probability:g}"
            )
        return self

    @property
    def num_microphones(self) -> int:
        """Channels of the mixtures."""
        return len(self.simulate.array.offsets_m()) if self.simulate else self.microphones or 1

    def places(self, n_src: int) -> int:
        """How many RIRs of its room a mixture of `n_src` sources takes."""
        return n_src + self.noise

    def simulated(self, n_src: int) -> RoomSpec | None:
        """What `simulate` asks for, with as many sources as mixtures of up to `n_src` need where it does not say how many.

        Raises:
            SpecError: it asks for fewer.
        """
        if self.simulate is None:
            return None
        needed = self.places(n_src)
        if "sources" not in self.simulate.model_fields_set:
            return RoomSpec.model_validate({**self.simulate.model_dump(), "sources": needed})
        if self.simulate.sources < needed:
            raise SpecError(
                f"rooms.simulate.sources is {self.simulate.sources}, but mixtures of {n_src} sources"
                f"{' and noise' if self.noise else ''} need {needed} places in their room: ask for at least {needed}"
            )
        return self.simulate

    def counts(self, proportions: Mapping[str, float]) -> dict[str, int]:
        """Rooms to simulate, by split.

        Args:
            proportions: of the splits wanted, in their order.

        Raises:
            SpecError: a split without rooms, or fewer rooms than splits.
        """
        if isinstance(self.rooms, int):
            if self.rooms < len(proportions):
                raise SpecError(f"rooms asks for {self.rooms}, and the splits {', '.join(proportions)} need one each at least")
            # Every split gets one first; the rest goes by the largest remainder.
            ideal = {split: share / sum(proportions.values()) * self.rooms for split, share in proportions.items()}
            counts = {split: max(1, int(rooms)) for split, rooms in ideal.items()}
            while (rest := self.rooms - sum(counts.values())) != 0:
                step = 1 if rest > 0 else -1
                movable = [split for split in counts if step > 0 or counts[split] > 1]
                counts[max(movable, key=lambda split: step * (ideal[split] - counts[split]))] += step
            return counts
        rooms = {str(split): count for split, count in (self.rooms or {}).items()}
        missing = [split for split in proportions if split not in rooms]
        if missing:
            raise SpecError(f"rooms says nothing of {', '.join(missing)}: add how many rooms, or give one number for all splits")
        return {split: rooms[split] for split in proportions}
