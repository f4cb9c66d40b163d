"""One shard of a replayed recipe: planned rows, rendered and written, in a worker."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from catalog.building import Building
from catalog.errors import IntegrityError
from catalog.manifests import Pin
from catalog.recipe_kind import largest_error, recipe_schema
from catalog.roots import Root, open_root
from catalog.shards import Shard, ShardWriter
from flows.recipes.plan import PlannedRow
from flows.recipes.sources import Recordings, open_again
from synth import wav
from synth.levels.frames import active_power
from synth.recipes import recipe
from synth.recipes.mixture import NOISE, Piece, Recipe, Rendered, Setting, UnusableMixture

_BATCH_BYTES = 8 << 20  # of audio


@dataclass(frozen=True)
class RecipeTask:
    """What a worker needs to make a shard."""

    root_url: str
    name: str
    fingerprint: str
    key: str  # under which the finished shard stands in the journal
    split: str
    recipe: str
    setting: Setting
    sums: dict[str, list[str]]  # mixture column to stems
    speech: Pin | Path
    noise: Pin | Path | None
    rows: tuple[PlannedRow, ...]


def row_bytes(row: PlannedRow, sums: dict[str, list[str]]) -> int:
    """Bytes of audio in a row."""
    signals = len(sums) + len({stem for stems in sums.values() for stem in stems})
    return signals * (wav.HEADER_BYTES + 2 * row.num_samples)


def render_recipe_shard(task: RecipeTask) -> Shard:
    """Render rows into one shard and record it in the build's journal. Rows that turn out to be unusable are not in it."""
    root, speech = _opened(task.root_url, task.speech)
    noise = None if task.noise is None else _opened(task.root_url, task.noise)[1]
    asked = recipe(task.recipe)

    def load(piece: Piece) -> NDArray[np.float64]:
        recordings = noise if piece.stem == NOISE else speech
        if recordings is None:
            raise UnusableMixture(f"no noise to take {piece.path} from")
        return recordings.load(piece.path, piece.channel)

    schema = recipe_schema(task.sums, task.setting.sample_rate_hz, asked.asked)
    with ShardWriter(root, task.name, task.split, schema) as writer:
        batch: list[dict[str, Any]] = []
        gathered = 0
        for row in task.rows:
            try:
                rendered = asked.render(row.mixture, load, task.setting)
            except UnusableMixture:
                continue  # whoever asked for the shard sees by its rows which ones are not in it
            batch.append(_row(row, rendered, asked, task))
            gathered += row_bytes(row, task.sums)
            if gathered >= _BATCH_BYTES:
                writer.write(pa.RecordBatch.from_pylist(batch, schema))
                batch, gathered = [], 0
        if batch:
            writer.write(pa.RecordBatch.from_pylist(batch, schema))
        shard = writer.close()
    Building(root, task.name, task.fingerprint).record(task.key, shard)
    return shard


@lru_cache(maxsize=2)
def _opened(root_url: str, place: Pin | Path) -> tuple[Root, Recordings]:
    """Opened once in each worker."""
    root = open_root(root_url)
    return root, open_again(root, place)


def _row(row: PlannedRow, rendered: Rendered, asked: Recipe, task: RecipeTask) -> dict[str, Any]:
    signals = dict(rendered.stems)
    signals |= {column: rendered.mixtures[type_] for column, type_ in zip(task.sums, task.setting.types, strict=True)}
    for name, samples in signals.items():
        if len(samples) != row.num_samples:
            raise IntegrityError(f"{row.mixture.name}: {name} has {len(samples)} samples, its sources gave {row.num_samples}")
    spoken = len(row.mixture.speech)
    stems = [rendered.stems[stem] for stem in sorted(rendered.stems, key=lambda stem: (len(stem), stem)) if stem != NOISE]
    powers = [active_power(stem, task.setting.sample_rate_hz) for stem in stems]
    audio = {name: {"bytes": wav.encode(samples, task.setting.sample_rate_hz), "path": None} for name, samples in signals.items()}
    measured = {
        "gains": list(rendered.gains[:spoken]),
        "noise_gains": list(rendered.gains[spoken:]),
        "sir_db": [10 * np.log10(powers[0] / power) if power and powers[0] else None for power in powers[1:]],
        "peak_dbfs": 20 * np.log10(max(int(np.abs(signals["mixture"].astype(np.int32)).max()), 1) / 32768),
        "largest_errors_lsb": [
            largest_error(signals[column], [signals[stem] for stem in summed]) for column, summed in task.sums.items()
        ],
    }
    return {**row.columns, **audio, **measured}
