"""SQuAD 1.1: English, every question answerable. Most of its questions stand in SQuAD 2.0 under the same ids."""

from dataclasses import replace

from flows.adapter import Archive
from flows.text.corpora import squad

CORPUS = replace(
    squad.CORPUS,
    name="squad1",
    title="SQuAD 1.1",
    citation=(
        "Pranav Rajpurkar, Jian Zhang, Konstantin Lopyrev, Percy Liang: SQuAD: 100,000+ questions for machine comprehension of "
        "text. EMNLP 2016."
    ),
    files={"*train*1.1*.json": "train", "*dev*1.1*.json": "dev"},
    archives=(
        Archive("train-v1.1.json", 30_288_272, sha256="3527663986b8295af4f7fcdff1ba1ff3f72d07d61a20f487cb238a6ef92fd955"),
        Archive("dev-v1.1.json", 4_854_279, sha256="95aa6a52d5d6a735563366753ca50492a658031da74f301ac5238b03966972c9"),
    ),
)
