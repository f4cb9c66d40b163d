"""Utterances made of noise, measured as ingest measures them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from synth.levels.frames import measure_frames
from synth.levels.loudness import MEASURES
from synth.render import Loads, render
from synth.spec import SeparationSpec

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


MakeSpec = Callable[..., SeparationSpec]


@pytest.fixture(scope="session")
def make_spec() -> MakeSpec:
    """`make_spec(mixtures=40, overlap="full" or {"mode": ...}, **keys of a spec)`, at the rate of `make_utterances`."""

    def make(mixtures: int = 40, overlap: str | dict[str, Any] = "full", **changes: Any) -> SeparationSpec:
        asked = {"name": "set", "kind": "separation", "corpus": "c", "sample_rate_hz": 8000, **changes}
        mode = {"mode": overlap} if isinstance(overlap, str) else overlap
        return SeparationSpec.model_validate({**asked, "splits": {"train": {"mixtures": mixtures}}, "overlap": mode})

    return make


CheckRow = Callable[[dict[str, Any], Any], list[float]]


@pytest.fixture(scope="session")
def check_row() -> CheckRow:
    """`check_row(row, load)`: renders a row without noise and compares everything that the row says with the samples.

    Returns the level of each source in dB, by the row's measure: the mean over the samples of its pieces, each measured alone.
    """

    def check(row: dict[str, Any], load: Any) -> list[float]:
        signals = render(row, Loads(load))
        n_src, num_samples = len(row["speaker_ids"]), row["num_samples"]
        assert sorted(signals) == sorted(["mixture", *(f"s{k}" for k in range(1, n_src + 1))])
        assert sorted(set(row["stem_numbers"])) == list(range(1, n_src + 1))
        assert len(set(row["speaker_ids"])) == n_src
        stems = [signals[f"s{k}"] for k in range(1, n_src + 1)]
        assert (signals["mixture"].astype(np.int32) == np.sum(stems, axis=0, dtype=np.int32)).all()
        said = np.zeros((n_src, num_samples), dtype=np.int64)
        powers, samples = np.zeros(n_src), np.zeros(n_src)
        for at, k in enumerate(row["stem_numbers"]):
            begin, length, start = (row[f"{name}_samples"][at] for name in ("offsets", "lengths", "starts"))
            assert 0 <= begin < begin + length <= num_samples
            said[k - 1, begin : begin + length] += 1
            source = load(row["source_ids"][at])[start : start + length]
            piece = stems[k - 1][begin : begin + length]
            assert (piece == np.rint(row["gains"][at] * source)).all()
            powers[k - 1] += length * 10 ** (MEASURES[row["level_measure"]](piece, row["sample_rate_hz"]) / 10)
            samples[k - 1] += length
        assert said.max() == 1  # a source does not speak over itself
        assert not np.any(np.stack(stems)[said == 0])
        speaking = said.sum(axis=0)
        spoken, shared = np.count_nonzero(speaking), np.count_nonzero(speaking > 1)
        assert row["overlap_ratio"] == pytest.approx(shared / spoken, abs=1e-12)
        peak = np.abs(signals["mixture"].astype(np.int32)).max()
        assert peak <= 32768 * 10 ** (row["peak_bound_dbfs"] / 20) * (1 + 1e-9) <= 32768
        levels: list[float] = (10 * np.log10(powers / samples)).tolist()
        assert row["level_db"] == pytest.approx(levels[0], abs=0.05)
        assert row["sir_db"] == pytest.approx([levels[0] - level for level in levels[1:]], abs=0.05)
        return levels

    return check
