"""Names that are safe as one path component, and references `NAME[@V]`."""

import re

from catalog.errors import CatalogError

MAX_LENGTH = 128  # file systems take 255 bytes, and suffixes are put behind names
_SAFE = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.-]{{0,{MAX_LENGTH - 1}}}")


def is_name(text: str) -> bool:
    """Whether `text` is one safe path component."""
    return _SAFE.fullmatch(text) is not None


def check_name(text: str, what: str = "dataset name") -> str:
    """`text` itself, where it is one safe path component.

    Raises:
        CatalogError: it is not.
    """
    if len(text) > MAX_LENGTH:
        raise CatalogError(f"{what} {text[:32] + '...'!r} is not usable: {len(text)} characters, at most {MAX_LENGTH} may be")
    if not is_name(text):
        raise CatalogError(
            f"{what} {text!r} is not usable: begin with a letter or digit and go on with letters, digits, '_', '.' or '-'"
        )
    return text


def parse_reference(reference: str) -> tuple[str, str | None]:
    """`NAME[@V]` as (name, version or tag); the second is None where the newest is meant.

    Raises:
        CatalogError: the name, the version or the tag is not one safe path component.
    """
    name, at, version = reference.partition("@")
    check_name(name)
    return name, check_name(version, f"version or tag of {name!r}") if at else None
