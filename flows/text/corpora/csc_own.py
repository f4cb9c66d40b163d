"""Correction pairs of our own: pycorrector's JSON, or lines of wrong, tab, right."""

from catalog.manifests import Licence
from flows.text.adapter import TextCorpus
from flows.text.csc import read_pairs

_SPLITS = {"*dev*.": "dev", "*valid*.": "dev", "*test*.": "test"}
CORPUS = TextCorpus(
    name="csc_own",
    title="Own correction pairs",
    kind="csc",
    language="zh",
    licence=Licence(name="own", notes="ask whoever wrote the texts"),
    citation="",
    homepage="https://github.com/shibing624/pycorrector",
    files={
        **{pattern + suffix: split for suffix in ("json", "jsonl", "tsv") for pattern, split in _SPLITS.items()},
        **dict.fromkeys(("*.json", "*.jsonl", "*.tsv"), "train"),
    },
    splits={"train": "train", "dev": "validation", "test": "test"},
    read=read_pairs,
)
