"""VoxCeleb2: paths, metadata, and AAC out of eight parts."""

import io
import zipfile
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pytest

from catalog.manifests import read_manifest
from catalog.roots import open_root
from catalog.shards import blob_path
from flows import corpora
from flows.adapter import Metadata, Utterance
from flows.fetch.checksums import WrongChecksum
from flows.recordings.ingest import ingest
from synth import wav

VOXCELEB2 = corpora.get("voxceleb2")
META = "VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set\nid00012 ,n000012 ,m ,dev\nid00017 ,n000017 ,f ,test\n"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("dev/aac/id00012/21Uxsk56VDQ/00001.m4a", ("id00012-21Uxsk56VDQ-00001", "id00012", "id00012-21Uxsk56VDQ", "dev")),
        ("aac/id00017/01dfn2spqyE/00001.m4a", ("id00017-01dfn2spqyE-00001", "id00017", "id00017-01dfn2spqyE", "test")),
        ("v/test/aac/id00017/01dfn2spqyE/00001.m4a", ("id00017-01dfn2spqyE-00001", "id00017", "id00017-01dfn2spqyE", "test")),
        ("dev/aac/id00012/21Uxsk56VDQ/00001.txt", None),
        ("dev/mp4/id00012/21Uxsk56VDQ/00001.mp4", None),
    ],
)
def test_paths(path: str, expected: tuple[str, str, str, str] | None) -> None:
    """The dev archive has a folder more than the test archive."""
    assert VOXCELEB2.identify(path) == (expected and Utterance(*expected))


def test_metadata_are_padded_with_blanks() -> None:
    metadata = Metadata()
    VOXCELEB2.metadata["vox2_meta.csv"](META + "what\n", metadata)
    assert metadata.genders == {"id00012": "male", "id00017": "female"}
    assert metadata.facts == {"id00012": "dev", "id00017": "test"}
    assert metadata.not_understood == ["what"]


def m4a(seed: int) -> bytes:
    data = io.BytesIO()
    samples = np.random.default_rng(seed).normal(0, 0.1, (1, 8192)).astype(np.float32)
    with av.open(data, "w", format="ipod") as container:
        stream = container.add_stream("aac", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate = 16_000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return data.getvalue()


def test_eight_parts_of_aac(tmp_path: Path) -> None:
    """Joined as a stream, decoded to WAV; where only the checksum tells that the files are not the official ones, it does."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for k in range(5):
            archive.writestr(f"dev/aac/id00012/21Uxsk56VDQ/{k:05}.m4a", m4a(k))
    whole = data.getvalue()
    parts = [part.file for part in VOXCELEB2.archives[0].parts]
    assert len(parts) == 8
    for k, name in enumerate(parts):
        (tmp_path / name).write_bytes(whole[k * len(whole) // 8 : (k + 1) * len(whole) // 8])
    (tmp_path / "vox2_meta.csv").write_text(META)
    with pytest.raises(WrongChecksum, match=r"vox2_dev_aac_part..: its MD5 is"):
        ingest("voxceleb2", [tmp_path], root=tmp_path / "catalog", workers=1)
    (tmp_path / "vox2_dev_aac.zip").write_bytes(whole)
    with pytest.raises(WrongChecksum, match=r"vox2_dev_aac\.zip: its MD5 is"):
        ingest("voxceleb2", [tmp_path], root=tmp_path / "catalog", workers=1)
    renamed = tmp_path / "mine.zip"
    renamed.write_bytes(whole)
    ingest("voxceleb2", [renamed, tmp_path / "vox2_meta.csv"], root=tmp_path / "catalog", workers=1)
    root = open_root(tmp_path / "catalog")
    version = read_manifest(root, "voxceleb2", 1)
    with pa.memory_map(str(root.fetch(blob_path("voxceleb2", version.splits["train"].shards[0].blob)))) as file:
        rows = pa.ipc.open_stream(file).read_all().to_pylist()
    assert [row["id"] for row in rows] == [f"id00012-21Uxsk56VDQ-{k:05}" for k in range(5)]
    for row in rows:
        samples = wav.decode(row["audio"]["bytes"])
        assert (row["gender"], row["sample_rate_hz"], row["num_samples"]) == ("male", 16_000, len(samples))
        assert len(samples) >= 8192
        assert 1000 < np.std(samples) < 5000
