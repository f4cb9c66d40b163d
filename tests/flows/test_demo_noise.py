"""The demo's noises: in the form of MUSAN and DEMAND, and taken in by the real ingest."""

import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import coherence

import catalog
from flows.demo.noise import PLACES, RECORDINGS, SAMPLE_RATE_HZ, write_demand, write_musan
from flows.recordings.ingest import ingest


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("noise")
    write_musan(folder / "musan")
    write_demand(folder / "demand")
    return folder


def test_they_have_the_official_layout(archives: Path) -> None:
    with tarfile.open(archives / "musan" / "musan.tar.gz") as tar:
        assert tar.getnames()[0] == "musan/noise/free-sound/noise-free-sound-0000.wav"
        assert len(tar.getnames()) == len(RECORDINGS)
    with zipfile.ZipFile(archives / "demand" / "DKITCHEN_16k.zip") as archive:
        assert archive.namelist() == [f"DKITCHEN/ch{channel:02}.wav" for channel in range(1, 17)]
    assert len(list((archives / "demand").iterdir())) == len(PLACES)


def test_they_are_the_same_every_time(archives: Path, tmp_path: Path) -> None:
    again = [write_musan(tmp_path / "musan"), *write_demand(tmp_path / "demand")]
    for path in again:
        assert path.read_bytes() == (archives / path.parent.name / path.name).read_bytes()


def test_they_are_ingested_whole_and_sound_as_they_should(archives: Path) -> None:
    """At the levels they say, unclipped, and between channels of a place as coherent as sound from all sides is."""
    for corpus in ("musan", "demand"):
        ingest(corpus, [archives / corpus], workers=1)
    levels = {noise.name.rpartition("/")[2]: noise.level_dbfs for noise in (*RECORDINGS, *PLACES)}
    for corpus, channels, rows in (("musan", 1, len(RECORDINGS)), ("demand", 16, len(PLACES))):
        noises = catalog.get(corpus, split="train")
        assert len(noises) == rows
        for row in noises:
            signal = np.atleast_2d(row["audio"]["array"])
            assert len(signal) == channels
            assert 20 * np.log10(np.std(signal[0])) == pytest.approx(levels[row["id"]], abs=0.1)
            assert np.abs(signal).max() < 0.99
            if channels > 1:
                bins_hz, near = coherence(signal[0], signal[1], SAMPLE_RATE_HZ, nperseg=512)  # 5 cm apart
                _, far = coherence(signal[0], signal[15], SAMPLE_RATE_HZ, nperseg=512)
                assert near[bins_hz < 500].mean() > 0.9
                assert far[bins_hz > 2000].mean() < 0.7
