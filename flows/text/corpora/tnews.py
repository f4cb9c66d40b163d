"""TNEWS of CLUE: headlines of Toutiao in 15 classes, whose codes skip 105 and 111. The labels of test are kept back."""

from catalog.manifests import Licence
from flows.adapter import Archive
from flows.text.adapter import TextCorpus
from flows.text.labelled import cls_reader

_CODES = {
    "100": "story",
    "101": "culture",
    "102": "entertainment",
    "103": "sports",
    "104": "finance",
    "106": "house",
    "107": "car",
    "108": "edu",
    "109": "tech",
    "110": "military",
    "112": "travel",
    "113": "world",
    "114": "stock",
    "115": "agriculture",
    "116": "game",
}
CORPUS = TextCorpus(
    name="tnews",
    title="TNEWS",
    kind="cls",
    language="zh-CN",
    licence=Licence(name="not stated", notes="headlines of Toutiao, published by CLUE without a licence"),
    citation="Liang Xu and others: CLUE: a Chinese language understanding evaluation benchmark. COLING 2020.",
    homepage="https://github.com/CLUEbenchmark/CLUE",
    files={"*train.json": "train", "*dev.json": "dev", "*test.json": "test"},
    splits={"train": "train", "dev": "validation", "test": "test"},
    read=cls_reader(tuple(_CODES.values()), _CODES),
    labels=tuple(_CODES.values()),
    archives=(Archive("tnews_public.zip", 5_123_575, sha256="77c476e70cfe0b014a81b84c6e1db2142a8a2f52f4ae0a8216aa75e673933462"),),
    mirrors=("https://storage.googleapis.com/cluebenchmark/tasks/{file}",),
)
