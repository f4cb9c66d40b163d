"""Bad asks for noise and rooms through the command line: one line that names what is wrong, exit code 2, nothing published."""

import hashlib
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

import catalog
from catalog.kinds import rir_schema
from catalog.roots import open_root
from flows.cli import run
from synth import wav

RATE_HZ = 16_000
ROOM = "simulate: {rt60_s: 0.2, size_m: [4.0, 3.5, 2.6], max_order: 2}"
ARRAY = "array: {geometry: linear, microphones: 4, spacing_m: 0.05}"
Signal = NDArray[np.float32]


@pytest.fixture
def url(home: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> str:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("YULIAO_CATALOG", str(tmp_path / "catalog"))
    return str(tmp_path / "catalog")


@pytest.fixture
def root(url: str) -> Any:
    """Of the corpora that `publish_noise` publishes."""
    return open_root(url)


@pytest.fixture
def corpora(url: str, root: Any, ingest_talk: Any, publish_noise: Callable[..., Any], examples: ModuleType) -> set[str]:
    """Speech, noises and RIRs, good and bad; their names."""
    ingest_talk(url, {"train-clean-100": 5, "test-clean": 4})
    random = np.random.default_rng(0)

    def hiss(channels: int = 1) -> Any:
        signal = (random.standard_normal((channels, RATE_HZ)) * 1000).astype(np.int16)
        return signal[0] if channels == 1 else signal

    publish_noise("hisses", train={"a": hiss(), "b": hiss()}, test={"c": hiss(), "d": hiss()})
    publish_noise("silence", train={"z": np.zeros(RATE_HZ, np.int16)}, test={"y": np.zeros(RATE_HZ + 1, np.int16)})
    publish_noise("single", train={"only": hiss()})
    publish_noise("narrow", rate_hz=8000, train={"n": hiss()}, test={"m": hiss()})
    decay = (random.standard_normal(4000) * 10 ** (-3 * np.arange(4000) / 3200)).astype(np.float32)
    broken = decay.copy()
    broken[100] = np.nan
    publish_rirs(root, examples, "decays", {"r": decay})
    publish_rirs(root, examples, "nothing", {"quiet": 0 * decay})
    publish_rirs(root, examples, "broken", {"nan": broken})
    return {listed.name for listed in catalog.list_datasets(root=url)}


def publish_rirs(root: Any, examples: ModuleType, name: str, rirs: Mapping[str, Signal]) -> None:
    rows = []
    for rir_id, rir in rirs.items():
        row = {
            "id": rir_id,
            "category": "real",
            "recording_id": rir_id,
            "official_split": "train",
            "sample_rate_hz": RATE_HZ,
            "num_samples": len(rir),
            "num_channels": 1,
            "duration_s": len(rir) / RATE_HZ,
            "audio_sha256": hashlib.sha256(rir.tobytes()).hexdigest(),
            "audio": {"bytes": wav.encode_signal(rir, RATE_HZ), "path": None},
        }
        rows.append(examples._digested(row, rir_schema(RATE_HZ)))
    batch = pa.RecordBatch.from_pylist(rows, schema=rir_schema(RATE_HZ))
    shards = {"train": [examples.write_shard(root, name, "train", batch)]}
    licence = examples.LICENCE
    catalog.publish(name, kind="rir", splits=shards, fingerprint=name, root=root.url, licence=licence, sample_rate_hz=RATE_HZ)


BAD: dict[str, tuple[list[str], str]] = {
    "SNR turned round": (["noise={corpus: hisses, snr_db: {uniform: [10, 0]}}"], "noise.snr_db: the range [10.0, 0.0] is turned"),
    "SNR out of reach": (["noise={corpus: hisses, snr_db: 60}"], "snr_db lies within -40 and 40 dB"),
    "noise below 16 bits": (["noise={corpus: hisses, snr_db: 30}", "levels.level_db=-60"], "put the noise at -90 dB"),
    "RT60 too short": ([f"rooms={{{ROOM.replace('0.2', '0.02')}, rooms: 4}}"], "an RT60 of 0.02 s is impossible"),
    "too few rooms": ([f"rooms={{{ROOM}, rooms: 1}}"], "rooms asks for 1"),
    "RIRs without energy": (["rooms={corpus: nothing}"], "nothing@1 has no RIR that can be used: has no energy"),
    "RIRs with NaN": (["rooms={corpus: broken}"], "broken@1 has no RIR that can be used: has samples that are not finite"),
    "too few RIRs": (["rooms={corpus: decays}"], "decays@1 has 1 rooms for the splits train, test"),
    "silent noises": (["noise={corpus: silence}"], "left out: 1 silent"),
    "too few noises": (["noise={corpus: single}"], "single@1 has 1 recordings of noise, too few"),
    "too many at once": (["noise={corpus: hisses, count: 3}"], "asks for 3 noises, and the split has 2"),
    "noise of a low rate": (["noise={corpus: narrow}"], "the noise of narrow has 8000 Hz"),
    "mono under an array": (
        ["noise={corpus: hisses}", f"rooms={{{ROOM[:-1]}, {ARRAY}}}, rooms: 4}}"],
        "hisses has noises of 1 channel, and the mixtures have 4 microphones",
    ),
    "speech for noise": (["noise={corpus: librispeech}"], "librispeech is of kind 'speech': noise.corpus"),
    "noise for rooms": (["rooms={corpus: hisses}"], "hisses@1 is of kind 'noise': rooms need a corpus of kind 'rir'"),
    "RIRs for noise": (["noise={corpus: decays}"], "decays is of kind 'rir': noise.corpus"),
    "no such noise": (["noise={corpus: hises}"], "no dataset 'hises' in catalog"),
    "no such RIRs": (["rooms={corpus: decay}"], "no dataset 'decay' in catalog"),
    "babble of nobody": (["noise={babble: {talkers: 2}}"], "has nobody to babble"),
    "a rate too high": (["sample_rate_hz=48000", "noise={corpus: hisses}"], "librispeech has 16000 Hz"),
    "a frequency too high": (
        ["degradations={mixture: [{transform: LowPassFilter, parameters: {cutoff_hz: 8000}}]}"],
        "cutoff_hz of LowPassFilter reaches 8000 Hz",
    ),
    "an overlap too large": (["overlap={mode: partial, ratio: 1.0}"], "reach an overlap ratio of 1.000"),
}


def test_what_cannot_be_is_one_line(url: str, corpora: set[str], capsys: pytest.CaptureFixture[str]) -> None:
    for name, (asked, said) in BAD.items():
        counts = ["splits.train.mixtures=4", "splits.validation.mixtures=0", "splits.test.mixtures=4"]
        settings = [argument for key in [*counts, *asked] for argument in ("--set", key)]
        for dry in ([], ["--dry-run"]):
            code = run(["build", "sep_2spk_partial", "--corpus", "librispeech", "--workers", "1", *settings, *dry])
            lines = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
            assert (code, len(lines)) == (2, 1), f"{name}: {lines}"
            assert said in lines[0], f"{name}: {lines[0]}"
    assert {listed.name for listed in catalog.list_datasets(root=url)} == corpora
