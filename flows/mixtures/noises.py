"""From what a spec says of noise to the noises that each of its splits may use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from catalog.errors import CatalogError
from catalog.manifests import Manifest, Pin, pin, read_manifest, resolve
from catalog.noises import Noises, NoisesOfSeveral, open_noises
from catalog.roots import Root
from flows.mixtures.measures import measured_noises
from flows.progress import Progress
from synth import splits
from synth.errors import PlanError
from synth.noise.placed import first_of
from synth.noise.render import LoadSignal
from synth.noise.sources import Recordings
from synth.noise.spec import NoiseSpec

Ints = NDArray[np.int64]

_IDENTITY = ["id", "category", "recording_id", "num_channels", "audio_sha256"]
_MEASURES = ["num_samples", "frame_energies", "frame_peaks"]


@dataclass(frozen=True)
class NoiseCorpus:
    """A corpus version that noise is taken from."""

    pin: Pin
    manifest: Manifest


@dataclass(frozen=True)
class NoiseSources:
    """The noises of all corpora, and which of them each split may use.

    Attributes:
        table: `id, corpus, category, recording_id, num_channels, audio_sha256, num_samples, frame_energies, frame_peaks`; the
            last three at the set's sample rate, of the channels that it uses.
        rows: of the table, by split; int64. No recording, and no samples, stand in two of them.
        load: from the id of a noise to its samples.
        split_by: where the splits of each corpus come from, in words, by its name.
        report: counts for people and manifests, plain values.
    """

    table: pa.Table
    rows: dict[str, Ints]
    load: LoadSignal
    split_by: dict[str, str]
    report: dict[str, Any]

    def recordings(self, split: str) -> Recordings:
        """Those of a split, as `synth.noise.place.place_noise` takes them."""
        return Recordings(self.table, self.rows[split])


def open_noise_corpora(root: Root, spec: NoiseSpec, sample_rate_hz: int, name: str) -> list[NoiseCorpus]:
    """The versions of the corpora (`NAME[@V]`) that a spec takes noise from, pinned, in its order.

    Args:
        root: the catalog.
        spec: what is asked for.
        sample_rate_hz: of the set.
        name: of the set, for errors.

    Raises:
        DatasetNotFound: the catalog has no such corpus; near matches are shown.
        CatalogError: it is of another kind, has a lower sample rate than the set, or is named twice.
    """
    corpora: list[NoiseCorpus] = []
    for reference in spec.corpus:
        corpus, version = resolve(root, reference)
        manifest = read_manifest(root, corpus, version)
        if manifest.kind != "noise":
            raise CatalogError(f"{reference} is of kind {manifest.kind!r}: noise.corpus of {name} takes datasets of kind 'noise'")
        if manifest.sample_rate_hz is None or manifest.sample_rate_hz < sample_rate_hz:
            raise CatalogError(
                f"{name} asks for {sample_rate_hz} Hz, but the noise of {corpus} has {manifest.sample_rate_hz} Hz and more "
                f"cannot be made of it: ask for at most that (--set sample_rate_hz={manifest.sample_rate_hz}), or take "
                "another corpus"
            )
        if any(corpus == other.manifest.name for other in corpora):
            raise CatalogError(f"noise.corpus of {name} names {corpus} twice: take one of them out")
        corpora.append(NoiseCorpus(pin(root, corpus, version), manifest))
    return corpora


def noise_sources(
    root: Root,
    spec: NoiseSpec,
    corpora: Sequence[NoiseCorpus],
    wanted: Sequence[str],
    *,
    name: str,
    seed: int,
    sample_rate_hz: int,
    num_channels: int,
    workers: int,
    progress: Progress,
) -> NoiseSources:
    """The noises of each of the splits `wanted`, of the categories asked for.

    A corpus keeps the splits it has, and gives those it has not from its train recordings; without `train`, all its recordings
    are drawn anew. Noises whose samples are those of an earlier one, in whatever corpus, are left out.

    Args:
        root: the catalog.
        spec: what is asked for.
        corpora: as `open_noise_corpora` gives them.
        wanted: the splits that have mixtures.
        name: of the set: part of the key of the draw.
        seed: of the set.
        sample_rate_hz: of the set.
        num_channels: how many channels of a noise the set uses: 1 where it is mono or the noise is put into a room.
        workers: processes that measure noises at another rate, or where the set uses fewer channels than the corpus has.
        progress: told of that.

    Raises:
        CatalogError: no noise of these categories; two corpora use an id for different noises.
        PlanError: fewer recordings than splits.
    """
    opened = [open_noises(root, corpus.manifest, sample_rate_hz, num_channels) for corpus in corpora]
    check_same_ids(corpora, opened)
    tables: list[pa.Table] = []
    split_of_row: list[NDArray[np.object_]] = []
    split_by: dict[str, str] = {}
    least = spec.most_at_once() if len(corpora) == 1 else 1
    for corpus, noises in zip(corpora, opened, strict=True):
        table, official = _table(root, spec, corpus, noises, sample_rate_hz, num_channels, workers, progress)
        tables.append(table)
        recordings = table["recording_id"].combine_chunks().dictionary_encode()
        drawn, split_by[corpus.manifest.name] = _split(spec, corpus.pin, official, recordings, wanted, name, seed, least)
        split_of_row.append(drawn)
    table, split_of = pa.concat_tables(tables), np.concatenate(split_of_row)
    again = _again(table)
    rows = {split: np.flatnonzero((split_of == split) & ~again) for split in wanted}
    ids = table["id"].filter(pa.array(again)).to_pylist()
    report = {
        "split_by": split_by,
        "noises": {split: len(of_split) for split, of_split in rows.items()},
        "left_out": first_of({"the samples of another": ids}),
    }
    return NoiseSources(table, rows, NoisesOfSeveral(opened).load, split_by, report)


def check_same_ids(corpora: Sequence[NoiseCorpus], opened: Sequence[Noises]) -> None:
    """A noise is loaded by its id alone, so two corpora may share one only for the same samples.

    Raises:
        CatalogError: they do not.
    """
    seen: dict[str, tuple[str, str]] = {}
    for corpus, noises in zip(corpora, opened, strict=True):
        for split in corpus.manifest.splits:
            facts = noises.table(split, ["id", "audio_sha256"])
            for noise_id, digest in zip(facts["id"].to_pylist(), facts["audio_sha256"].to_pylist(), strict=True):
                other, other_digest = seen.setdefault(noise_id, (corpus.manifest.name, digest))
                if other_digest != digest:
                    raise CatalogError(
                        f"{other} and {corpus.manifest.name} have different noises of the id {noise_id!r}: take noise from one "
                        "of the two (--set noise.corpus=...)"
                    )


def _table(
    root: Root,
    spec: NoiseSpec,
    corpus: NoiseCorpus,
    noises: Noises,
    sample_rate_hz: int,
    num_channels: int,
    workers: int,
    progress: Progress,
) -> tuple[pa.Table, NDArray[np.object_]]:
    """The noises of the categories asked for, as they are used, and the official split of each."""
    whole = pa.concat_tables([noises.table(split, _IDENTITY + _MEASURES) for split in corpus.manifest.splits])
    sizes = [entry.rows for entry in corpus.manifest.splits.values()]
    official = np.repeat(np.array(list(corpus.manifest.splits), dtype=object), sizes)
    chosen = pc.is_in(whole["category"], pa.array(spec.categories))
    kept = chosen.to_numpy()
    if not kept.any():
        there = ", ".join(sorted(str(category) for category in pc.unique(whole["category"]).to_pylist()))
        raise CatalogError(
            f"{corpus.pin} has no noise of the categories {', '.join(spec.categories)}; there are: {there} "
            "(--set noise.categories=...)"
        )
    if unmeasured := int(np.count_nonzero(whole["frame_energies"].is_null().to_numpy() & kept)):
        raise CatalogError(
            f"{corpus.pin} has {unmeasured} noises without frame energies, so that nobody knows how loud they are: "
            "publish them as PCM16, with the energies that ingest measures"
        )
    # A filter copies the frames, which lie in place where nothing is left out.
    table = whole if kept.all() else whole.filter(chosen)
    most_channels = pc.max(table["num_channels"]).as_py()
    if corpus.manifest.sample_rate_hz != sample_rate_hz or most_channels > num_channels:
        ids = table["id"].to_pylist()
        measures = measured_noises(corpus.pin, corpus.manifest, ids, sample_rate_hz, num_channels, root.url, workers, progress)
        table = pa.table(
            {**{column: table[column] for column in _IDENTITY}, **{column: measures[column] for column in _MEASURES}}
        )
    return table.append_column("corpus", pa.array([corpus.manifest.name] * len(table))), official[kept]


def _split(
    spec: NoiseSpec,
    corpus: Pin,
    official: NDArray[np.object_],
    recordings: pa.DictionaryArray,
    wanted: Sequence[str],
    name: str,
    seed: int,
    least: int,
) -> tuple[NDArray[np.object_], str]:
    """A split for each noise, the same for all of a recording, and where it comes from, in words."""
    lacking = splits.to_draw(official, wanted, "recordings")
    if not lacking.splits:
        return official, lacking.split_by
    numbers, number = np.unique(recordings.indices.to_numpy()[lacking.rows], return_inverse=True)
    recording_ids = recordings.dictionary.take(pa.array(numbers)).to_pylist()
    proportions: Mapping[str, float] = {str(split): share for split, share in spec.split_proportions.items()}
    if unsaid := [split for split in lacking.splits if split not in proportions]:
        raise PlanError(f"noise.split_proportions of {name} says nothing about {', '.join(unsaid)}")
    if len(recording_ids) < least * len(lacking.splits):
        raise PlanError(
            f"{corpus} has {len(recording_ids)} recordings of noise, too few for {least} in each of the splits "
            f"{', '.join(lacking.splits)}, none of them in two: take a larger corpus, or several"
        )
    drawn = splits.draw_split(recording_ids, lacking.splits, proportions, seed=seed, dataset=name, least=least)
    split_of = official.copy()
    split_of[lacking.rows] = np.array(lacking.splits, dtype=object)[drawn[number]]
    return split_of, lacking.split_by


def _again(table: pa.Table) -> NDArray[np.bool_]:
    """Noises whose samples are those of another one: of an earlier corpus, or with a lesser id."""
    corpora = {corpus: number for number, corpus in enumerate(dict.fromkeys(table["corpus"].to_pylist()))}
    keys = zip(table["corpus"].to_pylist(), table["id"].to_pylist(), table["audio_sha256"].to_pylist(), strict=True)
    order = sorted((corpora[corpus], noise_id, row, digest) for row, (corpus, noise_id, digest) in enumerate(keys))
    seen: set[str] = set()
    again = np.zeros(len(table), dtype=bool)
    for _, _, row, digest in order:
        again[row] = digest in seen
        seen.add(digest)
    return again
