"""LibriMix against a loop over samples, written from its formulas."""

import math

import numpy as np
import pytest

from synth.recipes import librimix, recipe
from synth.recipes.mixture import RecipeError, UnusableMixture, setting


def pcm16(sample: float) -> int:
    return min(max(math.floor(round(float(sample) * 2**31) / 2**16), -32768), 32767)


@pytest.mark.parametrize("mode", ["min", "max"])
def test_the_mixtures_at_16_khz_are_those_of_a_loop_over_samples(published, mode):
    """Gain in float32, sum from the left in float32, noise followed by itself where it is too short: as float64 then."""
    libri = published("librimix")
    for mixture, rendered in libri.rendered((), mode, 16_000):
        *speech, noise = [libri.load(piece) for piece in mixture.pieces]
        longest = max(map(len, speech))
        extended = list(np.float32(noise[:longest]))
        while len(extended) < longest:
            first = len(extended) - 8001
            rising = [0.5 - 0.5 * math.cos(2 * math.pi * k / 16_000) for k in range(8001)]
            for k in range(8001):
                extended[first + k] = float(extended[first + k]) * rising[8000 - k] + float(np.float32(noise[k])) * rising[k]
            extended += [float(np.float32(x)) for x in noise[8001:]]
        extended = extended[:longest]
        gains = [piece.level for piece in mixture.pieces]
        signals = [[np.float32(x) * np.float32(gain) for x in source] for source, gain in zip(speech, gains, strict=False)]
        noisy = [x * (gains[-1] if isinstance(x, float) else np.float32(gains[-1])) for x in extended]
        num_samples = (min if mode == "min" else max)(map(len, speech))
        s1, s2, noise_stem = [(signal + [np.float32(0)] * num_samples)[:num_samples] for signal in [*signals, noisy]]
        assert rendered.stems["s2"].tolist() == [pcm16(x) for x in s2]
        both = [np.float32(np.float32(a + b) + c) for a, b, c in zip(s1, s2, noise_stem, strict=True)]
        single = [np.float32(a + c) for a, c in zip(s1, noise_stem, strict=True)]
        # The cosine of math and of numpy may differ in the last bit: half a step in 2**48.
        assert np.abs(rendered.mixtures["mix_both"] - np.array([pcm16(x) for x in both])).max() <= (len(noise) < longest)
        assert np.abs(rendered.mixtures["mix_single"] - np.array([pcm16(x) for x in single])).max() <= (len(noise) < longest)
        assert rendered.mixtures["mix_clean"].tolist() == [pcm16(np.float32(a + b)) for a, b in zip(s1, s2, strict=True)]


def test_an_extended_noise_begins_as_it_is_and_keeps_its_level_across_the_seam():
    noise = np.ones(8500, np.float32)
    extended = librimix.extended(noise, 30_000)
    assert len(extended) == 30_000 and np.allclose(extended, 1)
    ramp = np.arange(9000, dtype=np.float32)
    assert librimix.extended(ramp, 20_000)[:999].tolist() == ramp[:999].tolist()
    assert librimix.extended(ramp, 8000) is ramp


def test_noise_that_its_script_could_not_extend_is_refused(published):
    """With 8001 samples the seam is all of it: the script would never end."""
    libri = published("librimix")
    mixture = libri.mixtures()[1]
    how = setting(recipe("librimix"))

    def frames(piece):
        return 8001 if piece.stem == "noise" else libri.frames(piece)

    with pytest.raises(UnusableMixture, match=r"tt/short\.wav has 8001 samples"):
        librimix.layout(mixture, frames, how)
    assert librimix.layout(mixture, frames, setting(recipe("librimix"), ["mix_clean"])).num_samples == 20_000


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no column 'mixture_ID'"),
        ("mixture_ID,source_1_path,source_1_gain,noise_path\n", "no column 'noise_gain'"),
        ("mixture_ID,noise_path,noise_gain\n", "no column 'source_1_path'"),
        ("mixture_ID,source_1_path,source_1_gain,noise_path,noise_gain\n", "no mixture"),
        ("mixture_ID,source_1_path,source_1_gain,noise_path,noise_gain\na,b,loud,c,1\n", "line 2: a gain is missing"),
        ("mixture_ID,source_1_path,source_1_gain,noise_path,noise_gain\na,b,1\n", "line 2: a gain is missing"),
        ("mixture_ID,source_1_path,source_1_gain,noise_path,noise_gain\na,b,nan,c,1\n", "not usable"),
        ("mixture_ID,source_1_path,source_1_gain,noise_path,noise_gain\na,b,1,c,1\na,d,1,c,1\n", "'a' stands in it twice"),
    ],
)
def test_metadata_of_another_form_are_refused_in_one_line(text, problem):
    with pytest.raises(RecipeError, match=problem) as error:
        librimix.parse(text, "some.csv")
    assert str(error.value).startswith("some.csv") and "\n" not in str(error.value)


def test_types_modes_and_rates_that_it_does_not_have_are_refused():
    libri = recipe("librimix")
    assert setting(libri, ["mix_clean", "mix_clean"]).types == ("mix_clean",) and not setting(libri, ["mix_clean"]).noisy
    for asked in ({"types": ["mix_noisy"]}, {"mode": "mean"}, {"sample_rate_hz": 44_100}):
        with pytest.raises(RecipeError, match="LibriMix"):
            setting(libri, **asked)
    with pytest.raises(RecipeError, match="no recipe 'librymix'; did you mean 'librimix'"):
        recipe("librymix")
