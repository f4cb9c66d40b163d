"""A set from its spec: plan it whole, render it in shards, publish it."""

import hashlib
import importlib.metadata
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from catalog.errors import CatalogError
from catalog.leakage import audible_sha256, check_disjoint, identities
from catalog.manifests import Licence, Manifest, found_manifests, read_manifest, resolve
from catalog.names import check_name
from catalog.publish import Published, check_kind, publish, published_already
from catalog.roots import Root, open_root
from catalog.shards import Shard
from flows.mixtures.inputs import Around, Inputs, open_inputs, simulated, surroundings, surroundings_unheard
from flows.mixtures.keeping import Kept, keep_plans, open_kept, unchanged
from flows.mixtures.rendering import SHARD_BYTES, render_plans, write_table
from flows.mixtures.shards import read_plan, row_bytes, store_plan
from flows.mixtures.sources import Sources, sources
from flows.progress import Progress, nothing
from flows.workers import available_cpus
from synth.plan.split import SplitPlan, plan_split
from synth.rows.layout import Layout
from synth.rows.statistics import plan_statistics
from synth.spec import SeparationSpec

_SOFTWARE = ("yuliao", "numpy", "pyarrow", "soxr", "scipy", "audiomentations", "pyroomacoustics")
ALGORITHM = 5  # raised when the same spec and sources shall give other rows


@dataclass(frozen=True)
class PlanSummary:
    """What `write_plan` wrote."""

    path: Path
    rows: dict[str, int]
    report: dict[str, Any]


@dataclass(frozen=True)
class DryRun:
    """What a build would make."""

    name: str
    corpus: str
    split_by: str
    size_bytes: int
    splits: dict[str, dict[str, Any]]


def build(
    spec: SeparationSpec,
    *,
    name: str | None = None,
    root: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    overrides: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    shard_bytes: int = SHARD_BYTES,
    keep_from: str | None = None,
) -> Published:
    """Make the set that `spec` asks for and publish it. An interrupted build goes on with the shards that are missing.

    Args:
        spec: with its overrides applied.
        name: to publish under; default: the spec's.
        root: the catalog; None means the one of `YULIAO_CATALOG`.
        workers: processes; default: one per core.
        overrides: what was laid over the shipped spec, for the manifest to say.
        progress: told of the mixtures rendered.
        shard_bytes: audio in a shard; the rows do not depend on it.
        keep_from: a version `NAME[@V]` of the same spec on another version of the same corpus. Rows whose sources are as they
            were stay as they are, and its shards as large as they are; only the others are planned and rendered.

    Returns:
        The version; `created` is False where the newest version is the same already.

    Raises:
        CatalogError: an unknown corpus, a sample rate it cannot give, a full disk.
        PlanError: the corpus cannot give what the spec asks.
    """
    storage = open_root(root)
    name = check_name(spec.name if name is None else name)
    progress = progress or nothing
    workers = workers or available_cpus()
    check_kind(storage, name, spec.kind)
    layout = Layout.of(spec)
    inputs = open_inputs(storage, spec, workers, progress)
    if spec.rooms is not None and inputs.rirs is None:
        _try_out(storage, spec, inputs, workers)
        inputs = simulated(storage, spec, inputs, workers, progress)
    kept = open_kept(storage, keep_from, spec, inputs) if keep_from is not None else None
    fingerprint = _fingerprint(spec, inputs, kept)
    already = published_already(storage, name, fingerprint) or (
        unchanged(storage, name, kept, spec, inputs) if kept is not None else None
    )
    if already is not None:
        return already
    earlier = _version_with(storage, name, fingerprint)
    if earlier is not None:
        finished, statistics, report = _shards_of(earlier), earlier.statistics, earlier.report
    else:
        available = sources(storage, spec, inputs.corpus, workers, progress, kept.speakers() if kept else None)
        _check_leakage(name, available)
        if spec.rooms is not None and kept is None:
            _try_out(storage, spec, inputs, workers)
        around = surroundings(storage, spec, inputs, workers, progress)
        plans, fresh = _plans(spec, inputs, available, around, kept)
        tables = {split: plan.table for split, plan in plans.items()}
        if spec.storage == "plan":
            finished = {
                split: [store_plan(storage, name, split, table, layout, spec.sample_rate_hz)] for split, table in tables.items()
            }
        else:
            finished = render_plans(
                storage,
                name,
                tables,
                layout,
                inputs.pins,
                spec.sample_rate_hz,
                fingerprint,
                workers,
                progress,
                shard_bytes,
                kept.shards(fresh) if kept else None,
            )
        statistics = {split: _statistics(spec, split, plan) for split, plan in plans.items()}
        report = {
            "split_by": available.split_by,
            **(kept.told() if kept else {}),
            **around.report,
            **{split: plan.report for split, plan in plans.items()},
        }
    return publish(
        name,
        kind=spec.kind,
        splits=finished,
        fingerprint=fingerprint,
        licence=Licence(name="", commercial_use=True),  # nothing of ours restricts it: publish takes the corpus's
        citation="\n".join(dict.fromkeys(manifest.citation for manifest in inputs.manifests if manifest.citation)),
        spec=spec.model_dump(mode="json", exclude_none=True),
        overrides=overrides,
        inputs=inputs.pins,
        sample_rate_hz=spec.sample_rate_hz,
        n_src=layout.n_src,
        storage=spec.storage,
        additive=layout.additive,
        statistics=statistics,
        report=report,
        software={package: importlib.metadata.version(package) for package in _SOFTWARE},
        root=root,
    )


def materialize(
    reference: str,
    *,
    root: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    shard_bytes: int = SHARD_BYTES,
) -> Published:
    """Publish the audio of a version that is stored as its plan: the same rows, rendered from the same corpus version.

    Raises:
        DatasetNotFound: no such version.
        CatalogError: a version that stores its audio already; a full disk.
    """
    storage = open_root(root)
    manifest = read_manifest(storage, *resolve(storage, reference))
    if manifest.storage != "plan":
        raise CatalogError(
            f"{manifest.name}@{manifest.version} stores its audio already: only a set of storage plan has any to make"
        )
    spec = SeparationSpec.model_validate({**manifest.spec, "storage": "audio"})
    layout = Layout.of(spec)
    fingerprint = hashlib.sha256(f"materialize {ALGORITHM} {manifest.fingerprint}".encode()).hexdigest()
    already = published_already(storage, manifest.name, fingerprint)
    if already is not None:
        return already
    plans = {split: read_plan(storage, manifest, split, layout) for split in manifest.splits}
    finished = render_plans(
        storage,
        manifest.name,
        plans,
        layout,
        manifest.inputs,
        spec.sample_rate_hz,
        fingerprint,
        workers or available_cpus(),
        progress or nothing,
        shard_bytes,
    )
    return publish(
        manifest.name,
        kind=manifest.kind,
        splits=finished,
        fingerprint=fingerprint,
        licence=manifest.licence,
        citation=manifest.citation,
        spec=spec.model_dump(mode="json", exclude_none=True),
        overrides={**manifest.overrides, "storage": "audio"},
        inputs=manifest.inputs,
        sample_rate_hz=manifest.sample_rate_hz,
        n_src=manifest.n_src,
        additive=manifest.additive,
        statistics=manifest.statistics,
        report={**manifest.report, "materialized_from": manifest.version},
        software=manifest.software,
        root=root,
    )


def _try_out(storage: Root, spec: SeparationSpec, inputs: Inputs, workers: int) -> None:
    """Plan the set without hearing a mixture in its room: what cannot be is refused before the hours that rooms take.

    Raises:
        CatalogError, PlanError: as `build`.
    """
    available = sources(storage, spec, inputs.corpus, workers, nothing)
    _plans(spec, inputs, available, surroundings_unheard(storage, spec, inputs, workers, nothing), None)


def _check_leakage(name: str, available: Sources) -> None:
    """Publishing checks the rows; this checks the utterances they may be made of, before anything is rendered."""
    audible = pa.chunked_array([audible_sha256(batch) for batch in available.table.to_batches()], pa.string())
    told = available.table.select(["id", "speaker_id"]).append_column("audio_sha256", audible)
    found = {split: identities(told.take(pa.array(rows)).to_batches()) for split, rows in available.rows.items()}
    check_disjoint(name, found, known_overlaps=())


def dry_run(
    spec: SeparationSpec,
    *,
    name: str | None = None,
    root: str | os.PathLike[str] | None = None,
    keep_from: str | None = None,
) -> DryRun:
    """Plan the set and say what a build would make, without making it: counts, hours, disk, reach of the overlap ratios, uses.

    No room is simulated, and no mixture is heard in its room, so that nothing is said of clip gains then.
    """
    name = check_name(spec.name if name is None else name)
    storage, workers = open_root(root), available_cpus()
    inputs = open_inputs(storage, spec, workers, nothing)
    if keep_from is not None:
        _check_simulated(spec, inputs)
    kept = open_kept(storage, keep_from, spec, inputs) if keep_from is not None else None
    available = sources(storage, spec, inputs.corpus, workers, nothing, kept.speakers() if kept else None)
    plans, _ = _plans(spec, inputs, available, surroundings_unheard(storage, spec, inputs, workers, nothing), kept)
    if spec.rooms is not None:
        for plan in plans.values():
            plan.report.pop("clip_gain_applied", None)
    sizes = {split: int(row_bytes(plan.table, Layout.of(spec)).sum()) for split, plan in plans.items()}
    return DryRun(
        name=name,
        corpus=str(inputs.corpus.pin),
        split_by=available.split_by,
        size_bytes=sum(sizes.values()),
        splits={split: {**plan.report, "size_bytes": sizes[split]} for split, plan in plans.items()},
    )


def write_plan(
    spec: SeparationSpec, to: Path, *, root: str | os.PathLike[str] | None = None, progress: Progress | None = None
) -> PlanSummary:
    """Plan the set and write the plan, all splits in one Arrow IPC file with a column `split`.

    Raises:
        CatalogError: the file cannot be written; whatever keeps the set from being planned; its rooms have yet to be simulated.
    """
    storage, workers = open_root(root), available_cpus()
    inputs = open_inputs(storage, spec, workers, nothing)
    _check_simulated(spec, inputs)
    available = sources(storage, spec, inputs.corpus, workers, nothing)
    around = surroundings(storage, spec, inputs, workers, progress or nothing)
    plans, _ = _plans(spec, inputs, available, around, None)
    table = pa.concat_tables(
        [plan.table.add_column(0, "split", pa.array([split] * plan.table.num_rows)) for split, plan in plans.items()]
    )
    write_table(table, to)
    return PlanSummary(
        to, {split: plan.table.num_rows for split, plan in plans.items()}, {split: plan.report for split, plan in plans.items()}
    )


def _check_simulated(spec: SeparationSpec, inputs: Inputs) -> None:
    if spec.rooms is not None and inputs.rirs is None:
        raise CatalogError(
            f"the rooms of {spec.name} have yet to be simulated, and its gains come of how loud it is in them: a build simulates "
            "them once; build --dry-run says what it would make"
        )


def _plans(
    spec: SeparationSpec, inputs: Inputs, available: Sources, around: Around, kept: Kept | None
) -> tuple[dict[str, SplitPlan], dict[str, NDArray[np.bool_]]]:
    """The plans of all splits and, of those that are kept, which rows are not."""
    if kept is not None:
        found = keep_plans(kept, spec, inputs, available, around)
        return {split: part.plan for split, part in found.items()}, {split: part.fresh for split, part in found.items()}
    plans = {
        split: plan_split(spec, split, available.table, available.load, rows, around.splits[split])
        for split, rows in available.rows.items()
    }
    return plans, {}


def _fingerprint(spec: SeparationSpec, inputs: Inputs, kept: Kept | None) -> str:
    """What decides the rows: the spec, the rows of its inputs, what is kept, this code, and the libraries that touch samples."""
    content = {
        "algorithm": ALGORITHM,
        "spec": spec.model_dump(mode="json", exclude={"corpus": True, "description": True, "published": True}),
        "inputs": [manifest.rows_digest for manifest in inputs.manifests],
        "libraries": {package: importlib.metadata.version(package) for package in _libraries(spec, inputs)},
        **({"kept": kept.digest()} if kept is not None else {}),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _libraries(spec: SeparationSpec, inputs: Inputs) -> list[str]:
    """The packages that touch samples of this set."""
    used = {
        "soxr": any(manifest.sample_rate_hz != spec.sample_rate_hz for manifest in inputs.manifests),
        "numpy": spec.rooms is not None,  # its Fourier transform
        "audiomentations": bool(spec.degradations.sources or spec.degradations.mixture),
        "scipy": bool(spec.degradations.sources or spec.degradations.mixture),
    }
    return [package for package, touches in used.items() if touches]


def _version_with(storage: Root, name: str, fingerprint: str) -> Manifest | None:
    """The newest version of that fingerprint whose blobs are all there, so that its shards serve again."""
    blobs = set(storage.children(f"{name}/blobs"))
    manifests = [manifest for _, manifest in found_manifests(storage, name) if isinstance(manifest, Manifest)]
    whole = [manifest for manifest in manifests if {f"{blob}.arrow" for blob in manifest.blobs} <= blobs]
    return next((manifest for manifest in reversed(whole) if manifest.fingerprint == fingerprint), None)


def _shards_of(manifest: Manifest) -> dict[str, list[Shard]]:
    return {
        split: [Shard(split, shard.blob, shard.rows, shard.size_bytes, shard.rows_digest) for shard in entry.shards]
        for split, entry in manifest.splits.items()
    }


def _statistics(spec: SeparationSpec, split: str, plan: SplitPlan) -> dict[str, Any]:
    """Size of a split beside that of the set whose recipe it is, and how its rows are spread."""
    ours = {"mixtures": plan.report["mixtures"], "hours": plan.report["hours"]}
    theirs = {"mixtures": spec.published.mixtures.get(split), "hours": spec.published.hours.get(split)}
    beside = {f"published_{measure}": value for measure, value in theirs.items() if value is not None}
    return {**ours, **beside, **plan_statistics(plan.table)}
