"""Google Speech Commands v0.02: 105,829 clips of about a second, 35 words. The word is the text.

The splits are those of the lists in the archive. The separate "test set" archive that other loaders call test repeats clips of
`testing_list.txt` and is not taken, nor are the noises in `_background_noise_`.
"""

import re
from dataclasses import replace
from functools import partial

from catalog.manifests import Licence
from flows.adapter import Archive, Corpus, Metadata, Recording, Utterance

_PATH = re.compile(r"(?:.*/)?([a-z]+)/([0-9a-f]{8})(_nohash_\d+)\.wav")


def _utterance(path: str) -> Utterance | None:
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    word, speaker, take = match.groups()  # files have the same names in the folders of all words
    utterance = f"{word}_{speaker}{take}"
    return Utterance(utterance, speaker, recording_id=utterance, official_split="train", text=word)


def _listed(split: str, text: str, metadata: Metadata) -> None:
    for path in text.split():
        utterance = _utterance(path)
        if utterance is None:
            metadata.not_understood.append(path)
        else:
            metadata.facts[utterance.id] = split
            metadata.facts[split] = "listed"


def _in_its_split(recording: Recording, metadata: Metadata) -> Recording | None:
    """Without both lists nobody knows what is for training."""
    if not {"validation", "test"} <= metadata.facts.keys():
        return None
    return replace(recording, official_split=metadata.facts.get(recording.id, "train"))


CORPUS = Corpus(
    name="speech_commands_v2",
    title="Google Speech Commands v0.02",
    language="en",
    licence=Licence(name="CC-BY-4.0", commercial_use=True, attribution="Speech Commands, Pete Warden, Google"),
    citation="Pete Warden: Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition. arXiv:1804.03209, 2018.",
    homepage="https://arxiv.org/abs/1804.03209",
    sample_rate_hz=16_000,
    mirrors=(
        "https://storage.googleapis.com/download.tensorflow.org/data/{file}",
        "http://download.tensorflow.org/data/{file}",
    ),
    archives=(
        Archive(
            "speech_commands_v0.02.tar.gz",
            2_428_923_189,
            sha256="af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
        ),
    ),
    recalled=("84,843 clips for training, 9,981 in validation_list.txt and 11,005 in testing_list.txt.",),
    splits={"train": "train", "validation": "validation", "test": "test"},
    rows={"train": 84_843, "validation": 9_981, "test": 11_005},
    identify=_utterance,
    metadata={"validation_list.txt": partial(_listed, "validation"), "testing_list.txt": partial(_listed, "test")},
    settle=_in_its_split,
)
