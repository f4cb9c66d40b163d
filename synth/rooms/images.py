"""What the microphones hear of a stem: reverberant images and the other targets, in line with the dry signal.

Everything is scaled by one factor a RIR: its direct path to microphone 0 has the energy 1, so that an image is about as loud as
the dry signal, and the anechoic target at that microphone is the dry signal. What lies between the microphones stays.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from synth.rooms.convolution import Filter
from synth.rooms.rirs import DIRECT_S, Rir, anechoic_rir, check_rir, direct_delay, split_rir

Floats = NDArray[np.float64]
Target = Literal["reverberant", "early", "direct", "anechoic"]
LoadRir = Callable[[str], Floats]

_PREPARED_BYTES = 64 << 20  # of RIRs kept ready: of 0.5 s at 16 kHz, each has 0.25 MB a microphone


@dataclass(frozen=True)
class Response:
    """A RIR, or a part of it, made ready by `prepare`.

    Attributes:
        filter: its samples, those before the first and behind the last that is not 0 left out.
        lead: of these, how many come before the direct path to microphone 0.
    """

    filter: Filter
    lead: int

    def needed(self, begin: int, length: int, num_samples: int) -> tuple[int, int]:
        """Which of a dry signal's `num_samples` the samples `begin` to `begin + length` of the image depend on: from, up to."""
        first, last = self.filter.reach(begin + self.lead, length)
        return min(first * self.filter.step, num_samples), min(last * self.filter.step, num_samples)


def prepare(rir: Rir, sample_rate_hz: int, target: Target = "reverberant") -> Response:
    """Make a RIR of [microphones, samples] ready to be heard through.

    Raises:
        PlanError: it is no impulse response (`synth.rooms.rirs.check_rir`).
    """
    rir = np.ascontiguousarray(np.atleast_2d(rir), dtype=np.float64)
    check_rir(rir)
    part = _part(rir, sample_rate_hz, target)
    sounding = np.flatnonzero(part.any(axis=0))
    begin, end = int(sounding[0]), int(sounding[-1]) + 1
    delay, half = int(direct_delay(rir[0])), round(DIRECT_S * sample_rate_hz)
    direct = rir[0, max(0, delay - half) : delay + half + 1]  # as `split_rir` has it
    return Response(Filter(part[:, begin:end] / np.sqrt(np.sum(direct**2))), delay - begin)


def _part(rir: Rir, sample_rate_hz: int, target: Target) -> Rir:
    if target == "reverberant":
        return rir
    if target == "anechoic":
        return anechoic_rir(rir, sample_rate_hz)
    direct, early, _ = split_rir(rir, sample_rate_hz)
    return {"direct": direct, "early": early}[target]


def image(dry: NDArray[np.int16] | Floats, response: Response, length: int, begin: int = 0, dry_begin: int = 0) -> Floats:
    """Samples `begin` to `begin + length` of what the microphones hear: the direct path to microphone 0 lines up with `dry`.

    Args:
        dry: [samples]; with `dry_begin`, the part of it that `response.needed` tells.
        response: from `prepare`.
        length: samples of the result.
        begin: first sample of the result.
        dry_begin: first sample of `dry`.

    Returns:
        float64 [microphones, length]; any part has the bits of the whole, on one machine.
    """
    return response.filter(dry, length, begin + response.lead, dry_begin)


class Responses:
    """RIRs made ready when they are first wanted, and those used last kept: a crop and its targets use the same ones.

    Threads may share one.

    Args:
        load: from the id of a RIR to its samples, [microphones, samples].
        sample_rate_hz: of those.
    """

    def __init__(self, load: LoadRir, sample_rate_hz: int) -> None:
        self._load, self._sample_rate_hz = load, sample_rate_hz
        self._kept: OrderedDict[tuple[str, Target], Response] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def __call__(self, rir_id: str, target: Target = "reverberant") -> Response:
        """The RIR of that id, whole or a part of it."""
        key = rir_id, target
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        response = prepare(self._load(rir_id), self._sample_rate_hz, target)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = response
                self._bytes += response.filter.nbytes
                while self._bytes > _PREPARED_BYTES and len(self._kept) > 1:
                    self._bytes -= self._kept.popitem(last=False)[1].filter.nbytes
        return response
