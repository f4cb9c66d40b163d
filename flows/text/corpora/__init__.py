"""Text corpora, one module each: a module here that declares `CORPUS` is a corpus that can be ingested."""

import importlib
import pkgutil

from flows.text.adapter import TextCorpus
from synth.errors import YuliaoError, near_matches


class UnknownTextCorpus(YuliaoError):
    """No adapter of that name."""


def names() -> list[str]:
    """Names of all text corpora, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def get(name: str) -> TextCorpus:
    """The adapter called `name`.

    Raises:
        UnknownTextCorpus: with near matches.
    """
    if name not in names():
        raise UnknownTextCorpus(f"no text corpus {name!r}{near_matches(name, names())}")
    corpus: TextCorpus = importlib.import_module(f"{__name__}.{name}").CORPUS
    return corpus
