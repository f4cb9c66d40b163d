"""People's Daily NER: character and tag with a space between."""

from catalog.manifests import Licence
from flows.adapter import Archive
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
    archives=(
        Archive("example.train", 6_277_429, sha256="fbacf4110b131354270b7ff470c88eb84645f0ed8df30c3e409dde437cb45e70"),
        Archive("example.dev", 702_455, sha256="7d8e6fcd1745e6adcb99d90307d84c3a0f9f8ff5ee6fe62ca27646cb765fc38a"),
        Archive("example.test", 1_405_788, sha256="233299005f941a4b055e38aadcf3ee853e44bc1f88166078d3b52b26b77ea362"),
    ),
    mirrors=("https://raw.githubusercontent.com/OYE93/Chinese-NLP-Corpus/master/NER/People's%20Daily/{file}",),
)
