"""A published recipe replayed: its metadata and a corpus to a version whose samples are those of the recipe's own script."""

import hashlib
import importlib.metadata
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from catalog.building import Building
from catalog.errors import CatalogError
from catalog.leakage import check_disjoint, identities
from catalog.manifests import Licence
from catalog.names import check_name
from catalog.publish import Published, publish, published_already
from catalog.roots import FolderRoot, Root, open_root
from catalog.shards import Shard, sum_digests
from flows.progress import Progress, nothing
from flows.recipes.plan import PlannedRow, RecipePlan, plan_recipe, read_active_powers, read_metadata
from flows.recipes.report import Rows, largest_errors, statistics, written_rows
from flows.recipes.shards import RecipeTask, render_recipe_shard, row_bytes
from flows.recipes.sources import Recordings, VersionRecordings, open_noise, open_speech
from flows.tables import human_size
from flows.workers import available_cpus, ordered_map
from synth.recipes import recipe as known_recipe
from synth.recipes.mixture import Recipe, RecipeError, Setting, setting

ALGORITHM = 1  # raised when the same metadata and sources shall give other rows
SHARD_BYTES = 128 << 20  # of audio
_UNRENDERED = "a piece of it is too quiet to have a loudness, or its noise lacks a channel or holds NaN"


@dataclass(frozen=True)
class Replay:
    """What is asked for. None and () leave a choice to the recipe."""

    recipe: str
    metadata: Sequence[tuple[str | None, Path]]  # split, or None where the file's name tells it; and the file
    corpus: str | None = None  # NAME[@V] of kind speech
    noise: str | None = None  # a folder, or NAME[@V] of kind noise
    types: Sequence[str] = ()
    mode: str | None = None
    sample_rate_hz: int | None = None
    active_levels: Sequence[Path] = ()
    name: str | None = None


@dataclass(frozen=True)
class PlannedReplay:
    """All that a replay needs but the rendering."""

    name: str
    recipe: Recipe
    setting: Setting
    sums: dict[str, list[str]]
    n_src: int
    speech: VersionRecordings
    noise: Recordings | None
    plans: dict[str, RecipePlan]

    @property
    def size_bytes(self) -> int:
        """Of audio."""
        return sum(row_bytes(row, self.sums) for plan in self.plans.values() for row in plan.rows)


def plan_replay(replay: Replay, *, root: str | os.PathLike[str] | None = None) -> PlannedReplay:
    """Read the metadata and find the sources. Mixtures that lack one are left out, counted and named in the plan.

    Raises:
        RecipeError: an unknown recipe, type, mode or rate; metadata of another form; a split of which nothing can be made.
        CatalogError: an unknown corpus, or one of another kind or rate.
    """
    storage = open_root(root)
    recipe = known_recipe(replay.recipe)
    asked = setting(recipe, replay.types, replay.mode, replay.sample_rate_hz)
    if asked.noisy and replay.noise is None:
        clean = [type_ for type_, summed in recipe.types.items() if not summed.noise]
        raise RecipeError(
            f"{recipe.title}: {', '.join(t for t in asked.types if recipe.types[t].noise)} need noise: "
            f"say where it is (--noise), or ask for {', '.join(clean)} alone (--types)"
        )
    if recipe.takes_active_levels and not replay.active_levels:
        raise RecipeError(f"{recipe.title} takes the active level of each utterance from a file: give it (--activlev)")
    mixtures = read_metadata(recipe, replay.metadata)
    n_src = next(iter(mixtures.values()))[0].n_src
    powers = read_active_powers(replay.active_levels)
    speech = open_speech(storage, replay.corpus or recipe.corpus)
    noise = open_noise(storage, replay.noise) if replay.noise is not None and asked.noisy else None
    plans = {split: plan_recipe(recipe, of_split, asked, speech, noise, powers) for split, of_split in mixtures.items()}
    for split, plan in plans.items():
        if not plan.rows:
            raise RecipeError(f"{recipe.title}, {split}: {_nothing(plan, speech, noise)}")
    name = check_name(replay.name or _default_name(recipe, n_src, asked))
    found = {split: identities([_identities(plan)]) for split, plan in plans.items()}
    check_disjoint(name, found, recipe.known_overlaps)
    columns = ["mixture", *asked.types[1:]]
    sums = {column: recipe.types[type_].stems(n_src) for column, type_ in zip(columns, asked.types, strict=True)}
    return PlannedReplay(name, recipe, asked, sums, n_src, speech, noise, plans)


def _default_name(recipe: Recipe, n_src: int, asked: Setting) -> str:
    """`librimix_2spk_8k_min`: another set for whatever changes its samples, but for its types."""
    return f"{recipe.name.replace('-', '_')}_{n_src}spk_{asked.sample_rate_hz // 1000}k_{asked.mode}"


def _nothing(plan: RecipePlan, speech: VersionRecordings, noise: Recordings | None) -> str:
    name, why = next(iter(plan.left_out.items()))
    places = f"{speech.place}" + (f" and {noise.place}" if noise is not None else "")
    return (
        f"none of its {plan.in_metadata} mixtures can be made of {places}, which lack {len(plan.missing)} sources; "
        f"the first, {name}: {why}"
    )


def _identities(plan: RecipePlan) -> pa.RecordBatch:
    columns = ("id", "speaker_ids", "source_ids", "source_sha256s")
    return pa.RecordBatch.from_pylist([{column: row.columns[column] for column in columns} for row in plan.rows])


def replay(
    asked: Replay,
    *,
    root: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    shard_bytes: int = SHARD_BYTES,
) -> Published:
    """Render what can be made of the metadata and publish it. An interrupted build goes on with the shards that are missing.

    Args:
        asked: recipe, metadata, sources, and how.
        root: the catalog; None means the one of `YULIAO_CATALOG`.
        workers: processes; default: one per core.
        progress: told of the mixtures rendered.
        shard_bytes: audio in a shard; the rows do not depend on it.

    Returns:
        The version; `created` is False where the newest version is the same already.

    Raises:
        RecipeError, CatalogError: as `plan_replay`; a full disk.
    """
    storage = open_root(root)
    planned = plan_replay(asked, root=root)
    fingerprint = _fingerprint(planned)
    already = published_already(storage, planned.name, fingerprint)
    if already is not None:
        return already
    shards = _render(storage, planned, fingerprint, workers or available_cpus(), progress or nothing, shard_bytes)
    rows = {split: written_rows(storage, planned.name, of_split) for split, of_split in shards.items()}
    rate = planned.setting.sample_rate_hz
    reports = {split: _as_written(planned, split, of_split).report(rate) for split, of_split in rows.items()}
    return publish(
        planned.name,
        kind="separation",
        splits={split: [shard for shard in of_split if shard.rows] for split, of_split in shards.items()},
        fingerprint=fingerprint,
        licence=Licence(name="", commercial_use=True),  # nothing of ours restricts it: publish takes the corpora's
        citation="\n".join(filter(None, [planned.recipe.citation, planned.speech.manifest.citation])),
        spec={
            "recipe": planned.recipe.name,
            "types": list(planned.setting.types),
            "mode": planned.setting.mode,
            "sample_rate_hz": planned.setting.sample_rate_hz,
            "sums": planned.sums,
        },
        inputs=[held.place for held in (planned.speech, planned.noise) if isinstance(held, VersionRecordings)],
        sample_rate_hz=rate,
        n_src=planned.n_src,
        additive=False,
        statistics={split: statistics(of_split) for split, of_split in rows.items()},
        report={"largest_error_lsb": largest_errors(rows, list(planned.sums)), **reports},
        software={package: importlib.metadata.version(package) for package in ("yuliao", "numpy", *planned.recipe.libraries)},
        known_overlaps=planned.recipe.known_overlaps,
        root=root,
    )


def _fingerprint(planned: PlannedReplay) -> str:
    """What decides the rows: they themselves, which hold the digests of their sources, this code, and the libraries."""
    content = {
        "algorithm": ALGORITHM,
        "rows": {split: sum_digests([row.columns["row_digest"] for row in plan.rows]) for split, plan in planned.plans.items()},
        "sums": planned.sums,
        "libraries": {package: importlib.metadata.version(package) for package in planned.recipe.libraries},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _render(
    storage: Root, planned: PlannedReplay, fingerprint: str, workers: int, progress: Progress, shard_bytes: int
) -> dict[str, list[Shard]]:
    """The shards of all splits: those in the journal as they are, the others rendered by worker processes."""
    finished = Building(storage, planned.name, fingerprint).finished()
    layout = {split: dict(_layout(split, plan.rows, planned.sums, shard_bytes)) for split, plan in planned.plans.items()}
    tasks = [
        RecipeTask(
            storage.url,
            planned.name,
            fingerprint,
            key,
            split,
            planned.recipe.name,
            planned.setting,
            planned.sums,
            planned.speech.place,
            None if planned.noise is None else planned.noise.place,
            rows,
        )
        for split, slices in layout.items()
        for key, rows in slices.items()
        if key not in finished
    ]
    _check_room(storage, planned, sum(row_bytes(row, planned.sums) for task in tasks for row in task.rows))
    total = sum(len(plan.rows) for plan in planned.plans.values())
    done = total - sum(len(task.rows) for task in tasks)
    progress(done, total, "mixtures")
    rendered = ordered_map(render_recipe_shard, tasks, min(workers, max(1, len(tasks))), 2 * workers)
    for task, shard in zip(tasks, rendered, strict=True):
        finished[task.key] = shard
        done += len(task.rows)
        progress(done, total, "mixtures")
    return {split: [finished[key] for key in slices] for split, slices in layout.items()}


def _layout(
    split: str, rows: Sequence[PlannedRow], sums: dict[str, list[str]], shard_bytes: int
) -> Iterator[tuple[str, tuple[PlannedRow, ...]]]:
    """Key and rows of each shard of a split."""
    gathered: list[PlannedRow] = []
    size_bytes = first = 0
    for number, row in enumerate(rows, start=1):
        gathered.append(row)
        size_bytes += row_bytes(row, sums)
        if size_bytes >= shard_bytes or number == len(rows):
            yield f"{split}-{first}-{len(gathered)}", tuple(gathered)
            gathered, size_bytes, first = [], 0, number


def _check_room(storage: Root, planned: PlannedReplay, missing_bytes: int) -> None:
    """Refuse before hours are spent what the disk cannot hold."""
    if isinstance(storage, FolderRoot):
        free = shutil.disk_usage(storage.scratch(planned.name)).free
        if missing_bytes > free:
            raise CatalogError(
                f"{planned.name} needs {human_size(missing_bytes)} more in {storage.url}, where {human_size(free)} are free: "
                "make room, take another catalog (YULIAO_CATALOG) or ask for fewer types"
            )


def _as_written(planned: PlannedReplay, split: str, rows: Rows) -> RecipePlan:
    """The plan of a split less the mixtures that turned out to be unusable when they were rendered.

    Raises:
        RecipeError: none is left.
    """
    plan = planned.plans[split]
    written = {row["id"] for row in rows}
    lost = [row.mixture.name for row in plan.rows if row.columns["id"] not in written]
    if not rows:
        raise RecipeError(f"{planned.recipe.title}, {split}: no mixture could be rendered, {lost[0]} neither: {_UNRENDERED}")
    kept = [row for row in plan.rows if row.columns["id"] in written]
    return replace(plan, rows=kept, left_out=plan.left_out | dict.fromkeys(lost, _UNRENDERED))
