"""Small metadata in the published formats, and generated audio under the paths that they name."""

import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.recipes import recipe
from synth.recipes.mixture import Mixture, Piece, Rendered, setting
from synth.recipes.wsj0mix import parse_active_powers

LIBRIMIX = """\
mixture_ID,source_1_path,source_1_gain,source_2_path,source_2_gain,noise_path,noise_gain
both,t/1/2/1-2-0001.flac,0.7875413348848695,t/3/4/3-4-0002.flac,1.4352834120507272,tt/long.wav,1.7990499862874463
clips,t/3/4/3-4-0002.flac,4.25,t/1/2/1-2-0001.flac,3.5006070025106,tt/short.wav,5.1
stereo,t/1/2/1-2-0003.flac,0.3442805985487599,t/3/4/3-4-0004.flac,0.2937217042985811,tt/stereo.wav,0.41137606088162976
"""


def _utterance(stem: str, file: str, words: list[str], start: float, orig_start: float, orig_stop: float, lvl: float):
    said = {"file": file, "words": words, "start": start, "orig_start": orig_start, "orig_stop": orig_stop}
    return said | {"lvl": lvl, "source": stem}


SPARSELIBRIMIX = json.dumps(
    [
        {
            "mixture_name": "mix_0000001",
            "s1": [
                _utterance("s1", "1/2/1-2-0001.flac", ["one", "two"], 0.246, 0.28, 0.71, -30.6),
                _utterance("s1", "1/2/1-2-0001.flac", ["three"], 0.7261, 0.9, 9.9, -29.3211),
            ],
            # The third speaker is added before the second. Loud enough to clip.
            "s3": [_utterance("s3", "3/4/3-4-0004.flac", [], 0.1, 0.0, 0.33, -2.5)],
            "s2": [_utterance("s2", "3/4/3-4-0002.flac", ["four"], 0.9, 0.1, 0.9, -31.25)],
            "noise": [
                {"file": "stereo.wav", "start": 0, "orig_start": 0.2, "orig_stop": 2.35, "lvl": -33.1, "channel": 1}
                | {"source": "noise"}
            ],
        }
    ]
)

WSJ0_MIX = """\
wsj0/et/1/1-2-0001.wav 0.60431 wsj0/dt/3/3-4-0002.wav -0.60431\x20
wsj0/et/1/1-2-0003.wav 0 wsj0/dt/3/3-4-0004.wav 1.25\x20
"""
ACTIVE_POWERS = "1-2-0001 1.1676097332637104e-02\n3-4-0002 9.7014932661818321e-03\n1-2-0003 2.5e-01\n3-4-0004 6.8e+01\n"

METADATA = {"librimix": LIBRIMIX, "sparselibrimix": SPARSELIBRIMIX, "wsj0-mix": WSJ0_MIX}
NUM_SAMPLES = {
    "1-2-0001": 20_000,
    "1-2-0003": 17_001,
    "3-4-0002": 24_321,
    "3-4-0004": 9_999,
    "long": 30_000,
    "short": 8_500,
    "stereo": 40_000,
}


def sound(path: str) -> NDArray[np.int16]:
    """int16 [samples, channels]: bursts of noise, the same for a file name every time, made of integers alone."""
    name = path.rpartition("/")[2].partition(".")[0]
    random = np.random.default_rng(zlib.crc32(name.encode()))
    num_samples = NUM_SAMPLES[name]
    loudness = np.repeat(random.integers(1, 12_000, num_samples // 1600 + 1), 1600)[:num_samples, None]
    return (random.integers(-1000, 1000, (num_samples, 2 if name == "stereo" else 1)) * loudness // 1000).astype(np.int16)


def load(piece: Piece) -> NDArray[np.float64]:
    """What a recipe is given of a piece's file."""
    samples = sound(piece.path)
    return samples[:, piece.channel if samples.shape[1] > 1 else 0] / 32768


def frames(piece: Piece) -> int:
    return len(sound(piece.path))


@dataclass(frozen=True)
class Published:
    """The metadata of a recipe, and what comes of them."""

    name: str
    text: str
    load: Callable[[Piece], NDArray[np.float64]] = load
    frames: Callable[[Piece], int] = frames

    def mixtures(self) -> list[Mixture]:
        mixtures = recipe(self.name).parse(self.text, "metadata")
        powers = parse_active_powers(ACTIVE_POWERS, "levels")
        known = recipe(self.name).takes_active_levels
        return [
            replace(mixture, pieces=tuple(replace(p, active_power=powers[p.source_id]) if known else p for p in mixture.pieces))
            for mixture in mixtures
        ]

    def rendered(self, types: tuple[str, ...], mode: str, sample_rate_hz: int) -> Iterator[tuple[Mixture, Rendered]]:
        how = setting(recipe(self.name), types, mode, sample_rate_hz)
        for mixture in self.mixtures():
            rendered = recipe(self.name).render(mixture, self.load, how)
            laid_out = recipe(self.name).layout(mixture, self.frames, how)
            signals = [*rendered.stems.values(), *rendered.mixtures.values()]
            assert {(len(signal), signal.dtype) for signal in signals} == {(laid_out.num_samples, np.dtype(np.int16))}
            yield mixture, rendered

    def digests(self, types: tuple[str, ...], mode: str, sample_rate_hz: int) -> dict[str, str]:
        """Of each stem and type, over all mixtures in order: the beginning of the SHA-256 of its samples."""
        hashes: dict[str, hashlib._Hash] = {}
        for _, rendered in self.rendered(types, mode, sample_rate_hz):
            for name, samples in (rendered.stems | rendered.mixtures).items():
                hashes.setdefault(name, hashlib.sha256()).update(samples.astype("<i2").tobytes())
        return {name: found.hexdigest()[:16] for name, found in sorted(hashes.items())}


@pytest.fixture
def published() -> Callable[[str], Published]:
    """`published("librimix")`: its metadata and generated audio."""
    return lambda name: Published(name, METADATA[name])
