"""VCTK 0.92 as its second microphone heard it (Sennheiser MKH 800): the same archive and texts as `vctk`.

It failed for two speakers. Utterances have the ids of `vctk`, so that both can be put beside each other.
"""

import re
from dataclasses import replace

from flows.adapter import Utterance
from flows.corpora import vctk

_PATH = re.compile(r"(?:.*/)?wav48_silence_trimmed/([ps]\d+)/(\1_\d+)_mic2\.flac")


def _utterance(path: str) -> Utterance | None:
    match = _PATH.fullmatch(path)
    return match and Utterance(id=match[2], speaker_id=match[1], recording_id=match[2], official_split="all")


CORPUS = replace(vctk.CORPUS, name="vctk_mic2", title="VCTK 0.92, second microphone", rows={}, identify=_utterance)
