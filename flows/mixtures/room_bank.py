"""A bank of simulated rooms: drawn whole, simulated by worker processes, published as a version of kind `rir`."""

import hashlib
import importlib.metadata
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from catalog.building import Building
from catalog.kinds import simulated_rir_schema
from catalog.manifests import Licence, Manifest, Pin, found_manifests, pin
from catalog.publish import check_kind, publish
from catalog.roots import Root, open_root
from catalog.shards import Shard, ShardWriter, row_digest
from flows.progress import Progress
from flows.workers import ordered_map
from synth import wav
from synth.draws import Draws
from synth.rooms.rirs import check_rir, direct_delay
from synth.rooms.shoeboxes import Rirs, Room, RoomSpec, bank_rooms, check_rooms, simulate

ALGORITHM = 1  # raised when the same spec shall give other RIRs
ROOMS_PER_SHARD = 25  # a few seconds of work
_PLACES = pa.schema(
    [
        *((name, pa.string()) for name in ("id", "room_id", "recording_id")),
        ("source_m", pa.list_(pa.float64())),
        ("microphones_m", pa.list_(pa.list_(pa.float64()))),
    ]
)


@dataclass(frozen=True)
class BankTask:
    """Rooms of one split, to become a shard."""

    root_url: str
    name: str
    fingerprint: str
    key: str  # under which the finished shard stands in the journal
    split: str
    rooms: Sequence[Room]
    sample_rate_hz: int


def bank_name(dataset: str) -> str:
    """What the bank of a set is published as."""
    return f"{dataset}_rirs"


def draw_bank(dataset: str, spec: RoomSpec, counts: Mapping[str, int], seed: int) -> dict[str, list[Room]]:
    """The rooms of all splits, none of them simulated.

    Raises:
        PlanError: the spec asks, or may ask, for what no room can have.
    """
    check_rooms(spec)
    return {split: bank_rooms(spec, Draws(seed, f"{dataset} rooms", split), rooms) for split, rooms in counts.items()}


def drawn_places(dataset: str, spec: RoomSpec, counts: Mapping[str, int], seed: int) -> dict[str, pa.Table]:
    """By split `id, room_id, recording_id, source_m, microphones_m` of RIRs that have yet to be simulated.

    Raises:
        PlanError: as `draw_bank`.
    """
    return {
        split: pa.Table.from_pylist([row for room in rooms for row in _places(split, room)], schema=_PLACES)
        for split, rooms in draw_bank(dataset, spec, counts, seed).items()
    }


def find_bank(
    storage: Root, dataset: str, spec: RoomSpec, counts: Mapping[str, int], sample_rate_hz: int, seed: int
) -> Pin | None:
    """The version that holds the bank of `dataset`, as `open_bank` is asked for it; None where it has yet to be simulated.

    Raises:
        PlanError, CatalogError: as `open_bank`.
    """
    name = bank_name(dataset)
    check_kind(storage, name, "rir")
    check_rooms(spec)
    there = _version_with(storage, name, _fingerprint(dataset, spec, counts, sample_rate_hz, seed))
    return None if there is None else pin(storage, name, there)


def open_bank(
    storage: Root,
    dataset: str,
    spec: RoomSpec,
    counts: Mapping[str, int],
    sample_rate_hz: int,
    seed: int,
    workers: int,
    progress: Progress,
) -> Pin:
    """The version that holds the bank of `dataset`, which is made unless it is there. An interrupted one goes on where it was.

    Args:
        storage: the catalog.
        dataset: name of the set, by which rooms are drawn.
        spec: of the rooms.
        counts: rooms by split.
        sample_rate_hz: of the RIRs.
        seed: by which rooms are drawn.
        workers: processes.
        progress: told of the rooms simulated.

    Raises:
        PlanError: before anything is simulated, the spec asks, or may ask, for what no room can have.
        CatalogError: the name of the bank is taken by a dataset of another kind; a full disk.
    """
    there = find_bank(storage, dataset, spec, counts, sample_rate_hz, seed)
    if there is not None:
        return there
    name = bank_name(dataset)
    rooms = draw_bank(dataset, spec, counts, seed)
    fingerprint = _fingerprint(dataset, spec, counts, sample_rate_hz, seed)
    tasks = [
        BankTask(
            storage.url, name, fingerprint, f"{split}-{first}", split, of_split[first : first + ROOMS_PER_SHARD], sample_rate_hz
        )
        for split, of_split in rooms.items()
        for first in range(0, len(of_split), ROOMS_PER_SHARD)
    ]
    finished = Building(storage, name, fingerprint).finished()
    missing = [task for task in tasks if task.key not in finished]
    total = sum(counts.values())
    done = total - sum(len(task.rooms) for task in missing)
    progress(done, total, "rooms")
    simulated = ordered_map(simulate_shard, missing, min(workers, max(1, len(missing))), 2 * workers)
    for task, shard in zip(missing, simulated, strict=True):
        finished[task.key] = shard
        done += len(task.rooms)
        progress(done, total, "rooms")
    published = publish(
        name,
        kind="rir",
        splits={split: [finished[task.key] for task in tasks if task.split == split] for split in rooms},
        fingerprint=fingerprint,
        licence=Licence(name="", commercial_use=True),  # numbers that nobody recorded
        spec=_spec(dataset, spec, counts, seed),
        sample_rate_hz=sample_rate_hz,
        statistics={split: {"rooms": len(of_split)} for split, of_split in rooms.items()},
        software={package: importlib.metadata.version(package) for package in ("yuliao", "numpy", "pyroomacoustics")},
        root=storage.url,
    )
    return pin(storage, name, published.version)


def simulate_shard(task: BankTask) -> Shard:
    """Simulate the rooms of a task into one shard and record it in the bank's journal.

    Raises:
        PlanError: a room cannot have its RT60, or a RIR of it is none.
    """
    root = open_root(task.root_url)
    schema = simulated_rir_schema(task.sample_rate_hz)
    with ShardWriter(root, task.name, task.split, schema) as writer:
        for room in task.rooms:
            rows = _rows(task, room, simulate(room, task.sample_rate_hz))
            writer.write(pa.RecordBatch.from_pylist(rows, schema=schema))
        shard = writer.close()
    Building(root, task.name, task.fingerprint).record(task.key, shard)
    return shard


def _rows(task: BankTask, room: Room, simulated: Rirs) -> list[dict[str, Any]]:
    rows = []
    for number, (rir, place) in enumerate(zip(simulated.rirs, _places(task.split, room), strict=True)):
        rir_id = place["id"]
        check_rir(rir, f"{task.name}, {rir_id}")
        signal = rir[0] if len(rir) == 1 else rir
        encoded = wav.encode_signal(signal, task.sample_rate_hz)
        header_bytes = wav.form(encoded[wav.FORM]).header_bytes
        fields: dict[str, Any] = {
            **place,
            "category": "simulated",
            "official_split": task.split,
            "sample_rate_hz": task.sample_rate_hz,
            "num_samples": rir.shape[1],
            "num_channels": len(rir),
            "duration_s": rir.shape[1] / task.sample_rate_hz,
            "audio_sha256": hashlib.sha256(memoryview(encoded)[header_bytes:]).hexdigest(),
            "room_size_m": list(room.size_m),
            "rt60_asked_s": room.rt60_s,
            "t60_s": _or_none(simulated.t60_s[number, 0]),
            "drr_db": _or_none(simulated.drr_db[number, 0]),
            "direct_delay_samples": int(direct_delay(rir)[0]),
        }
        audio = {"bytes": encoded, "path": f"{rir_id}.wav"}
        rows.append({**fields, "audio": audio, "row_digest": row_digest(fields)})
    return rows


def _places(split: str, room: Room) -> list[dict[str, Any]]:
    """What is known of the RIRs of a room before they are simulated."""
    room_id = f"{split}-{room.number}"
    microphones = [list(microphone) for microphone in room.microphones_m]
    ids = [f"{room_id}-{number}" for number in range(len(room.sources_m))]
    return [
        {"id": rir_id, "room_id": room_id, "recording_id": rir_id, "source_m": list(source), "microphones_m": microphones}
        for rir_id, source in zip(ids, room.sources_m, strict=True)
    ]


def _or_none(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _spec(dataset: str, spec: RoomSpec, counts: Mapping[str, int], seed: int) -> dict[str, Any]:
    return {
        "dataset": dataset,
        "seed": seed,
        "rooms": dict(counts),
        "simulate": spec.model_dump(mode="json", exclude_none=True),
        "algorithm": ALGORITHM,
    }


def _fingerprint(dataset: str, spec: RoomSpec, counts: Mapping[str, int], sample_rate_hz: int, seed: int) -> str:
    """What decides the RIRs; that they differ between kinds of CPUs does not make another bank."""
    content = {
        **_spec(dataset, spec, counts, seed),
        "sample_rate_hz": sample_rate_hz,
        "pyroomacoustics": importlib.metadata.version("pyroomacoustics"),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _version_with(storage: Root, name: str, fingerprint: str) -> int | None:
    """The newest version that is this bank, whole; it need not be the newest of all."""
    blobs = set(storage.children(f"{name}/blobs"))
    manifests = [manifest for _, manifest in found_manifests(storage, name) if isinstance(manifest, Manifest)]
    whole = [manifest for manifest in manifests if {f"{blob}.arrow" for blob in manifest.blobs} <= blobs]
    return next((manifest.version for manifest in reversed(whole) if manifest.fingerprint == fingerprint), None)
