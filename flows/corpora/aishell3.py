"""AISHELL-3: 85 hours of Mandarin by 218 speakers, for synthesis, at 44.1 kHz. Texts hold readings too."""

import re

from catalog.manifests import Licence
from flows.adapter import Archive, Corpus, Metadata, Utterance
from flows.fetch.mirrors import openslr

_PATH = re.compile(r"(?:.*/)?(train|test)/wav/(SSB\d{4})/(\2\d{4})\.wav")
_CONTENT = re.compile(r"(SSB\d{8})\.wav\t(.+)")
_READING = re.compile(r"[a-zü:]+[0-5]")
_GENDERS = ("female", "male")


def _utterance(path: str) -> Utterance | None:
    match = _PATH.fullmatch(path)
    return match and Utterance(id=match[3], speaker_id=match[2], recording_id=match[3], official_split=match[1])


def _content(text: str, metadata: Metadata) -> None:
    """Lines as `SSB00050001.wav`, a tab, `广 guang3 州 zhou1`."""
    for line in filter(str.strip, text.splitlines()):
        match = _CONTENT.fullmatch(line.strip())
        if match is None:
            metadata.not_understood.append(line)
        else:
            metadata.texts[match[1]] = match[2]


def _speakers(text: str, metadata: Metadata) -> None:
    """Lines of speaker, age group, gender and accent."""
    for line in filter(str.strip, text.splitlines()):
        fields = line.split()
        if len(fields) > 2 and fields[2] in _GENDERS:
            metadata.genders[fields[0]] = fields[2]
        elif not line.startswith("#"):
            metadata.not_understood.append(line)


def _normalise(text: str) -> str:
    # By their form, not by their place: with erhua a character has no reading of its own.
    return "".join(token for token in text.split() if not _READING.fullmatch(token))


CORPUS = Corpus(
    name="aishell3",
    title="AISHELL-3",
    language="zh-CN",
    licence=Licence(
        name="Apache-2.0",
        attribution="AISHELL-3, Beijing Shell Shell Technology",
        notes="tagged Apache-2.0, described as for academic use: ask before commercial use",
    ),
    citation=(
        "Yao Shi, Hui Bu, Xin Xu, Shaoji Zhang, Ming Li: AISHELL-3: A Multi-speaker Mandarin TTS Corpus and the Baselines. "
        "arXiv:2010.11567, 2020."
    ),
    homepage="https://www.openslr.org/93/",
    sample_rate_hz=44_100,
    hours=85,
    mirrors=openslr(93),
    archives=(Archive("data_aishell3.tgz", None, "6833e9dcb47709d4e153e2f669e5ddc8"),),
    recalled=(
        "63,262 utterances of 174 speakers in train, 24,773 of 44 in test; no speaker in both.",
        "The MD5 of the archive comes from a single source.",
    ),
    splits={"train": "train", "test": "test"},
    rows={"train": 63_262, "test": 24_773},
    identify=_utterance,
    metadata={"content.txt": _content, "spk-info.txt": _speakers},
    normalise=_normalise,
    normalisation="readings (pinyin with tone) and spaces removed",
)
