"""CN-Celeb: paths and lists as in the official archives, and an ingest of both, the second one in parts."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import catalog
from flows import corpora
from flows.adapter import Utterance
from flows.recordings.ingest import ingest
from synth.errors import YuliaoError

CN_CELEB = corpora.get("cn_celeb")
# The sizes of the official archives are not known, so that made-up ones of their names are compared by checksum.
UNCHECKED = replace(
    CN_CELEB,
    archives=tuple(
        replace(archive, md5="", parts=tuple(replace(part, md5="") for part in archive.parts)) for archive in CN_CELEB.archives
    ),
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "CN-Celeb_flac/data/id00001/singing-01-002.flac",
            ("id00001-singing-01-002", "id00001", "id00001-singing-01", "eval"),
        ),
        (
            "CN-Celeb/data/id00001/live_broadcast-02-001.wav",
            ("id00001-live_broadcast-02-001", "id00001", "id00001-live_broadcast-02", "eval"),
        ),
        (
            "CN-Celeb2_flac/data/id10000/vlog-01-003.flac",
            ("id10000-vlog-01-003", "id10000", "id10000-vlog-01", "cn-celeb2"),
        ),
        ("CN-Celeb_flac/eval/enroll/id00800-enroll.flac", None),
        ("CN-Celeb_flac/eval/test/id00800-singing-01-002.flac", None),
        ("CN-Celeb_flac/dev/dev.lst", None),
    ],
)
def test_paths(path: str, expected: tuple[str, str, str, str] | None) -> None:
    """`eval` holds what is in `data`, once more."""
    assert CN_CELEB.identify is not None
    assert CN_CELEB.identify(path) == (expected and Utterance(*expected))


@pytest.fixture
def first(write_audio: Callable[..., bytes]) -> dict[str, bytes | str]:
    """The files of CN-Celeb 1."""
    return {
        "CN-Celeb_flac/data/id00001/singing-01-002.flac": write_audio("flac"),
        "CN-Celeb_flac/data/id00800/singing-01-002.flac": write_audio("flac"),
        "CN-Celeb_flac/eval/enroll/id00800-enroll.flac": write_audio("flac"),
        "CN-Celeb_flac/eval/lists/trials.lst": "id00800-enroll test/id00800-singing-01-002.wav 1\n",
        "CN-Celeb_flac/dev/dev.lst": "id00000\nid00001\n",
    }


def test_ingest(
    root_url: str, first: dict[str, bytes | str], write_audio: Callable[..., bytes], pack_archive: Callable[..., Path]
) -> None:
    """Speakers in dev.lst, which lies behind the audio, and those of CN-Celeb 2 are for training."""
    source = pack_archive("cn-celeb_v2.tar.gz", first)
    whole = pack_archive("cn-celeb2_v2.tar.gz", {"CN-Celeb2_flac/data/id10000/vlog-01-003.flac": write_audio("flac")})
    data = whole.read_bytes()
    whole.unlink()
    for k, part in enumerate(("aa", "ab", "ac")):
        third = len(data) // 3 + 1
        whole.with_name(f"{whole.name}{part}").write_bytes(data[k * third : (k + 1) * third])
    assert ingest(UNCHECKED, [source.parent], workers=1).created
    rows = catalog.get("cn_celeb")
    assert {split: sorted(row["speaker_id"] for row in rows[split]) for split in rows} == {
        "train": ["id00001", "id10000"],
        "test": ["id00800"],
    }
    assert not ingest(UNCHECKED, [source.parent], workers=1).created


def test_without_the_list_of_speakers_nothing_is_taken_for_either(
    root_url: str, first: dict[str, bytes | str], pack_archive: Callable[..., Path]
) -> None:
    del first["CN-Celeb_flac/dev/dev.lst"]
    with pytest.raises(YuliaoError, match="cn_celeb"):
        ingest(UNCHECKED, [pack_archive("cn-celeb_v2.tar.gz", first)], workers=1)
