"""Stems in rooms: summed, faded, heard; any part like the whole, and nothing read that is not heard."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from synth.images import image, prepare
from synth.noise_render import render_noise_into
from synth.room_stems import DryPiece, dry_stem, frame_peaks, stem_image

RATE_HZ = 16_000
RECORDINGS = {name: (np.random.default_rng(k).standard_normal(20_000) * 3000).astype(np.int16) for k, name in enumerate("ab")}
RIR = np.random.default_rng(9).standard_normal((2, 1500)) * 10 ** (-3 * np.arange(1500) / 1500)
RIR[:, 60] = 8
RESPONSE = prepare(RIR, RATE_HZ)
NUM_SAMPLES = 40_000


def piece(name: str, start: int, length: int, offset: int, gain: float = 1.0, fade_in: int = 0, fade_out: int = 0) -> DryPiece:
    return DryPiece(lambda: RECORDINGS[name], start, length, offset, gain, fade_in, fade_out)


PIECES = [
    piece("a", 160, 9000, 500, 0.7),
    piece("b", 0, 12_000, 9400, 1.3, 800, 300),
    piece("a", 0, 20_000, 21_100, 0.2, 0, 20_000),
]


def test_a_dry_stem_is_the_noise_stem_before_it_is_rounded() -> None:
    """Within half a step for each piece that sounds: with the same fades in the same places."""
    row = {
        "noise_ids": ["a", "b", "a"],
        "noise_starts_samples": [each.start for each in PIECES],
        "noise_lengths_samples": [each.length for each in PIECES],
        "noise_offsets_samples": [each.offset for each in PIECES],
        "noise_fade_ins_samples": [each.fade_in for each in PIECES],
        "noise_fade_outs_samples": [each.fade_out for each in PIECES],
        "noise_gains": [each.gain for each in PIECES],
    }
    rounded = np.empty(NUM_SAMPLES, dtype=np.int16)
    render_noise_into(row, RECORDINGS.__getitem__, rounded)
    assert np.abs(dry_stem(PIECES, 0, NUM_SAMPLES) - rounded).max() <= 1.0 + 1e-9


@settings(max_examples=40)
@given(begin=st.integers(0, NUM_SAMPLES - 1), length=st.integers(0, NUM_SAMPLES))
def test_a_part_of_a_stem_has_the_bits_of_the_whole(begin: int, length: int) -> None:
    length = min(length, NUM_SAMPLES - begin)
    whole = image(dry_stem(PIECES, 0, NUM_SAMPLES), RESPONSE, NUM_SAMPLES)
    np.testing.assert_array_equal(stem_image(PIECES, RESPONSE, NUM_SAMPLES, begin, length), whole[:, begin : begin + length])


def test_recordings_that_are_not_heard_are_not_read() -> None:
    def unread() -> NDArray[np.int16]:
        raise AssertionError("read")

    far = DryPiece(unread, 0, 1000, 30_000, 1.0)
    part = stem_image([*PIECES[:1], far], RESPONSE, NUM_SAMPLES, 2000, 1000)
    np.testing.assert_array_equal(part, stem_image(PIECES[:1], RESPONSE, NUM_SAMPLES, 2000, 1000))


@given(first=st.floats(0, 3), second=st.floats(0, 3))
def test_peaks_of_frames_bound_the_sum_of_stems(first: float, second: float) -> None:
    """Frame by frame, at every microphone."""
    gains, heard = (first, second), [np.random.default_rng(k).standard_normal((3, 1234)) for k in range(2)]
    bounds = sum(gain * frame_peaks(each, 160) for gain, each in zip(gains, heard, strict=True))
    together = sum(gain * each for gain, each in zip(gains, heard, strict=True))
    for number, bound in enumerate(np.atleast_1d(bounds)):
        assert np.abs(np.asarray(together)[:, number * 160 : (number + 1) * 160]).max() <= bound + 1e-12
    assert len(frame_peaks(heard[0], 160)) == 8
