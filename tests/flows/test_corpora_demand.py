"""DEMAND: sixteen files of one place become one recording."""

import io
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

import catalog
from flows import corpora
from flows.adapter import Metadata
from flows.recordings.dry_ingest import dry_ingest
from flows.recordings.ingest import ingest
from synth.errors import YuliaoError

CORPUS = corpora.get("demand")
Place = dict[str, bytes]


@pytest.fixture
def place(write_audio: Callable[..., bytes]) -> Callable[[str], Place]:
    """The sixteen files of a place."""
    return lambda name: {f"{name}/ch{channel:02}.wav": write_audio() for channel in range(1, 17)}


def test_ingest(root_url: str, place: Callable[[str], Place], pack_archive: Callable[..., Path]) -> None:
    """[16, samples] in the order of the channels, whatever that of the archive; one zip for each place."""
    kitchen = place("DKITCHEN")
    sources = [
        pack_archive("DKITCHEN_16k.zip", dict(reversed(kitchen.items()))),
        pack_archive("TBUS_16k.zip", place("TBUS")),
    ]
    assert ingest("demand", sources, workers=1).created
    rows = {row["id"]: row for row in catalog.get("demand", split="train")}
    assert rows.keys() == {"DKITCHEN", "TBUS"}
    expected = [soundfile.read(io.BytesIO(data), dtype="float32")[0] for _, data in sorted(kitchen.items())]
    np.testing.assert_array_equal(rows["DKITCHEN"]["audio"]["array"], np.stack(expected))
    assert rows["DKITCHEN"]["num_channels"] == 16
    assert len(rows["DKITCHEN"]["frame_energies"]) == 10
    assert catalog.verify("demand").ok
    assert not ingest("demand", sources[::-1], workers=1).created


@pytest.mark.parametrize(("archive", "travels"), [("DKITCHEN_16k.zip", False), ("DKITCHEN.tar", True)])
def test_workers_read_a_place_where_they_can(
    archive: str, travels: bool, place: Callable[[str], Place], pack_archive: Callable[..., Path]
) -> None:
    """A place has 150 MB: out of a zip it never passes through the process that reads the archives, out of a tar it has to."""
    assert CORPUS.read is not None
    [audio] = CORPUS.read([pack_archive(archive, place("DKITCHEN"))], Metadata())
    assert isinstance(audio.data, bytes) == travels
    if not isinstance(audio.data, bytes):
        assert len(pickle.dumps(audio)) < 10_000
        assert len(audio.data()) == pytest.approx(audio.size_bytes, abs=1000)


def test_a_dry_run_counts_all_channels(root_url: str) -> None:
    """17 places of 5 minutes by 16 microphones; FLAC has no room for them, so that they are kept as WAV."""
    pcm_bytes = 17 * 300 * 16_000 * 16 * 2
    for encoding in ("wav", "flac"):
        assert dry_ingest(CORPUS, [], encoding).catalog_bytes == pytest.approx(pcm_bytes, rel=0.02)


def test_a_missing_channel_is_named(root_url: str, place: Callable[[str], Place], pack_archive: Callable[..., Path]) -> None:
    files = place("DKITCHEN")
    del files["DKITCHEN/ch07.wav"]
    with pytest.raises(YuliaoError, match=r"DKITCHEN lacks ch07.wav"):
        ingest("demand", [pack_archive("DKITCHEN_16k.zip", files)], workers=1)


def test_channels_of_other_lengths_are_no_recording(
    root_url: str, place: Callable[[str], Place], write_audio: Callable[..., bytes], pack_archive: Callable[..., Path]
) -> None:
    files = place("DKITCHEN") | {"DKITCHEN/ch03.wav": write_audio(seconds=0.2)}
    with pytest.raises(YuliaoError, match=r"the channels of DKITCHEN differ in length"):
        ingest("demand", [pack_archive("DKITCHEN_16k.zip", files)], workers=1)
