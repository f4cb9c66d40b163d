"""From a spec to the utterances each of its splits may use."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from catalog.errors import CatalogError
from catalog.manifests import Manifest, Pin, pin, read_manifest, resolve
from catalog.roots import Root
from catalog.utterances import Utterances, open_utterances
from flows.mixtures.measures import measured, measured_degraded
from flows.progress import Progress
from synth import splits
from synth.degradations.chains import DegradationSpec, as_json, draw_degradations
from synth.draws import Draws, hash_texts
from synth.errors import near_matches
from synth.levelling.level import STEPS
from synth.render import Degraded, Load
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
    """The utterances of the corpus, and which of them each split may use.

    Attributes:
        table: of all utterances, as `synth.plan.split.plan_split` takes it.
        rows: of the table, by split; int64.
        load: from the id of an utterance to its samples.
        split_by: where the split comes from, in words.
    """

    table: pa.Table
    rows: dict[str, NDArray[np.int64]]
    load: Load
    split_by: str


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


def sources(
    root: Root,
    spec: SeparationSpec,
    corpus: Corpus,
    workers: int,
    progress: Progress,
    settled: Mapping[str, str] | None = None,
) -> Sources:
    """The utterances of each split: the corpus's own where it has that split; the others drawn by speaker.

    A corpus that has `train` keeps the splits it has, and gives those it has not from its train speakers. Without `train`, all
    its speakers are drawn anew. Where splits are drawn, the speakers of `settled` stay in theirs.

    Raises:
        CatalogError: speakers are to be held out whom the corpus does not have; near matches are shown.
    """
    wanted = list(spec.counts())
    utterances = open_utterances(root, corpus.manifest, spec.sample_rate_hz)
    _check_held_out(spec, corpus, utterances)
    tables = {split: _table(root, spec, corpus, utterances, split, workers, progress) for split in corpus.manifest.splits}
    table = pa.concat_tables(tables.values())
    split_of_row = np.repeat(np.array(list(tables), dtype=object), [len(part) for part in tables.values()])
    lacking = splits.to_draw(split_of_row, wanted, "speakers")
    if lacking.splits:
        speakers = table["speaker_id"].take(pa.array(lacking.rows))
        split_of_row[lacking.rows] = _drawn(spec, speakers, lacking.splits, settled or {})
    load = _load(utterances, table, spec.sample_rate_hz)
    return Sources(table, {split: np.flatnonzero(split_of_row == split) for split in wanted}, load, lacking.split_by)


def _load(utterances: Utterances, table: pa.Table, sample_rate_hz: int) -> Load:
    """Utterances as the set mixes them: after their degradations, where it has some."""
    if STEPS not in table.column_names:
        return utterances.load
    steps = dict(zip(table["id"].to_pylist(), table[STEPS].to_pylist(), strict=True))
    degraded = Degraded(utterances.load, sample_rate_hz)

    def load(utterance_id: str) -> NDArray[np.int16]:
        chain = steps[utterance_id]
        return degraded(utterance_id, chain) if chain else utterances.load(utterance_id)

    return load


def _check_held_out(spec: SeparationSpec, corpus: Corpus, utterances: Utterances) -> None:
    """Speakers to be held out may be of any split, but not of none: a slip of the pen would leave them in."""
    asked = spec.speakers.held_out
    if isinstance(asked, float) or not asked:
        return
    told = [utterances.table(split, ["speaker_id"])["speaker_id"] for split in corpus.manifest.splits]
    known = {speaker for column in told for speaker in column.unique().to_pylist()}
    unknown = sorted(set(asked) - known)
    if unknown:
        more = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
        raise CatalogError(
            f"speakers.held_out names {unknown[0]!r}{more}, of whom {corpus.pin} has nothing{near_matches(unknown[0], known)}"
        )


def _drawn(
    spec: SeparationSpec, speaker_ids: pa.ChunkedArray, wanted: list[str], settled: Mapping[str, str]
) -> NDArray[np.object_]:
    """A split of `wanted` for each row of `speaker_ids`, the same for all rows of a speaker."""
    speakers = speaker_ids.combine_chunks().dictionary_encode()
    names = speakers.dictionary.to_pylist()
    proportions = {str(split): share for split, share in spec.split_proportions.items()}
    split_of_speaker = splits.draw_split(
        names, wanted, proportions, seed=spec.seed, dataset=spec.name, least=spec.source_numbers()[-1]
    )
    for number, name in enumerate(names):
        if settled.get(name) in wanted:
            split_of_speaker[number] = wanted.index(settled[name])
    for split in range(len(wanted)):  # whom a split lost may have left it with too few
        while np.count_nonzero(split_of_speaker == split) < spec.source_numbers()[-1]:
            largest = int(np.argmax(np.bincount(split_of_speaker)))
            split_of_speaker[np.flatnonzero(split_of_speaker == largest)[0]] = split
    drawn: NDArray[np.object_] = np.array(wanted, dtype=object)[split_of_speaker[speakers.indices.to_numpy()]]
    return drawn


def _table(
    root: Root, spec: SeparationSpec, corpus: Corpus, utterances: Utterances, split: str, workers: int, progress: Progress
) -> pa.Table:
    if spec.degradations.sources:
        return _degraded(root, spec, corpus, utterances.table(split, _IDENTITY), split, workers, progress)
    if corpus.manifest.sample_rate_hz == spec.sample_rate_hz:
        return utterances.table(split, _IDENTITY + _MEASURES)
    identity = utterances.table(split, _IDENTITY)
    measures = measured(corpus.pin, corpus.manifest, split, spec.sample_rate_hz, root.url, workers, progress)
    return pa.table({**{name: identity[name] for name in _IDENTITY}, **{name: measures[name] for name in _MEASURES}})


def _degraded(
    root: Root, spec: SeparationSpec, corpus: Corpus, identity: pa.Table, split: str, workers: int, progress: Progress
) -> pa.Table:
    """The utterances of a split with the chain that each takes in this set, measured behind it."""
    chain = DegradationSpec(steps=spec.degradations.sources)
    items = hash_texts(identity["id"].to_pylist())
    steps = as_json(draw_degradations(chain, Draws(spec.seed, spec.name, "sources"), items))
    measures = measured_degraded(corpus.pin, identity["id"], steps, spec.sample_rate_hz, root.url, workers, progress)
    columns = {name: identity[name] for name in _IDENTITY}
    return pa.table({**columns, **{name: measures[name] for name in _MEASURES}, STEPS: steps})
