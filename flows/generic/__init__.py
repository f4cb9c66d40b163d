"""Corpora of one's own, in forms that many programs write: for each form, a function from what the user says to an adapter."""

from collections.abc import Callable
from typing import Any

from flows.adapter import Corpus
from flows.generic import datasets_folder, folder, kaldi, lhotse, table
from flows.generic.own import Own
from flows.recordings.staging import IngestError
from synth.errors import near_matches

FORMS: dict[str, Callable[[Own], Corpus]] = {
    "folder": folder.corpus,
    "table": table.corpus,
    "kaldi": kaldi.corpus,
    "lhotse": lhotse.corpus,
    "datasets": datasets_folder.corpus,
}


def own_corpus(name: str, form: str, **said: Any) -> Corpus:
    """The adapter of a corpus of one's own: its form, and the fields of `Own`.

    Raises:
        IngestError: no such form, or a sample rate or pattern that cannot be.
    """
    if form not in FORMS:
        raise IngestError(f"no form {form!r}{near_matches(form, FORMS)}")
    return FORMS[form](Own(name, **said))
