"""SparseLibriMix (Cornell et al., 2020): utterances of LibriSpeech cut at pauses, each piece set to its LUFS, float64.

Its metadata are JSON: a list of mixtures, each with the pieces of s1, s2, ... and of the noise.
"""

import json
import warnings
from typing import Any

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
    resampled_length,
    stem_number,
)
from synth.recipes.quantise import as_soundfile

_BLOCK_S = 0.1  # of the loudness meter; pieces are at least as long
_TYPES = {"mix_clean": Sum("all", noise=False), "mix_noisy": Sum("all", noise=True)}


def parse(text: str, where: str) -> list[Mixture]:
    """The mixtures of a SparseLibriMix metadata file. Speakers keep the order in which they stand there: they are added in it.

    Raises:
        RecipeError: no JSON, or no list of mixtures as described.
    """
    try:
        mixtures = [_mixture(entry) for entry in json.loads(text)]
    except (json.JSONDecodeError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise RecipeError(f"{where}: no metadata of SparseLibriMix ({type(error).__name__}: {error})") from error
    return checked(mixtures, where)


def _mixture(entry: dict[str, Any]) -> Mixture:
    stems = [key for key in entry if stem_number(key)] + [key for key in entry if key == NOISE]
    return Mixture(str(entry["mixture_name"]), tuple(_piece(stem, piece) for stem in stems for piece in entry[stem]))


def _piece(stem: str, entry: dict[str, Any]) -> Piece:
    return Piece(
        stem,
        str(entry["file"]),
        float(entry["lvl"]),
        begin_s=float(entry["orig_start"]),
        end_s=float(entry["orig_stop"]),
        offset_s=float(entry["start"]),
        channel=int(entry.get("channel", 0)),
        text=" ".join(entry["words"]) if "words" in entry else None,
    )


def _span(piece: Piece, frames: int) -> tuple[int, int]:
    """First sample and the one behind the last, in the file."""
    end = frames if piece.end_s is None else min(int(piece.end_s * SOURCE_RATE_HZ), frames)
    return int(piece.begin_s * SOURCE_RATE_HZ), end


def layout(mixture: Mixture, frames: Frames, setting: Setting) -> Layout:
    """Where the pieces lie. The mixture ends with its last piece, noise included.

    Raises:
        UnusableMixture: a piece lies outside its file, or is shorter than the 0.1 s that its loudness takes.
    """
    rate = setting.sample_rate_hz
    starts, offsets, lengths = [], [], []
    for piece in mixture.pieces if setting.noisy else mixture.speech:
        begin, end = _span(piece, frames(piece))
        length = resampled_length(end - begin, rate)
        if length < _BLOCK_S * rate:
            raise UnusableMixture(
                f"{piece.path} has {frames(piece)} samples: fewer than {_BLOCK_S} s from {piece.begin_s} s to {piece.end_s} s"
            )
        starts.append(begin * rate // SOURCE_RATE_HZ)
        offsets.append(int(piece.offset_s * rate))
        lengths.append(length)
    num_samples = max(offset + length for offset, length in zip(offsets, lengths, strict=True))
    n = len(mixture.speech)
    return Layout(num_samples, tuple(starts[:n]), tuple(offsets[:n]), tuple(lengths[:n]))


def render(mixture: Mixture, load: Load, setting: Setting) -> Rendered:
    """Cut, take off the mean, resample, set to its LUFS, place, sum: in float64, nothing kept from clipping.

    Raises:
        UnusableMixture: a piece is too quiet to have a loudness.
    """
    rate = setting.sample_rate_hz
    placed, gains = [], []
    for piece in mixture.pieces if setting.noisy else mixture.speech:
        samples = load(piece)
        samples = samples[slice(*_span(piece, len(samples)))]
        samples = samples - np.mean(samples)
        if rate != SOURCE_RATE_HZ:
            samples = resample_poly(samples, rate, SOURCE_RATE_HZ)
        samples, gain = _at_loudness(samples, piece, rate)
        placed.append((piece.stem, int(piece.offset_s * rate), samples))
        gains.append(gain)
    num_samples = max(offset + len(samples) for _, offset, samples in placed)
    stems: dict[str, NDArray[np.float64]] = {}
    for stem, offset, samples in placed:
        stems.setdefault(stem, np.zeros(num_samples))[offset : offset + len(samples)] += samples
    total = np.zeros(num_samples)
    for stem, signal in stems.items():
        if stem != NOISE:
            total += signal  # in the order of the metadata, not of the speakers' numbers
    mixtures = {}
    for type_ in setting.types:
        mixtures[type_] = as_soundfile(total + stems[NOISE] if _TYPES[type_].noise else total)
    return Rendered({stem: as_soundfile(signal) for stem, signal in stems.items()}, mixtures, tuple(gains))


def _at_loudness(samples: NDArray[np.float64], piece: Piece, rate: int) -> tuple[NDArray[np.float64], float]:
    """`samples` at the piece's LUFS, and the linear gain that took them there."""
    import pyloudnorm

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of clipping, and of pieces without a loud block
        loudness = pyloudnorm.Meter(rate, block_size=_BLOCK_S).integrated_loudness(samples)
        if not np.isfinite(loudness):
            raise UnusableMixture(f"{piece.path} from {piece.begin_s} s to {piece.end_s} s is too quiet to have a loudness")
        normalised = pyloudnorm.normalize.loudness(samples, loudness, piece.level)
    return normalised, float(10.0 ** ((piece.level - loudness) / 20.0))


RECIPE = Recipe(
    name="sparselibrimix",
    title="SparseLibriMix",
    citation=(
        "Joris Cosentino, Manuel Pariente, Samuele Cornell, Antoine Deleforge, Emmanuel Vincent: LibriMix: An Open-Source "
        "Dataset for Generalizable Speech Separation. arXiv:2005.11262, 2020."
    ),
    corpus="librispeech",
    types=_TYPES,
    modes=("max",),
    sample_rate_hz=16_000,
    asked="loudness_lufs_asked",
    takes_active_levels=False,
    parse=parse,
    layout=layout,
    render=render,
    libraries=("scipy", "pyloudnorm"),
)
