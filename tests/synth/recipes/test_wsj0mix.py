"""wsj0-mix against a loop over samples, written from its formula, and its files."""

import dataclasses
import math

import numpy as np
import pytest

from synth.recipes import recipe, wsj0mix
from synth.recipes.mixture import RecipeError, setting


@pytest.mark.parametrize("mode", ["min", "max"])
def test_the_mixtures_at_16_khz_are_those_of_a_loop_over_samples(published, mode):
    """Of x / sqrt(P) * 10**(dB / 20), the sum, and all of them by one divisor that takes the peak to 0.9."""
    wsj = published("wsj0-mix")
    for mixture, rendered in wsj.rendered((), mode, 16_000):
        scaled = [
            [float(x) / math.sqrt(piece.active_power) * 10 ** (piece.level / 20) for x in wsj.load(piece)]
            for piece in mixture.pieces
        ]
        longest = max(map(len, scaled))
        scaled = [signal + [0.0] * (longest - len(signal)) for signal in scaled]
        total = [a + b for a, b in zip(*scaled, strict=True)]
        if mode == "min":
            shortest = min(wsj.frames(piece) for piece in mixture.pieces)
            scaled, total = [signal[:shortest] for signal in scaled], total[:shortest]
        divisor = max(1.0, *(abs(x) for signal in (total, *scaled) for x in signal)) / 0.9
        assert rendered.mixtures["mix"].tolist() == [round(x / divisor * 2**15) for x in total]
        for stem, signal in zip(("s1", "s2"), scaled, strict=True):
            assert rendered.stems[stem].tolist() == [round(x / divisor * 2**15) for x in signal]
        assert np.allclose(
            rendered.gains,
            [10 ** (piece.level / 20) / math.sqrt(piece.active_power) / divisor for piece in mixture.pieces],
            rtol=1e-12,
        )


def test_mixtures_are_named_as_the_published_files_are(published):
    names = [mixture.name for mixture in published("wsj0-mix").mixtures()]
    assert names == ["1-2-0001_0.60431_3-4-0002_-0.60431", "1-2-0003_0_3-4-0004_1.25"]


def test_a_mixture_without_an_active_power_is_refused(published):
    wsj = published("wsj0-mix")
    mixture = wsj.mixtures()[0]
    pieces = tuple(dataclasses.replace(piece, active_power=None) for piece in mixture.pieces)
    with pytest.raises(RecipeError, match="active power of 1-2-0001 is not known"):
        wsj0mix.render(dataclasses.replace(mixture, pieces=pieces), wsj.load, setting(recipe("wsj0-mix")))


@pytest.mark.parametrize("text", ["a.wav 1 b.wav", "a.wav b.wav", "\n", "a.wav 1 b.wav 2\na.wav 1 b.wav 2", "a.wav inf b.wav 1"])
def test_a_list_of_another_form_is_refused_in_one_line(text):
    with pytest.raises(RecipeError, match=r"^some\.txt") as error:
        wsj0mix.parse(text, "some.txt")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["a", "a b", "a 0", "a -1", "a nan", "a 1 2"])
def test_active_powers_of_another_form_are_refused_in_one_line(text):
    with pytest.raises(RecipeError, match=r"^some\.txt, line 2") as error:
        wsj0mix.parse_active_powers(f"x 1\n{text}\n", "some.txt")
    assert "\n" not in str(error.value)
