"""Whatever paths and metadata files say, the functions of an adapter give an answer: none of them may raise."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flows import corpora
from flows.adapter import Corpus, Metadata

# Pieces of what the official files hold, put together in any order.
PIECES = st.sampled_from(
    [
        *("train", "dev", "test", "data", "wav", "tr", "wham_noise", "simulated_rirs", "smallroom", "Room001", "CN-Celeb_flac"),
        *(
            "id00001",
            "SSB0005",
            "A11_0",
            "p225",
            "_mic1",
            "a69b9b3e_nohash_0",
            "DKITCHEN",
            "ch01",
            ".wav",
            ".flac",
            ".m4a",
            ".trn",
        ),
        *(
            "/",
            "-",
            "_",
            ".",
            " ",
            "\t",
            "\n",
            "|",
            ",",
            "#",
            "--room-id",
            "ID",
            "F",
            "female",
            "\ufeff",
            "\x00",
            "１",
            "\x1c",
            "\u2028",
        ),
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=4), max_size=12).map("".join)


@pytest.fixture(params=corpora.names(), scope="module")
def corpus(request: pytest.FixtureRequest) -> Corpus:
    return corpora.get(request.param)


@settings(max_examples=150)
@example(text=" \x1c \n\x1c", path="\n")
@given(text=TEXTS, path=TEXTS)
def test_any_text(corpus: Corpus, text: str, path: str) -> None:
    """Metadata are read line by line, paths are known or not, normalising is done with the first time."""
    metadata = Metadata()
    for read in corpus.metadata.values():
        read(text, metadata)
    assert set(metadata.genders.values()) <= {"female", "male"}
    if corpus.transcript is not None:
        corpus.transcript(path)
    once = corpus.normalise(text)
    assert corpus.normalise(once) == once
    recording = corpus.identify(path) if corpus.identify else None
    if recording is not None:
        assert recording.official_split in corpus.splits
        if corpus.settle is not None:
            settled = corpus.settle(recording, metadata)
            assert settled is None or settled.id == recording.id
