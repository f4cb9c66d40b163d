"""Utterances made of noise, measured as ingest measures them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from synth.levels import measure_frames

Make = Callable[..., "Utterances"]


@dataclass
class Utterances:
    """A pool: its table as the planner takes it, and the audio behind it."""

    table: pa.Table
    audio: dict[str, NDArray[np.int16]]

    def load(self, utterance_id: str) -> NDArray[np.int16]:
        return self.audio[utterance_id]


def _noise(random: np.random.Generator, length: int, level: float, pause: float) -> NDArray[np.int16]:
    """Bursts and pauses of noise."""
    bursts = np.repeat(random.choice([pause, 0.3, 1.0], size=length // 400 + 1), 400)[:length]
    return np.clip(random.standard_normal(length) * bursts * level, -32768, 32767).astype(np.int16)


@pytest.fixture(scope="session")
def make_utterances() -> Make:
    """`make_utterances(speakers=4, each=10, seed=0, sample_rate_hz=8000, level=(50, 4000), seconds=(0.2, 1.0),
    pause=0.05)`; `pause` is the level of pauses against that of bursts."""

    def make(
        speakers: int = 4,
        each: int = 10,
        seed: int = 0,
        sample_rate_hz: int = 8000,
        level: tuple[float, float] = (50, 4000),
        seconds: tuple[float, float] = (0.2, 1.0),
        pause: float = 0.05,
    ) -> Utterances:
        random = np.random.default_rng(seed)
        rows, audio = [], {}
        for speaker in range(speakers):
            for number in range(each):
                samples = _noise(random, int(random.uniform(*seconds) * sample_rate_hz), random.uniform(*level), pause)
                energies, peaks = measure_frames(samples, sample_rate_hz)
                row_id = f"S{speaker:02d}W{number:03d}"
                audio[row_id] = samples
                rows.append(
                    {
                        "id": row_id,
                        "speaker_id": f"S{speaker:02d}",
                        "gender": "female" if speaker % 2 else "male",
                        "text": None if number == 0 else f"第{number}句",
                        "audio_sha256": hashlib.sha256(samples.tobytes()).hexdigest(),
                        "num_samples": len(samples),
                        "frame_energies": energies,
                        "frame_peaks": peaks,
                    }
                )
        schema = pa.schema(
            [
                *((name, pa.string()) for name in ("id", "speaker_id", "gender", "text", "audio_sha256")),
                ("num_samples", pa.int64()),
                ("frame_energies", pa.list_(pa.int64())),
                ("frame_peaks", pa.list_(pa.uint16())),
            ]
        )
        # Several chunks, since a corpus comes in several.
        tables = [pa.Table.from_pylist(rows[at : at + 7], schema=schema) for at in range(0, len(rows), 7)]
        return Utterances(pa.concat_tables(tables), audio)

    return make
