"""What every adapter must keep to; a new file in flows/corpora is tested here without being named."""

import pickle
import re
from pathlib import Path

import pytest

from catalog.kinds import KINDS
from catalog.leakage import DISJOINT_COLUMNS
from catalog.names import is_name
from flows import corpora
from flows.adapter import Corpus, Metadata
from synth.errors import YuliaoError


@pytest.fixture(params=corpora.names())
def corpus(request: pytest.FixtureRequest) -> Corpus:
    return corpora.get(request.param)


def test_declared_facts_are_complete(corpus: Corpus) -> None:
    """Name, licence, citation, splits, a way to find rows; all of it can be handed to a worker."""
    assert is_name(corpus.name)
    assert corpus.name in corpora.names()
    assert corpus.kind in KINDS
    assert corpus.title
    assert corpus.licence.name
    assert corpus.citation
    assert corpus.normalisation
    assert corpus.homepage.startswith(("https://", "http://"))
    assert re.fullmatch(r"[a-z]{2,3}(-[A-Z]{2})?", corpus.language)
    assert set(corpus.splits.values()) <= {"train", "validation", "test"}
    assert set(corpus.rows) <= set(corpus.splits)
    assert set(corpus.known_overlaps) <= set(DISJOINT_COLUMNS)
    assert (corpus.identify is None) != (corpus.read is None)
    assert corpus.sample_rate_hz % 100 == 0
    pickle.loads(pickle.dumps(corpus))


def test_archives_can_be_fetched_and_checked(corpus: Corpus) -> None:
    """Each piece has an address; checksums have their length; names are single and plain."""
    pieces = [piece for archive in corpus.archives for piece in archive.pieces]
    assert len({piece.file for piece in pieces}) == len(pieces)
    for archive in [*corpus.archives, *pieces]:
        assert re.fullmatch(r"[^/\\]+", archive.file)
        assert archive.size_bytes is None or archive.size_bytes > 0
        assert re.fullmatch(r"([0-9a-f]{32})?", archive.md5)
        assert re.fullmatch(r"([0-9a-f]{64})?", archive.sha256)
    for piece in pieces:
        assert piece.urls or corpus.mirrors or corpus.access
    for mirror in corpus.mirrors:
        assert "{file}" in mirror
        assert "{key}" not in mirror or (corpus.access and corpus.access.key_variable)


def test_it_has_tests_of_its_own(corpus: Corpus) -> None:
    """Paths and metadata as the official archives have them."""
    assert Path(__file__).with_name(f"test_corpora_{corpus.name}.py").exists()


def test_paths_that_are_none_of_the_corpus(corpus: Corpus) -> None:
    """Are no utterances."""
    for path in ("", "a", "a.wav", "a/b/c.flac", "README.TXT", *corpus.metadata):
        assert corpus.identify is None or corpus.identify(path) is None


def test_normalising_twice_changes_nothing(corpus: Corpus) -> None:
    """Text that is normal stays."""
    for text in ("而 对 楼市 ｋ ｔ ｖ　成交", " GO DO YOU HEAR ", ""):
        once = corpus.normalise(text)
        assert corpus.normalise(once) == once


def test_metadata_readers_survive_empty_files_and_blank_lines(corpus: Corpus) -> None:
    """And add nothing."""
    for read in corpus.metadata.values():
        metadata = Metadata()
        read("", metadata)
        read("\n \n", metadata)
        assert (metadata.texts, metadata.genders, metadata.not_understood) == ({}, {}, [])


def test_one_file_adds_a_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module is found by being there."""
    source = Path(corpora.__file__).with_name("aishell1.py").read_text(encoding="utf-8")
    (tmp_path / "aishell99.py").write_text(source.replace('name="aishell1"', 'name="aishell99"'), encoding="utf-8")
    monkeypatch.setattr(corpora, "__path__", [*corpora.__path__, str(tmp_path)])
    assert "aishell99" in corpora.names()
    assert corpora.get("aishell99").name == "aishell99"


def test_an_unknown_corpus_is_answered_with_near_ones() -> None:
    """In one line."""
    with pytest.raises(YuliaoError, match=r"no corpus 'aishel1'; did you mean 'aishell1' or 'aishell3'\?"):
        corpora.get("aishel1")
    with pytest.raises(YuliaoError, match="'drcd'"):
        corpora.get("drdc")  # a corpus of text
    with pytest.raises(YuliaoError, match="aishell1"):
        corpora.get("../evil")
