"""MSRA NER: 45,000 and 3,442 sentences of newspapers, character and tag with a tab between."""

from catalog.manifests import Licence
from flows.adapter import Archive
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
    archives=(
        Archive("msra_train_bio.txt", 14_037_265, sha256="b403d1318c5289917ad2ca4136279592521684748327e93f1bf49a3845a40ac7"),
        Archive("msra_test_bio.txt", 1_119_341, sha256="2be8e580bcb22e9086e4403d82a7ec0f6e18019ebef35b0fd52941724bdf89a3"),
    ),
    mirrors=("https://raw.githubusercontent.com/OYE93/Chinese-NLP-Corpus/master/NER/MSRA/{file}",),
)
