"""Convolution by overlap-add, of which any part has the bits of the whole."""

import threading
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_AT_ONCE = 2  # blocks, and microphones: what the FFT's vector units take. Always so many, since its bits might depend on it
_NOTHING = [np.zeros(0)] * _AT_ONCE
_SCRATCH = threading.local()  # memory used again: pages newly taken from the system cost more than the transforms
_KEPT_BYTES = 16 << 20  # what is as long as that at most, or twice that in all, is not given back to the system


class Filter:
    """An impulse response made ready: its transform, and the blocks into which signals are cut.

    The blocks lie on a grid that depends on the length of the response alone, and blocks of silence are left out.

    Args:
        response: [microphones, taps], finite.

    Attributes:
        taps: of the response.
        step: samples of signal in a block.
        nbytes: of memory that it takes.
    """

    def __init__(self, response: NDArray[np.floating[Any]]) -> None:
        self.taps = response.shape[1]
        self._size = _block_size(self.taps)
        self.step = self._size - self.taps + 1
        padded = np.zeros((len(response), self._size))
        padded[:, : self.taps] = response
        self._transfer = np.fft.rfft(padded)
        self.nbytes = self._transfer.nbytes

    def reach(self, first: int, length: int) -> tuple[int, int]:
        """Which blocks of the signal samples `first` to `first + length` of the result depend on: from, and up to."""
        return -(-max(0, first - self._size + 1) // self.step), -(-(first + length) // self.step)

    def __call__(self, samples: NDArray[np.int16] | Floats, length: int, first: int = 0, samples_begin: int = 0) -> Floats:
        """Samples `first` to `first + length` of the convolution, float64 [microphones, length]; zeros where it has ended.

        Args:
            samples: of the signal from sample `samples_begin` on, a multiple of `step`; all that lies in `reach`, or its end.
            length: samples of the result.
            first: where the result begins.
            samples_begin: where `samples` begin.
        """
        result = np.zeros((len(self._transfer), length))
        skipped = samples_begin // self.step
        begin, end = self.reach(first, length)
        begin, end = max(begin, skipped), min(end, skipped + -(-len(samples) // self.step))
        cuts = {block: (block - skipped) * self.step for block in range(begin, end)}
        pieces = {block: samples[cut : cut + self.step] for block, cut in cuts.items()}
        sounding = [block for block, piece in pieces.items() if piece.any()]
        padded, spectra, products, parts = _scratch(self._size)
        for at in range(0, len(sounding), _AT_ONCE):
            blocks = sounding[at : at + _AT_ONCE]
            for row, piece in zip(padded, [*(pieces[block] for block in blocks), *_NOTHING], strict=False):
                row[: len(piece)], row[len(piece) :] = piece, 0
            np.fft.rfft(padded, out=spectra)
            for microphone in range(0, len(result), _AT_ONCE):
                heard = result[microphone : microphone + _AT_ONCE]
                transfers = self._transfer[microphone : microphone + _AT_ONCE, np.newaxis]
                np.multiply(spectra, transfers, out=products[: len(heard)])
                np.fft.irfft(products[: len(heard)], self._size, out=parts[: len(heard)])
                for number, block in enumerate(blocks):
                    start = block * self.step
                    low, high = max(first, start), min(first + length, start + self._size)
                    if low < high:
                        heard[:, low - first : high - first] += parts[: len(heard), number, low - start : high - start]
        return result


def _scratch(size: int) -> tuple[Floats, NDArray[np.complex128], NDArray[np.complex128], Floats]:
    """Blocks, their spectra, those of what microphones hear of them, and that, in memory that belongs to this thread.

    [blocks, size], [blocks, bins], [microphones, blocks, bins], [microphones, blocks, size].
    """
    bins = size // 2 + 1
    if getattr(_SCRATCH, "size", 0) < size:
        # glibc returns whatever is longer than anything that was freed so far, and the FFT takes its own memory for each
        # transform. What is freed here was never touched: it costs nothing.
        np.empty(_KEPT_BYTES, dtype=np.uint8)
        _SCRATCH.size = size
        _SCRATCH.samples = np.empty((1 + _AT_ONCE) * _AT_ONCE * size)
        _SCRATCH.spectra = np.empty((1 + _AT_ONCE) * _AT_ONCE * bins, dtype=np.complex128)
    samples = _SCRATCH.samples[: (1 + _AT_ONCE) * _AT_ONCE * size].reshape(1 + _AT_ONCE, _AT_ONCE, size)
    spectra = _SCRATCH.spectra[: (1 + _AT_ONCE) * _AT_ONCE * bins].reshape(1 + _AT_ONCE, _AT_ONCE, bins)
    return samples[0], spectra[0], spectra[1:], samples[1:]


@lru_cache(maxsize=256)
def _block_size(taps: int) -> int:
    """Points of the FFT for a response of `taps` samples: four times as many, where a sample of signal costs least.

    Rounded up to a product of 2, 3 and 5, of which FFTs are fast. Not by scipy, which takes longer to import than many RIRs.
    """
    least = max(4 * taps, 1024)
    odd_parts: list[int] = [3**threes * 5**fives for threes in range(21) for fives in range(14)]
    return min(odd << (-(-least // odd) - 1).bit_length() for odd in odd_parts)
