"""LibriMix (Cosentino et al., 2020): whole utterances of LibriSpeech and WHAM! noise, linear gains, float32.

Its metadata are CSV: mixture_ID, then source_k_path and source_k_gain of each speaker, noise_path and noise_gain.
"""

import csv
import io
from itertools import count

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from synth.recipes.mixture import (
    NOISE,
    SOURCE_RATE_HZ,
    Frames,
    Layout,
    Load,
    Mixture,
    Piece,
    Recipe,
    RecipeError,
    Rendered,
    Setting,
    Sum,
    UnusableMixture,
    checked,
    whole_files,
)
from synth.recipes.quantise import as_soundfile

_FADE = SOURCE_RATE_HZ // 2 + 1  # samples in which the noise fades into its own beginning
_TYPES = {"mix_clean": Sum("all", noise=False), "mix_both": Sum("all", noise=True), "mix_single": Sum("first", noise=True)}

Floats = NDArray[np.floating]  # float32, or float64 where noise had to be extended


def parse(text: str, where: str) -> list[Mixture]:
    """The mixtures of a LibriMix metadata file.

    Raises:
        RecipeError: columns are missing, a gain is no number, a mixture stands there twice.
    """
    rows = csv.DictReader(io.StringIO(text))
    columns = set(rows.fieldnames or ())
    n_src = next(k for k in count() if f"source_{k + 1}_path" not in columns)
    wanted = ["mixture_ID", *(f"source_{k}_{what}" for k in range(1, max(n_src, 1) + 1) for what in ("path", "gain"))]
    wanted += ["noise_path", "noise_gain"]
    missing = [column for column in wanted if column not in columns]
    if missing:
        raise RecipeError(f"{where}: no metadata of LibriMix, it has no column {missing[0]!r}")
    return checked([_mixture(row, n_src, f"{where}, line {rows.line_num}") for row in rows], where)


def _mixture(row: dict[str, str], n_src: int, where: str) -> Mixture:
    prefixes = [(f"s{k}", f"source_{k}") for k in range(1, n_src + 1)] + [(NOISE, "noise")]
    try:
        pieces = tuple(Piece(stem, row[f"{prefix}_path"], float(row[f"{prefix}_gain"])) for stem, prefix in prefixes)
    except (TypeError, ValueError) as error:
        raise RecipeError(f"{where}: a gain is missing or no number") from error
    return Mixture(row["mixture_ID"], pieces)


def layout(mixture: Mixture, frames: Frames, setting: Setting) -> Layout:
    """Where the utterances lie; the noise is always as long as the longest of them.

    Raises:
        UnusableMixture: the noise is too short to be extended.
    """
    if setting.noisy:
        noise = mixture.noise[0]
        longest = max(frames(piece) for piece in mixture.speech)
        if frames(noise) < longest and frames(noise) <= _FADE:
            raise UnusableMixture(f"noise {noise.path} has {frames(noise)} samples; more than {_FADE} are needed to extend it")
    return whole_files(mixture, frames, setting)


def render(mixture: Mixture, load: Load, setting: Setting) -> Rendered:
    """Scale, resample, cut or pad, sum, in float32; a noise that had to be extended is float64, as in the published script."""
    pieces = mixture.pieces if setting.noisy else mixture.speech
    signals: list[Floats] = [load(piece).astype(np.float32) for piece in pieces]
    if setting.noisy:
        longest = max(len(signal) for signal in signals[:-1])
        signals[-1] = extended(signals[-1][:longest], longest)
    # A Python float leaves float32 what it is.
    signals = [
        resample_poly(signal * piece.level, setting.sample_rate_hz, SOURCE_RATE_HZ)
        for piece, signal in zip(pieces, signals, strict=True)
    ]
    lengths = [len(signal) for signal in signals]
    num_samples = min(lengths) if setting.mode == "min" else max(lengths)
    stems = {piece.stem: _fitted(signal, num_samples) for piece, signal in zip(pieces, signals, strict=True)}
    mixtures = {}
    for type_ in setting.types:
        total = np.zeros(num_samples, np.float32)
        for stem in _TYPES[type_].stems(mixture.n_src):
            total += stems[stem]  # float64 noise is added in float64 and rounded to float32
        mixtures[type_] = as_soundfile(total)
    return Rendered({stem: as_soundfile(signal) for stem, signal in stems.items()}, mixtures, tuple(p.level for p in pieces))


def extended(noise: Floats, length: int) -> Floats:
    """Noise of at least `length` samples as it is; shorter noise followed by itself until it has `length`.

    Each time its last 8,001 samples fade out while its first fade in, by the halves of a Hann window of 16,001 points: sums
    to one.
    """
    if len(noise) >= length:
        return noise
    window = np.hanning(SOURCE_RATE_HZ + 1)
    rising, falling = window[:_FADE], window[:_FADE][::-1]
    result: Floats = noise
    while len(result) < length:
        seam = result[-_FADE:] * falling + noise[:_FADE] * rising
        result = np.concatenate((result[:-_FADE], seam, noise[_FADE:]))
    return result[:length]


def _fitted(signal: Floats, num_samples: int) -> Floats:
    return signal[:num_samples] if len(signal) >= num_samples else np.pad(signal, (0, num_samples - len(signal)))


RECIPE = Recipe(
    name="librimix",
    title="LibriMix",
    citation=(
        "Joris Cosentino, Manuel Pariente, Samuele Cornell, Antoine Deleforge, Emmanuel Vincent: LibriMix: An Open-Source "
        "Dataset for Generalizable Speech Separation. arXiv:2005.11262, 2020."
    ),
    corpus="librispeech",
    types=_TYPES,
    modes=("min", "max"),
    sample_rate_hz=16_000,
    asked=None,
    takes_active_levels=False,
    parse=parse,
    layout=layout,
    render=render,
)
