"""What must go with exported files: under which licence they stand, whom to name, where they are from, and what was changed."""

import re
from collections.abc import Iterator

from catalog.manifests import Manifest, read_manifest
from catalog.roots import Root

_CREATIVE_COMMONS = re.compile(r"CC-(BY(?:-[A-Z]+)*)-(\d\.\d)")
_USE = {True: "allowed", False: "not allowed", None: "not known: ask"}


def licence_note(storage: Root, manifest: Manifest, format_name: str) -> str:
    """The note that lies beside exported files of a version, in plain text.

    It tells of the version and of all that it was made from, by their manifests. CC BY and CC BY-SA ask for each of these: the
    name and address of the licence, whom to name, the source, and what was changed.

    Raises:
        DatasetNotFound, IntegrityError: the manifest of something it was made from is missing or cannot be read.
    """
    sources = list(_chain(storage, manifest, set()))
    lines = [
        f"{manifest.name}@{manifest.version}: licence, attribution and changes. Keep this note with the files.",
        "",
        *_terms(manifest),
        "",
        "Changes:",
        *(f"- {source.name}@{source.version}: {change}" for source in sources for change in _changes(source)),
        f"- these files: written in the form {format_name}; rows that it cannot say are left out",
    ]
    for source in sources[:-1]:
        lines += ["", f"Made from {source.name}@{source.version}", *_terms(source)]
    return "\n".join(lines) + "\n"


def _changes(manifest: Manifest) -> list[str]:
    """What was done to the texts or sounds of a version's inputs, a sentence each."""
    said = manifest.report.get("changes")
    return [str(change) for change in said] if isinstance(said, list) else []


def _chain(storage: Root, manifest: Manifest, seen: set[tuple[str, int]]) -> Iterator[Manifest]:
    """What a version was made from, each before what was made from it, and itself last."""
    for pin in manifest.inputs:
        if (pin.name, pin.version) not in seen:
            seen.add((pin.name, pin.version))
            yield from _chain(storage, read_manifest(storage, pin.name, pin.version), seen)
    yield manifest


def _terms(manifest: Manifest) -> list[str]:
    licence = manifest.licence
    lines = [f"Licence: {licence.name or 'not stated'}", *(f"  {address}" for address in _addresses(licence.name))]
    lines += [f"Commercial use: {_USE[licence.commercial_use]}"]
    for title, value in (
        ("Attribution", licence.attribution),
        ("Notes", licence.notes),
        ("Citation", "\n  ".join(manifest.citation.splitlines())),
        ("Source", str(manifest.spec.get("homepage") or "")),
    ):
        if value:
            lines.append(f"{title}: {value}")
    return lines


def _addresses(name: str) -> list[str]:
    """Where the texts of the Creative Commons licences in a licence's name stand."""
    found = _CREATIVE_COMMONS.findall(name)
    return [f"https://creativecommons.org/licenses/{terms.lower()}/{number}/" for terms, number in found]
