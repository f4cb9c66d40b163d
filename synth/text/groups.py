"""What belongs together stays together: rows joined to groups, groups to splits."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from synth.draws import Draws, hash_texts


def joined(keys_of_rows: Iterable[Iterable[Hashable]]) -> list[int]:
    """The group of each row, as the number of its first row: rows that share a key, directly or by others, are one group."""
    parent: list[int] = []
    owner: dict[Hashable, int] = {}

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for row, keys in enumerate(keys_of_rows):
        parent.append(row)
        for key in keys:
            one, other = sorted((root(owner.setdefault(key, row)), root(row)))
            parent[other] = one
    return [root(row) for row in range(len(parent))]


def draw_splits(names: Sequence[str], proportions: Mapping[Any, float], *, seed: int, dataset: str) -> list[str]:
    """The split of each group, by its name alone: more groups change nothing for those that were there before."""
    splits, shares = list(proportions), np.array(list(proportions.values()))
    drawn = Draws(seed, dataset, "").uniform("split", hash_texts(names))
    chosen = np.minimum(np.searchsorted(np.cumsum(shares / shares.sum()), drawn, side="right"), len(splits) - 1)
    return [splits[int(k)] for k in chosen]
