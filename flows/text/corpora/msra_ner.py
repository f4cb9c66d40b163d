"""MSRA NER: 45,000 and 3,442 sentences of newspapers, character and tag with a tab between."""

from catalog.manifests import Licence
from flows.text.adapter import TextCorpus
from flows.text.labelled import conll_reader
from synth.text.tagging import tag_names

_LABELS = ("PER", "ORG", "LOC")
_TAGS = tag_names(_LABELS, "BIO")
CORPUS = TextCorpus(
    name="msra_ner",
    title="MSRA NER",
    kind="ner",
    language="zh-CN",
    licence=Licence(name="not stated", notes="newspaper text; ask its owners before publishing anything of it"),
    citation="Gina-Anne Levow: The third international Chinese language processing bakeoff. SIGHAN 2006.",
    homepage="https://www.microsoft.com/en-us/download/details.aspx?id=52531",
    files={"*msra_train*.txt": "train", "*msra_test*.txt": "test"},
    splits={"train": "train", "dev": "validation", "test": "test"},
    read=conll_reader(_LABELS, _TAGS),
    labels=tuple(_TAGS),
)
