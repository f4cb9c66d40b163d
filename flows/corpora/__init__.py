"""Corpora, one module each: a module here that declares `CORPUS` is a corpus that can be ingested."""

import importlib
import pkgutil

from flows.adapter import Corpus
from synth.errors import YuliaoError, near_matches


class UnknownCorpus(YuliaoError):
    """No adapter of that name."""


def names() -> list[str]:
    """Names of all corpora, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def get(name: str) -> Corpus:
    """The adapter called `name`.

    Raises:
        UnknownCorpus: with near matches, among corpora of text too.
    """
    if name not in names():
        from flows.text import corpora as of_text

        raise UnknownCorpus(f"no corpus {name!r}{near_matches(name, [*names(), *of_text.names()])}")
    corpus: Corpus = importlib.import_module(f"{__name__}.{name}").CORPUS
    return corpus
