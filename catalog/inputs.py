"""The versions that a set is made from, opened to render from: speech, noise, impulse responses."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog.errors import IntegrityError
from catalog.links import link_blobs
from catalog.manifests import Manifest, Pin, pin, read_manifest
from catalog.noises import Noises, NoisesOfSeveral
from catalog.rirs import Rirs
from catalog.roots import Root
from catalog.shards import blob_path
from catalog.utterances import Utterances
from synth.render import Degraded, Loads, no_room
from synth.rooms.images import Responses


@dataclass(frozen=True)
class Opened:
    """An input and where its blobs are. Plain and small, so that it travels to worker processes."""

    name: str  # NAME@V, for errors
    kind: str
    sample_rate_hz: int
    blobs: tuple[Path, ...]


def open_inputs(root: Root, inputs: Sequence[Pin]) -> tuple[Opened, ...]:
    """The pinned versions, their blobs in place.

    Raises:
        IntegrityError: one states no sample rate.
    """
    opened = []
    for held in inputs:
        manifest = read_manifest(root, held.name, held.version)
        blobs = [root.fetch(blob_path(held.name, shard.blob)) for entry in manifest.splits.values() for shard in entry.shards]
        opened.append(_opened(held, manifest, blobs))
    return tuple(opened)


def link_inputs(root: Root, version: str, inputs: Sequence[Pin]) -> tuple[Opened, ...]:
    """The pinned versions, their blobs linked from the cache for those who read.

    Args:
        version: `NAME@V` that was planned on them, for errors.

    Raises:
        IntegrityError: one was changed since, or states no sample rate.
    """
    opened = []
    for held in inputs:
        if pin(root, held.name, held.version) != held:
            raise IntegrityError(f"{version} was planned on {held}, whose manifest was changed since")
        manifest = read_manifest(root, held.name, held.version)
        opened.append(_opened(held, manifest, [link for split in manifest.splits for link in link_blobs(root, manifest, split)]))
    return tuple(opened)


def _opened(held: Pin, manifest: Manifest, blobs: Sequence[Path]) -> Opened:
    if manifest.sample_rate_hz is None:
        raise IntegrityError(f"{held} states no sample rate")
    return Opened(str(held), manifest.kind, manifest.sample_rate_hz, tuple(blobs))


def loads_of(inputs: Sequence[Opened], sample_rate_hz: int, num_channels: int = 1, checked: bool = False) -> Loads:
    """What renders rows that were planned on these inputs.

    Args:
        inputs: one of kind speech, any of kind noise, at most one of kind rir.
        sample_rate_hz: of the rows.
        num_channels: of the rows: how many channels of a noise are used.
        checked: compare samples with the digest of their row when they are first read.

    Raises:
        IntegrityError: not one version of kind speech among the inputs, or several of kind rir.
    """
    speech = [opened for opened in inputs if opened.kind == "speech"]
    if len(speech) != 1:
        raise IntegrityError(f"a set is made from one corpus of kind speech, and its inputs hold {len(speech)}")
    utterances = Utterances(speech[0].name, {"": speech[0].blobs}, speech[0].sample_rate_hz, sample_rate_hz)
    noises = NoisesOfSeveral(
        [
            Noises(opened.name, {"": opened.blobs}, opened.sample_rate_hz, sample_rate_hz, num_channels)
            for opened in inputs
            if opened.kind == "noise"
        ]
    )
    rirs = [opened for opened in inputs if opened.kind == "rir"]
    if len(rirs) > 1:
        raise IntegrityError(f"a set has its rooms from one corpus of kind rir, and its inputs hold {len(rirs)}")
    responses = [
        Responses(Rirs(opened.name, {"": opened.blobs}, opened.sample_rate_hz, sample_rate_hz, num_channels).load, sample_rate_hz)
        for opened in rirs
    ]
    speech_of = utterances.load_checked if checked else utterances.load
    return Loads(
        speech=speech_of,
        degraded=Degraded(speech_of, sample_rate_hz),
        noise=noises.load_checked if checked else noises.load,
        response=responses[0] if responses else no_room,
    )
