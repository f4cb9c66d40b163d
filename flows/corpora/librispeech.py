"""LibriSpeech: 982 hours of English read for LibriVox by 2,484 speakers. Every archive repeats SPEAKERS.TXT."""

import re

from catalog.manifests import Licence
from flows.adapter import Archive, Corpus, Metadata, Utterance, transcript_lines

_SPLITS = {
    "train-clean-100": "train",
    "train-clean-360": "train",
    "train-other-500": "train",
    "dev-clean": "validation",
    "dev-other": "validation",
    "test-clean": "test",
    "test-other": "test",
}
_PATH = re.compile(rf"(?:.*/)?({'|'.join(_SPLITS)})/(\d+)/(\d+)/(\2-\3-\d{{4}})\.flac")
_GENDERS = {"F": "female", "M": "male"}


def _utterance(path: str) -> Utterance | None:
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    split, speaker, chapter, utterance = match.groups()
    return Utterance(utterance, speaker, f"{speaker}-{chapter}", split)


def _speakers(text: str, metadata: Metadata) -> None:
    for line in text.splitlines():
        if not line.strip() or line.startswith(";"):
            continue
        # At most four cuts: names hold "|" too ("|CBW|Simon").
        fields = [field.strip() for field in line.split("|", 4)]
        if len(fields) == 5 and fields[0].isdigit() and fields[1] in _GENDERS:
            metadata.genders[fields[0]] = _GENDERS[fields[1]]
        else:
            metadata.not_understood.append(line)


CORPUS = Corpus(
    name="librispeech",
    title="LibriSpeech",
    language="en",
    licence=Licence(name="CC-BY-4.0", commercial_use=True, attribution="LibriSpeech (c) 2014 by Vassil Panayotov"),
    citation=(
        "Vassil Panayotov, Guoguo Chen, Daniel Povey, Sanjeev Khudanpur: LibriSpeech: an ASR corpus based on "
        "public domain audio books. ICASSP 2015."
    ),
    homepage="https://www.openslr.org/12/",
    sample_rate_hz=16_000,
    archives=(
        Archive("dev-clean.tar.gz", 337_926_286, "42e2234ba48799c1f50f24a7926300a1"),
        Archive("dev-other.tar.gz", 314_305_928, "c8d0bcc9cca99d4f8b62fcc847357931"),
        Archive("test-clean.tar.gz", 346_663_984, "32fa31d27d2e1cad72775fee3f4849a9"),
        Archive("test-other.tar.gz", 328_757_843, "fb5a50374b501bb3bac4815ee91d3135"),
        Archive("train-clean-100.tar.gz", 6_387_309_499, "2a93770f6d5c6c964bc36631d331a522"),
        Archive("train-clean-360.tar.gz", 23_049_477_885, "c0e676e450a7ff2f54aeade5171606fa"),
        Archive("train-other-500.tar.gz", 30_593_501_606, "d1a0fd59409feb2c614ce4d30c387708"),
    ),
    splits=_SPLITS,
    utterance=_utterance,
    metadata={"*.trans.txt": transcript_lines, "SPEAKERS.TXT": _speakers},
    normalise=str.strip,
    normalisation="none: upper case without punctuation, as published",
)
