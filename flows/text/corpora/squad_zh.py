"""Translations of SQuAD into Chinese, of either script, given as files in SQuAD's form."""

from catalog.manifests import Licence
from flows.text.adapter import TextCorpus
from flows.text.mrc import read_squad

CORPUS = TextCorpus(
    name="squad_zh",
    title="SQuAD in Chinese",
    kind="mrc",
    language="zh",
    licence=Licence(
        name="CC-BY-SA-4.0",
        commercial_use=True,
        attribution="SQuAD, Stanford University, from Wikipedia; its translators",
        notes="share alike: what is made from it carries the same licence",
    ),
    citation="Pranav Rajpurkar, Robin Jia, Percy Liang: Know what you don't know: unanswerable questions for SQuAD. ACL 2018.",
    homepage="https://rajpurkar.github.io/SQuAD-explorer/",
    files={"*train*.json": "train", "*dev*.json": "dev", "*valid*.json": "dev", "*test*.json": "test"},
    splits={"train": "train", "dev": "validation", "test": "test"},
    read=read_squad,
    known_overlaps=("article_id",),
)
