"""wsj0-mix (Hershey et al., 2016; the Python version of its scripts): utterances of WSJ0 at levels against each other, float64.

Its metadata are list files: on each line, for each speaker, a path and a level in dB. The active power of every utterance comes
from another file.
"""

import numpy as np
from scipy.signal import resample_poly

from synth.recipes.mixture import (
    SOURCE_RATE_HZ,
    Load,
    Mixture,
    Piece,
    Recipe,
    RecipeError,
    Rendered,
    Setting,
    Sum,
    checked,
    whole_files,
)
from synth.recipes.quantise import as_matlab

_TYPES = {"mix": Sum("all", noise=False)}
_PEAK = 0.9


def parse(text: str, where: str) -> list[Mixture]:
    """The mixtures of a wsj0-mix list file, named as the published files are: utterances and levels in turn.

    Raises:
        RecipeError: a line without a level for each path.
    """
    lines = enumerate(text.splitlines(), start=1)
    return checked([_mixture(line.split(), f"{where}, line {number}") for number, line in lines if line.strip()], where)


def _mixture(fields: list[str], where: str) -> Mixture:
    try:
        levels = [float(field) for field in fields[1::2]]
    except ValueError as error:
        raise RecipeError(f"{where}: no line of wsj0-mix, expected a path and a level in dB for each speaker") from error
    if len(fields) % 2 or not fields:
        raise RecipeError(f"{where}: no line of wsj0-mix, expected a path and a level in dB for each speaker")
    pieces = tuple(Piece(f"s{k}", path, level) for k, (path, level) in enumerate(zip(fields[::2], levels, strict=True), start=1))
    return Mixture("_".join(f"{piece.source_id}_{piece.level:.8g}" for piece in pieces), pieces)


def parse_active_powers(text: str, where: str) -> dict[str, float]:
    """Active power by utterance, from lines of an utterance's id and a number.

    Raises:
        RecipeError: a line of another form, or a power that is not above zero.
    """
    powers = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            utterance, power = line.split()
            powers[utterance] = float(power)
        except ValueError as error:
            raise RecipeError(f"{where}, line {number}: expected an utterance and its active power") from error
        if not 0 < powers[utterance] < np.inf:
            raise RecipeError(f"{where}, line {number}: the active power of {utterance} is {power}, expected one above 0")
    return powers


def render(mixture: Mixture, load: Load, setting: Setting) -> Rendered:
    """Resample in float32; level and sum in float64; one gain for mixture and stems, to 0.9 or below."""
    resampled = [
        resample_poly(load(piece).astype(np.float32), setting.sample_rate_hz, SOURCE_RATE_HZ) for piece in mixture.pieces
    ]
    signals = np.zeros((len(resampled), max(map(len, resampled))))
    gains = []
    for signal, samples, piece in zip(signals, resampled, mixture.pieces, strict=True):
        if piece.active_power is None:
            raise RecipeError(f"mixture {mixture.name}: the active power of {piece.source_id} is not known")
        root, factor = np.sqrt(piece.active_power), 10 ** (piece.level / 20)
        signal[: len(samples)] = samples
        signal /= root  # two steps, not one with the quotient: they round apart
        signal *= factor
        gains.append(factor / root)
    total = np.sum(signals, axis=0)
    if setting.mode == "min":
        shortest = min(map(len, resampled))
        signals, total = signals[:, :shortest], total[:shortest]
    divisor = np.max([1.0, np.max(np.abs(total)), np.max(np.abs(signals))]) / _PEAK
    stems = {piece.stem: as_matlab(signal) for piece, signal in zip(mixture.pieces, signals / divisor, strict=True)}
    return Rendered(stems, {"mix": as_matlab(total / divisor)}, tuple(float(gain / divisor) for gain in gains))


RECIPE = Recipe(
    name="wsj0-mix",
    title="wsj0-mix",
    citation=(
        "John R. Hershey, Zhuo Chen, Jonathan Le Roux, Shinji Watanabe: Deep clustering: Discriminative embeddings for "
        "segmentation and separation. ICASSP 2016."
    ),
    corpus="wsj0",
    types=_TYPES,
    modes=("min", "max"),
    sample_rate_hz=8_000,
    asked="level_db_asked",
    takes_active_levels=True,
    parse=parse,
    layout=whole_files,
    render=render,
    known_overlaps=("speaker_ids",),  # the 101 speakers of tr are those of cv
)
