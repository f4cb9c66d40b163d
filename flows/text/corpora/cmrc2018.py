"""CMRC 2018: questions on the Chinese Wikipedia, in two forms. A start is always that of the first occurrence, and 29 answers of
dev are numbers that a spreadsheet made."""

from catalog.manifests import Licence
from flows.text.adapter import TextCorpus
from flows.text.mrc import read_cmrc

CORPUS = TextCorpus(
    name="cmrc2018",
    title="CMRC 2018",
    kind="mrc",
    language="zh-CN",
    licence=Licence(
        name="CC-BY-SA-4.0",
        commercial_use=True,
        attribution="CMRC 2018, Joint Laboratory of HIT and iFLYTEK Research, from the Chinese Wikipedia",
        notes="share alike: what is made from it carries the same licence",
    ),
    citation=(
        "Yiming Cui, Ting Liu, Wanxiang Che, Li Xiao, Zhipeng Chen, Wentao Ma, Shijin Wang, Guoping Hu: A span-extraction "
        "dataset for Chinese machine reading comprehension. EMNLP-IJCNLP 2019."
    ),
    homepage="https://github.com/ymcui/cmrc2018",
    files={"*cmrc2018_train*.json": "train", "*cmrc2018_dev*.json": "dev", "*cmrc2018_trial*.json": "trial"},
    splits={"train": "train", "dev": "validation", "trial": "test"},
    read=read_cmrc,
    known_overlaps=("article_id",),
)
