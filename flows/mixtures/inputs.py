"""From a spec to the versions that its set is made from, and what each of its splits may use of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from catalog.errors import DatasetNotFound
from catalog.manifests import Manifest, Pin
from catalog.names import parse_reference
from catalog.roots import Root
from flows import corpora
from flows.mixtures.hearing import hear_rows
from flows.mixtures.noises import NoiseCorpus, noise_sources, open_noise_corpora
from flows.mixtures.rirs import RirSources, rir_sources, rirs_to_simulate, version_at_hand
from flows.mixtures.room_bank import open_bank
from flows.mixtures.sources import Corpus, open_corpus
from flows.progress import Progress
from synth.levelling.measuring import unheard
from synth.levelling.surroundings import Surroundings
from synth.noise.spec import Split
from synth.rooms.images import Responses
from synth.rooms.spec import RoomsSpec
from synth.spec import SeparationSpec


@dataclass(frozen=True)
class Inputs:
    """Pinned versions."""

    corpus: Corpus
    noises: list[NoiseCorpus]
    rirs: RirSources | None

    @property
    def pins(self) -> list[Pin]:
        """Of all, speech first."""
        rirs = [self.rirs.pin] if self.rirs is not None else []
        return [self.corpus.pin, *(noise.pin for noise in self.noises), *rirs]

    @property
    def manifests(self) -> list[Manifest]:
        """In the order of `pins`."""
        rirs = [self.rirs.manifest] if self.rirs is not None else []
        return [self.corpus.manifest, *(noise.manifest for noise in self.noises), *rirs]


@dataclass(frozen=True)
class Around:
    """What there is besides speech, by split, and what there is to say of it."""

    splits: Mapping[str, Surroundings]
    report: dict[str, Any]


def open_inputs(root: Root, spec: SeparationSpec, workers: int, progress: Progress) -> Inputs:
    """The versions that a spec names; `rirs` is None where its rooms have yet to be simulated.

    Raises:
        DatasetNotFound: the catalog lacks some: all that can be ingested are named; of others near matches are shown.
        CatalogError: one is of another kind, or of a sample rate below the spec's.
        PlanError: rooms that cannot be.
    """
    _check_ingested(root, spec)
    corpus = open_corpus(root, spec)
    noises = open_noise_corpora(root, spec.noise, spec.sample_rate_hz, spec.name) if spec.noise is not None else []
    if spec.rooms is None:
        return Inputs(corpus, noises, None)
    n_src, proportions = spec.source_numbers()[-1], _proportions(spec)
    held = version_at_hand(root, spec.name, spec.rooms, n_src, proportions, spec.sample_rate_hz, spec.seed)
    return Inputs(corpus, noises, None if held is None else _rirs(root, spec, spec.rooms, held, workers, progress))


def simulated(root: Root, spec: SeparationSpec, inputs: Inputs, workers: int, progress: Progress) -> Inputs:
    """The same with the rooms that the spec asks to be simulated.

    Raises:
        PlanError: rooms that cannot be.
        CatalogError: a full disk.
    """
    if spec.rooms is None or inputs.rirs is not None:
        return inputs
    room_spec = spec.rooms.simulated(spec.source_numbers()[-1])
    assert room_spec is not None  # a corpus is at hand
    counts = spec.rooms.counts(_proportions(spec))
    held = open_bank(root, spec.name, room_spec, counts, spec.sample_rate_hz, spec.seed, workers, progress)
    return replace(inputs, rirs=_rirs(root, spec, spec.rooms, held, workers, progress))


def _rirs(root: Root, spec: SeparationSpec, rooms: RoomsSpec, held: Pin, workers: int, progress: Progress) -> RirSources:
    n_src, proportions = spec.source_numbers()[-1], _proportions(spec)
    return rir_sources(root, spec.name, held, rooms, n_src, proportions, spec.sample_rate_hz, spec.seed, workers, progress)


def _proportions(spec: SeparationSpec) -> dict[str, float]:
    return {split: spec.split_proportions[cast(Split, split)] for split in spec.counts()}


def _check_ingested(root: Root, spec: SeparationSpec) -> None:
    """Corpora that yuliao knows and the catalog lacks: named all at once, since each may take hours to fetch."""
    of_noise = spec.noise.corpus if spec.noise is not None else ()
    of_rooms = (spec.rooms.corpus,) if spec.rooms is not None and spec.rooms.corpus is not None else ()
    asked = dict.fromkeys(parse_reference(reference)[0] for reference in (spec.corpus, *of_noise, *of_rooms))
    known = set(corpora.names())
    missing = [name for name in asked if name in known and not root.exists(f"{name}/manifests")]
    if missing:
        raise DatasetNotFound(
            f"{spec.name} is made from {', '.join(asked)}, and catalog {root.url} has no {', '.join(missing)}: "
            f"{' && '.join(f'yuliao ingest {name}' for name in missing)}; or take others (--corpus, --set noise.corpus=...)"
        )


def surroundings(root: Root, spec: SeparationSpec, inputs: Inputs, workers: int, progress: Progress) -> Around:
    """The noises and rooms that each split may use.

    Raises:
        CatalogError: no noise of the categories asked for; two corpora use an id for different noises.
        PlanError: fewer recordings than splits.
    """
    around = _noises(root, spec, inputs, workers, progress)
    if inputs.rirs is None:
        return around
    response = Responses(inputs.rirs.load, spec.sample_rate_hz)
    measure = hear_rows(root.url, inputs.pins, workers, progress)
    tables = inputs.rirs.tables
    return Around(
        {
            split: replace(of_split, rirs=tables[split], response=response, measure=measure)
            for split, of_split in around.splits.items()
        },
        {**around.report, "rooms": inputs.rirs.report},
    )


def surroundings_unheard(root: Root, spec: SeparationSpec, inputs: Inputs, workers: int, progress: Progress) -> Around:
    """The same without the hours that it takes to hear mixtures in their rooms: they get their places there, simulated or not,
    and gains that mean nothing.

    Raises:
        CatalogError, PlanError: as `surroundings`.
    """
    around = _noises(root, spec, inputs, workers, progress)
    if spec.rooms is None:
        return around
    if inputs.rirs is not None:
        tables = inputs.rirs.tables
    else:
        tables = rirs_to_simulate(spec.name, spec.rooms, spec.source_numbers()[-1], _proportions(spec), spec.seed)
    in_rooms = {split: replace(of_split, rirs=tables[split], measure=unheard) for split, of_split in around.splits.items()}
    return replace(around, splits=in_rooms)


def _noises(root: Root, spec: SeparationSpec, inputs: Inputs, workers: int, progress: Progress) -> Around:
    """The noises of each split, and no rooms."""
    around = {split: Surroundings() for split in spec.counts()}
    report: dict[str, Any] = {}
    if spec.noise is not None and inputs.noises:
        in_room = spec.rooms is None or spec.rooms.noise
        found = noise_sources(
            root,
            spec.noise,
            inputs.noises,
            list(around),
            name=spec.name,
            seed=spec.seed,
            sample_rate_hz=spec.sample_rate_hz,
            num_channels=1 if in_room or spec.rooms is None else spec.rooms.num_microphones,
            workers=workers,
            progress=progress,
        )
        around = {
            split: replace(of_split, noises=found.recordings(split), load_noise=found.load) for split, of_split in around.items()
        }
        report["noise"] = found.report
    return Around(around, report)
