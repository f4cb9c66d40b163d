"""Speakers to splits: the corpus's official split, or a keyed one in which no speaker stands twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.draws import Draws, hash_texts
from synth.errors import PlanError


@dataclass(frozen=True)
class ToDraw:
    """What has to be drawn, and from what.

    Attributes:
        splits: none where the corpus has all that are wanted.
        rows: whose split is to be drawn, int64.
        split_by: where the splits come from, in words.
    """

    splits: list[str]
    rows: NDArray[np.intp]
    split_by: str


def to_draw(official: NDArray[np.object_], wanted: Sequence[str], what: str) -> ToDraw:
    """A corpus keeps the splits it has, and gives those it has not from its train; without `train` it is drawn anew as a whole.

    Args:
        official: the split of each row.
        wanted: the splits that have mixtures.
        what: is drawn, in words: "speakers".
    """
    missing = [split for split in wanted if not (official == split).any()]
    if not missing:
        return ToDraw([], np.zeros(0, dtype=np.intp), "official")
    if len(missing) == len(wanted) or not (official == "train").any():
        return ToDraw(list(wanted), np.arange(len(official)), "drawn")
    drawn = [split for split in wanted if split in missing or split == "train"]
    split_by = f"official, but {' and '.join(missing)} drawn from the {what} of train"
    return ToDraw(drawn, np.flatnonzero(official == "train"), split_by)


def draw_split(
    speaker_ids: Sequence[str], wanted: Sequence[str], proportions: Mapping[str, float], *, seed: int, dataset: str, least: int
) -> NDArray[np.intp]:
    """Index into `wanted` of each of `speaker_ids` (distinct), drawn so that every split has at least `least` speakers.

    Shares are rounded by the largest remainder.

    Raises:
        PlanError: there are fewer speakers than the splits need.
    """
    needed = least * len(wanted)
    if len(speaker_ids) < needed:
        raise PlanError(
            f"{len(speaker_ids)} speakers are too few for the splits {', '.join(wanted)}: mixing {least} speakers in each "
            f"needs {needed}; take a larger corpus or fewer splits (--set splits.{wanted[-1]}.mixtures=0)"
        )
    shares = np.array([proportions[split] for split in wanted])
    # Every split gets its least first; only the rest is shared out, towards the proportions.
    target = shares / shares.sum() * len(speaker_ids)
    spare = np.maximum(target - least, 0)
    rest = len(speaker_ids) - needed
    ideal = spare / spare.sum() * rest if spare.sum() else np.full(len(wanted), rest / len(wanted))
    counts = np.floor(ideal).astype(int)
    for extra in np.argsort(-(ideal - counts), kind="stable")[: rest - counts.sum()]:
        counts[extra] += 1
    order = Draws(seed, dataset, "").order("split", hash_texts(speaker_ids))
    result = np.empty(len(speaker_ids), dtype=np.intp)
    result[order] = np.repeat(np.arange(len(wanted)), counts + least)
    return result
