"""SQuAD 1.1 and 2.0: English. Of 2.0, `plausible_answers` are passed over."""

from catalog.manifests import Licence
from flows.text.adapter import TextCorpus
from flows.text.mrc import read_squad

CORPUS = TextCorpus(
    name="squad",
    title="SQuAD",
    kind="mrc",
    language="en",
    licence=Licence(
        name="CC-BY-SA-4.0",
        commercial_use=True,
        attribution="SQuAD, Stanford University, from Wikipedia",
        notes="share alike: what is made from it carries the same licence",
    ),
    citation="Pranav Rajpurkar, Robin Jia, Percy Liang: Know what you don't know: unanswerable questions for SQuAD. ACL 2018.",
    homepage="https://rajpurkar.github.io/SQuAD-explorer/",
    files={"*train*.json": "train", "*dev*.json": "dev"},
    splits={"train": "train", "dev": "validation"},
    read=read_squad,
    known_overlaps=("article_id",),
)
