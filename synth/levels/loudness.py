"""How loud is a piece: four measures in dB, by name in `MEASURES`.

Every measure takes samples of [samples] or [channels, samples], int16 or float64 in the range of int16, and gives -inf for a
piece that is silent or empty. Full scale (0 dB) is a mean square of 32768**2. Scaling a piece by g moves each measure by
20 log10(g), as long as rounding takes no frame or block across a gate.

Channels are microphones: mean power, active RMS and P.56 are the power mean over the channels, each measured by itself. LUFS sums
the channels as BS.1770 has it.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from synth.levels.frames import active_power

Piece = NDArray[np.int16] | NDArray[np.float64]

_FULL_SCALE = 32768.0
_P56_MARGIN = 10 ** (-15.9 / 20)
_P56_TIME_CONSTANT_S = 0.03
_P56_HANGOVER_S = 0.2
_BLOCK_S, _HOP_S = 0.4, 0.1
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE = 0.1  # 10 LU, as a ratio of powers


def _decibels(power: float) -> float:
    """Mean square of samples in the range of int16 to dB of full scale."""
    return float(10 * np.log10(power / _FULL_SCALE**2)) if power > 0 else -np.inf


def _mean_of_channels(power: Callable[[Piece], float], samples: Piece) -> float:
    return float(np.mean([power(channel) for channel in np.atleast_2d(samples)]))


def _energy(samples: Piece) -> float:
    """Sum of squares: exact for int16. Not by `@`, whose bits depend on how many threads BLAS has."""
    return float(np.sum(np.square(samples, dtype=np.int64 if samples.dtype == np.int16 else np.float64)))


def mean_power_dbfs(samples: Piece) -> float:
    """Mean square of all samples, in dB of full scale."""

    return _decibels(_mean_of_channels(lambda channel: _energy(channel) / max(len(channel), 1), samples))


def active_rms_dbfs(samples: Piece, sample_rate_hz: int) -> float:
    """`levels.frames.active_power` in dB of full scale: over frames of 20 ms within 40 dB of the loudest; floats are rounded."""

    def power(channel: Piece) -> float:
        whole = channel if channel.dtype == np.int16 else np.rint(channel)
        return active_power(whole, sample_rate_hz)  # type: ignore[arg-type]

    return _decibels(_mean_of_channels(power, samples))


def p56_dbov(samples: Piece, sample_rate_hz: int) -> float:
    """Active speech level by ITU-T P.56 (12/2011), method B, in dBov: 0 dBov is a square wave of full scale.

    The envelope is the magnitude smoothed twice with a time constant of 30 ms. A sample is active where the envelope reached the
    threshold within the last 0.2 s. Level = energy of the whole piece / active samples, at the threshold that lies 15.9 dB below
    that level. The Recommendation looks for it between thresholds 6 dB apart and takes an error of up to 0.5 dB; here it is
    solved for exactly, so that the level moves with the gain. Of several solutions the lowest threshold counts, as there. Where
    even the envelope's peak lies more than 15.9 dB below the level (a click), that peak is the threshold.
    """
    return _decibels(_mean_of_channels(lambda channel: _p56_power(channel, sample_rate_hz), samples))


def _p56_power(samples: Piece, sample_rate_hz: int) -> float:
    from scipy.ndimage import maximum_filter1d
    from scipy.signal import lfilter

    energy = _energy(samples)
    if not energy:
        return 0.0
    decay = np.exp(-1 / (sample_rate_hz * _P56_TIME_CONSTANT_S))
    envelope = np.abs(samples.astype(np.float64))
    for _ in range(2):
        envelope = lfilter([1 - decay], [1, -decay], envelope)
    window = int(np.ceil(_P56_HANGOVER_S * sample_rate_hz)) + 1
    held = maximum_filter1d(envelope, window, mode="constant", origin=(window - 1) // 2)  # the window ends at its sample
    # With the k loudest samples active, the level is energy / k; they are active for thresholds up to the k-th held envelope.
    loudest_first = np.sort(held, kind="stable")[::-1]  # made of runs, which the stable kind is quick at
    thresholds = _P56_MARGIN * np.sqrt(energy / np.arange(1, len(samples) + 1))
    solved = np.flatnonzero(thresholds <= loudest_first)
    active = solved[-1] + 1 if len(solved) else np.count_nonzero(held == loudest_first[0])
    return energy / float(active)


def lufs(samples: Piece, sample_rate_hz: int) -> float:
    """Integrated loudness by ITU-R BS.1770-4 in LUFS: K-weighted, blocks of 0.4 s every 0.1 s, gated at -70 LUFS and -10 LU.

    Every channel has the weight 1 (none is a surround loudspeaker), and their powers are summed. Equals pyloudnorm's `Meter` for
    up to three channels. A piece shorter than 0.4 s is one block, as with `Meter(rate, block_size=its duration)`.
    """
    from pyloudnorm import IIRfilter
    from scipy.signal import lfilter

    weighted = np.atleast_2d(samples).astype(np.float64) / _FULL_SCALE
    count = weighted.shape[1]
    if not count:
        return -np.inf
    for gain_db, q, frequency_hz, form in ((4.0, 1 / np.sqrt(2), 1500.0, "high_shelf"), (0.0, 0.5, 38.0, "high_pass")):
        stage = IIRfilter(gain_db, q, frequency_hz, sample_rate_hz, form)
        weighted = stage.passband_gain * lfilter(stage.b, stage.a, weighted)
    cumulated = np.concatenate([[0.0], np.cumsum(np.sum(weighted**2, axis=0))])
    block = min(_BLOCK_S * sample_rate_hz, count)
    hop = _HOP_S * sample_rate_hz
    begins = np.arange(int(np.round((count - block) / hop)) + 1) * hop
    ends = np.minimum((begins + block).astype(np.int64), count)
    powers = (cumulated[ends] - cumulated[begins.astype(np.int64)]) / block
    powers = powers[powers >= _from_lufs(_ABSOLUTE_GATE_LUFS)]
    if not len(powers):
        return -np.inf
    kept = powers[powers > _RELATIVE_GATE * powers.mean()]
    return float(10 * np.log10(kept.mean()) - 0.691)


def _from_lufs(loudness: float) -> float:
    return float(10 ** ((loudness + 0.691) / 10))


def _mean_power(samples: Piece, sample_rate_hz: int) -> float:
    return mean_power_dbfs(samples)


# By the name that stands in specs and columns; each takes (samples, sample_rate_hz).
MEASURES: dict[str, Callable[[Piece, int], float]] = {
    "mean_power": _mean_power,
    "active_rms": active_rms_dbfs,
    "p56": p56_dbov,
    "lufs": lufs,
}
