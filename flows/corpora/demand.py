"""DEMAND: 5 minutes of noise in each of 17 places, at 16 kHz, by an array of 16 microphones.

The channels lie in files of their own; they are one recording and become one row, [16, samples]. The place SCAFE was published
at 48 kHz only and is not among these archives.
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from catalog.manifests import Licence
from flows.adapter import Archive, AudioFile, Corpus, Metadata, Sound, Take
from flows.reading.archives import walk
from flows.reading.audio import decode
from flows.reading.members import ArchiveError, Member, kept
from synth import wav

_CHANNELS = range(1, 17)
_ARCHIVES = {
    "DKITCHEN": (110_501_049, "7ffbf52d7f4699f96927846103dc8788"),
    "DLIVING": (80_170_627, "46741384d9e434a0bd8b3ec1830b6052"),
    "DWASHING": (102_343_250, "7e5ee9437ce9409c5f9a779b6212a240"),
    "NFIELD": (86_536_782, "a740046c6f4e174e16f5d568aaec5024"),
    "NPARK": (86_029_332, "80f1385a34d7f1705758926b57f138ce"),
    "NRIVER": (98_689_565, "54264db61d3fe073fb81f2e40e0d19b5"),
    "OHALLWAY": (77_941_854, "fe918bbb0e63e73d09ba7f4843ef33f1"),
    "OMEETING": (82_703_355, "62f7cfe7fe6d30b7d8a215fe37c2dfd2"),
    "OOFFICE": (88_995_191, "7b61cc2d182d5a654cb9c3101ddd4041"),
    "PCAFETER": (107_431_494, "99927d148128254141a9417d051510bb"),
    "PRESTO": (111_292_815, "b98d2e6854eeebb397f29a8ad7457092"),
    "PSTATION": (119_441_094, "d7448009f6c2aeb6ba570375df1750a3"),
    "SPSQUARE": (110_928_528, "205d0e7b8fe74504a2f8d252fc414b9e"),
    "STRAFFIC": (118_572_691, "2efa87262f272bbf9ba578088e81939c"),
    "TBUS": (128_916_709, "706b11b0d8504f9f3b3f3211e91b3863"),
    "TCAR": (130_045_975, "4d930012796bd298932245a26189f973"),
    "TMETRO": (126_589_090, "95daf4df678e13b120e14211e6d89571"),
}
_PATH = re.compile(rf"(?:.*/)?({'|'.join(_ARCHIVES)})/ch(\d\d)\.wav")


def _read(sources: Sequence[Path], metadata: Metadata) -> Iterator[AudioFile]:
    for source in sources:
        places: dict[str, dict[int, Member]] = {}
        for member in walk(source):
            if match := _PATH.fullmatch(member.path):
                channels = places.setdefault(match[1], {})
                # What can be read again later is: a place has 150 MB.
                channels[int(match[2])] = kept(member)
                if channels.keys() >= set(_CHANNELS):
                    yield _place(source, match[1], places.pop(match[1]), in_place=member.lasting)
        for place, channels in places.items():
            missing = ", ".join(f"ch{channel:02}.wav" for channel in _CHANNELS if channel not in channels)
            raise ArchiveError(f"{source}: {place} lacks {missing}, and all channels are one recording; fetch its archive again")


def _place(source: Path, place: str, channels: dict[int, Member], *, in_place: bool) -> AudioFile:
    sound = Sound(id=place, category="noise", recording_id=place, official_split="all")
    data = partial(_joined, source, place, channels)
    size_bytes = sum(member.size_bytes for member in channels.values())
    return AudioFile(f"{place}/ch01-16.wav", data if in_place else data(), (Take(sound),), size_bytes=size_bytes)


def _joined(source: Path, place: str, channels: dict[int, Member]) -> bytes:
    first, sample_rate_hz = decode(channels[1].read(), f"{source}: {place}/ch01.wav")
    joined = np.empty((len(first), len(_CHANNELS)), np.int16)
    for column, channel in enumerate(_CHANNELS):
        samples, rate_hz = decode(channels[channel].read(), f"{source}: {place}/ch{channel:02}.wav")
        if (len(samples), rate_hz) != (len(joined), sample_rate_hz):
            raise ArchiveError(f"{source}: the channels of {place} differ in length or sample rate; fetch its archive again")
        joined[:, column] = samples
    return wav.encode_signal(joined.T, sample_rate_hz)


CORPUS = Corpus(
    name="demand",
    title="DEMAND",
    kind="noise",
    language="und",
    licence=Licence(
        name="CC-BY-SA-3.0",
        commercial_use=True,
        attribution="DEMAND, Joachim Thiemann, Nobutaka Ito, Emmanuel Vincent",
        notes="CC BY-SA 3.0 in its own document; Zenodo may say CC BY 4.0: the stricter one is taken",
    ),
    citation=(
        "Joachim Thiemann, Nobutaka Ito, Emmanuel Vincent: The Diverse Environments Multi-channel Acoustic Noise Database "
        "(DEMAND): A database of multichannel environmental noise recordings. ICA 2013."
    ),
    homepage="https://zenodo.org/records/1227121",
    sample_rate_hz=16_000,
    hours=1.4,
    num_channels=len(_CHANNELS),
    mirrors=("https://zenodo.org/records/1227121/files/{file}?download=1",),
    archives=tuple(Archive(f"{place}_16k.zip", size_bytes, md5) for place, (size_bytes, md5) in _ARCHIVES.items()),
    splits={"all": "train"},
    rows={"all": len(_ARCHIVES)},
    read=_read,
)
