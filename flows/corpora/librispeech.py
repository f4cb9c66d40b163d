"""LibriSpeech: 982 hours of English read for LibriVox by 2,484 speakers. Every archive repeats SPEAKERS.TXT."""

import re

from catalog.manifests import Licence
from flows.adapter import Archive, Corpus, Metadata, Utterance, transcript_lines
from flows.fetch.mirrors import openslr

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
    hours=982,
    mirrors=openslr(12),
    archives=(
        Archive(
            "dev-clean.tar.gz",
            337_926_286,
            "42e2234ba48799c1f50f24a7926300a1",
            "76f87d090650617fca0cac8f88b9416e0ebf80350acb97b343a85fa903728ab3",
        ),
        Archive(
            "dev-other.tar.gz",
            314_305_928,
            "c8d0bcc9cca99d4f8b62fcc847357931",
            "12661c48e8c3fe1de2c1caa4c3e135193bfb1811584f11f569dd12645aa84365",
        ),
        Archive(
            "test-clean.tar.gz",
            346_663_984,
            "32fa31d27d2e1cad72775fee3f4849a9",
            "39fde525e59672dc6d1551919b1478f724438a95aa55f874b576be21967e6c23",
        ),
        Archive(
            "test-other.tar.gz",
            328_757_843,
            "fb5a50374b501bb3bac4815ee91d3135",
            "d09c181bba5cf717b3dee7d4d592af11a3ee3a09e08ae025c5506f6ebe961c29",
        ),
        Archive(
            "train-clean-100.tar.gz",
            6_387_309_499,
            "2a93770f6d5c6c964bc36631d331a522",
            "d4ddd1d5a6ab303066f14971d768ee43278a5f2a0aa43dc716b0e64ecbbbf6e2",
        ),
        Archive(
            "train-clean-360.tar.gz",
            23_049_477_885,
            "c0e676e450a7ff2f54aeade5171606fa",
            "146a56496217e96c14334a160df97fffedd6e0a04e66b9c5af0d40be3c792ecf",
        ),
        Archive(
            "train-other-500.tar.gz",
            30_593_501_606,
            "d1a0fd59409feb2c614ce4d30c387708",
            "ddb22f27f96ec163645d53215559df6aa36515f26e01dd70798188350adcb6d2",
        ),
    ),
    splits=_SPLITS,
    rows={
        "train-clean-100": 28_539,
        "train-clean-360": 104_014,
        "train-other-500": 148_688,
        "dev-clean": 2_703,
        "dev-other": 2_864,
        "test-clean": 2_620,
        "test-other": 2_939,
    },
    identify=_utterance,
    metadata={"*.trans.txt": transcript_lines, "SPEAKERS.TXT": _speakers},
    normalise=str.strip,
    normalisation="none: upper case without punctuation, as published",
)
