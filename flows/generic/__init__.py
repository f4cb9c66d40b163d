"""Corpora of one's own, in forms that many programs write: for each form, a function from what the user says to an adapter."""

from collections.abc import Callable

from flows.adapter import Corpus
from flows.generic import datasets_folder, folder, kaldi, lhotse, table
from flows.generic.own import Own

FORMS: dict[str, Callable[[Own], Corpus]] = {
    "folder": folder.corpus,
    "table": table.corpus,
    "kaldi": kaldi.corpus,
    "lhotse": lhotse.corpus,
    "datasets": datasets_folder.corpus,
}
