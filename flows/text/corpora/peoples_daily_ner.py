"""People's Daily NER: character and tag with a space between."""

from catalog.manifests import Licence
from flows.text.adapter import TextCorpus
from flows.text.labelled import conll_reader
from synth.text.tagging import tag_names

_LABELS = ("PER", "ORG", "LOC")
_TAGS = tag_names(_LABELS, "BIO")
CORPUS = TextCorpus(
    name="peoples_daily_ner",
    title="People's Daily NER",
    kind="ner",
    language="zh-CN",
    licence=Licence(name="not stated", notes="newspaper text; ask its owners before publishing anything of it"),
    citation="People's Daily NER corpus, as collected in Chinese-NLP-Corpus.",
    homepage="https://github.com/OYE93/Chinese-NLP-Corpus",
    files={"*example.train": "train", "*example.dev": "dev", "*example.test": "test"},
    splits={"train": "train", "dev": "validation", "test": "test"},
    read=conll_reader(_LABELS, _TAGS),
    labels=tuple(_TAGS),
)
