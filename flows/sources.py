"""From a spec to the utterances each of its splits may use."""

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from catalog.errors import CatalogError
from catalog.manifests import Manifest, Pin, pin, read_manifest, resolve
from catalog.roots import Root
from catalog.utterances import Utterances, open_utterances
from flows.measures import measured
from flows.progress import Progress
from synth import splits
from synth.render import Load
from synth.spec import SeparationSpec

_IDENTITY = ["id", "speaker_id", "gender", "text", "audio_sha256"]
_MEASURES = ["num_samples", "frame_energies", "frame_peaks"]


@dataclass(frozen=True)
class Corpus:
    """The corpus version that a set is made from."""

    pin: Pin
    manifest: Manifest


@dataclass(frozen=True)
class Sources:
    """Utterances by split, as `synth.plan.plan_split` takes them, and where the split comes from."""

    tables: dict[str, pa.Table]
    load: Load
    split_by: Literal["official", "drawn"]


def open_corpus(root: Root, spec: SeparationSpec) -> Corpus:
    """The version of the spec's corpus (`NAME[@V]`), pinned.

    Raises:
        DatasetNotFound: the catalog has no such corpus; near matches are shown.
        CatalogError: it holds no speech, or its sample rate is below the spec's.
    """
    name, version = resolve(root, spec.corpus)
    manifest = read_manifest(root, name, version)
    if manifest.kind != "speech":
        raise CatalogError(f"{spec.corpus} is of kind {manifest.kind!r}: mixing needs a corpus of kind 'speech'")
    if manifest.sample_rate_hz is None or manifest.sample_rate_hz < spec.sample_rate_hz:
        raise CatalogError(
            f"{spec.name} asks for {spec.sample_rate_hz} Hz, but {name} has {manifest.sample_rate_hz} Hz and more cannot be made "
            f"of it: ask for at most that (--set sample_rate_hz={manifest.sample_rate_hz})"
        )
    return Corpus(pin(root, name, version), manifest)


def sources(root: Root, spec: SeparationSpec, corpus: Corpus, workers: int, progress: Progress) -> Sources:
    """The utterances of each split: the corpus's own splits where it has all that are asked for, otherwise drawn by speaker."""
    wanted = list(spec.counts())
    utterances = open_utterances(root, corpus.manifest, spec.sample_rate_hz)
    in_corpus = {split: _table(root, spec, corpus, utterances, split, workers, progress) for split in corpus.manifest.splits}
    if splits.official({split: table.num_rows for split, table in in_corpus.items()}, wanted):
        return Sources({split: in_corpus[split] for split in wanted}, utterances.load, "official")
    everything = pa.concat_tables(in_corpus.values())
    speakers = everything["speaker_id"].combine_chunks().dictionary_encode()
    split_of_speaker = splits.draw_split(
        speakers.dictionary.to_pylist(),
        wanted,
        {str(split): share for split, share in spec.split_proportions.items()},
        seed=spec.seed,
        dataset=spec.name,
        least=spec.n_src,
    )
    split_of_row = split_of_speaker[speakers.indices.to_numpy()]
    rows = {split: pa.array(split_of_row == number) for number, split in enumerate(wanted)}
    return Sources({split: everything.filter(rows[split]) for split in wanted}, utterances.load, "drawn")


def _table(
    root: Root, spec: SeparationSpec, corpus: Corpus, utterances: Utterances, split: str, workers: int, progress: Progress
) -> pa.Table:
    if corpus.manifest.sample_rate_hz == spec.sample_rate_hz:
        return utterances.table(split, _IDENTITY + _MEASURES)
    identity = utterances.table(split, _IDENTITY)
    measures = measured(corpus.pin, corpus.manifest, split, spec.sample_rate_hz, root.url, workers, progress)
    return pa.table({**{name: identity[name] for name in _IDENTITY}, **{name: measures[name] for name in _MEASURES}})
