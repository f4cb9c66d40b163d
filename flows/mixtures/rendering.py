"""Plans to finished shards: laid out, rendered by worker processes, taken from the journal where they are there."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from catalog.building import Building
from catalog.errors import CatalogError
from catalog.files import full_disk_is_an_error
from catalog.manifests import Pin
from catalog.roots import FolderRoot, Root
from catalog.settings import cache
from catalog.shards import Shard
from flows.mixtures.kept_shards import KeptPart, KeptShards
from flows.mixtures.shards import ShardTask, render_shard, row_bytes
from flows.progress import Progress
from flows.tables import human_size
from flows.workers import ordered_map
from synth.rows.layout import Layout

SHARD_BYTES = 128 << 20  # of audio


def render_plans(
    storage: Root,
    name: str,
    plans: Mapping[str, pa.Table],
    layout: Layout,
    inputs: Sequence[Pin],
    sample_rate_hz: int,
    fingerprint: str,
    workers: int,
    progress: Progress,
    shard_bytes: int,
    kept: Mapping[str, KeptShards] | None = None,
) -> dict[str, list[Shard]]:
    """The shards of all splits: those in the journal as they are, the others rendered by worker processes.

    With `kept`, by split, only rows that are replaced are rendered, and the shards are those of the earlier version.
    """
    finished = Building(storage, name, fingerprint).finished()
    if kept is None:
        shards = {split: _shards(split, plan, layout, shard_bytes) for split, plan in plans.items()}
    else:
        shards = {split: of_split.slices() for split, of_split in kept.items()}
    parts: dict[str, KeptPart] = {}
    for of_split in (kept or {}).values():
        finished |= of_split.untouched(storage, name)
        parts |= of_split.parts()
    total = sum(plan.num_rows for plan in plans.values())
    done = sum(finished[key].rows for slices in shards.values() for key, _, _ in slices if key in finished)
    missing_bytes = sum(
        int(row_bytes(plans[split].slice(first, rows), layout).sum())
        for split, slices in shards.items()
        for key, first, rows in slices
        if key not in finished
    )
    _check_room(storage, name, missing_bytes)
    progress(done, total, "mixtures")
    plan_paths = {split: storage.scratch(name) / f"{fingerprint}-{split}-{os.getpid()}.plan" for split in plans}
    try:
        for split, plan in plans.items():
            write_table(plan, plan_paths[split])
        tasks = [
            ShardTask(
                storage.url,
                name,
                fingerprint,
                key,
                split,
                plan_paths[split],
                first,
                rows,
                tuple(inputs),
                sample_rate_hz,
                layout,
                parts.get(key),
            )
            for split, slices in shards.items()
            for key, first, rows in slices
            if key not in finished
        ]
        rendered = ordered_map(render_shard, tasks, min(workers, max(1, len(tasks))), 2 * workers)
        for task, shard in zip(tasks, rendered, strict=True):
            finished[task.key] = shard
            done += shard.rows
            progress(done, total, "mixtures")
    finally:
        for path in plan_paths.values():
            path.unlink(missing_ok=True)
    return {split: [finished[key] for key, _, _ in slices] for split, slices in shards.items()}


def _shards(split: str, plan: pa.Table, layout: Layout, shard_bytes: int) -> list[tuple[str, int, int]]:
    """(key, first row, rows) of each shard of a split."""
    ends = np.cumsum(row_bytes(plan, layout))
    firsts = np.flatnonzero(np.diff(ends // shard_bytes, prepend=-1))
    counts = np.diff(np.append(firsts, len(plan)))
    return [(f"{split}-{first}-{rows}", int(first), int(rows)) for first, rows in zip(firsts, counts, strict=True)]


def _check_room(storage: Root, name: str, missing_bytes: int) -> None:
    """Refuse before hours are spent what the disk cannot hold: that of the catalog, or of the cache where that is in S3."""
    free = shutil.disk_usage(storage.scratch(name)).free
    if missing_bytes > free:
        in_folder = isinstance(storage, FolderRoot)
        where = storage.url if in_folder else f"{cache() / 'blobs'}, where blobs of {storage.url} are kept"
        other = "take another catalog (YULIAO_CATALOG)" if in_folder else "take another disk (YULIAO_HOME)"
        raise CatalogError(
            f"{name} needs {human_size(missing_bytes)} more in {where}; {human_size(free)} are free: make room, {other} "
            "or ask for fewer mixtures"
        )


def write_table(table: pa.Table, to: Path) -> None:
    """A table to an Arrow IPC file, whole or not at all.

    Raises:
        CatalogError: its folder is missing.
    """
    temporary = to.with_name(f"{to.name}.{os.getpid()}.tmp")
    try:
        with full_disk_is_an_error(str(to)), pa.ipc.new_file(str(temporary), table.schema) as file:
            file.write_table(table)
        temporary.replace(to)
    except FileNotFoundError as error:
        raise CatalogError(f"cannot write {to}: there is no folder {to.parent}") from error
    finally:
        temporary.unlink(missing_ok=True)
