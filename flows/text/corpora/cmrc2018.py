"""CMRC 2018: questions on the Chinese Wikipedia, in two forms. A start is always that of the first occurrence, and 29 answers of
dev are numbers that a spreadsheet made."""

from catalog.manifests import Licence
from flows.adapter import Archive
from flows.fetch.mirrors import github
from flows.text.adapter import TextCorpus
from flows.text.mrc import cmrc_form, read_cmrc

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
    rank_of_form=cmrc_form,
    known_overlaps=("article_id",),
    archives=(  # the native form
        Archive("cmrc2018_train.json", sha256="d935a2d2c3ea8fef4b6b3d7f1c876f5870b720fc0c9caf4d14989f394a3d4745"),
        Archive(
            "cmrc2018_dev.json",
            3_541_681,
            "279817d0e4a28c696b2d1a22d9d45eae",
            "5cfe4414c28a8ecbb51670f78c0dc7d1049f286c2d5769b52f1f94bcc0752cf1",
        ),
        Archive(
            "cmrc2018_trial.json",
            1_064_280,
            "1a31e3d1cff40a38d04e1eafe12eb1dc",
            "a976d1fd5efc173bd58ff1c57e958de5f49fed633a7bfb8e0e402e5490d75f5e",
        ),
    ),
    mirrors=github("ymcui/cmrc2018", "c0eb1b6ba219847457e6af3180da722bbeb656af", "data/"),
)
