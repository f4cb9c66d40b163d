"""WHAM! noise: 28,000 binaural recordings at 16 kHz from bars, cafés and the like, named after mixtures of WSJ0-2mix.

Not for commercial use. LibriMix's scripts write copies of another speed (`...sp08.wav`, `...sp12.wav`) beside the files of `tr`;
they are passed over.
"""

import re

from catalog.manifests import Licence
from flows.adapter import Archive, Corpus, Sound

_PATH = re.compile(r"(?:.*/)?wham_noise/(tr|cv|tt)/([a-z0-9][a-z0-9_.-]*?)(?<!sp08)(?<!sp12)\.wav")


def _noise(path: str) -> Sound | None:
    match = _PATH.fullmatch(path)
    return match and Sound(id=match[2], category="noise", recording_id=match[2], official_split=match[1])


CORPUS = Corpus(
    name="wham_noise",
    title="WHAM! noise",
    kind="noise",
    language="und",
    licence=Licence(name="CC-BY-NC-4.0", commercial_use=False, attribution="WHAM!, Whisper.ai and Mitsubishi Electric"),
    citation=(
        "Gordon Wichern, Joe Antognini, Michael Flynn, Licheng Richard Zhu, Emmett McQuinn, Dwight Crow, Ethan Manilow, "
        "Jonathan Le Roux: WHAM!: Extending Speech Separation to Noisy Environments. Interspeech 2019."
    ),
    homepage="http://wham.whisper.ai/",
    sample_rate_hz=16_000,
    mirrors=(
        "https://my-bucket-a8b4b49c25c811ee9a7e8bba05fa24c7.s3.amazonaws.com/{file}",
        "https://storage.googleapis.com/whisper-public/{file}",
    ),
    archives=(Archive("wham_noise.zip"),),
    recalled=("16 kHz, 2 channels, 16 bits.", "No checksum is published, and the size is about 17.8 GB."),
    splits={"tr": "train", "cv": "validation", "tt": "test"},
    rows={"tr": 20_000, "cv": 5_000, "tt": 3_000},
    identify=_noise,
)
