"""AFQMC of CLUE: pairs of questions to a bank. The labels of test are kept back."""

from catalog.manifests import Licence
from flows.adapter import Archive
from flows.text.adapter import TextCorpus
from flows.text.labelled import pairs_reader

CORPUS = TextCorpus(
    name="afqmc",
    title="AFQMC",
    kind="pairs",
    language="zh-CN",
    licence=Licence(name="not stated", notes="data of Ant Financial, published by CLUE without a licence"),
    citation="Liang Xu and others: CLUE: a Chinese language understanding evaluation benchmark. COLING 2020.",
    homepage="https://github.com/CLUEbenchmark/CLUE",
    files={"*train.json": "train", "*dev.json": "dev", "*test.json": "test"},
    splits={"train": "train", "dev": "validation", "test": "test"},
    read=pairs_reader(("0", "1")),
    labels=("different", "same"),
    archives=(Archive("afqmc_public.zip", 1_195_044, sha256="5a4cb1556b833010c329fa2ad2207d9e98fc94071b7e474015e9dd7c385db4dc"),),
    mirrors=("https://storage.googleapis.com/cluebenchmark/tasks/{file}",),
)
