"""Digital silence, where a microphone failed: alike everywhere, and nobody's recording."""

from pathlib import Path

import numpy as np
import pyarrow as pa

import catalog
from catalog.leakage import audible_sha256
from flows.generic import FORMS
from flows.generic.own import Own
from flows.mixtures.build import build
from flows.recordings.ingest import ingest
from flows.specs import load_spec
from synth import wav

RATE_HZ = 16_000


def test_only_what_is_known_to_be_silent_has_no_identity() -> None:
    """In a slice of a batch too; what has no frames may be anything."""
    batch = pa.RecordBatch.from_pydict(
        {
            "audio_sha256": ["a", "b", "c", "d", "e"],
            "frame_peaks": pa.array([[0, 3], [0, 0], [5], None, [0]], pa.list_(pa.uint16())),
        }
    )
    assert audible_sha256(batch).to_pylist() == ["a", None, "c", "d", None]
    assert audible_sha256(batch.slice(1, 3)).to_pylist() == [None, "c", "d"]
    assert audible_sha256(batch.select(["audio_sha256"])).to_pylist() == ["a", "b", "c", "d", "e"]


def test_a_set_is_built_from_a_corpus_with_silent_clips(root_url: str, tmp_path: Path) -> None:
    """Every speaker has the same one, so that it is in every split that is drawn; none of them is mixed."""
    random = np.random.default_rng(0)
    for speaker in range(8):
        for clip in range(5):
            samples = np.rint(random.standard_normal(RATE_HZ) * 1000 * (clip > 0)).astype(np.int16)
            path = tmp_path / "in" / f"s{speaker}" / f"{clip}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(wav.encode(samples, RATE_HZ))
    ingest(FORMS["folder"](Own("voices", RATE_HZ)), [tmp_path / "in"], workers=1)
    asked = {"corpus": "voices", "splits": {"train": {"mixtures": 8}, "test": {"mixtures": 4}}}
    assert build(load_spec("sep_2spk_full", asked), name="mixtures", workers=1).created
    used = {source for split in catalog.get("mixtures").values() for row in split for source in row["source_ids"]}
    assert used
    assert not any(source.endswith("-0") for source in used)
