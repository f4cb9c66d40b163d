"""DRCD: 33,953 questions on 2,108 articles of the Chinese Wikipedia. Its dev and test files share 255 articles, no paragraph."""

from catalog.manifests import Licence
from flows.text.adapter import TextCorpus
from flows.text.mrc import read_squad

CORPUS = TextCorpus(
    name="drcd",
    title="DRCD",
    kind="mrc",
    language="zh-TW",
    licence=Licence(
        name="CC-BY-SA-3.0",
        commercial_use=True,
        attribution="DRCD, Delta Electronics, from the Chinese Wikipedia",
        notes="share alike: what is made from it carries the same licence",
    ),
    citation=(
        "Chih Chieh Shao, Trois Liu, Yuting Lai, Yiying Tseng, Sam Tsai: DRCD: a Chinese machine reading comprehension dataset. "
        "arXiv:1806.00920, 2018."
    ),
    homepage="https://github.com/DRCKnowledgeTeam/DRCD",
    files={"*DRCD_training*.json": "training", "*DRCD_dev*.json": "dev", "*DRCD_test*.json": "test"},
    splits={"training": "train", "dev": "validation", "test": "test"},
    read=read_squad,
    known_overlaps=("article_id",),
)
