"""SQuAD 2.0: English, with questions that have no answer; `plausible_answers` are passed over. SQuAD 1.1 is `squad1`."""

from catalog.manifests import Licence
from flows.adapter import Archive
from flows.text.adapter import TextCorpus
from flows.text.mrc import read_squad

CORPUS = TextCorpus(
    name="squad",
    title="SQuAD 2.0",
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
    archives=(
        Archive("train-v2.0.json", 42_123_633, sha256="68dcfbb971bd3e96d5b46c7177b16c1a4e7d4bdef19fb204502738552dede002"),
        Archive("dev-v2.0.json", 4_370_528, sha256="80a5225e94905956a6446d296ca1093975c4d3b3260f1d6c8f68bc2ab77182d8"),
    ),
    mirrors=("https://rajpurkar.github.io/SQuAD-explorer/dataset/{file}",),
    recalled=("CC BY-SA 4.0.",),
)
