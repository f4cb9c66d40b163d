"""VCTK 0.92: 41 hours of English in many accents by 110 speakers at 48 kHz.

Two microphones recorded every utterance; the first one's files are taken (DPA 4035), since the second failed for two speakers:
`vctk_mic2` has its files.
Speaker p315 has no texts.
"""

import re

from catalog.manifests import Licence
from flows.adapter import Archive, Corpus, Metadata, Utterance

_PATH = re.compile(r"(?:.*/)?wav48_silence_trimmed/([ps]\d+)/(\1_\d+)_mic1\.flac")
_TRANSCRIPT = re.compile(r"(?:.*/)?txt/([ps]\d+)/(\1_\d+)\.txt")
_GENDERS = {"F": "female", "M": "male"}


def _utterance(path: str) -> Utterance | None:
    match = _PATH.fullmatch(path)
    return match and Utterance(id=match[2], speaker_id=match[1], recording_id=match[2], official_split="all")


def _transcript(path: str) -> str | None:
    match = _TRANSCRIPT.fullmatch(path)
    return match and match[2]


def _speakers(text: str, metadata: Metadata) -> None:
    """Columns of id, age, gender, accent, region and comments, with blanks between."""
    for line in filter(str.strip, text.splitlines()):
        fields = line.split()
        if len(fields) > 2 and fields[2] in _GENDERS:
            metadata.genders[fields[0]] = _GENDERS[fields[2]]
        elif fields[0] != "ID":
            metadata.not_understood.append(line)


CORPUS = Corpus(
    name="vctk",
    title="VCTK 0.92",
    language="en",
    licence=Licence(name="CC-BY-4.0", commercial_use=True, attribution="CSTR VCTK Corpus, University of Edinburgh"),
    citation=(
        "Junichi Yamagishi, Christophe Veaux, Kirsten MacDonald: CSTR VCTK Corpus: English Multi-speaker Corpus for CSTR Voice "
        "Cloning Toolkit (version 0.92). University of Edinburgh, 2019. doi:10.7488/ds/2645"
    ),
    homepage="https://datashare.ed.ac.uk/handle/10283/3443",
    sample_rate_hz=48_000,
    hours=41,
    mirrors=(
        "https://datashare.ed.ac.uk/bitstream/handle/10283/3443/{file}",
        "https://datashare.is.ed.ac.uk/bitstream/handle/10283/3443/{file}",
    ),
    archives=(
        Archive(
            "VCTK-Corpus-0.92.zip",
            11_747_302_977,
            sha256="f96258be9fdc2cbff6559541aae7ea4f59df3fcaf5cf963aae5ca647357e359c",
        ),
    ),
    splits={"all": "train"},
    rows={"all": 43_873},
    identify=_utterance,
    metadata={"speaker-info.txt": _speakers},
    transcript=_transcript,
    normalise=str.strip,
    normalisation="none: case and punctuation as published",
)
