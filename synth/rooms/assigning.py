"""Which room each mixture is in, and which place of it each of its stems takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.draws import Draws, hash_texts, mix
from synth.errors import PlanError
from synth.rooms.spec import RoomsSpec

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

NO_RIR = -1


@dataclass(frozen=True)
class RoomPlacement:
    """The rooms of all mixtures of a split.

    Attributes:
        in_room: whether a mixture is in a room, bool [mixtures].
        room_ids: its room; None where it is in none, or where its RIRs come from several.
        rirs: row of the RIR of s1..sN in the table of RIRs, `NO_RIR` where there is none; int64 [mixtures, largest N].
        noise_rirs: that of the noise, int64 [mixtures].
        report: counts for people and manifests, plain values.
    """

    in_room: Bools
    room_ids: list[str | None]
    rirs: Ints
    noise_rirs: Ints
    report: dict[str, Any]

    def of_stems(self, values: Floats) -> tuple[Floats, Floats]:
        """A measure of the RIRs, [RIRs], as it is for s1..sN, [mixtures, largest N], and noise, [mixtures]; NaN where no RIR."""
        padded = np.append(values, np.nan)  # which `NO_RIR` means
        return padded[self.rirs], padded[self.noise_rirs]


def assign_rirs(spec: RoomsSpec, rirs: pa.Table, n_src: Ints, noisy: Bools, draws: Draws) -> RoomPlacement:
    """Put mixtures into rooms: each room is used as often as any other, and each stem of a mixture has a place of its own.

    RIRs are of one room where they have the same `room_id`, or without any the same `recording_id`. Where no room has RIRs enough
    for a mixture, its stems get different RIRs of the whole corpus, and `report` says so.

    Args:
        spec: what is asked for.
        rirs: those of the split; columns `id, room_id, recording_id`.
        n_src: sources of each mixture, int64 [mixtures].
        noisy: whether it has noise, bool [mixtures].
        draws: of the split.

    Raises:
        PlanError: a mixture needs more RIRs than there are.
    """
    mixtures = len(n_src)
    items = np.arange(mixtures, dtype=np.uint64)
    in_room = draws.uniform("in a room", items) < spec.probability
    needed = n_src + (noisy if spec.noise else 0)
    most = int(needed[in_room].max(initial=0))
    rooms = _rooms(rirs)
    large = {name: rows for name, rows in rooms.items() if len(rows) >= most}
    if len(rirs) < most:
        raise PlanError(
            f"a mixture in a room needs {most} RIRs, one for each source{' and the noise' if spec.noise else ''}, but this split "
            f"has {len(rirs)}: take a corpus with more, or fewer sources"
        )
    together = bool(large)
    if not together:
        large = {None: np.concatenate(list(rooms.values())) if rooms else np.zeros(0, dtype=np.int64)}
    names = list(large)
    sizes = np.array([len(rows) for rows in large.values()])
    begins = np.cumsum(sizes) - sizes
    members = np.concatenate(list(large.values()))
    inside = np.flatnonzero(in_room)
    room = _evenly(names, items[inside], draws)
    places = _different(sizes[room], most, items[inside], draws)
    chosen = np.full((mixtures, max(most, int(n_src.max(initial=0)))), NO_RIR)
    chosen[inside, :most] = members[begins[room][:, np.newaxis] + places] if most else NO_RIR
    noise_rirs = np.full(mixtures, NO_RIR)
    if spec.noise:
        heard = np.flatnonzero(in_room & noisy)
        noise_rirs[heard] = chosen[heard, n_src[heard]]
    chosen[np.arange(chosen.shape[1]) >= n_src[:, np.newaxis]] = NO_RIR
    room_ids: list[str | None] = [None] * mixtures
    for mixture, number in zip(inside.tolist(), room.tolist(), strict=True):
        room_ids[mixture] = names[number]
    report: dict[str, Any] = {"mixtures_in_rooms": len(inside), "rooms": len(rooms), "rirs": len(rirs)}
    if not together:
        report["rirs_of_a_mixture"] = f"of different rooms: none has the {most} that a mixture needs"
    elif len(large) < len(rooms):
        report["rooms_too_small"] = len(rooms) - len(large)
    return RoomPlacement(in_room, room_ids, chosen[:, : int(n_src.max(initial=0))], noise_rirs, report)


def room_names(rirs: pa.Table) -> list[str]:
    """The room of each RIR, or what stands for it: the recording that it comes from."""
    columns = (rirs[name].to_pylist() for name in ("room_id", "recording_id", "id"))
    return [room or recording or rir for room, recording, rir in zip(*columns, strict=True)]


def _rooms(rirs: pa.Table) -> dict[str | None, Ints]:
    """Rows of the RIRs of each room, rooms and RIRs in an order that does not depend on that of the table."""
    ids, names = rirs["id"].to_pylist(), room_names(rirs)
    rooms: dict[str | None, list[int]] = {}
    for row in sorted(range(len(ids)), key=lambda row: (names[row], ids[row])):
        rooms.setdefault(names[row], []).append(row)
    return {name: np.array(rows, dtype=np.int64) for name, rows in rooms.items()}


def _evenly(names: Sequence[str | None], items: NDArray[np.uint64], draws: Draws) -> Ints:
    """A room for each item, by its number: all rooms are used once before one is used again, in another order each time."""
    keys = hash_texts(name or "" for name in names)
    rounds = np.arange(-(-len(items) // len(names)), dtype=np.uint64)
    order = np.concatenate(
        [draws.order("room", keys ^ mix(np.full(1, number, dtype=np.uint64))) for number in rounds]
        or [np.zeros(0, dtype=np.intp)]
    )
    rooms = np.empty(len(items), dtype=np.int64)
    rooms[draws.order("room of mixture", items)] = order[: len(items)]
    return rooms


def _different(sizes: Ints, count: int, items: NDArray[np.uint64], draws: Draws) -> Ints:
    """`count` different numbers below `sizes` for each item, in random order; int64 [items, count]."""
    chosen = np.empty((len(items), count), dtype=np.int64)
    for k in range(count):
        # One of those that are left, counted in their order: each that was chosen before and lies below moves it on.
        number = (draws.uniform(f"place {k}", items) * (sizes - k)).astype(np.int64)
        for earlier in np.sort(chosen[:, :k], axis=1).T:
            number += number >= earlier
        chosen[:, k] = number
    return chosen
