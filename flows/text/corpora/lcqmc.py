"""LCQMC: pairs of questions, on application. Copies differ in whether they have a line of titles."""

from catalog.manifests import Licence
from flows.adapter import Access
from flows.text.adapter import TextCorpus
from flows.text.labelled import pairs_reader

CORPUS = TextCorpus(
    name="lcqmc",
    title="LCQMC",
    kind="pairs",
    language="zh-CN",
    licence=Licence(
        name="research only, on application", commercial_use=False, attribution="LCQMC, Harbin Institute of Technology"
    ),
    citation="Xin Liu and others: LCQMC: a large-scale Chinese question matching corpus. COLING 2018.",
    homepage="http://icrc.hitsz.edu.cn/info/1037/1146.htm",
    files={f"*{part}*.{suffix}": part for suffix in ("txt", "tsv") for part in ("train", "dev", "test")},
    splits={"train": "train", "dev": "validation", "test": "test"},
    read=pairs_reader(("0", "1")),
    labels=("different", "same"),
    access=Access(
        "apply to the Harbin Institute of Technology, Shenzhen, at http://icrc.hitsz.edu.cn/info/1037/1146.htm for its files"
    ),
)
