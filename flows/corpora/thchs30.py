"""THCHS-30: 33.5 hours of read Mandarin.

Audio is taken from the folders of the splits, texts from `data`, which holds all audio again. What lies beside the audio of the
splits under the names of transcripts only says where in `data` these are.
"""

import re

from catalog.manifests import Licence
from flows.adapter import Archive, Corpus, Utterance
from flows.fetch.mirrors import openslr

_PATH = re.compile(r"(?:.*/)?(train|dev|test)/(([A-D]\d+)_\d+)\.wav")
_TRANSCRIPT = re.compile(r"(?:.*/)?data/([A-D]\d+_\d+)\.wav\.trn")


def _utterance(path: str) -> Utterance | None:
    match = _PATH.fullmatch(path)
    return match and Utterance(id=match[2], speaker_id=match[3], recording_id=match[2], official_split=match[1])


def _transcript(path: str) -> str | None:
    match = _TRANSCRIPT.fullmatch(path)
    return match and match[1]


def _normalise(text: str) -> str:
    words = text.partition("\n")[0].split()  # the second line has syllables, the third initials and finals
    return "".join(word for word in words if word not in ("l", "=", "l="))


CORPUS = Corpus(
    name="thchs30",
    title="THCHS-30",
    language="zh-CN",
    licence=Licence(name="Apache-2.0", commercial_use=True, attribution="THCHS-30, CSLT, Tsinghua University"),
    citation="Dong Wang, Xuewei Zhang: THCHS-30: A Free Chinese Speech Corpus. arXiv:1512.01882, 2015.",
    homepage="https://www.openslr.org/18/",
    sample_rate_hz=16_000,
    hours=33.5,
    mirrors=openslr(18),
    archives=(Archive("data_thchs30.tgz", 6_453_425_169, "2d2252bde5c8429929e1841d4cb95e90"),),
    recalled=(
        "Apache-2.0.",
        "The folders of the splits hold the audio itself, and no links: a link in an archive is refused; unpack it then.",
        "No speaker is in two splits.",
    ),
    splits={"train": "train", "dev": "validation", "test": "test"},
    rows={"train": 10_000, "dev": 893, "test": 2_495},
    identify=_utterance,
    transcript=_transcript,
    normalise=_normalise,
    normalisation='the first of three lines (words); spaces between words and a stray "l =" removed',
)
