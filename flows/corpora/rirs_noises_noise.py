"""RIRS_NOISES, its noises: 843 point-source ones, which are MUSAN's from Freesound, and isotropic ones of several channels."""

import re

from flows.adapter import Corpus, Sound
from flows.corpora.rirs_noises import ARCHIVES, CITATION, LICENCE
from flows.fetch.mirrors import openslr

_PATH = re.compile(
    r"(?:.*/)?(?:pointsource_noises/(noise-[a-z-]+-\d{4})|real_rirs_isotropic_noises/([A-Za-z0-9][^/]*noise[^/]*))\.wav"
)


def _noise(path: str) -> Sound | None:
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    name = match[1] or match[2]
    return Sound(id=name, category="noise", recording_id=name, official_split="all")


CORPUS = Corpus(
    name="rirs_noises_noise",
    title="RIRS_NOISES: point-source and isotropic noises",
    kind="noise",
    language="und",
    licence=LICENCE.model_copy(update={"notes": "the point-source noises are MUSAN's (CC BY 4.0), with the same samples"}),
    citation=CITATION,
    homepage="https://www.openslr.org/28/",
    sample_rate_hz=16_000,
    mirrors=openslr(28),
    archives=ARCHIVES,
    recalled=("Point-source noises keep the names that they have in MUSAN.",),
    splits={"all": "train"},
    shares_recordings_with=("musan",),
    identify=_noise,
)
