"""LibriSpeech: paths and metadata as in the official archives."""

import pytest

from flows import corpora
from flows.adapter import Metadata, Utterance

LIBRISPEECH = corpora.get("librispeech")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "LibriSpeech/test-other/1688/142285/1688-142285-0003.flac",
            ("1688-142285-0003", "1688", "1688-142285", "test-other"),
        ),
        ("train-clean-100/19/198/19-198-0000.flac", ("19-198-0000", "19", "19-198", "train-clean-100")),
        ("LibriSpeech/test-other/1688/142285/1689-142285-0003.flac", None),
        ("LibriSpeech/test-other/1688/142285/1688-142285.trans.txt", None),
        ("LibriSpeech/dev-strange/1688/142285/1688-142285-0003.flac", None),
    ],
)
def test_paths(path: str, expected: tuple[str, str, str, str] | None) -> None:
    """Id, speaker, chapter as recording, official split; folders and file must agree."""
    assert LIBRISPEECH.identify(path) == (expected and Utterance(*expected))


def test_transcript() -> None:
    """Upper case, apostrophes kept."""
    metadata = Metadata()
    LIBRISPEECH.metadata["*.trans.txt"]("84-121123-0000 GO DO YOU HEAR\n84-121123-0001 IT'S\n", metadata)
    assert metadata.texts == {"84-121123-0000": "GO DO YOU HEAR", "84-121123-0001": "IT'S"}


def test_speakers() -> None:
    """Comments begin with a semicolon; names hold bars too."""
    metadata = Metadata()
    lines = "; comment | a\n;ID  |SEX| SUBSET           |MINUTES| NAME\n60   | M | train-clean-100  | 20.18 | |CBW|Simon\n"
    LIBRISPEECH.metadata["SPEAKERS.TXT"](lines + "84   | F | dev-clean        | 8.02  | Christie Nowak\n? | what\n", metadata)
    assert metadata.genders == {"60": "male", "84": "female"}
    assert metadata.not_understood == ["? | what"]
