"""AISHELL-1: paths, metadata and text as in the official archives."""

import pytest

from flows import corpora
from flows.adapter import Metadata, Utterance

AISHELL1 = corpora.get("aishell1")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("data_aishell/wav/train/S0002/BAC009S0002W0122.wav", ("BAC009S0002W0122", "S0002", "BAC009S0002W0122", "train")),
        ("wav/dev/S0724/BAC009S0724W0121.wav", ("BAC009S0724W0121", "S0724", "BAC009S0724W0121", "dev")),
        ("test/S0764/BAC009S0764W0495.wav", ("BAC009S0764W0495", "S0764", "BAC009S0764W0495", "test")),
        ("data_aishell/wav/train/S0002/._BAC009S0002W0122.wav", None),
        ("data_aishell/wav/other/S0002/BAC009S0002W0122.wav", None),
        ("data_aishell/wav/train/S0002/BAC009S0003W0122.wav", None),
        ("data_aishell/transcript/aishell_transcript_v0.8.txt", None),
    ],
)
def test_paths(path: str, expected: tuple[str, str, str, str] | None) -> None:
    """Id, speaker, recording, official split; the speaker of folder and file must agree."""
    assert AISHELL1.identify(path) == (expected and Utterance(*expected))


def test_transcript() -> None:
    """The text follows the first space and is word-segmented; full-width letters and spaces occur in it."""
    metadata = Metadata()
    read = AISHELL1.metadata["aishell_transcript_v*.txt"]
    read(
        "BAC009S0002W0122 而 对 楼市 成交 抑制 作用 最 大 的 限 购\nBAC009S0002W0123 去 ｋ ｔ ｖ　唱歌\r\n\nBAC009S0002W0124\n",
        metadata,
    )
    assert metadata.texts == {
        "BAC009S0002W0122": "而 对 楼市 成交 抑制 作用 最 大 的 限 购",
        "BAC009S0002W0123": "去 ｋ ｔ ｖ　唱歌",
    }
    assert AISHELL1.normalise(metadata.texts["BAC009S0002W0122"]) == "而对楼市成交抑制作用最大的限购"
    assert AISHELL1.normalise(metadata.texts["BAC009S0002W0123"]) == "去ktv唱歌"


def test_speakers() -> None:
    """With and without the S; what is neither is kept for the report."""
    metadata = Metadata()
    AISHELL1.metadata["speaker.info"]("0002 F\nS0003 M\n0004\tm\n0005 X\n", metadata)
    assert metadata.genders == {"S0002": "female", "S0003": "male", "S0004": "male"}
    assert metadata.not_understood == ["0005 X"]
