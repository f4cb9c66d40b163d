"""Small corpora of noise in the official form of MUSAN and of DEMAND: something to make noisy speech with in the demo.

Nothing is recorded: noises of several colours, mains hum, clicks. Those of DEMAND's form are plane waves from all sides, heard by
an array of 16 microphones, so that their channels are coherent as those of a place are.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flows.demo.corpus import packed_tar
from synth import wav

SAMPLE_RATE_HZ = 16_000
PLACE_S = 5.0
_SPEED_OF_SOUND_M_S = 343.0
_WAVES = 6  # from as many directions a place is heard
_LOWEST_HZ = 50.0  # below it a noise gets no louder

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Noise:
    """A noise of a colour: `slope_db` per octave is 0 for white, -3 for pink, -6 for brown. Without hum `hum_hz` is 0."""

    name: str
    slope_db: float
    hum_hz: float = 0.0
    clicks_per_s: float = 0.0
    level_dbfs: float = -30.0
    duration_s: float = PLACE_S


PLACES = (
    Noise("DKITCHEN", -3, clicks_per_s=4),
    Noise("DWASHING", -4.5, hum_hz=50),
    Noise("NRIVER", 0, level_dbfs=-33),
    Noise("OOFFICE", -4.5, hum_hz=100, clicks_per_s=6, level_dbfs=-40),
    Noise("STRAFFIC", -6, level_dbfs=-27),
    Noise("TBUS", -6, hum_hz=60),
)
RECORDINGS = (
    Noise("free-sound/noise-free-sound-0000", 0, duration_s=6.0),
    Noise("free-sound/noise-free-sound-0001", -3, duration_s=9.0),
    Noise("free-sound/noise-free-sound-0002", -6, duration_s=4.0, level_dbfs=-24),
    Noise("free-sound/noise-free-sound-0003", -3, clicks_per_s=8, duration_s=1.2),  # repeated below a sentence
    Noise("free-sound/noise-free-sound-0004", -1.5, hum_hz=50, duration_s=5.0, level_dbfs=-36),
    Noise("sound-bible/noise-sound-bible-0000", -4.5, clicks_per_s=2, duration_s=7.0),
    Noise("sound-bible/noise-sound-bible-0001", -6, hum_hz=60, duration_s=0.8),
    Noise("sound-bible/noise-sound-bible-0002", 3, duration_s=5.0, level_dbfs=-36),  # hiss
)


def write_musan(folder: Path) -> Path:
    """Write `musan.tar.gz` into `folder`: mono noises of 0.8 to 9 s. The same bytes every time on one machine."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "musan.tar.gz"
    alone = np.zeros((1, 3))
    files = {
        f"musan/noise/{noise.name}.wav": wav.encode(_as_int16(noise, _heard(noise, number, alone))[0], SAMPLE_RATE_HZ)
        for number, noise in enumerate(RECORDINGS)
    }
    path.write_bytes(packed_tar(files))
    return path


def write_demand(folder: Path) -> list[Path]:
    """Write `<place>_16k.zip` of each place into `folder`: 16 files of 5 s. The same bytes every time on one machine."""
    folder.mkdir(parents=True, exist_ok=True)
    rows, columns = np.divmod(np.arange(16), 4)  # four staggered rows, neighbours 5 cm apart
    microphones_m = 0.05 * np.column_stack([columns + rows % 2 / 2, rows * np.sqrt(3) / 2, np.zeros(16)])
    paths = []
    for number, place in enumerate(PLACES):
        paths.append(folder / f"{place.name}_16k.zip")
        with zipfile.ZipFile(paths[-1], "w") as archive:
            for channel, samples in enumerate(_as_int16(place, _heard(place, 100 + number, microphones_m)), start=1):
                archive.writestr(zipfile.ZipInfo(f"{place.name}/ch{channel:02}.wav"), wav.encode(samples, SAMPLE_RATE_HZ))
    return paths


def _heard(noise: Noise, seed: int, microphones_m: Floats) -> Floats:
    """Plane waves as microphones at `microphones_m` ([microphones, 3]) hear them: float64 [microphones, samples]."""
    random = np.random.default_rng(seed)
    num_samples = round(noise.duration_s * SAMPLE_RATE_HZ)
    frequencies_hz = np.fft.rfftfreq(num_samples, 1 / SAMPLE_RATE_HZ)
    colour = (np.maximum(frequencies_hz, _LOWEST_HZ) / 1000) ** (noise.slope_db / (20 * np.log10(2)))
    colour[0] = 0.0
    colour /= np.sqrt(np.mean(colour**2))
    directions = random.standard_normal((_WAVES, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    spectra = np.zeros((len(microphones_m), len(frequencies_hz)), dtype=np.complex128)
    for number, direction in enumerate(directions):
        spectrum = np.fft.rfft(random.standard_normal(num_samples)) * colour
        if number == 0:  # hum and clicks come from one side
            spectrum += np.fft.rfft(_hum(noise, num_samples) + _clicks(noise, num_samples, random))
        delays_s = microphones_m @ direction / _SPEED_OF_SOUND_M_S
        spectra += spectrum * np.exp(-2j * np.pi * np.outer(delays_s, frequencies_hz))
    signals: Floats = np.fft.irfft(spectra, num_samples)
    return signals


def _hum(noise: Noise, num_samples: int) -> Floats:
    times_s = np.arange(num_samples) / SAMPLE_RATE_HZ
    tones = [np.sin(2 * np.pi * harmonic * noise.hum_hz * times_s) / harmonic for harmonic in (1, 2, 3, 5, 7)]
    hum: Floats = 2.0 * np.sum(tones, axis=0) * bool(noise.hum_hz)
    return hum


def _clicks(noise: Noise, num_samples: int, random: np.random.Generator) -> Floats:
    """Short bursts that die away within milliseconds."""
    clicks = np.zeros(num_samples)
    at = random.integers(0, num_samples, round(noise.clicks_per_s * num_samples / SAMPLE_RATE_HZ))
    clicks[at] = random.uniform(5, 20, len(at))
    burst = np.exp(-np.arange(160) / 25) * random.standard_normal(160)
    clicking: Floats = np.convolve(clicks, burst)[:num_samples]
    return clicking


def _as_int16(noise: Noise, signals: Floats) -> NDArray[np.int16]:
    """At its level, all channels by one gain, no sample beyond full scale."""
    gain = min(32768 * 10 ** (noise.level_dbfs / 20) / np.sqrt(np.mean(signals[0] ** 2)), 32000 / np.abs(signals).max())
    samples: NDArray[np.int16] = np.rint(gain * signals).astype(np.int16)
    return samples
