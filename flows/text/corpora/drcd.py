"""DRCD: 33,953 questions on 2,108 articles of the Chinese Wikipedia. Its dev and test files share 255 articles, no paragraph."""

from catalog.manifests import Licence
from flows.adapter import Archive
from flows.fetch.mirrors import github
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
    archives=(
        Archive("DRCD_training.json", sha256="5e6268091ab98f0bb858f03c77fba85e23b31e49a91638e4f22d0d8ec703f79a"),
        Archive(
            "DRCD_dev.json",
            2_184_379,
            "42c2f2bca84fc36cf65a86563b0540e6",
            "e236df03861ba241bd7b29628cd48b3b8e339c60137e041a4358b5320ed61928",
        ),
        Archive(
            "DRCD_test.json",
            2_125_600,
            "e36a295c1cb8c6b9fb28015907a42d9e",
            "d9de0b4d247a8391ac8daee6c02c2c8272b75562a1e2377b50ae04ecc09a7438",
        ),
    ),
    mirrors=github("DRCKnowledgeTeam/DRCD", "b944790de5af02c5fbb7cd9cb1473d27d169eebf"),
)
