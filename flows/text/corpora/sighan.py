"""SIGHAN's spelling check of 2014 and 2015, in traditional characters as released. Copies on the web are mostly simplified by
OpenCC, and their training files hold 271,329 sentences that a program made."""

from catalog.manifests import Licence
from flows.text.adapter import TextCorpus
from flows.text.csc import read_sgml, read_truth

CORPUS = TextCorpus(
    name="sighan",
    title="SIGHAN CSC",
    kind="csc",
    language="zh-TW",
    licence=Licence(name="academic use only", commercial_use=False, attribution="SIGHAN CSC, National Central University"),
    citation=(
        "Yuen-Hsien Tseng, Lung-Hao Lee, Li-Ping Chang, Hsin-Hsi Chen: Introduction to SIGHAN 2015 bake-off for Chinese spelling "
        "check. SIGHAN 2015."
    ),
    homepage="http://nlp.ee.ncu.edu.tw/resource/csc.html",
    files={"*.sgml": "training", "*TestInput*.txt": "test", "*TestTruth*.txt": "test"},
    splits={"training": "train", "test": "test"},
    read=lambda file, notes: read_sgml(file, notes) if file.path.endswith(".sgml") else read_truth(file, notes),
    joined=("test",),
)
