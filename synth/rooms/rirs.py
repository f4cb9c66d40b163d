"""Room impulse responses as arrays: their parts, their measures, and what they do to a signal.

A RIR is float of [samples] or [microphones, samples], simulated or recorded. Its delays are kept: the time between two
microphones is what an array hears. The direct path is the first peak that reaches half of the largest magnitude, so that
reflections which happen to add up above it do not take its place.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.errors import PlanError
from synth.rooms.convolution import Filter

Rir = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]

DIRECT_S = 0.0025  # on either side of the peak; half of pyroomacoustics' fractional delay at 16 kHz
EARLY_S = 0.05
_DIRECT_SHARE = 0.5
_STRAIGHT = 0.95


def rir_problem(rir: Rir) -> str | None:
    """Why it is no impulse response: samples that are NaN or infinite, or a microphone without energy. None where it is one."""
    if not np.isfinite(rir).all():
        return "has samples that are not finite numbers"
    silent = np.flatnonzero(~np.atleast_2d(rir).any(axis=1)) if rir.size else np.zeros(1, dtype=np.intp)
    return f"has no energy at microphone {silent[0]}" if len(silent) else None


def check_rir(rir: Rir, name: str = "a RIR") -> None:
    """Refuse, calling it `name`, what is no impulse response.

    Raises:
        PlanError: it has a `rir_problem`.
    """
    problem = rir_problem(rir)
    if problem is not None:
        raise PlanError(f"{name} {problem}: leave it out or record it again")


def direct_delay(rir: Rir) -> NDArray[np.int64]:
    """Sample of the direct path at each microphone, int64 [microphones] (an array of no dimension for [samples]).

    Raises:
        PlanError: as `check_rir`.
    """
    check_rir(rir)
    magnitudes = np.abs(rir)
    first = np.argmax(magnitudes >= _DIRECT_SHARE * magnitudes.max(axis=-1, keepdims=True), axis=-1)
    falls = np.diff(magnitudes, axis=-1, append=0.0) <= 0
    after = np.arange(rir.shape[-1]) >= first[..., np.newaxis]
    return np.asarray(np.argmax(falls & after, axis=-1), dtype=np.int64)


def split_rir(rir: Rir, sample_rate_hz: int) -> tuple[Rir, Rir, Rir]:
    """The direct path, the direct path with the early reflections, and the whole, each of the shape of `rir`.

    Direct is 2.5 ms on either side of the direct path; early goes on to 50 ms after it. Nothing is shifted, so that signals made
    with the three line up with each other, at each microphone by itself.

    Raises:
        PlanError: as `check_rir`.
    """
    distances = np.arange(rir.shape[-1]) - direct_delay(rir)[..., np.newaxis]
    begun = distances >= -round(DIRECT_S * sample_rate_hz)
    direct = np.where(begun & (distances <= round(DIRECT_S * sample_rate_hz)), rir, 0)
    early = np.where(begun & (distances <= round(EARLY_S * sample_rate_hz)), rir, 0)
    return direct, early, rir


def anechoic_rir(rir: Rir, sample_rate_hz: int) -> Rir:
    """An impulse in the place of the direct path, of its sign and energy: the dry signal, in line with the reverberant one.

    Raises:
        PlanError: as `check_rir`.
    """
    delays = direct_delay(rir)[..., np.newaxis]
    direct, _, _ = split_rir(rir, sample_rate_hz)
    signs = np.sign(np.take_along_axis(rir, delays, axis=-1))
    amplitudes = signs * np.sqrt(np.sum(direct.astype(np.float64) ** 2, axis=-1, keepdims=True))
    result = np.zeros_like(rir)
    np.put_along_axis(result, delays, amplitudes.astype(rir.dtype), axis=-1)
    return result


def drr_db(rir: Rir, sample_rate_hz: int) -> Floats:
    """Direct-to-reverberant ratio: energy of the direct path over that of all that comes later; float64 [microphones].

    Infinite where nothing comes later.

    Raises:
        PlanError: as `check_rir`.
    """
    direct, _, _ = split_rir(rir, sample_rate_hz)
    later = np.arange(rir.shape[-1]) - direct_delay(rir)[..., np.newaxis] > round(DIRECT_S * sample_rate_hz)
    energies = rir.astype(np.float64) ** 2
    with np.errstate(divide="ignore"):
        ratio = np.sum(direct.astype(np.float64) ** 2, axis=-1) / np.sum(energies * later, axis=-1)
    return np.asarray(10 * np.log10(ratio))


def t60_s(rir: Rir, sample_rate_hz: int) -> Floats:
    """Reverberation time by Schroeder's backward integration (ISO 3382-1, T30), seconds, float64 [microphones].

    The straight line through the decay from -5 to -35 dB, carried on to 60 dB. NaN where the decay has no such stretch, as in an
    anechoic room, or is not straight (r squared below 0.95), as where a recording ends in noise.

    Raises:
        PlanError: as `check_rir`.
    """
    check_rir(rir)
    energies = np.atleast_2d(rir).astype(np.float64) ** 2
    lines = [decay_line(microphone, sample_rate_hz) for microphone in energies]
    times = [seconds if np.isfinite(seconds) and straight >= _STRAIGHT else np.nan for seconds, straight in lines]
    return np.array(times).reshape(rir.shape[:-1])


def decay_line(energies: Floats, rate_hz: float) -> tuple[float, float]:
    """Schroeder's time of decay by 60 dB of energies that arrive at `rate_hz` a second, and how straight the decay is.

    Args:
        energies: [time], not all of them 0.

    Returns:
        Seconds: infinite where the decay does not reach -35 dB before it ends, NaN where it falls from -5 to -35 dB at once.
        And r squared of the line.
    """
    remaining = np.cumsum(energies[::-1])[::-1]
    with np.errstate(divide="ignore"):
        decay_db = 10 * np.log10(remaining / remaining[0])
    begin, end = np.searchsorted(-decay_db, [5.0, 35.0])
    if end == len(decay_db):
        return np.inf, 0.0
    if end - begin < 2:
        return np.nan, 0.0
    # Least squares written out: LAPACK's bits depend on how many threads it has.
    times, stretch = np.arange(begin, end) / rate_hz, decay_db[begin:end]
    times, stretch = times - times.mean(), stretch - stretch.mean()
    together, spread, fall = np.sum(times * stretch), np.sum(times**2), np.sum(stretch**2)
    return float(-60 * spread / together), float(together**2 / spread / fall)


def convolve(samples: NDArray[np.int16] | Floats, rir: Rir, length: int, first: int = 0) -> Floats:
    """What the microphones hear of a signal: samples `first` to `first + length` of the convolution, zeros where it has ended.

    A part of the result has the same bits as that part of the whole, on one machine (`synth.rooms.convolution`).

    Args:
        samples: int16, or float64 in its range, [samples].
        rir: [samples] or [microphones, samples].
        length: samples of the result.
        first: where the result begins. With `int(direct_delay(rir)[0])` the direct path to microphone 0 is taken out: the result
            lines up with the dry signal, and neither the times between microphones nor the shape of the direct path changes.

    Returns:
        float64 [microphones, length], in the range of int16 times the gain of the RIR.

    Raises:
        PlanError: as `check_rir`.
    """
    check_rir(rir)
    return Filter(np.atleast_2d(rir))(samples, length, first)
