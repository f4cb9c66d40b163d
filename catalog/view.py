"""What people and other programs see of a version: a README, and in a folder catalog the view that `load_from_disk` opens.

Both follow from the manifest, are written after the commit, and may be written again at any time.
"""

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from catalog.blobs import damage_is_an_error
from catalog.manifests import Manifest, SplitEntry
from catalog.roots import FolderRoot, Root
from catalog.shards import blob_path


def write_view(root: Root, manifest: Manifest) -> None:
    """Write `versions/<n>/` anew."""
    folder = f"{manifest.name}/versions/{manifest.version}"
    if isinstance(root, FolderRoot):  # load_from_disk would copy a whole bucket; from there a version is exported instead
        filled = {
            split: entry for split, entry in manifest.splits.items() if entry.shards
        }  # datasets opens no split without files
        for split, entry in filled.items():
            for file, content in _split_view(root, manifest, split, entry).items():
                root.write(f"{folder}/{split}/{file}", _json(content))
        root.write(f"{folder}/dataset_dict.json", _json({"splits": list(filled)}))
    root.write(f"{folder}/README.md", card(manifest).encode())


def _json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=2).encode()


def _split_view(root: Root, manifest: Manifest, split: str, entry: SplitEntry) -> dict[str, dict[str, Any]]:
    """`datasets`' own files for one split: its blobs by relative path, so that the catalog may be moved."""
    blob = root.fetch(blob_path(manifest.name, entry.shards[0].blob))
    with damage_is_an_error(blob, f"{manifest.name}@{manifest.version}"), pa.memory_map(str(blob)) as file:
        features = json.loads(pa.ipc.open_stream(file).schema.metadata[b"huggingface"])["info"]["features"]
    state: dict[str, Any] = {
        "_data_files": [{"filename": f"../../../blobs/{shard.blob}.arrow"} for shard in entry.shards],
        "_fingerprint": entry.rows_digest[:16],
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": split,
    }
    info = {
        "citation": manifest.citation,
        "dataset_name": manifest.name,
        "description": f"{manifest.name}@{manifest.version}",
        "features": features,
        "homepage": "",
        "license": manifest.licence.name,
    }
    return {"state.json": state, "dataset_info.json": info}


def card(manifest: Manifest) -> str:
    """The dataset card, in Markdown."""
    import yaml  # not needed to read a dataset

    licence = manifest.licence
    commercial = {True: "allowed", False: "not allowed", None: "not known"}[licence.commercial_use]
    parts = [
        f"# {manifest.name}@{manifest.version}",
        f"Kind `{manifest.kind}`, published {manifest.created_at}, fingerprint `{manifest.fingerprint}`.",
    ]
    if manifest.overrides:
        changes = ", ".join(f"`{key}={json.dumps(value, ensure_ascii=False)}`" for key, value in manifest.overrides.items())
        parts.append(f"> **Built with overrides**: {changes}")
    rows = [
        f"| {split} | {entry.rows:,} | {_hours(entry)} | {entry.size_bytes / 1e6:,.1f} |"
        for split, entry in manifest.splits.items()
    ]
    parts.append("\n".join(["| split | rows | hours | MB |", "|---|---:|---:|---:|", *rows]))
    if manifest.sample_rate_hz:
        sources = f", {_sources(manifest)}" if manifest.n_src else ""
        exact = ", stems sum to the mixture to the last bit" if manifest.n_src and manifest.additive else ""
        parts.append(f"Audio: {manifest.sample_rate_hz} Hz{sources}{exact}.")
    parts.append(
        "\n\n".join(
            filter(None, [f"## Licence\n{licence.name}; commercial use {commercial}.", licence.attribution, licence.notes])
        )
    )
    beside = _beside_the_published(manifest.statistics)
    if beside:
        parts.append(beside)
    if manifest.citation:
        parts.append(f"## Citation\n{manifest.citation}")
    if manifest.inputs:
        parts.append("## Made from\n" + "\n".join(f"- {item} (manifest `{item.manifest_sha256}`)" for item in manifest.inputs))
    for title, content in (
        ("Report", manifest.report),
        ("Statistics", manifest.statistics),
        ("Spec", manifest.spec),
        ("Software", manifest.software),
    ):
        if content:
            text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, default_flow_style=None, width=120)
            parts.append(f"## {title}\n```yaml\n{text}```")
    return "\n\n".join(parts) + "\n"


def _sources(manifest: Manifest) -> str:
    drawn = isinstance(manifest.spec.get("n_src"), Mapping)  # for each mixture; the manifest's number is the most
    return f"{'up to ' if drawn else ''}{manifest.n_src} source{'s' * (manifest.n_src != 1)}"


def _beside_the_published(statistics: Mapping[str, Any]) -> str:
    """A table of our sizes and those of the set whose recipe this is; "" where it has none."""
    rows = []
    for split, of_split in statistics.items():
        sizes = of_split if isinstance(of_split, Mapping) else {}
        if {"published_mixtures", "published_hours"} & sizes.keys():
            cells = [sizes.get(key) for key in ("mixtures", "published_mixtures", "hours", "published_hours")]
            rows.append(f"| {split} | " + " | ".join("" if cell is None else f"{cell:,}" for cell in cells) + " |")
    head = ["| split | mixtures | as published | hours | as published |", "|---|---:|---:|---:|---:|"]
    return "\n".join(["## Beside the published set", *head, *rows]) if rows else ""


def _hours(entry: SplitEntry) -> str:
    return "" if entry.duration_s is None else f"{entry.duration_s / 3600:,.2f}"
