"""VoxCeleb2: 2,440 hours of 6,112 celebrities speaking in YouTube videos, as AAC. The dev archive comes in eight parts."""

import re
from dataclasses import replace

from catalog.manifests import Licence
from flows.adapter import Archive, Corpus, Metadata, Recording, Utterance
from flows.fetch.mirrors import VOXCELEB, VOXCELEB_ACCESS, voxceleb_metadata

# The dev archive begins with dev/aac, the test archive with aac alone.
_PATH = re.compile(r"(?:.*?/)??(?:(dev|test)/)?aac/(id0\d{4})/([\w-]{11})/(\d{5})\.m4a")
_SPEAKER = re.compile(r"(id0\d{4})\s*,[^,]*,\s*([mf])\s*,\s*(dev|test)\s*")
_PARTS = {
    "aa": "da070494c573e5c0564b1d11c3b20577",
    "ab": "17fe6dab2b32b48abaf1676429cdd06f",
    "ac": "1de58e086c5edf63625af1cb6d831528",
    "ad": "5a043eb03e15c5a918ee6a52aad477f9",
    "ae": "cea401b624983e2d0b2a87fb5d59aa60",
    "af": "fc886d9ba90ab88e7880ee98effd6ae9",
    "ag": "d160ecc3f6ee3eed54d55349531cb42e",
    "ah": "6b84a81b9af72a9d9eecbb3b1f602e65",
}


def _identify(path: str) -> Utterance | None:
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    split, speaker, video, number = match.groups()
    return Utterance(f"{speaker}-{video}-{number}", speaker, f"{speaker}-{video}", split or "test")


def _settle(recording: Recording, metadata: Metadata) -> Recording:
    split = metadata.facts.get(recording.id[:7])
    return recording if split is None else replace(recording, official_split=split)


def _speakers(text: str, metadata: Metadata) -> None:
    """Rows of 6,114 speakers, padded with blanks; two of them, id04170 and id05348, have no audio."""
    for line in text.splitlines():
        match = _SPEAKER.fullmatch(line.strip())
        if match:
            speaker, gender, split = match.groups()
            metadata.genders[speaker] = "female" if gender == "f" else "male"
            metadata.facts[speaker] = split
        elif line.strip() and not line.startswith("VoxCeleb2 ID"):
            metadata.not_understood.append(line)


CORPUS = Corpus(
    name="voxceleb2",
    title="VoxCeleb2",
    language="und",
    hours=2440.1,
    licence=Licence(
        name="CC-BY-4.0",
        commercial_use=True,
        attribution="VoxCeleb2, Visual Geometry Group, University of Oxford",
        notes="the licence is that of the annotations: the copyright of the videos stays with their owners",
    ),
    citation="Joon Son Chung, Arsha Nagrani, Andrew Zisserman: VoxCeleb2: Deep Speaker Recognition. Interspeech 2018.",
    homepage="https://www.robots.ox.ac.uk/~vgg/data/voxceleb/vox2.html",
    sample_rate_hz=16_000,
    mirrors=VOXCELEB,
    access=VOXCELEB_ACCESS,
    archives=(
        Archive(
            "vox2_dev_aac.zip",
            md5="bbc063c46078a602ca71605645c2a402",
            parts=tuple(Archive(f"vox2_dev_aac_part{part}", md5=md5) for part, md5 in _PARTS.items()),
        ),
        Archive(
            "vox2_test_aac.zip",
            2_594_018_146,
            "0d2b3ea430a821c33263b5ea37ede312",
            "e4d9200107a7bc60f0b620d5dc04c3aab66681b649f9c218380ac43c6c722079",
        ),
        Archive(
            "vox2_meta.csv",
            159_126,
            sha256="9a4f437fcf78b8030e597941703ab82a4d1af314f6eba3952afafe8a3664bd1b",
            urls=voxceleb_metadata("vox2_meta.csv"),
        ),
    ),
    splits={"dev": "train", "test": "test"},
    rows={"dev": 1_092_009, "test": 36_237},
    identify=_identify,
    settle=_settle,
    metadata={"vox2_meta.csv": _speakers},
)
