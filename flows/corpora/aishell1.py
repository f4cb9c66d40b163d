"""AISHELL-1: 179 hours of read Mandarin by 400 speakers. 325 of its 141,925 files have no transcript."""

import re

from catalog.manifests import Licence
from flows.adapter import Archive, Corpus, Metadata, Utterance, transcript_lines
from flows.fetch.mirrors import openslr

_PATH = re.compile(r"(?:.*/)?(train|dev|test)/(S\d{4})/(BAC009\2W\d{4})\.wav")
_SPEAKER = re.compile(r"S?(\d{4})\s+([FMfm])")
# Full-width ！ to ～ stand 0xFEE0 above ASCII ! to ~; the ideographic space is a space.
_TO_ASCII = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}


def _utterance(path: str) -> Utterance | None:
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    split, speaker, utterance = match.groups()
    return Utterance(utterance, speaker, utterance, split)


def _speakers(text: str, metadata: Metadata) -> None:
    for line in filter(str.strip, text.splitlines()):
        match = _SPEAKER.fullmatch(line.strip())
        if match is None:
            metadata.not_understood.append(line)
        else:
            metadata.genders[f"S{match[1]}"] = "female" if match[2] in "Ff" else "male"


def _normalise(text: str) -> str:
    return "".join(text.translate(_TO_ASCII).split())


CORPUS = Corpus(
    name="aishell1",
    title="AISHELL-1",
    language="zh-CN",
    licence=Licence(
        name="Apache-2.0",
        attribution="AISHELL-1, Beijing Shell Shell Technology",
        notes="tagged Apache-2.0, described as free for academic use: ask before commercial use",
    ),
    citation=(
        "Hui Bu, Jiayu Du, Xingyu Na, Bengu Wu, Hao Zheng: AISHELL-1: An open-source Mandarin speech corpus "
        "and a speech recognition baseline. O-COCOSDA 2017."
    ),
    homepage="https://www.openslr.org/33/",
    sample_rate_hz=16_000,
    hours=179,
    mirrors=openslr(33),
    archives=(
        Archive("data_aishell.tgz", 15_582_913_665, "2f494334227864a8a8fec932999db9d8"),
        Archive("resource_aishell.tgz", 1_246_920, "957d480a0fcac85fc18e550756f624e5"),
    ),
    splits={"train": "train", "dev": "validation", "test": "test"},
    rows={"train": 120_098, "dev": 14_326, "test": 7_176},
    identify=_utterance,
    metadata={"aishell_transcript_v*.txt": transcript_lines, "speaker.info": _speakers},
    normalise=_normalise,
    normalisation="full-width letters, digits and punctuation to ASCII; spaces between words removed",
)
