"""RIRS_NOISES, noises: paths as in the official archive; point-source noises are found to be MUSAN's."""

from collections.abc import Callable
from pathlib import Path

import pytest

import catalog
from flows import corpora
from flows.adapter import Sound
from flows.recordings.ingest import ingest

NOISE = corpora.get("rirs_noises_noise")
ISOTROPIC = "RVB2014_type1_noise_largeroom1_1"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("RIRS_NOISES/pointsource_noises/noise-free-sound-0842.wav", "noise-free-sound-0842"),
        (f"RIRS_NOISES/real_rirs_isotropic_noises/{ISOTROPIC}.wav", ISOTROPIC),
        ("RIRS_NOISES/real_rirs_isotropic_noises/RVB2014_type1_rir_largeroom1_far_angla.wav", None),
        ("RIRS_NOISES/simulated_rirs/smallroom/Room001/Room001-00001.wav", None),
        ("RIRS_NOISES/pointsource_noises/noise_list", None),
    ],
)
def test_paths(path: str, expected: str | None) -> None:
    """Point-source noises keep their names of MUSAN."""
    assert NOISE.identify is not None
    assert NOISE.identify(path) == (expected and Sound(expected, "noise", expected, "all"))


def test_the_same_noise_as_in_musan_is_found_by_its_samples(
    root_url: str, write_audio: Callable[..., bytes], pack_archive: Callable[..., Path]
) -> None:
    """In whatever folder it lies and however many channels its neighbours have."""
    shared = write_audio()
    musan = pack_archive("musan.tar.gz", {"musan/noise/free-sound/noise-free-sound-0000.wav": shared})
    files = {
        "RIRS_NOISES/pointsource_noises/noise-free-sound-0000.wav": shared,
        f"RIRS_NOISES/real_rirs_isotropic_noises/{ISOTROPIC}.wav": write_audio(channels=8),
    }
    ingest("musan", [musan], workers=1)
    ingest("rirs_noises_noise", [pack_archive("rirs.zip", files)], workers=1)
    of_musan = {row["audio_sha256"] for row in catalog.get("musan", split="train")}
    rows = catalog.get("rirs_noises_noise", split="train")
    assert [row["id"] for row in rows if row["audio_sha256"] in of_musan] == ["noise-free-sound-0000"]
    assert {row["id"]: row["num_channels"] for row in rows} == {"noise-free-sound-0000": 1, ISOTROPIC: 8}
    assert catalog.verify("rirs_noises_noise").ok
