"""From published metadata to planned rows: sources found or named as missing, lengths known, nothing rendered."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from catalog.shards import row_digest
from flows.recipes.sources import Found, Recordings
from synth.recipes.mixture import NOISE, Layout, Mixture, Piece, Recipe, RecipeError, Setting, UnusableMixture, stem_number
from synth.recipes.wsj0mix import parse_active_powers

_FIRST = 20  # how many of what is missing a report names
# A word of a published file's name tells its split.
_SPLIT_WORDS = {
    "train": {"train", "tr"},
    "validation": {"validation", "valid", "dev", "cv"},
    "test": {"test", "tt", "et"},
}


@dataclass(frozen=True)
class PlannedRow:
    """A mixture whose sources are all there; `columns` has what is known before it is rendered."""

    mixture: Mixture
    columns: dict[str, Any]

    @property
    def num_samples(self) -> int:
        return int(self.columns["num_samples"])


@dataclass(frozen=True)
class RecipePlan:
    """The rows of a split, and what was left out."""

    rows: list[PlannedRow]
    in_metadata: int
    left_out: dict[str, str]  # name of a mixture: why
    missing: list[str]  # sources, sorted

    def report(self, sample_rate_hz: int) -> dict[str, Any]:
        """Counts for people."""
        return {
            "mixtures": len(self.rows),
            "hours": round(sum(row.num_samples for row in self.rows) / sample_rate_hz / 3600, 4),
            "mixtures_in_metadata": self.in_metadata,
            "mixtures_left_out": len(self.left_out),
            "left_out": [{"mixture": name, "why": why} for name, why in list(self.left_out.items())[:_FIRST]],
            "sources_missing": len(self.missing),
            "missing": self.missing[:_FIRST],
        }


def read_metadata(recipe: Recipe, files: Sequence[tuple[str | None, Path]]) -> dict[str, list[Mixture]]:
    """The mixtures of each split. The split of a file is the one given, or the one its name tells.

    Raises:
        RecipeError: a file that is missing or none of the recipe's, or whose split is not known; other numbers of speakers.
    """
    splits: dict[str, list[Mixture]] = {}
    for split, file in files:
        mixtures = recipe.parse(_text(file), str(file))
        splits.setdefault(split or _split_of(file), []).extend(mixtures)
    numbers = {mixture.n_src for mixtures in splits.values() for mixture in mixtures}
    if len(numbers) != 1:
        raise RecipeError(
            f"the metadata have mixtures of {' and '.join(map(str, sorted(numbers)))} speakers: build each by itself"
        )
    for split, mixtures in splits.items():
        if len({mixture.name for mixture in mixtures}) != len(mixtures):
            raise RecipeError(f"a mixture stands in two of the metadata files of {split}: give each file once")
    return {split: splits[split] for split in (*_SPLIT_WORDS, *splits) if split in splits}


def read_active_powers(files: Sequence[Path]) -> dict[str, float]:
    """Active powers by utterance, of all files together."""
    powers: dict[str, float] = {}
    for file in files:
        powers |= parse_active_powers(_text(file), str(file))
    return powers


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise RecipeError(f"{file}: no such file; the metadata come with the recipe's own scripts") from error
    except UnicodeDecodeError as error:
        raise RecipeError(f"{file}: not UTF-8 at byte {error.start}; fetch it again") from error


def _split_of(file: Path) -> str:
    words = set(re.split(r"[^a-z]+", file.stem.lower()))
    told = [split for split, known in _SPLIT_WORDS.items() if words & known]
    if len(told) != 1:
        raise RecipeError(
            f"{file}: its name does not tell whether it is train, validation or test; write test={file}, for example"
        )
    return told[0]


def plan_recipe(
    recipe: Recipe,
    mixtures: Sequence[Mixture],
    setting: Setting,
    speech: Recordings,
    noise: Recordings | None,
    active_powers: Mapping[str, float],
) -> RecipePlan:
    """Find the sources of all mixtures of a split. A mixture that lacks one, or cannot be made of them, is left out and named."""
    found: dict[tuple[bool, str], Found | str | None] = {}

    def look_up(piece: Piece) -> Found | str | None:
        """A reason where it is there and cannot be used. Each file is looked at once."""
        is_noise = piece.stem == NOISE
        key = (is_noise, piece.path)
        if key not in found:
            recordings = noise if is_noise else speech
            try:
                found[key] = recordings.find(piece.path) if recordings is not None else None
            except UnusableMixture as error:
                found[key] = str(error)
        return found[key]

    rows, left_out, missing = [], {}, set()
    for mixture in mixtures:
        pieces = mixture.pieces if setting.noisy else mixture.speech
        if recipe.takes_active_levels:
            pieces = tuple(replace(piece, active_power=active_powers.get(piece.source_id)) for piece in pieces)
        sources = [look_up(piece) for piece in pieces]
        absent = [piece.path for piece, source in zip(pieces, sources, strict=True) if source is None]
        if recipe.takes_active_levels:
            absent += [f"active power of {piece.source_id}" for piece in pieces if piece.active_power is None]
        unusable = [source for source in sources if isinstance(source, str)]
        if absent or unusable:
            missing.update(absent)
            left_out[mixture.name] = f"missing: {', '.join(dict.fromkeys(absent))}" if absent else unusable[0]
            continue
        there = {piece: source for piece, source in zip(pieces, sources, strict=True) if isinstance(source, Found)}
        planned = Mixture(mixture.name, pieces)
        try:
            layout = recipe.layout(planned, lambda piece, there=there: there[piece].num_samples, setting)  # type: ignore[misc]
        except UnusableMixture as error:
            left_out[mixture.name] = str(error)
            continue
        rows.append(PlannedRow(planned, _columns(recipe, planned, setting, layout, there)))
    return RecipePlan(rows, len(mixtures), left_out, sorted(missing))


def _columns(recipe: Recipe, mixture: Mixture, setting: Setting, layout: Layout, there: Mapping[Piece, Found]) -> dict[str, Any]:
    speech = [there[piece] for piece in mixture.speech]
    noise = [there[piece] for piece in mixture.noise]
    stems = [stem_number(piece.stem) or 0 for piece in mixture.speech]
    of_stem = dict(zip(stems, speech, strict=True))
    columns: dict[str, Any] = {
        "mixture_name": mixture.name,
        "source_ids": [source.id for source in speech],
        "source_stems": stems,
        "texts": [
            source.text if piece.text is None else piece.text for piece, source in zip(mixture.speech, speech, strict=True)
        ],
        "offsets_samples": list(layout.offsets),
        "starts_samples": list(layout.starts),
        "lengths_samples": list(layout.lengths),
        "source_sha256s": [source.sha256 for source in speech],
        "speaker_ids": [of_stem[k].speaker_id for k in sorted(of_stem)],
        "genders": [of_stem[k].gender for k in sorted(of_stem)],
        "noise_ids": [source.id for source in noise],
        "noise_sha256s": [source.sha256 for source in noise],
        "num_samples": layout.num_samples,
        "sample_rate_hz": setting.sample_rate_hz,
        "overlap_ratio": _overlap_ratio(stems, layout),
    }
    if recipe.asked:
        columns[recipe.asked] = [piece.level for piece in mixture.speech]
    identity = {
        "recipe": recipe.name,
        "setting": asdict(setting),
        "mixture": asdict(mixture),
        "sources": [there[piece].sha256 for piece in mixture.pieces],
    }
    id_ = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:32]
    return {"id": id_, **columns, "row_digest": row_digest({"id": id_, **columns})}


def _overlap_ratio(stems: Sequence[int], layout: Layout) -> float:
    """Samples in which several speakers have a piece / samples in which any has one."""
    extents = [(begin, begin + length, stem) for stem, begin, length in zip(stems, layout.offsets, layout.lengths, strict=True)]
    bounds = sorted({bound for begin, end, _ in extents for bound in (begin, end)})
    several = some = 0
    for left, right in pairwise(bounds):
        speaking = len({stem for begin, end, stem in extents if begin <= left and right <= end})
        some += (right - left) * (speaking > 0)
        several += (right - left) * (speaking > 1)
    return several / some if some else 0.0
