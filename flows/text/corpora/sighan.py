"""SIGHAN's spelling check of 2013, 2014 and 2015, in traditional characters as released. Copies on the web are mostly simplified
by OpenCC, and their training files hold 271,329 sentences that a program made.

Of 2013, subtask 1 says where the mistakes are and not what should stand there: no correction set. Dry runs are left aside.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath

from catalog.manifests import Licence
from flows.adapter import Access
from flows.text.adapter import Notes, Row, TextCorpus, TextFile
from flows.text.sighan import read_samples, read_sgml, read_truth


def _read(file: TextFile, notes: Notes) -> Iterator[Row]:
    if file.path.endswith(".sgml"):
        return read_sgml(file, notes)
    return read_samples(file, notes) if "SampleSet" in PurePosixPath(file.path).name else read_truth(file, notes)


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
    files={
        "*.sgml": "training",
        "*SampleSet_With*.txt": "training",
        **dict.fromkeys(("*TestInput*.txt", "*TestTruth*.txt", "*FinalTest_SubTask2*.txt"), "test"),
    },
    splits={"training": "train", "test": "test"},
    read=_read,
    joined=("test",),
    access=Access(
        "fill in the forms for the releases of 2013, 2014 and 2015 (sighan7csc_release1.0.zip, clp14csc_release1.1.zip, "
        "sighan8csc_release1.0.zip) at http://nlp.ee.ncu.edu.tw/resource/csc.html and give these archives or their files"
    ),
)
