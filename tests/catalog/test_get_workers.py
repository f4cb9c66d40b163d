"""Workers that live through several epochs, forked and spawned, read the same crops as the main process.

As a program: `test_get_workers.py CATALOG METHOD LOADER` prints a digest of every crop read, epoch by epoch.
"""

import hashlib
import importlib.util
import json
import multiprocessing
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import catalog
from catalog.roots import open_root

EPOCHS = (0, 1, 5, 0)
SEGMENT_S = 0.02
WORKERS = 2
Crops = dict[str, str]


def digest(row: dict[str, Any]) -> tuple[str, str]:
    parts = [row[name]["array"].tobytes() for name in ("mixture", "s1", "s2")]
    return row["id"], hashlib.sha256(b"".join(parts)).hexdigest()


def digests(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [digest(row) for row in rows]


def serve(dataset: Any, tasks: Any, results: Any) -> None:
    for index in iter(tasks.get, None):
        results.put(digest(dataset[index]))


def read_with_processes(dataset: Any, method: str) -> Iterator[Callable[[], Crops]]:
    """Workers that take indices from a queue, until the generator is closed."""
    context: Any = multiprocessing.get_context(method)
    tasks, results = context.Queue(), context.Queue()
    workers = [context.Process(target=serve, args=(dataset, tasks, results)) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()

    def read() -> Crops:
        for index in range(len(dataset)):
            tasks.put(index)
        return dict(results.get(timeout=60) for _ in range(len(dataset)))

    yield read
    for _ in workers:
        tasks.put(None)
    for worker in workers:
        worker.join(60)


def read_with_torch(dataset: Any, method: str) -> Iterator[Callable[[], Crops]]:
    """A DataLoader with persistent workers that makes tensors of rows, as a trainer has it."""
    from torch.utils.data import DataLoader

    loader = DataLoader(
        dataset,
        batch_size=3,
        num_workers=WORKERS,
        persistent_workers=True,
        multiprocessing_context=method,
        collate_fn=tensors,
        shuffle=True,
    )

    def read() -> Crops:
        crops: Crops = {}
        for ids, signals in loader:
            crops |= {key: hashlib.sha256(signals[k].numpy().tobytes()).hexdigest() for k, key in enumerate(ids)}
        return crops

    yield read


def tensors(rows: list[dict[str, Any]]) -> tuple[list[str], Any]:
    import torch

    signals = [torch.stack([torch.from_numpy(row[name]["array"]) for name in ("mixture", "s1", "s2")]) for row in rows]
    return [row["id"] for row in rows], torch.stack(signals)


def main(url: str, method: str, loader: str) -> None:
    both = catalog.get("sep", segment=SEGMENT_S, seed=3, root=url)
    readers = {"processes": read_with_processes, "torch": read_with_torch}[loader](both["train"], method)
    read = next(readers)
    seen = []
    for epoch in EPOCHS:
        catalog.set_epoch(both, epoch)
        seen.append(read())
    for _ in readers:
        raise RuntimeError("one reader is all")
    print(json.dumps(seen))


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("loader", ["processes", "torch"])
def test_persistent_workers_see_set_epoch(
    tmp_path: Path, examples: ModuleType, process_environment: dict[str, str], method: str, loader: str
) -> None:
    """Every worker reads, in every epoch that is set while it runs, exactly the crops that belong to that epoch."""
    if loader == "torch" and importlib.util.find_spec("torch") is None:
        pytest.skip("torch is no dependency of yuliao; where it is installed, its DataLoader is tried too")
    root = open_root(tmp_path / "catalog")
    shards = [
        examples.write_shard(root, "sep", "train", examples.separation_batch(k, rows=5, num_samples=2000)) for k in range(3)
    ]
    publish = {"kind": "separation", "fingerprint": "x", "licence": examples.LICENCE, "root": root.url}
    catalog.publish("sep", splits={"train": shards}, **publish)

    command = [sys.executable, __file__, root.url, method, loader]
    done = subprocess.run(command, env=process_environment, stdout=subprocess.PIPE, check=True, timeout=180)

    expected = [
        dict(digests(list(catalog.get("sep", split="train", segment=SEGMENT_S, seed=3, epoch=epoch, root=root.url))))
        for epoch in EPOCHS
    ]
    assert json.loads(done.stdout) == expected
    assert all(expected[0][key] != expected[1][key] != expected[2][key] for key in expected[0])


if __name__ == "__main__":
    main(*sys.argv[1:4])
