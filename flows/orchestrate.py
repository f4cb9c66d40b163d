"""Prefect's view of ingest and build: thin flows and tasks around the plain functions.

One task a run: a run's work is spread over worker processes by the functions themselves, and Prefect's own cost is 0.1 s a
task and 1 s a subflow. Imported only where a Prefect server is to be told, since `import prefect` alone takes 2 s.
"""

import logging
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from uuid import UUID

# Read by Prefect when it is imported.
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")

from prefect import flow, task
from prefect.artifacts import create_progress_artifact, create_table_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE

from catalog.manifests import read_manifest
from catalog.publish import Published
from catalog.roots import open_root
from flows.progress import Progress, counted, shown
from flows.recordings.encodings import Encoding
from flows.tables import human_duration, human_size, in_order
from synth.errors import YuliaoError

_SECONDS_BETWEEN_UPDATES = 2.0


@flow(name="ingest", flow_run_name="ingest {corpus}")
def ingest(
    corpus: str,
    sources: list[str] | None = None,
    sample: int | None = None,
    root: str | None = None,
    workers: int | None = None,
    encoding: Encoding = "wav",
    own: dict[str, Any] | None = None,
) -> Published:
    """Take a corpus into the catalog (`flows.recordings.ingest`), from its makers where no sources are given (`flows.fetch`).

    Corpora of text too (`flows.text.ingest`); `workers` and `encoding` mean nothing to them.
    With `own` it is one of the user's, which these arguments of `flows.generic.own_corpus` describe.
    """
    given = sources or ([] if own else [download_corpus(corpus)])
    published = ingest_corpus(corpus, given, sample, root, workers, encoding, own or {})
    _tell_of(published, root)
    return published


@flow(name="build", flow_run_name="build {spec}")
def build(
    spec: str,
    name: str | None = None,
    overrides: dict[str, Any] | None = None,
    root: str | None = None,
    workers: int | None = None,
    keep_from: str | None = None,
) -> Published:
    """Make the set that a spec (a shipped one's name or a YAML file) asks for (`flows.mixtures.build`, `flows.text.build`)."""
    published = build_set(spec, name, overrides or {}, root, workers, keep_from)
    _tell_of(published, root)
    return published


@task(cache_policy=NO_CACHE, task_run_name="download {corpus}")
def download_corpus(corpus: str) -> str:
    """The first half of flow `ingest`; gives the folder."""
    from flows import corpora
    from flows.fetch.download import download
    from flows.text import corpora as of_text

    adapter = of_text.get(corpus) if corpus in of_text.names() else corpora.get(corpus)
    if not adapter.archives:
        raise YuliaoError(f"{corpus} has no address from which it could be fetched: give its files as sources")
    with _followed(f"download {corpus}") as progress:
        return str(download(adapter, progress=progress))


@task(cache_policy=NO_CACHE, task_run_name="ingest {corpus}")
def ingest_corpus(
    corpus: str,
    sources: list[str],
    sample: int | None,
    root: str | None,
    workers: int | None,
    encoding: Encoding,
    own: dict[str, Any],
) -> Published:
    """The work of flow `ingest`."""
    from flows.generic import own_corpus
    from flows.recordings.ingest import ingest
    from flows.text import corpora as of_text
    from flows.text.ingest import ingest as ingest_text

    if not own and corpus in of_text.names():
        with _followed(f"ingest {corpus}") as progress:
            return ingest_text(corpus, [Path(source) for source in sources], sample=sample, root=root, progress=progress)
    adapter = own_corpus(corpus, **own) if own else corpus
    with _followed(f"ingest {corpus}") as progress:
        paths = [Path(source) for source in sources]
        return ingest(adapter, paths, sample=sample, encoding=encoding, root=root, workers=workers, progress=progress)


@task(cache_policy=NO_CACHE, task_run_name="build {spec}")
def build_set(
    spec: str, name: str | None, overrides: dict[str, Any], root: str | None, workers: int | None, keep_from: str | None
) -> Published:
    """The work of flow `build`."""
    from flows.mixtures.build import build
    from flows.specs import is_text_spec, load_spec, load_text_spec
    from flows.text.build import build as build_text

    if is_text_spec(spec):
        text_set = load_text_spec(spec, overrides)
        with _followed(f"build {name or text_set.name}") as progress:
            return build_text(text_set, name=name, root=root, overrides=overrides, progress=progress)
    loaded = load_spec(spec, overrides)
    with _followed(f"build {name or loaded.name}") as progress:
        return build(loaded, name=name, root=root, workers=workers, overrides=overrides, progress=progress, keep_from=keep_from)


def ingest_from_here(
    corpus: str,
    sources: Sequence[Path],
    *,
    own: Mapping[str, Any],
    sample: int | None,
    encoding: Encoding,
    workers: int | None,
) -> Published:
    """Run flow `ingest` in this process, reporting to the server of PREFECT_API_URL."""
    _log_to_the_server_only()
    paths = [str(source.resolve()) for source in sources]
    return ingest(corpus, paths, sample=sample, encoding=encoding, workers=workers, own=dict(own) or None)


def build_from_here(
    spec: str, *, name: str | None, overrides: Mapping[str, Any], workers: int | None, keep_from: str | None = None
) -> Published:
    """Run flow `build` in this process, reporting to the server of PREFECT_API_URL."""
    from flows.specs import spec_names

    _log_to_the_server_only()
    if spec not in spec_names():
        spec = str(Path(spec).resolve())  # so that the run can be repeated from elsewhere
    return build(spec, name=name, overrides=dict(overrides), workers=workers, keep_from=keep_from)


def _log_to_the_server_only() -> None:
    """On this terminal the command speaks for itself: a progress bar, and one line for an error."""
    for of_runs in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(of_runs).propagate = False  # to the root logger, which writes to stderr


@contextmanager
def _followed(title: str) -> Iterator[Progress]:
    """A `Progress` that is shown here and kept as a progress artifact of the task's run."""
    artifact = cast(UUID, create_progress_artifact(0.0, key=_key(title), description=title))
    last_update_at = -_SECONDS_BETWEEN_UPDATES
    with shown(title) as show:

        def progress(done: int, total: int | None, unit: str) -> None:
            nonlocal last_update_at
            show(done, total, unit)
            now = time.monotonic()
            if now - last_update_at >= _SECONDS_BETWEEN_UPDATES:
                last_update_at = now
                percent = 100.0 * done / total if total else 0.0
                update_progress_artifact(artifact, percent, description=f"{title}: {counted(done, total, unit)}")

        yield progress
    update_progress_artifact(artifact, 100.0, description=f"{title}: done")


def _tell_of(published: Published, root: str | None) -> None:
    """A table artifact with what the version holds."""
    manifest = read_manifest(open_root(root), published.name, published.version)
    rows = [
        {
            "version": str(published),
            "split": name,
            "rows": split.rows,
            "length": human_duration(split.duration_s) if split.duration_s is not None else "",
            "size": human_size(split.size_bytes),
        }
        for name, split in in_order(manifest.splits).items()
    ]
    told = "published" if published.created else "the same as the newest version: nothing published"
    create_table_artifact(rows, key=_key(published.name), description=f"{published}: {told}")


def _key(text: str) -> str:
    """What Prefect takes as an artifact's key: lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
