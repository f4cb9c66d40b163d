"""Rooms: how fast a bank is simulated, and how fast signals are put into it.

    python -m benchmarks.bench_rooms [--rooms 20] [--repeats 5]

Prints the CPU time of a shoebox with two sources and its T60 as measured, rooms per second with one and two workers, and at how
many times real time two sources are put into rooms with RIRs of 0.5 s, measured for the plan and rendered.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from flows.workers import ordered_map
from synth.draws import Draws
from synth.rooms.images import Response, Responses, prepare
from synth.rooms.shoeboxes import Room, RoomSpec, bank_rooms, simulate
from synth.rooms.stems import DryPiece, hear, stem_image

RATE_HZ = 16_000
SECONDS = 4.5
ARRAY = {"geometry": "circular", "microphones": 4, "radius_m": 0.05}


def simulated(room: Room) -> tuple[float, float]:
    """CPU milliseconds of one room, and its T60 as measured, in seconds."""
    begin = time.process_time()
    rirs = simulate(room, RATE_HZ)
    return 1000 * (time.process_time() - begin), float(rirs.t60_s.mean())


def median_s(repeats: int, work: Callable[[], object]) -> float:
    """Median CPU seconds of `work`, after one run that does not count."""
    seconds = []
    work()
    for _ in range(repeats):
        begin = time.process_time()
        work()
        seconds.append(time.process_time() - begin)
    return statistics.median(seconds)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rooms", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    draws = Draws(0, "bench_rooms", "train")
    simulate(bank_rooms(RoomSpec(), draws, 1)[0], RATE_HZ)  # what is loaded first
    for rt60_s, keys in ((0.3, {}), (0.3, {"array": ARRAY}), (0.6, {})):
        rooms = bank_rooms(RoomSpec.model_validate({"rt60_s": rt60_s, **keys}), draws, options.rooms)
        milliseconds, t60s = zip(*(simulated(room) for room in rooms), strict=True)
        print(
            f"RT60 {rt60_s} s, 2 sources, {len(rooms[0].microphones_m)} microphones: {statistics.median(milliseconds):.0f} ms "
            f"a room ({min(milliseconds):.0f} to {max(milliseconds):.0f}); T60 measured {min(t60s):.2f} to {max(t60s):.2f} s"
        )
    rooms = bank_rooms(RoomSpec.model_validate({"rt60_s": 0.3}), draws, 10 * options.rooms)
    for workers in (1, 2):
        done = ordered_map(simulated, rooms, workers, 2 * workers)
        next(done)  # by then the workers have started
        begin = time.perf_counter()
        rest = sum(1 for _ in done)
        print(f"bank, RT60 0.3 s, {workers} workers: {rest / (time.perf_counter() - begin):.1f} rooms/s of wall clock")
    random = np.random.default_rng(0)
    sources = [(random.standard_normal(int(SECONDS * RATE_HZ)) * 2000).astype(np.int16) for _ in range(2)]
    for microphones in (1, 4):
        rirs = random.standard_normal((microphones, RATE_HZ // 2)) * 10 ** (-3 * np.arange(RATE_HZ // 2) / RATE_HZ / 0.5)
        rirs[:, 100] = 5
        responses = Responses(lambda _: rirs, RATE_HZ)  # noqa: B023
        for what, ready in (("made ready each time", lambda: prepare(rirs, RATE_HZ)), ("kept ready", lambda: responses("rir"))):  # noqa: B023
            seconds = median_s(4 * options.repeats, lambda: planned_and_rendered(sources, ready))  # noqa: B023
            wanted = " (at least 400 wanted)" if microphones == 1 else ""
            print(
                f"2 sources of {SECONDS} s, RIRs of 0.5 s {what}, {microphones} microphones: measured once and rendered once at "
                f"{SECONDS / seconds:.0f} times real time{wanted}"
            )


def planned_and_rendered(sources: Sequence[NDArray[np.int16]], ready: Callable[[], Response]) -> NDArray[np.int16]:
    """What a mixture in a room costs: its stems heard and measured for the plan, heard again as they are written, and summed."""
    length = len(sources[0])
    gains = []
    for source in sources:
        measured = hear([DryPiece(lambda: source, 0, length, 0, 1.0)], ready(), length, "active_rms", RATE_HZ)  # noqa: B023
        gains.append(1000 / measured.power**0.5)
    mixture = np.zeros((1, length), dtype=np.int16)
    for source, gain in zip(sources, gains, strict=True):
        heard = stem_image([DryPiece(lambda: source, 0, length, 0, gain)], ready(), length, 0, length)  # noqa: B023
        mixture = mixture + np.rint(heard, out=heard).astype(np.int16)
    return mixture


if __name__ == "__main__":
    main()
