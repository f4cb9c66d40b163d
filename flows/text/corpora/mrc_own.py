"""Annotations of our own, in SQuAD's form; unanswerable questions say `is_impossible`."""

from catalog.manifests import Licence
from flows.text.adapter import TextCorpus
from flows.text.mrc import read_squad

CORPUS = TextCorpus(
    name="mrc_own",
    title="Own annotations of reading comprehension",
    kind="mrc",
    language="zh",
    licence=Licence(name="own", notes="ask whoever annotated it, and whoever wrote the texts"),
    citation="",
    homepage="https://rajpurkar.github.io/SQuAD-explorer/",
    files={"*dev*.json": "dev", "*valid*.json": "dev", "*test*.json": "test", "*.json": "train"},
    splits={"train": "train", "dev": "validation", "test": "test"},
    read=read_squad,
    known_overlaps=("article_id",),
)
