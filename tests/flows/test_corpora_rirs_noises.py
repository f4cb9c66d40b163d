"""RIRS_NOISES, room impulse responses: paths and lists as in the official archive, and an ingest of one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import catalog
from flows import corpora
from flows.adapter import Metadata, Sound
from flows.recordings.ingest import ingest

RIRS = corpora.get("rirs_noises")
REAL = "RIRS_NOISES/real_rirs_isotropic_noises"
SIMULATED = "RIRS_NOISES/simulated_rirs"
LARGE = "RVB2014_type1_rir_largeroom1_far_angla"
AULA = "air_type1_air_binaural_aula_carolina_1_7_90_3"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            f"{SIMULATED}/smallroom/Room001/Room001-00001.wav",
            ("smallroom-Room001-00001", "simulated", "smallroom-Room001-00001", "all", "smallroom-Room001"),
        ),
        (
            f"{SIMULATED}/largeroom/Room001/Room001-00001.wav",
            ("largeroom-Room001-00001", "simulated", "largeroom-Room001-00001", "all", "largeroom-Room001"),
        ),
        (f"{REAL}/{LARGE}.wav", (LARGE, "recorded", LARGE, "all")),
        (f"{REAL}/{AULA}.wav", (AULA, "recorded", AULA, "all")),
        (f"{REAL}/RVB2014_type1_noise_largeroom1_1.wav", None),
        (f"{SIMULATED}/smallroom/Room001/Room002-00001.wav", None),
        ("RIRS_NOISES/pointsource_noises/noise-free-sound-0000.wav", None),
    ],
)
def test_paths(path: str, expected: tuple[str, str, str, str] | None) -> None:
    """The size of the room is part of id and room, because names repeat; what is called noise is none."""
    assert RIRS.identify is not None
    assert RIRS.identify(path) == (expected and Sound(*expected))


def test_rooms_of_real_responses() -> None:
    """The path is the fifth field; what is not understood is kept for the report."""
    metadata = Metadata()
    RIRS.metadata["rir_list"](
        f"--rir-id 1 --room-id largeroom1 {REAL}/{LARGE}.wav\n"
        f"--rir-id small-Room001-00001 --room-id small-Room001 {SIMULATED}/smallroom/Room001/Room001-00001.wav\nwhat\n",
        metadata,
    )
    assert metadata.facts == {f"room of {LARGE}": "largeroom1"}
    assert metadata.not_understood == ["what"]


def test_ingest(root_url: str, write_audio: Callable[..., bytes], pack_archive: Callable[..., Path]) -> None:
    """Channels of a real response stay together; its room comes from the list, that of a simulated one from the path."""
    files = {
        "RIRS_NOISES/pointsource_noises/noise-free-sound-0000.wav": write_audio(),
        f"{REAL}/{LARGE}.wav": write_audio(channels=8),
        f"{REAL}/{AULA}.wav": write_audio(channels=2, subtype="PCM_24"),
        f"{REAL}/rir_list": f"--rir-id 1 --room-id largeroom1 {REAL}/{LARGE}.wav\n",
        f"{SIMULATED}/smallroom/Room001/Room001-00001.wav": write_audio(),
        f"{SIMULATED}/mediumroom/Room001/Room001-00001.wav": write_audio(),
    }
    source = pack_archive("rirs.zip", files)
    assert ingest("rirs_noises", [source], workers=1).created
    rows = {row["id"]: row for row in catalog.get("rirs_noises", split="train")}
    assert {name: (row["category"], row["room_id"], row["num_channels"]) for name, row in rows.items()} == {
        LARGE: ("recorded", "largeroom1", 8),
        AULA: ("recorded", None, 2),
        "smallroom-Room001-00001": ("simulated", "smallroom-Room001", 1),
        "mediumroom-Room001-00001": ("simulated", "mediumroom-Room001", 1),
    }
    assert rows[LARGE]["audio"]["array"].shape == (8, 1600)
    fine = rows[AULA]["audio"]["array"] * 32768  # 24 bits are kept
    np.testing.assert_array_equal(fine, np.round(fine))
    assert catalog.verify("rirs_noises").ok
    assert not ingest("rirs_noises", [source], workers=1).created
