"""The noise of one plan row: whole numbers, into any buffer."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.levels.scaling import Buffer, put, scale_into

# From an id to that recording, int16 [samples] or [channels, samples], at the plan's sample rate.
LoadSignal = Callable[[str], NDArray[np.int16]]


def render_noise_into(row: dict[str, Any], load: LoadSignal, out: Buffer, begin: int = 0) -> None:
    """Render the noise stem of one plan row, or the part of it that begins at sample `begin`.

    It is the sum of `rint(gain * fade * sample)` over its pieces, each rounded by itself, so that any part is the same to the
    last bit. Into [samples] goes the first channel of a recording, into [channels, samples] as many of its channels as there
    are, from the first on and all from the same position.

    Args:
        row: the plan row's `noise_ids, noise_starts_samples, noise_lengths_samples, noise_offsets_samples,
            noise_fade_ins_samples, noise_fade_outs_samples, noise_gains`, lists of one length; none of them without noise.
        load: from an id to its samples.
        out: receives the noise, [samples] or [channels, samples], all of the row's samples or as many as are wanted.
        begin: the first sample wanted.
    """
    out[...] = 0
    wanted = out.shape[-1]
    for k, noise_id in enumerate(row["noise_ids"]):
        offset, length = row["noise_offsets_samples"][k], row["noise_lengths_samples"][k]
        first, last = max(begin, offset), min(begin + wanted, offset + length)
        if first >= last:
            continue
        source = row["noise_starts_samples"][k] - offset
        signal = np.atleast_2d(load(noise_id))[: len(out) if out.ndim == 2 else 1, source + first : source + last]
        fades = row["noise_fade_ins_samples"][k], row["noise_fade_outs_samples"][k]
        for channel, samples in zip(np.atleast_2d(out), signal, strict=True):
            _add(samples, row["noise_gains"][k], channel[first - begin : last - begin], first - offset, length, *fades)


def _add(samples: NDArray[np.int16], gain: float, out: Buffer, at: int, length: int, fade_in: int, fade_out: int) -> None:
    """Add the part of a piece of `length` samples that begins at its sample `at`."""
    # First the part that comes in, then the one at full level, then the one that goes out; of short pieces the middle is empty.
    rising = min(max(fade_in - at, 0), len(samples))
    falling = min(max(length - fade_out - at, rising), len(samples))
    if rising:
        out[:rising] += _scaled(samples[:rising], gain * fade(fade_in)[at : at + rising], out)
    if falling > rising:
        scaled = np.empty_like(out[rising:falling])
        scale_into(samples[rising:falling], gain, scaled)
        out[rising:falling] += scaled
    if len(samples) > falling:
        begin = at + falling - (length - fade_out)
        gains = gain * fade(fade_out)[::-1][begin : begin + len(samples) - falling]
        out[falling:] += _scaled(samples[falling:], gains, out)


def _scaled(samples: NDArray[np.int16], gains: NDArray[np.float64], like: Buffer) -> NDArray[Any]:
    scaled = np.empty(len(samples), dtype=like.dtype)
    put(np.rint(gains * samples), scaled)
    return scaled


@lru_cache(maxsize=64)
def fade(num_samples: int) -> NDArray[np.float64]:
    """Rising gains of a cross-fade of equal power, float64 [num_samples]: `sqrt((k + 0.5) / num_samples)`."""
    rising: NDArray[np.float64] = np.sqrt((np.arange(num_samples) + 0.5) / num_samples)
    rising.flags.writeable = False
    return rising
