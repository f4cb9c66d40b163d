"""Rooms that were never built: shoeboxes drawn from a spec, and their impulse responses by pyroomacoustics.

Every number of a room is a keyed draw of (seed, dataset, split, room number), so that rooms can be drawn and simulated in any
order, by any number of workers. A bank of rooms is drawn whole, refused whole where the spec asks for what no room can have, and
simulated afterwards.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from synth.distributions import Distribution, Uniform
from synth.draws import Draws
from synth.errors import PlanError
from synth.rooms.absorption import SPEED_OF_SOUND_M_S, Decay, needed_order, sabine_absorption, shortest_rt60_s
from synth.rooms.microphones import MicrophoneArray, Position, SingleMicrophone
from synth.rooms.rirs import drr_db, t60_s

LEAD_SAMPLES = 40  # what pyroomacoustics puts before everything, so that its fractional delays are causal
MAX_ORDER = 150  # image sources grow with its cube: at 150 there are 4.5 million, and a source takes seconds
_CANDIDATES = 1000  # positions that are tried for a source or an array before the room is given up
# What a RIR depends on besides its room: defaults of pyroomacoustics, but for the threads, on whose number the bits depend.
_CONSTANTS = {
    "c": SPEED_OF_SOUND_M_S,
    "frac_delay_length": 2 * LEAD_SAMPLES + 1,
    "num_threads": 1,
    "rir_hpf_enable": True,
    "rir_hpf_fc": 10.0,
    "sinc_lut_granularity": 20,
}
_DECIMALS = 6  # micrometres: a sine may differ in its last bit between machines

Floats = NDArray[np.float64]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class RoomSpec(_Strict):
    """What rooms are drawn: every room is an empty shoebox whose walls all absorb alike.

    Sizes, heights and RT60 are drawn first; the array and then each source are placed evenly over the floor, or about the array,
    among the places that keep the least distances.
    """

    size_m: tuple[Distribution, Distribution, Distribution] = (
        Uniform(uniform=(3.0, 8.0)),
        Uniform(uniform=(3.0, 8.0)),
        Uniform(uniform=(2.5, 4.0)),
    )  # length, width, height
    rt60_s: Distribution = Uniform(uniform=(0.2, 0.6))
    sources: int = Field(default=2, ge=1, le=64)
    array: MicrophoneArray = SingleMicrophone()
    array_height_m: Distribution = Uniform(uniform=(0.8, 1.5))
    array_azimuth_deg: Distribution = Uniform(uniform=(0.0, 360.0))  # how far it is turned about its centre
    source_height_m: Distribution = Uniform(uniform=(1.1, 1.9))
    source_distance_m: Distribution | None = None  # horizontal, from the centre of the array; None: anywhere in the room
    wall_distance_m: float = Field(default=0.3, ge=0.05)  # least distance of sources and microphones from walls, floor, ceiling
    microphone_distance_m: float = Field(default=0.5, ge=0.1)  # least distance of a source from a microphone
    source_spacing_m: float = Field(default=0.5, ge=0.0)  # least distance between sources
    ray_tracing: bool = False  # image sources up to max_order, rays beyond
    max_order: int | None = Field(default=None, ge=0, le=MAX_ORDER)  # None: as many as RT60 needs; 3 with ray tracing

    @model_validator(mode="after")
    def _positive(self) -> "RoomSpec":
        named = [("size_m", axis) for axis in self.size_m]
        named += [("rt60_s", self.rt60_s), ("array_height_m", self.array_height_m), ("source_height_m", self.source_height_m)]
        named += [("source_distance_m", self.source_distance_m)] if self.source_distance_m else []
        for name, distribution in named:
            if distribution.support()[0] <= 0:
                raise ValueError(f"{name} must be above 0; asked from {distribution.support()[0]:g}")
        return self


@dataclass(frozen=True)
class Room:
    """One room as it is simulated: plain numbers, so that a row can hold them and the room can be simulated again."""

    number: int
    size_m: Position
    rt60_s: float  # asked; what it has is measured on its RIRs
    sources_m: tuple[Position, ...]
    microphones_m: tuple[Position, ...]
    max_order: int
    ray_tracing: bool
    seed: int  # of the simulator's generators, below 2**63


@dataclass(frozen=True)
class Rirs:
    """The impulse responses of a room and what is measured on them.

    All begin at the moment at which the sources sound, delayed by `LEAD_SAMPLES`.
    """

    rirs: NDArray[np.float32]  # [sources, microphones, samples]
    sample_rate_hz: int
    absorption: float  # share of energy that the walls take
    direct_delays_samples: NDArray[np.int64]  # [sources, microphones]: distance / speed of sound + lead, rounded
    t60_s: Floats  # [sources, microphones], Schroeder; NaN where the decay is too short
    drr_db: Floats  # [sources, microphones]


def check_rooms(spec: RoomSpec) -> None:
    """Refuse, by the ends of its ranges, a spec that may ask for a room which cannot be.

    Raises:
        PlanError: an RT60 too short for the largest room or, with image sources alone, too long for the flattest and narrowest;
            heights that do not fit below the lowest ceiling; an array too large.
    """
    smallest, largest = (_corner(spec, end) for end in (0, 1))
    shortest, longest = spec.rt60_s.support()
    _check_rt60(largest, shortest, "the largest room of the spec")
    order = needed_order(smallest, longest)
    if spec.max_order is None and not spec.ray_tracing and order > MAX_ORDER:
        raise PlanError(
            f"an RT60 of {longest:g} s in {_metres(smallest)}, the smallest room of the spec, needs image sources of order "
            f"{order}, above {MAX_ORDER}: set ray_tracing, or a max_order, or ask for a shorter rt60_s or larger rooms"
        )
    ceiling = smallest[2] - spec.wall_distance_m
    zs = [z for _, _, z in spec.array.offsets_m()]
    heights = {"source_height_m": spec.source_height_m.support(), "array_height_m": spec.array_height_m.support()}
    low, high = heights["array_height_m"]
    heights["array_height_m"] = low + min(zs), high + max(zs)
    for name, (low, high) in heights.items():
        if low < spec.wall_distance_m or high > ceiling:
            raise PlanError(
                f"{name} reaches from {low:g} to {high:g} m, but {spec.wall_distance_m:g} m from floor and ceiling of the lowest "
                f"room, {smallest[2]:g} m high, leaves {spec.wall_distance_m:g} to {ceiling:g} m: change {name} or size_m"
            )


def _corner(spec: RoomSpec, end: int) -> Position:
    length, width, height = (axis.support()[end] for axis in spec.size_m)
    return length, width, height


def _check_rt60(size_m: Position, rt60_s: float, which: str) -> None:
    shortest = shortest_rt60_s(size_m)
    if rt60_s < shortest:
        raise PlanError(
            f"an RT60 of {rt60_s:g} s is impossible in {_metres(size_m)}, {which}: with walls that reflect nothing it has "
            f"{shortest:.3f} s (Sabine); ask for a longer rt60_s or smaller rooms"
        )


def _range(distribution: Distribution) -> str:
    low, high = distribution.support()
    return f"{low:g} to {high:g}"


def _metres(size_m: Position) -> str:
    return " x ".join(f"{axis:g}" for axis in size_m) + " m"


def bank_rooms(spec: RoomSpec, draws: Draws, rooms: int) -> list[Room]:
    """The rooms 0 to `rooms` - 1 of a bank; a longer bank begins with the same rooms.

    Raises:
        PlanError: as `draw_room`.
    """
    return [draw_room(spec, draws, number) for number in range(rooms)]


def draw_room(spec: RoomSpec, draws: Draws, room_number: int) -> Room:
    """Room `room_number` of the bank that `draws` is keyed for.

    Raises:
        PlanError: as `check_rooms`; or no place for the array or a source keeps the least distances.
    """
    check_rooms(spec)
    one = np.array([room_number], dtype=np.uint64)

    def value(name: str, distribution: Distribution) -> float:
        return round(float(distribution.values(draws.uniform(f"room/{name}", one))[0]), _DECIMALS)

    length, width, height = (value(f"size_m/{axis}", spec.size_m[axis]) for axis in range(3))
    size = (length, width, height)
    rt60 = value("rt60_s", spec.rt60_s)
    turned = np.radians(value("array_azimuth_deg", spec.array_azimuth_deg))
    x, y, z = np.array(spec.array.offsets_m()).T
    offsets = np.stack([x * np.cos(turned) - y * np.sin(turned), x * np.sin(turned) + y * np.cos(turned), z], axis=1)

    candidates = _anywhere(draws, room_number, "array", size, value("array_height_m", spec.array_height_m))
    fits = _inside(candidates[:, np.newaxis] + offsets, size, spec.wall_distance_m).all(axis=1)
    if not fits.any():
        raise PlanError(
            f"room {room_number} of {_metres(size)} has no place for the {spec.array.geometry} array "
            f"{spec.wall_distance_m:g} m from its walls: make size_m larger, or wall_distance_m or the array smaller"
        )
    centre = candidates[np.argmax(fits)]
    microphones = np.round(centre + offsets, _DECIMALS)
    placed: list[Floats] = []
    for source in range(spec.sources):
        name = f"source {source}"
        at_height = value(f"{name}/height_m", spec.source_height_m)
        if spec.source_distance_m is None:
            candidates = _anywhere(draws, room_number, name, size, at_height)
        else:
            candidates = _about(draws, room_number, name, centre, spec.source_distance_m, at_height)
        fits = _inside(candidates, size, spec.wall_distance_m)
        for others, least in ((microphones, spec.microphone_distance_m), (placed, spec.source_spacing_m)):
            for other in others:
                fits &= np.linalg.norm(candidates - other, axis=1) >= least
        if not fits.any():
            raise PlanError(
                f"room {room_number} of {_metres(size)} has no place for source {source} that is {spec.wall_distance_m:g} m from "
                f"walls, {spec.microphone_distance_m:g} m from microphones and {spec.source_spacing_m:g} m from other sources"
                + (f" and {_range(spec.source_distance_m)} m from the array" if spec.source_distance_m else "")
                + ": make size_m larger or these distances smaller"
            )
        placed.append(candidates[np.argmax(fits)])
    order = spec.max_order if spec.max_order is not None else 3 if spec.ray_tracing else needed_order(size, rt60)
    return Room(
        number=room_number,
        size_m=size,
        rt60_s=rt60,
        sources_m=_positions(placed),
        microphones_m=_positions(microphones),
        max_order=order,
        ray_tracing=spec.ray_tracing,
        seed=int(draws.bits("room/seed", one)[0] >> np.uint64(1)),
    )


def _candidates(draws: Draws, room_number: int, name: str) -> Floats:
    """Uniform draws for each candidate place of something in a room, [candidates]."""
    items = np.arange(_CANDIDATES, dtype=np.uint64)
    return draws.uniform(f"room/{name}\0{room_number}", items)


def _anywhere(draws: Draws, room_number: int, name: str, size_m: Position, height_m: float) -> Floats:
    """Candidate places evenly over the floor, [candidates, 3]."""
    x, y = (_candidates(draws, room_number, f"{name}/{axis}") * size_m[k] for k, axis in enumerate("xy"))
    return np.round(np.stack([x, y, np.full(_CANDIDATES, height_m)], axis=1), _DECIMALS)


def _about(draws: Draws, room_number: int, name: str, centre: Floats, distance_m: Distribution, height_m: float) -> Floats:
    """Candidate places about the centre of the array, [candidates, 3]."""
    angles = 2 * np.pi * _candidates(draws, room_number, f"{name}/azimuth")
    distances = distance_m.values(_candidates(draws, room_number, f"{name}/distance"))
    x, y = centre[0] + distances * np.cos(angles), centre[1] + distances * np.sin(angles)
    return np.round(np.stack([x, y, np.full(_CANDIDATES, height_m)], axis=1), _DECIMALS)


def _inside(positions: Floats, size_m: Position, wall_distance_m: float) -> NDArray[np.bool_]:
    """Which of [..., 3] keep their distance from all walls."""
    margin = wall_distance_m - 10.0**-_DECIMALS
    return np.asarray(np.all((positions >= margin) & (positions <= np.array(size_m) - margin), axis=-1))


def _positions(places: list[Floats] | Floats) -> tuple[Position, ...]:
    return tuple((float(x), float(y), float(z)) for x, y, z in places)


def simulate(room: Room, sample_rate_hz: int) -> Rirs:
    """Impulse responses between every source and microphone of a room, on one thread, the same bits each time on one machine.

    The absorption of the walls is fitted, so that the energy of the image sources decays by 60 dB in the RT60 asked; with ray
    tracing, or where the order of image sources is cut short, it follows from Sabine's formula. A RIR ends RT60 after the last
    direct path: beyond that the image sources are no longer complete.

    Raises:
        PlanError: the room cannot have its RT60.
    """
    import pyroomacoustics

    _check_rt60(room.size_m, room.rt60_s, f"room {room.number}")
    absorption = sabine_absorption(room.size_m, room.rt60_s)
    distances = np.linalg.norm(np.array(room.sources_m)[:, np.newaxis] - np.array(room.microphones_m), axis=2)
    with _settled(room.seed):
        shoebox = pyroomacoustics.ShoeBox(
            room.size_m,
            fs=sample_rate_hz,
            materials=pyroomacoustics.Material(absorption),
            max_order=room.max_order,
            ray_tracing=room.ray_tracing,
        )
        for source in room.sources_m:
            shoebox.add_source(source)
        shoebox.add_microphone_array(np.array(room.microphones_m).T)
        if not room.ray_tracing and room.max_order >= needed_order(room.size_m, room.rt60_s):
            absorption = _fit_absorption(shoebox, room.rt60_s, reach_m=distances.max() + SPEED_OF_SOUND_M_S * room.rt60_s)
        shoebox.compute_rir()
    delays = np.rint(distances / SPEED_OF_SOUND_M_S * sample_rate_hz).astype(np.int64) + LEAD_SAMPLES
    length = int(delays.max()) + math.ceil(room.rt60_s * sample_rate_hz)
    rirs = np.zeros((*delays.shape, length), dtype=np.float32)
    for source, microphone in np.ndindex(delays.shape):
        response = shoebox.rir[microphone][source][:length]
        rirs[source, microphone, : len(response)] = response
    return Rirs(
        rirs=rirs,
        sample_rate_hz=sample_rate_hz,
        absorption=absorption,
        direct_delays_samples=delays,
        t60_s=np.stack([t60_s(rir, sample_rate_hz) for rir in rirs]),
        drr_db=np.stack([drr_db(rir, sample_rate_hz) for rir in rirs]),
    )


def _fit_absorption(shoebox: Any, rt60_s: float, reach_m: float) -> float:
    """Let the walls absorb what RT60 takes, and leave out the image sources beyond `reach_m`."""
    shoebox.image_source_model()
    first_microphone = []
    for source, visible in zip(shoebox.sources, shoebox.visibility, strict=True):
        for microphone, position in enumerate(shoebox.mic_array.R.T):
            distances = np.linalg.norm(source.images - position[:, np.newaxis].astype(source.images.dtype), axis=0)
            visible[microphone] &= distances <= reach_m
            if microphone == 0:
                first_microphone.append(distances)
    near = [visible[0] for visible in shoebox.visibility]
    decay = Decay(
        [distances[kept] for distances, kept in zip(first_microphone, near, strict=True)],
        [source.orders[kept] for source, kept in zip(shoebox.sources, near, strict=True)],
    )
    absorption = decay.absorption(rt60_s)
    for source in shoebox.sources:
        source.damping = ((1 - absorption) ** (source.orders / 2))[np.newaxis].astype(source.damping.dtype)
    return absorption


@contextmanager
def _settled(seed: int) -> Iterator[None]:
    """pyroomacoustics on one thread and with its generators seeded; afterwards as they were.

    Its C++ generator cannot be read: it gets a new seed from the system instead.
    """
    import pyroomacoustics

    generator = pyroomacoustics.random.get_rng()
    state = generator.bit_generator.state
    constants = {name: pyroomacoustics.constants.get(name) for name in _CONSTANTS}
    generator.bit_generator.state = np.random.default_rng(seed).bit_generator.state
    pyroomacoustics.libroom.set_rng_seed(seed)
    try:
        for name, value in _CONSTANTS.items():
            pyroomacoustics.constants.set(name, value)
        yield
    finally:
        for name, value in constants.items():
            pyroomacoustics.constants.set(name, value)
        pyroomacoustics.libroom.set_rng_seed(int(np.random.SeedSequence().generate_state(1, np.uint64)[0]))
        generator.bit_generator.state = state
