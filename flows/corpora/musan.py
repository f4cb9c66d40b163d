"""MUSAN: 109 hours of music, speech and noise at 16 kHz. Its files last from under a second to a quarter of an hour.

The files of `noise` from Freesound are in RIRS_NOISES too. Some of `speech` is read for LibriVox, as LibriSpeech is: by the same
readers perhaps, but whole chapters, so that no row has the samples of another.
"""

import re

from catalog.manifests import Licence
from flows.adapter import Archive, Corpus, Sound
from flows.fetch.mirrors import openslr

_PATH = re.compile(r"(?:.*/)?(music|speech|noise)/[a-z-]+/(\1-[a-z-]+-\d{4})\.wav")


def _sound(path: str) -> Sound | None:
    match = _PATH.fullmatch(path)
    return match and Sound(id=match[2], category=match[1], recording_id=match[2], official_split="all")


CORPUS = Corpus(
    name="musan",
    title="MUSAN",
    kind="noise",
    language="und",
    licence=Licence(
        name="CC-BY-4.0",
        commercial_use=True,
        attribution="MUSAN, David Snyder, Guoguo Chen, Daniel Povey; authors of the items in the archive's LICENSE files",
        notes="the items are CC BY or of the US public domain; 843 noises are in RIRS_NOISES too",
    ),
    citation="David Snyder, Guoguo Chen, Daniel Povey: MUSAN: A Music, Speech, and Noise Corpus. arXiv:1510.08484, 2015.",
    homepage="https://www.openslr.org/17/",
    sample_rate_hz=16_000,
    hours=109,
    mirrors=openslr(17),
    archives=(Archive("musan.tar.gz", 11_086_114_085, "0c472d4fc0c5141eca47ad1ffeb2a7df"),),
    recalled=("CC BY 4.0 for the collection.", "660 files of music, 426 of speech and 930 of noise."),
    splits={"all": "train"},
    shares_recordings_with=("rirs_noises_noise",),
    rows={"all": 2016},
    identify=_sound,
)
