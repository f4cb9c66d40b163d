"""Banks of rooms: the same for any number of workers, resumed where they were killed, made once; no room in two splits."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import catalog
from catalog.building import Building
from catalog.errors import CatalogError
from catalog.manifests import Manifest, Pin, read_manifest
from catalog.roots import Root, open_root
from catalog.shards import Shard
from flows.mixtures import room_bank
from flows.mixtures.room_bank import draw_bank, open_bank
from flows.progress import nothing
from synth.errors import PlanError
from synth.rooms.shoeboxes import RoomSpec, simulate

# Small, and dull enough to take a few milliseconds each.
KEYS = {"size_m": [{"uniform": [2.5, 3.5]}, 3, 2.5], "rt60_s": {"uniform": [0.12, 0.16]}, "max_order": 3}
COUNTS = {"train": 60, "validation": 1, "test": 2}


def bank(root: Root, counts: dict[str, int] | None = None, workers: int = 1, seed: int = 5, **keys: Any) -> Pin:
    spec = RoomSpec.model_validate({**KEYS, **keys})
    return open_bank(root, "talk", spec, counts or COUNTS, 16_000, seed, workers, nothing)


def manifest(root: Root, held: Pin) -> Manifest:
    return read_manifest(root, held.name, held.version)


@pytest.fixture
def two(tmp_path: Path) -> tuple[Root, Root]:
    """Two empty catalogs."""
    return open_root(tmp_path / "one"), open_root(tmp_path / "other")


def test_a_bank_is_the_same_for_any_number_of_workers(two: tuple[Root, Root]) -> None:
    """Its blobs as well; the set's name gives it its own."""
    one, other = (manifest(root, bank(root, workers=workers)) for root, workers in zip(two, (1, 2), strict=True))
    assert (one.name, one.kind) == ("talk_rirs", "rir")
    assert one.splits == other.splits
    assert {split: entry.rows for split, entry in one.splits.items()} == {"train": 120, "validation": 2, "test": 4}


def test_rows_hold_the_rirs_and_what_is_known_of_their_room(two: tuple[Root, Root]) -> None:
    """All microphones in one float32 WAV; verify finds nothing."""
    root, _ = two
    array = {"geometry": "linear", "microphones": 3, "spacing_m": 0.05}
    held = bank(root, {"train": 2}, array=array)
    rooms = draw_bank("talk", RoomSpec.model_validate({**KEYS, "array": array}), {"train": 2}, 5)["train"]
    rows = catalog.get(held.name, split="train", root=root.url)
    assert len(rows) == 4
    for number, room in enumerate(rooms):
        simulated = simulate(room, 16_000)
        for source in range(2):
            row = rows[2 * number + source]
            np.testing.assert_array_equal(row["audio"]["array"], simulated.rirs[source])
            assert (row["room_id"], row["category"], row["num_channels"]) == (f"train-{number}", "simulated", 3)
            assert row["t60_s"] == simulated.t60_s[source, 0]
            assert row["drr_db"] == simulated.drr_db[source, 0]
            assert tuple(row["source_m"]) == room.sources_m[source]
            assert [tuple(place) for place in row["microphones_m"]] == list(room.microphones_m)
            assert (tuple(row["room_size_m"]), row["rt60_asked_s"]) == (room.size_m, room.rt60_s)
            assert abs(row["direct_delay_samples"] - simulated.direct_delays_samples[source, 0]) <= 1
    assert catalog.verify(held.name, root=root.url).ok


def test_no_room_is_in_two_splits(two: tuple[Root, Root]) -> None:
    """Neither by its name nor by its walls."""
    root, _ = two
    held = bank(root)
    seen: dict[str, set[Any]] = {}
    for split in COUNTS:
        rows = catalog.get(held.name, split=split, columns=["room_id", "room_size_m"], root=root.url)
        seen[split] = {row["room_id"] for row in rows} | {tuple(row["room_size_m"]) for row in rows}
    assert sum(len(values) for values in seen.values()) == len(set().union(*seen.values()))


def test_a_second_build_makes_nothing_new(two: tuple[Root, Root], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does going back to a bank that is no longer the newest; another seed, spec or size makes another version."""
    root, _ = two
    counts = {"train": 2}
    first = bank(root, counts)
    others = [bank(root, counts, seed=6), bank(root, {"train": 3}), bank(root, counts, sources=3)]
    assert [held.version for held in others] == [2, 3, 4]

    def simulate_nothing(*_: Any) -> None:
        raise AssertionError("a room was simulated again")

    monkeypatch.setattr(room_bank, "simulate", simulate_nothing)
    assert bank(root, counts) == first
    assert bank(root, counts, seed=6) == others[0]


KILLED = """
import os, signal, sys
from catalog.roots import open_root
from flows.mixtures.room_bank import open_bank
from synth.rooms.shoeboxes import RoomSpec
def progress(done, total, unit):
    print(done, total, unit, flush=True)
    if done >= 25:
        os.kill(os.getpid(), signal.SIGKILL)
if __name__ == "__main__":
    spec = RoomSpec.model_validate({keys!r})
    open_bank(open_root(sys.argv[1]), "talk", spec, {counts!r}, 16_000, 5, int(sys.argv[2]), progress)
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_bank_that_was_killed_goes_on_where_it_was(
    two: tuple[Root, Root], tmp_path: Path, process_environment: dict[str, str], workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is listed before; then what was finished is not made again, and the outcome is that of one run."""
    root, other = two
    program = tmp_path / "killed.py"
    program.write_text(KILLED.replace("{keys!r}", repr(KEYS)).replace("{counts!r}", repr(COUNTS)))
    command = [sys.executable, str(program), root.url, str(workers)]
    ran = subprocess.run(command, env={**os.environ, **process_environment}, stdout=subprocess.PIPE, text=True, timeout=60)
    assert ran.returncode == -signal.SIGKILL, ran.stdout
    assert catalog.list_datasets(root=root.url) == []
    (fingerprint,) = root.children("talk_rirs/building")
    finished = Building(root, "talk_rirs", fingerprint).finished()
    assert 1 <= len(finished) < 5

    made: list[str] = []
    simulate_shard = room_bank.simulate_shard

    def told(task: room_bank.BankTask) -> Shard:
        made.append(task.key)
        return simulate_shard(task)

    monkeypatch.setattr(room_bank, "simulate_shard", told)
    resumed = bank(root)
    assert len(made) == 5 - len(finished)
    assert not set(made) & set(finished)
    assert manifest(root, resumed).splits == manifest(other, bank(other)).splits
    assert root.children("talk_rirs/building") == []


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"rt60_s": 0.05}, r"an RT60 of 0.05 s is impossible in 3.5 x 3 x 2.5 m, the largest room"),
        ({"array_height_m": 2.4}, r"array_height_m reaches from 2.4 to 2.4 m"),
        ({"source_spacing_m": 30.0}, r"has no place for source 1"),
    ],
)
def test_what_no_room_can_have_is_refused_before_anything_is_simulated(
    two: tuple[Root, Root], keys: dict[str, Any], why: str
) -> None:
    root, _ = two
    with pytest.raises(PlanError, match=why):
        bank(root, **keys)
    assert root.children("talk_rirs") == []


def test_a_name_that_is_taken_by_another_kind_is_refused(two: tuple[Root, Root], examples: ModuleType) -> None:
    root, _ = two
    examples.publish_speech(root, "talk_rirs", "a", seed=0)
    with pytest.raises(CatalogError, match="talk_rirs is there already, of kind 'speech'"):
        bank(root)
