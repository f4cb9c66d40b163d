"""From what a spec says of rooms to the RIRs that each of its splits may use, with what is measured on them."""

import importlib.metadata
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from catalog.manifests import Manifest, Pin, pin, read_manifest, resolve
from catalog.measured import measured_file
from catalog.rirs import Rirs, open_rirs
from catalog.roots import Root, open_root
from flows.mixtures.room_bank import drawn_places, find_bank
from flows.progress import Progress
from flows.workers import ordered_map
from synth import splits
from synth.errors import PlanError
from synth.rooms.assigning import room_names
from synth.rooms.images import LoadRir
from synth.rooms.rirs import drr_db, rir_problem, t60_s
from synth.rooms.spec import RoomsSpec

ALGORITHM = 1  # raised when the same RIR shall be measured otherwise
_RIRS_PER_TASK = 500
_IDENTITY = ["id", "room_id", "recording_id", "audio_sha256"]
_POSITIONS = {"source_m": pa.list_(pa.float64()), "microphones_m": pa.list_(pa.list_(pa.float64()))}
_MEASURES = pa.schema([("t60_s", pa.float64()), ("drr_db", pa.float64()), ("problem", pa.string())])


@dataclass(frozen=True)
class RirSources:
    """The RIRs of a corpus version, and which of them each split may use.

    Attributes:
        pin: of the version, an input of the set.
        manifest: of the version.
        tables: by split: `id, room_id, recording_id, audio_sha256`; of microphone 0 `t60_s, drr_db` (null: there is none); and
            `source_m, microphones_m` of those that are used (null: the corpus does not say).
        load: from the id of a RIR to its samples, float64 [microphones, samples], at the rate of the set.
        report: `split_by`, in words, and `left_out`, ids by reason.
    """

    pin: Pin
    manifest: Manifest
    tables: dict[str, pa.Table]
    load: LoadRir
    report: dict[str, Any]


def version_at_hand(
    storage: Root, dataset: str, spec: RoomsSpec, n_src: int, proportions: Mapping[str, float], sample_rate_hz: int, seed: int
) -> Pin | None:
    """The corpus that `spec` names, or the bank that it asks for; None where that has yet to be simulated, and can be.

    Raises:
        DatasetNotFound: the catalog has no such corpus; near matches are shown.
        PlanError: what no room can have.
    """
    room_spec = spec.simulated(n_src)
    if room_spec is None:
        return pin(storage, *resolve(storage, spec.corpus or ""))
    return find_bank(storage, dataset, room_spec, spec.counts(proportions), sample_rate_hz, seed)


def rirs_to_simulate(
    dataset: str, spec: RoomsSpec, n_src: int, proportions: Mapping[str, float], seed: int
) -> dict[str, pa.Table]:
    """`RirSources.tables` of rooms that have yet to be simulated: nothing is measured, and there are no samples.

    Raises:
        PlanError: what no room can have.
    """
    room_spec = spec.simulated(n_src)
    assert room_spec is not None
    drawn = drawn_places(dataset, room_spec, spec.counts(proportions), seed)
    for name in ("t60_s", "drr_db"):
        drawn = {split: table.append_column(name, pa.nulls(len(table), pa.float64())) for split, table in drawn.items()}
    return {split: table.append_column("audio_sha256", pa.array([""] * len(table))) for split, table in drawn.items()}


def rir_sources(
    storage: Root,
    dataset: str,
    held: Pin,
    spec: RoomsSpec,
    n_src: int,
    proportions: Mapping[str, float],
    sample_rate_hz: int,
    seed: int,
    workers: int,
    progress: Progress,
) -> RirSources:
    """The RIRs of a version, of which each split gets some.

    A corpus keeps the splits that it has; those it has not are drawn from its train rooms or, without `train`, from all.

    Args:
        storage: the catalog.
        dataset: name of the set, by which splits are drawn.
        held: the version.
        spec: of the rooms.
        n_src: most sources of a mixture.
        proportions: of the splits wanted, in their order.
        sample_rate_hz: of the set.
        seed: of the set.
        workers: processes.
        progress: told of RIRs measured.

    Raises:
        CatalogError: it holds no RIRs, or of a lower sample rate.
        PlanError: no RIR that can be used; too few rooms for the splits.
    """
    manifest = read_manifest(storage, held.name, held.version)
    rirs = open_rirs(storage, manifest, sample_rate_hz, spec.num_microphones)
    tables = {split: rirs.table(split) for split in manifest.splits}
    measured = {
        split: _measured(storage, held, manifest, split, table, sample_rate_hz, spec.num_microphones, workers, progress)
        for split, table in tables.items()
    }
    table = pa.concat_tables(measured.values())
    split_of_row = np.repeat(np.array(list(measured), dtype=object), [len(part) for part in measured.values()])
    sound = table["problem"].is_null().to_numpy()
    left_out: dict[str, list[str]] = {}
    for rir_id, problem in zip(*(table.filter(pa.array(~sound))[name].to_pylist() for name in ("id", "problem")), strict=True):
        left_out.setdefault(problem, []).append(rir_id)
    again = _again(table, sound)
    if again.any():
        left_out["has the samples of another"] = table.filter(pa.array(again))["id"].to_pylist()
        sound &= ~again
    if not sound.any():
        raise PlanError(f"{held} has no RIR that can be used: {'; '.join(sorted(left_out))}; take another corpus (rooms.corpus)")
    table, split_of_row = table.filter(pa.array(sound)).drop_columns(["problem"]), split_of_row[sound]
    split_by = _split(dataset, str(held), spec.places(n_src), table, split_of_row, proportions, seed)
    return RirSources(
        pin=held,
        manifest=manifest,
        tables={split: table.filter(pa.array(split_of_row == split)) for split in proportions},
        load=rirs.load,
        report={"split_by": split_by, "left_out": left_out},
    )


def _again(table: pa.Table, sound: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """RIRs whose samples are those of another with a lesser id: in two rooms they could stand in two splits."""
    seen: set[str] = set()
    again = np.zeros(len(table), dtype=bool)
    told = zip(table["id"].to_pylist(), table["audio_sha256"].to_pylist(), range(len(table)), strict=True)
    for _, digest, row in sorted(one for one in told if sound[one[2]]):
        again[row] = digest in seen
        seen.add(digest)
    return again


def _split(
    dataset: str,
    held: str,
    places: int,
    table: pa.Table,
    split_of_row: NDArray[np.object_],
    proportions: Mapping[str, float],
    seed: int,
) -> str:
    """Draw splits for rooms, where the corpus lacks some, into `split_of_row`; where they come from, in words."""
    lacking = splits.to_draw(split_of_row, list(proportions), "rooms")
    drawn = lacking.splits
    if not drawn:
        return lacking.split_by
    rooms, room_of_row = np.unique(np.array(room_names(table.take(pa.array(lacking.rows))), dtype=object), return_inverse=True)
    sizes = np.bincount(room_of_row)
    least = 1 if sizes.max() >= places else -(-places // int(sizes.min()))
    if len(rooms) < least * len(drawn):
        raise PlanError(
            f"{held} has {len(rooms)} rooms for the splits {', '.join(drawn)}, and {least * len(drawn)} are needed so that none "
            "is in two of them: take a larger corpus (rooms.corpus), simulate rooms (rooms.simulate), or ask for fewer splits"
        )
    of_room = splits.draw_split(rooms.tolist(), drawn, proportions, seed=seed, dataset=f"{dataset} rooms", least=least)
    split_of_row[lacking.rows] = np.array(drawn, dtype=object)[of_room[room_of_row]]
    return lacking.split_by


@dataclass(frozen=True)
class _Task:
    root_url: str
    held: Pin
    sample_rate_hz: int
    microphones: int
    ids: list[str]
    channels: list[int]


def _measured(
    storage: Root,
    held: Pin,
    manifest: Manifest,
    split: str,
    table: pa.Table,
    sample_rate_hz: int,
    microphones: int,
    workers: int,
    progress: Progress,
) -> pa.Table:
    """The RIRs of a split with `t60_s, drr_db` and, where one is of no use, its `problem`: measured once and cached."""
    known = {name: table[name] for name in _IDENTITY}
    path = _cache_path(manifest, split, sample_rate_hz, microphones)
    if not path.exists():
        parts = [table.slice(at, _RIRS_PER_TASK) for at in range(0, len(table), _RIRS_PER_TASK)]
        tasks = [
            _Task(storage.url, held, sample_rate_hz, microphones, *(part[name].to_pylist() for name in ("id", "num_channels")))
            for part in parts
        ]
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        try:
            with pa.ipc.new_file(str(temporary), _MEASURES) as file:
                done = 0
                for batch in ordered_map(_measure, tasks, min(workers, max(1, len(tasks))), 2 * workers):
                    file.write_batch(batch)
                    done += batch.num_rows
                    progress(done, len(table), "RIRs measured")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    measures = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    return pa.table({**known, **{name: measures[name] for name in _MEASURES.names}, **_positions(table, microphones)})


def _positions(table: pa.Table, microphones: int) -> dict[str, pa.Array]:
    if "source_m" not in table.column_names:
        return {name: pa.nulls(len(table), kind) for name, kind in _POSITIONS.items()}
    used = [places if places is None else places[:microphones] for places in table["microphones_m"].to_pylist()]
    return {"source_m": table["source_m"], "microphones_m": pa.array(used, _POSITIONS["microphones_m"])}


def _cache_path(manifest: Manifest, split: str, sample_rate_hz: int, microphones: int) -> Path:
    """Named by all that decides the measures, the order of the rows included."""
    blobs = [shard.blob for shard in manifest.splits[split].shards]
    return measured_file(["rirs", blobs, sample_rate_hz, microphones, importlib.metadata.version("soxr"), ALGORITHM], "arrow")


def _measure(task: _Task) -> pa.RecordBatch:
    rirs = _opened(task.root_url, task.held, task.sample_rate_hz, task.microphones)
    rows = [_measures_of(rirs, rir_id, channels, task) for rir_id, channels in zip(task.ids, task.channels, strict=True)]
    return pa.RecordBatch.from_pylist(rows, schema=_MEASURES)


def _measures_of(rirs: Rirs, rir_id: str, channels: int, task: _Task) -> dict[str, Any]:
    if channels < task.microphones:
        return {"problem": f"has fewer than {task.microphones} channels"}
    rir = rirs.load(rir_id)
    problem = rir_problem(rir)
    if problem is not None:
        return {"problem": problem}
    measures = {"t60_s": float(t60_s(rir[0], task.sample_rate_hz)), "drr_db": float(drr_db(rir[0], task.sample_rate_hz))}
    return {name: value if math.isfinite(value) else None for name, value in measures.items()}


@lru_cache(maxsize=1)
def _opened(root_url: str, held: Pin, sample_rate_hz: int, microphones: int) -> Rirs:
    """Opened once in each worker."""
    root = open_root(root_url)
    return open_rirs(root, read_manifest(root, held.name, held.version), sample_rate_hz, microphones)
