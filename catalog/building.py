"""The journal of finished shards of an unfinished build: `<name>/building/<fingerprint>/<key>.json`."""

import json
from collections.abc import Iterator
from dataclasses import asdict

from catalog.errors import IntegrityError
from catalog.names import check_name
from catalog.roots import Root
from catalog.shards import Shard


class Building:
    """What a build with this fingerprint has finished so far. A build that was killed reads it and goes on behind it."""

    def __init__(self, root: Root, name: str, fingerprint: str) -> None:
        self._root, self._name = root, check_name(name)
        self._folder = f"{name}/building/{check_name(fingerprint, 'fingerprint')}"

    def finished(self) -> dict[str, Shard]:
        """Shards by the key they were recorded under; only those whose blob is in its place."""
        blobs = set(self._root.children(f"{self._name}/blobs"))
        shards = {}
        for entry, shard in _entries(self._root, self._folder):
            if f"{shard.blob}.arrow" in blobs:
                shards[entry.removesuffix(".json")] = shard
        return shards

    def record(self, key: str, shard: Shard) -> None:
        """Remember that the shard of `key` is finished. gc keeps its blob from now on."""
        self._root.write(f"{self._folder}/{check_name(key, 'shard key')}.json", json.dumps(asdict(shard)).encode())

    def discard(self) -> None:
        """Forget this build, after its version is published or when it is given up."""
        self._root.remove(self._folder)


def blobs_in_building(root: Root, name: str) -> set[str]:
    """SHA-256s of the blobs that unfinished builds of `name` count on."""
    return {shard.blob for shards in journals(root, name).values() for shard in shards}


def journals(root: Root, name: str) -> dict[str, list[Shard]]:
    """What unfinished builds of `name` have finished so far, by their fingerprint."""
    journal = f"{name}/building"
    return {entry: [shard for _, shard in _entries(root, f"{journal}/{entry}")] for entry in root.children(journal)}


def discard_abandoned(root: Root, name: str, before: float) -> int:
    """Forget builds that finished nothing since that time, in seconds since the epoch; returns how many."""
    abandoned = [
        entry for entry in root.children(f"{name}/building") if not _advanced_since(root, f"{name}/building/{entry}", before)
    ]
    for fingerprint in abandoned:
        Building(root, name, fingerprint).discard()
    return len(abandoned)


def _advanced_since(root: Root, folder: str, time_s: float) -> bool:
    try:
        return any(root.modified(f"{folder}/{entry}") >= time_s for entry in root.children(folder))
    except FileNotFoundError:  # it has just been published
        return True


def _entries(root: Root, folder: str) -> Iterator[tuple[str, Shard]]:
    for entry in root.children(folder):
        path = f"{folder}/{entry}"
        try:
            yield entry, Shard(**json.loads(root.read(path)))
        except FileNotFoundError:  # another process has just published the same build and discarded its journal
            continue
        except (ValueError, TypeError) as error:
            raise IntegrityError(f"{root.url}/{path} is damaged: delete it, and the shard it told of is made again") from error
