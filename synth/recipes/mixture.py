"""What every published recipe comes down to: mixtures of pieces, where these lie, and what is rendered of them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from synth.errors import YuliaoError

SOURCE_RATE_HZ = 16_000  # of the corpora that the recipes were published for
NOISE = "noise"
Mode = Literal["min", "max"]


class RecipeError(YuliaoError):
    """Metadata that are none of the recipe's, or a way of building that the recipe does not know."""


class UnusableMixture(YuliaoError):
    """A mixture that the recipe's own script could not make of these sources."""


@dataclass(frozen=True)
class Piece:
    """A stretch of one published file in one stem."""

    stem: str  # s1, s2, ..., or noise
    path: str  # as the metadata have it
    level: float  # the number that the metadata give; each recipe says what it means
    active_power: float | None = None  # mean square of the active speech, for recipes that divide by its root
    begin_s: float = 0.0  # in the file
    end_s: float | None = None  # None: the file's end
    offset_s: float = 0.0  # in the mixture
    channel: int = 0  # of a file with several
    text: str | None = None  # what is said in this stretch, where the metadata tell

    @property
    def source_id(self) -> str:
        """The file's name without folder and suffix."""
        return PurePosixPath(self.path).stem


@dataclass(frozen=True)
class Mixture:
    """One line of published metadata. Pieces stand in the order in which the recipe adds them, noise last."""

    name: str
    pieces: tuple[Piece, ...]

    @property
    def speech(self) -> tuple[Piece, ...]:
        return tuple(piece for piece in self.pieces if piece.stem != NOISE)

    @property
    def noise(self) -> tuple[Piece, ...]:
        return tuple(piece for piece in self.pieces if piece.stem == NOISE)

    @property
    def n_src(self) -> int:
        return len({piece.stem for piece in self.speech})


@dataclass(frozen=True)
class Sum:
    """What a type of mixture sums: all speakers or the first, with noise or without."""

    speakers: Literal["all", "first"]
    noise: bool

    def stems(self, n_src: int) -> list[str]:
        """Names of the stems, in the order in which they are added."""
        speakers = [f"s{k}" for k in range(1, (n_src if self.speakers == "all" else 1) + 1)]
        return speakers + [NOISE] * self.noise


@dataclass(frozen=True)
class Setting:
    """How a set is asked for."""

    types: tuple[str, ...]
    mode: Mode
    sample_rate_hz: int
    noisy: bool  # whether one of the types has noise in it


@dataclass(frozen=True)
class Layout:
    """Where the pieces of speech lie, before anything is rendered. Samples at the rate of the mixture; one value a piece."""

    num_samples: int
    starts: tuple[int, ...]  # in the file
    offsets: tuple[int, ...]  # in the mixture
    lengths: tuple[int, ...]


@dataclass(frozen=True)
class Rendered:
    """The signals of a mixture, int16 [samples], by stem and by type, and the linear gain of each piece, noise included."""

    stems: dict[str, NDArray[np.int16]]
    mixtures: dict[str, NDArray[np.int16]]
    gains: tuple[float, ...]


Frames = Callable[[Piece], int]  # samples of each channel in the piece's file
Load = Callable[[Piece], NDArray[np.float64]]  # the whole channel, full scale 1, at SOURCE_RATE_HZ


@dataclass(frozen=True)
class Recipe:
    """A published recipe: how its metadata read, how long its mixtures are, and its arithmetic."""

    name: str
    title: str
    citation: str
    corpus: str  # the dataset that it is usually made from
    types: Mapping[str, Sum]
    modes: tuple[Mode, ...]  # the first is the default
    sample_rate_hz: int  # the default
    asked: str | None  # the column that keeps `Piece.level`, where that is no gain
    takes_active_levels: bool
    parse: Callable[[str, str], list[Mixture]]  # (text, what to call it in errors)
    layout: Callable[[Mixture, Frames, Setting], Layout]
    render: Callable[[Mixture, Load, Setting], Rendered]
    libraries: tuple[str, ...] = ("scipy",)  # whose version may change samples
    known_overlaps: tuple[str, ...] = ()  # columns whose values stand in two of the published splits


def setting(recipe: Recipe, types: Sequence[str] = (), mode: str | None = None, sample_rate_hz: int | None = None) -> Setting:
    """What is asked for, checked and completed: all types, the recipe's own mode and rate, unless said otherwise.

    Raises:
        RecipeError: a type, mode or rate that the recipe does not know.
    """
    chosen = tuple(dict.fromkeys(types)) or tuple(recipe.types)
    for type_ in chosen:
        if type_ not in recipe.types:
            raise RecipeError(f"{recipe.title} has no mixtures of type {type_!r}: it has {', '.join(recipe.types)}")
    mode_ = next((known for known in recipe.modes if known == (mode or known)), None)
    if mode_ is None:
        raise RecipeError(f"{recipe.title} has no mode {mode!r}: it has {', '.join(recipe.modes)}")
    rate = sample_rate_hz or recipe.sample_rate_hz
    if rate not in (8_000, 16_000):
        raise RecipeError(f"{recipe.title} was published at 8000 and 16000 Hz, not at {rate}")
    return Setting(chosen, mode_, rate, any(recipe.types[type_].noise for type_ in chosen))


def resampled_length(frames: int, sample_rate_hz: int) -> int:
    """Samples that `scipy.signal.resample_poly` makes of `frames` at SOURCE_RATE_HZ."""
    return -(-frames * sample_rate_hz // SOURCE_RATE_HZ)


def whole_files(mixture: Mixture, frames: Frames, setting: Setting) -> Layout:
    """The layout of recipes that put whole files side by side: all begin at 0, cut to the shortest or padded to the longest."""
    lengths = [resampled_length(frames(piece), setting.sample_rate_hz) for piece in mixture.speech]
    num_samples = min(lengths) if setting.mode == "min" else max(lengths)
    zeros = (0,) * len(lengths)
    return Layout(num_samples, zeros, zeros, tuple(min(length, num_samples) for length in lengths))


def stem_number(stem: str) -> int | None:
    """3 of "s3"; None of anything else."""
    match = re.fullmatch(r"s([1-9]\d*)", stem)
    return int(match[1]) if match else None


def checked(mixtures: list[Mixture], where: str) -> list[Mixture]:
    """`mixtures` of one file, where they can stand beside each other.

    Raises:
        RecipeError: none at all, a name twice, another number of speakers than the first has, a level that is no number.
    """
    if not mixtures:
        raise RecipeError(f"{where}: no mixture in it")
    seen: set[str] = set()
    n_src = mixtures[0].n_src
    for mixture in mixtures:
        if mixture.name in seen:
            raise RecipeError(f"{where}: mixture {mixture.name!r} stands in it twice")
        seen.add(mixture.name)
        stems = {piece.stem for piece in mixture.speech}
        if stems != {f"s{k}" for k in range(1, n_src + 1)}:
            raise RecipeError(f"{where}: mixture {mixture.name!r} has {', '.join(sorted(stems))}, the first one {n_src} speakers")
        for piece in mixture.pieces:
            numbers = (piece.level, piece.begin_s, piece.offset_s, piece.end_s or 0.0)
            if not np.isfinite(numbers).all() or min(piece.begin_s, piece.offset_s) < 0:
                raise RecipeError(f"{where}: mixture {mixture.name!r} has a level or time for {piece.path} that is not usable")
    return mixtures
