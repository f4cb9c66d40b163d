"""WHAM! noise: paths as in the official archive, and an ingest of one."""

from collections.abc import Callable
from pathlib import Path

import pytest

import catalog
from flows import corpora
from flows.adapter import Sound
from flows.recordings.ingest import ingest

WHAM = corpora.get("wham_noise")
NAME = "40pc020b_0.52421_409c021e_-0.52421"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"wham_noise/cv/{NAME}.wav", (NAME, "noise", NAME, "cv")),
        (f"data/wham_noise/tt/{NAME}.wav", (NAME, "noise", NAME, "tt")),
        (f"wham_noise/tr/{NAME}sp08.wav", None),
        (f"wham_noise/tr/{NAME}sp12.wav", None),
        (f"wham_noise/tr/._{NAME}.wav", None),
        ("wham_noise/metadata/noise_meta_cv.csv", None),
    ],
)
def test_paths(path: str, expected: tuple[str, str, str, str] | None) -> None:
    """Copies of another speed that LibriMix's scripts leave behind are none of the corpus."""
    assert WHAM.identify is not None
    assert WHAM.identify(path) == (expected and Sound(*expected))


def test_ingest(root_url: str, write_audio: Callable[..., bytes], pack_archive: Callable[..., Path]) -> None:
    """Two channels, three splits, and never for commercial use."""
    files = {f"wham_noise/{part}/{part}_{NAME}.wav": write_audio(channels=2) for part in ("cv", "tr", "tt")}
    files["wham_noise/tr/x_0.1_y_-0.1sp08.wav"] = write_audio(channels=2)
    source = pack_archive("wham_noise.zip", files)
    assert ingest("wham_noise", [source], workers=1).created
    splits = {name: [row["id"] for row in rows] for name, rows in catalog.get("wham_noise").items()}
    assert splits == {"train": [f"tr_{NAME}"], "validation": [f"cv_{NAME}"], "test": [f"tt_{NAME}"]}
    manifest = catalog.manifest("wham_noise")
    assert manifest.licence.commercial_use is False
    assert manifest.report["foreign_audio"]["names"] == ["wham_noise/tr/x_0.1_y_-0.1sp08.wav"]
    assert catalog.verify("wham_noise").ok
    assert not ingest("wham_noise", [source], workers=1).created
