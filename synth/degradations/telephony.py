"""What a telephone line does: G.711 companding, and packets that do not arrive."""

from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from synth.draws import hashes

G711_RATE_HZ = 8000
PACKET_S = 0.02

Law = Literal["mu", "a"]


@cache
def _companded(law: Law) -> NDArray[np.int16]:
    """What becomes of each value of int16, from -32768 on, on its way through an encoder and a decoder of ITU-T G.711."""
    values = np.arange(-32768, 32768)
    magnitudes = np.where(values < 0, ~values, values)  # as the reference code of ITU-T G.191 has it
    signs = np.where(values < 0, -1, 1)
    if law == "mu":
        # Of 14 bits, biased by 33: eight segments of 16 steps, each with steps twice as large as the one before.
        biased = np.minimum((magnitudes >> 2) + 33, 8191)
        shifts = np.frexp(biased)[1] - 5
        decoded = (((biased >> shifts) << shifts) + (1 << shifts >> 1) - 33) * 4
    else:
        # Of 13 bits: the same, without a bias, so that the two lowest segments have steps alike.
        shifts = np.maximum(np.frexp(magnitudes >> 4)[1] - 5, 0)
        decoded = ((magnitudes >> 4 >> shifts) << shifts) * 16 + (1 << shifts) * 8
    return np.asarray(signs * decoded, dtype=np.int16)


def compand(samples: NDArray[np.int16], law: Law) -> NDArray[np.int16]:
    """Samples of any shape after encoding to 8 bits and decoding, by ITU-T G.711 mu-law or A-law."""
    decoded: NDArray[np.int16] = _companded(law)[samples.astype(np.int64) + 32768]
    return decoded


def g711(samples: NDArray[np.float32], sample_rate_hz: int, law: Law) -> NDArray[np.float32]:
    """A line of 8 kHz and 8 bits, by ITU-T G.711: [samples] or [channels, samples] within +-1, of the same length.

    At other rates the samples are brought to 8 kHz and back (soxr), so that nothing above 4 kHz is left.
    """
    narrow = _resampled(samples, sample_rate_hz, G711_RATE_HZ)
    integers = np.clip(np.rint(narrow * 32768), -32768, 32767).astype(np.int16)
    decoded = compand(integers, law).astype(np.float32) / np.float32(32768)
    return fitted(_resampled(decoded, G711_RATE_HZ, sample_rate_hz), samples.shape[-1])


def _resampled(samples: NDArray[np.float32], from_hz: float, to_hz: float) -> NDArray[np.float32]:
    import soxr

    if from_hz == to_hz:
        return samples
    return np.ascontiguousarray(soxr.resample(samples.T, from_hz, to_hz).T)


def changed_speed(samples: NDArray[np.float32], speed: float) -> NDArray[np.float32]:
    """Samples played `speed` times as fast, pitch and tempo together (soxr): `round(samples / speed)` of them."""
    return fitted(_resampled(samples, speed, 1.0), round(samples.shape[-1] / speed))


def fitted(samples: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Samples cut at the end, or followed by zeros, to `length`."""
    result = np.zeros((*samples.shape[:-1], length), dtype=np.float32)
    kept = min(length, samples.shape[-1])
    result[..., :kept] = samples[..., :kept]
    return result


def lost_packets(packets: int, loss_rate: float, burst_packets: float, seed: int) -> NDArray[np.bool_]:
    """Which packets do not arrive, by Gilbert's model (1960): a chain of two states, received and lost.

    Args:
        loss_rate: share of packets that are lost in the long run, up to burst_packets / (1 + burst_packets).
        burst_packets: mean length of a run of lost packets, from 1 on.
        seed: of the keyed draws, one for each packet.
    """
    uniform = (hashes(f"packet_loss\0{seed}", np.arange(packets, dtype=np.uint64)) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    begins = loss_rate / (burst_packets * (1 - loss_rate))
    goes_on = 1 - 1 / burst_packets
    lost = np.zeros(packets, dtype=np.bool_)
    chance = loss_rate  # of the first packet: the share in the long run
    for packet in range(packets):
        lost[packet] = uniform[packet] < chance
        chance = goes_on if lost[packet] else begins
    return lost


def with_packets_lost(
    samples: NDArray[np.float32], sample_rate_hz: int, loss_rate: float, burst_packets: float, seed: int
) -> NDArray[np.float32]:
    """Samples with silence for packets of 20 ms that are lost, the same ones in all channels; nothing is concealed."""
    packet = max(1, round(PACKET_S * sample_rate_hz))
    count = samples.shape[-1]
    lost = lost_packets(-(-count // packet), loss_rate, burst_packets, seed)
    return np.where(np.repeat(lost, packet)[:count], np.float32(0), samples)
