"""A text set from its spec: corpora opened, rows made, the version published."""

import hashlib
import importlib.metadata
import json
import os
from collections.abc import Mapping
from typing import Any

from catalog import settings
from catalog.manifests import Licence
from catalog.names import check_name
from catalog.publish import Published, check_kind, publish, published_already
from catalog.roots import Root, open_root
from flows.progress import Progress, nothing
from flows.text.build_csc import SOURCES, build_csc
from flows.text.build_labelled import build_labelled
from flows.text.build_mrc import build_mrc
from flows.text.made import Made
from flows.text.shards import write_rows
from flows.text.sources import Source, open_sources
from synth.text.spec import CscSpec, LabelledSpec, MrcSpec

ALGORITHM = 4  # raised when the same spec and sources shall give other rows
_LIBRARIES = ("opencc", "jieba", "pypinyin", "datasketch")  # their versions decide rows

TextSpec = MrcSpec | CscSpec | LabelledSpec


def build(
    spec: TextSpec,
    *,
    name: str | None = None,
    root: str | os.PathLike[str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Published:
    """Make the text set that `spec` asks for and publish it.

    Args:
        spec: with its overrides applied.
        name: to publish under; default: the spec's.
        root: the catalog; None means the one of `YULIAO_CATALOG`.
        overrides: what was laid over the shipped spec, for the manifest to say.
        progress: told of the rows written.

    Returns:
        The version; `created` is False where the newest version is the same already.

    Raises:
        CatalogError: an unusable name or one of another kind, a corpus that is not there or of another kind, or no row left.
    """
    storage = open_root(root)
    name = _free_name(storage, spec, name)
    sources = open_sources(storage, spec.corpora, SOURCES if isinstance(spec, CscSpec) else (spec.kind,), spec.name)
    fingerprint = _fingerprint(spec, sources)
    already = published_already(storage, name, fingerprint)
    if already is not None:
        return already
    made = _made(spec, sources)
    rows = {split: found for split, found in made.splits.items() if found}
    done, total = 0, sum(map(len, rows.values()))
    shards = {}
    for split, found in rows.items():
        shards[split] = write_rows(storage, name, split, made.schema, found)
        done += len(found)
        (progress or nothing)(done, total, "rows")
    return publish(
        name,
        kind=spec.kind,
        splits=shards,
        fingerprint=fingerprint,
        licence=Licence(name="", commercial_use=True, notes="; ".join(made.changes)),
        citation="\n".join(dict.fromkeys(source.manifest.citation for source in sources if source.manifest.citation)),
        spec=spec.model_dump(mode="json", exclude_none=True),
        overrides=overrides,
        inputs=[source.pin for source in sources],
        statistics={split: made.statistics[split] for split in rows},
        report={"changes": made.changes, **made.report},
        software=_software(spec) | {package: importlib.metadata.version(package) for package in ("yuliao", "pyarrow")},
        root=root,
    )


def dry_run(spec: TextSpec, *, name: str | None = None, root: str | os.PathLike[str] | None = None) -> dict[str, Any]:
    """What a build would make, without making it: its corpora, sizes by split, and what it would report.

    Raises:
        CatalogError: as `build`.
    """
    storage = open_root(root)
    name = _free_name(storage, spec, name)
    sources = open_sources(storage, spec.corpora, SOURCES if isinstance(spec, CscSpec) else (spec.kind,), spec.name)
    made = _made(spec, sources)
    return {
        "name": name,
        "corpora": [str(source.pin) for source in sources],
        "splits": {split: made.statistics[split] for split, found in made.splits.items() if found},
        "report": made.report,
    }


def _free_name(storage: Root, spec: TextSpec, name: str | None) -> str:
    """What to publish under, checked before any work."""
    chosen = check_name(spec.name if name is None else name)
    check_kind(storage, chosen, spec.kind)
    return chosen


def _made(spec: TextSpec, sources: list[Source]) -> Made:
    cache = settings.cache() / "jieba"
    if isinstance(spec, MrcSpec):
        return build_mrc(spec, sources, cache)
    return build_csc(spec, sources, cache) if isinstance(spec, CscSpec) else build_labelled(spec, sources)


def _software(spec: TextSpec) -> dict[str, str]:
    engine = spec.tokens.engine if isinstance(spec, MrcSpec) and spec.tokens else "jieba"
    return {package: importlib.metadata.version(package) for package in dict.fromkeys((*_LIBRARIES, engine))}


def _fingerprint(spec: TextSpec, sources: list[Source]) -> str:
    content = {
        "algorithm": ALGORITHM,
        "spec": spec.model_dump(mode="json", exclude={"corpora", "description"}),
        "corpora": {source.manifest.name: source.manifest.rows_digest for source in sources},
        "libraries": _software(spec),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
