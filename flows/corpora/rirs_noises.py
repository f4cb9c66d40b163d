"""RIRS_NOISES, its room impulse responses: 60,000 simulated ones and 325 real ones, most of these of several channels.

The noises in the same archive are the corpus `rirs_noises_noise`.
"""

import re
from dataclasses import replace

from catalog.manifests import Licence
from flows.adapter import Archive, Corpus, Metadata, Recording, Sound
from flows.fetch.mirrors import openslr

_SIMULATED = re.compile(r"(?:.*/)?simulated_rirs/((?:small|medium|large)room)/(Room\d+)/(\2-\d+)\.wav")
_REAL = re.compile(r"(?:.*/)?real_rirs_isotropic_noises/((?!.*noise)[A-Za-z0-9][^/]*)\.wav")


def _rir(path: str) -> Sound | None:
    if match := _SIMULATED.fullmatch(path):
        size, room, rir = match.groups()  # rooms and files have the same names in all three sizes
        return Sound(f"{size}-{rir}", "simulated", f"{size}-{rir}", "all", room_id=f"{size}-{room}")
    if match := _REAL.fullmatch(path):
        return Sound(match[1], "recorded", match[1], "all")
    return None


def _rooms(text: str, metadata: Metadata) -> None:
    """Lines as `--rir-id 1 --room-id aula RIRS_NOISES/real_rirs_isotropic_noises/name.wav`."""
    for line in filter(str.strip, text.splitlines()):
        fields = line.split()
        if len(fields) < 5 or fields[2] != "--room-id":
            metadata.not_understood.append(line)
        elif real := _REAL.fullmatch(fields[4]):
            metadata.facts[f"room of {real[1]}"] = fields[3]


def _with_room(recording: Recording, metadata: Metadata) -> Recording:
    if isinstance(recording, Sound) and recording.room_id is None:
        return replace(recording, room_id=metadata.facts.get(f"room of {recording.id}"))
    return recording


ARCHIVES = (Archive("rirs_noises.zip", None, "e6f48e257286e05de56413b4779d8ffb"),)
LICENCE = Licence(
    name="Apache-2.0",
    commercial_use=True,
    attribution="RIRS_NOISES, Tom Ko et al.; AIR, RWCP and REVERB 2014 databases; MUSAN",
    notes="AIR, RWCP, REVERB 2014 and MUSAN keep terms of their own",
)
CITATION = (
    "Tom Ko, Vijayaditya Peddinti, Daniel Povey, Michael L. Seltzer, Sanjeev Khudanpur: A study on data augmentation of "
    "reverberant speech for robust speech recognition. ICASSP 2017."
)

CORPUS = Corpus(
    name="rirs_noises",
    title="RIRS_NOISES: room impulse responses",
    kind="rir",
    language="und",
    licence=LICENCE,
    citation=CITATION,
    homepage="https://www.openslr.org/28/",
    sample_rate_hz=16_000,
    mirrors=openslr(28),
    archives=ARCHIVES,
    recalled=("200 rooms of each size with 100 simulated responses each.", "The real responses have 16 bits."),
    splits={"all": "train"},
    rows={"all": 60_325},
    identify=_rir,
    metadata={"rir_list": _rooms},
    settle=_with_room,
)
