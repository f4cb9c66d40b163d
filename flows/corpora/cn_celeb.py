"""CN-Celeb 1 and 2: Chinese celebrities in eleven genres, for speaker verification; no texts.

The audio of `data` is taken. `eval/enroll` and `eval/test` hold the same again, partly joined.
"""

import re
from dataclasses import replace

from catalog.manifests import Licence
from flows.adapter import Archive, Corpus, Metadata, Recording, Utterance
from flows.fetch.mirrors import openslr

_PATH = re.compile(r"(?:.*/)?CN-Celeb(2?)(?:_flac)?/data/(id\d{5})/((.+)-\d+)\.(?:flac|wav)")


def _utterance(path: str) -> Utterance | None:
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    second, speaker, name, session = match.groups()
    return Utterance(f"{speaker}-{name}", speaker, f"{speaker}-{session}", "cn-celeb2" if second else "eval")


def _dev(text: str, metadata: Metadata) -> None:
    for speaker in text.split():
        metadata.facts[f"dev {speaker}"] = ""
        metadata.facts["dev.lst"] = "read"


def _in_its_split(recording: Recording, metadata: Metadata) -> Recording | None:
    """Without `dev.lst` nobody knows which speakers of CN-Celeb 1 are for training, so that they stay away."""
    if recording.official_split == "cn-celeb2" or not isinstance(recording, Utterance):
        return recording
    if "dev.lst" not in metadata.facts:
        return None
    return replace(recording, official_split="dev") if f"dev {recording.speaker_id}" in metadata.facts else recording


CORPUS = Corpus(
    name="cn_celeb",
    title="CN-Celeb 1 and 2",
    language="zh",
    licence=Licence(name="CC-BY-SA-4.0", attribution="CN-Celeb, CSLT, Tsinghua University", notes="recalled, not confirmed"),
    citation=(
        "Yue Fan, Jiawen Kang, Lantian Li et al.: CN-Celeb: A Challenging Chinese Speaker Recognition Dataset. ICASSP 2020. "
        "Lantian Li et al.: CN-Celeb: multi-genre speaker recognition. Speech Communication 137, 2022."
    ),
    homepage="https://www.openslr.org/82/",
    sample_rate_hz=16_000,
    mirrors=openslr(82),
    archives=(
        Archive("cn-celeb_v2.tar.gz", None, "7ab1b214028a7439e26608b2d5a0336c"),
        Archive(
            "cn-celeb2_v2.tar.gz",
            None,
            "55c47cf0b6d0bf793e88bf79d5dfc660",
            parts=(
                Archive("cn-celeb2_v2.tar.gzaa", None, "4cdf738cff565ce35ad34274848659c3"),
                Archive("cn-celeb2_v2.tar.gzab", None, "4ff59a7009b79ef7043498ad3882b81b"),
                Archive("cn-celeb2_v2.tar.gzac", None, "3aa8e6e7f7ec4382f9926b1b31498228"),
            ),
        ),
    ),
    recalled=(
        "CC BY-SA 4.0.",
        "CN-Celeb 1 and 2 have no speaker in common.",
        "A name is genre, session and number: what has genre and session in common was recorded in one go.",
    ),
    splits={"dev": "train", "cn-celeb2": "train", "eval": "test"},
    identify=_utterance,
    metadata={"dev.lst": _dev},
    settle=_in_its_split,
)
