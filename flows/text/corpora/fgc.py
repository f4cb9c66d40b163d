"""FGC, 科技大擂台: answers are free text, found in the passage where they stand there. Its release was not at hand when this was
written: the names of its fields are as others report them."""

from catalog.manifests import Licence
from flows.adapter import Access
from flows.text.adapter import TextCorpus
from flows.text.mrc import read_fgc

CORPUS = TextCorpus(
    name="fgc",
    title="FGC",
    kind="mrc",
    language="zh-TW",
    licence=Licence(name="not stated", notes="ask the Formosa Grand Challenge before use"),
    citation="Formosa Grand Challenge: 科技大擂台 與AI對話, 2018 and 2020.",
    homepage="https://scidm.nchc.org.tw/dataset/grandchallenge2020",
    files={"*FGC*train*.json": "train", "*FGC*dev*.json": "dev", "*FGC*test*.json": "test"},
    splits={"train": "train", "dev": "validation", "test": "test"},
    read=read_fgc,
    known_overlaps=("article_id",),
    access=Access("the portal asks for a login: get the release at https://scidm.nchc.org.tw/dataset/grandchallenge2020"),
    recalled=("The fields are DID, DTEXT, QUESTIONS, QID, QTEXT, QTYPE, ATYPE, AMODE, ANSWER and ATEXT.",),
)
