"""Who speaks when, exported: times read back to the sample, whatever the rate and however the row tells the stems."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import catalog
from catalog.errors import CatalogError
from catalog.export import Exported, export, formats
from catalog.export.activity import activity
from catalog.export.spans import seconds, spans, utterances
from catalog.kinds import with_features
from catalog.roots import open_root
from catalog.shards import ShardWriter, row_digest

RATE_HZ = 16000
FIELDS = {
    "id": pa.string(),
    "source_ids": pa.list_(pa.string()),
    "stem_numbers": pa.list_(pa.int32()),
    "speaker_ids": pa.list_(pa.string()),
    "texts": pa.list_(pa.string()),
    "offsets_samples": pa.list_(pa.int64()),
    "starts_samples": pa.list_(pa.int64()),
    "lengths_samples": pa.list_(pa.int64()),
    "num_samples": pa.int64(),
    "sample_rate_hz": pa.int32(),
    "source_degradations": pa.list_(pa.string()),
}

Export = Callable[..., tuple[Exported, Path]]


def row(
    *pieces: tuple[int, str, int, int, int, str | None], row_id: str = "m0", speakers: tuple[str, ...] = ("amy", "ben")
) -> dict:
    """Pieces as (stem, source, offset, start, length, text)."""
    stems, sources, offsets, starts, lengths, texts = (list(column) for column in zip(*pieces, strict=True))
    return {
        "id": row_id,
        "source_ids": sources,
        "stem_numbers": stems,
        "speaker_ids": list(speakers),
        "texts": texts,
        "offsets_samples": offsets,
        "starts_samples": starts,
        "lengths_samples": lengths,
        "num_samples": max(offset + length for offset, length in zip(offsets, lengths, strict=True)),
        "sample_rate_hz": RATE_HZ,
    }


SESSION = row(
    (1, "a1", 0, 160, 16001, "今天 天氣很好"),
    (1, "a2", 40000, 0, 8000, None),
    (2, "b1", 14400, 0, 4000, "對"),
    (2, "b1", 20000, 12000, 3000, "對"),
    (2, "b1", 30000, 0, 4000, "對"),
)


@pytest.fixture
def exported(tmp_path: Path) -> Export:
    """`exported(format, rows, words=None, kind="separation")`: rows published, exported with words, and the file."""

    def exported(
        format_: str, rows: list[dict[str, Any]], words: Path | None = None, kind: str = "separation"
    ) -> tuple[Exported, Path]:
        fields = {name: type_ for name, type_ in FIELDS.items() if name in rows[0]}
        schema = with_features(pa.schema([*fields.items(), ("row_digest", pa.string())]), RATE_HZ)
        root = str(tmp_path / "catalog")
        with ShardWriter(open_root(root), "sessions", "test", schema) as writer:
            for one in rows:
                writer.write(pa.RecordBatch.from_pylist([{**one, "row_digest": row_digest(one)}], schema=schema))
            shard = writer.close()
        licence = catalog.Licence(name="own")
        catalog.publish("sessions", kind=kind, splits={"test": [shard]}, fingerprint="0" * 64, licence=licence, root=root)
        written = export("sessions", format_, tmp_path / "out", words=words, root=root)
        (file,) = written.files
        return written, Path(file)

    return exported


@pytest.fixture
def ctm(tmp_path: Path) -> Callable[[str | bytes], Path]:
    """A file of words."""

    def ctm(content: str | bytes) -> Path:
        path = tmp_path / "words.ctm"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return ctm


def test_rttm_has_a_line_for_each_piece_in_order(exported: Export) -> None:
    written, file = exported("rttm", [SESSION])
    assert file.name == "sessions-test.rttm"
    assert list(written.files.values()) == [1]
    lines = [line.split() for line in file.read_text(encoding="utf-8").splitlines()]
    assert lines[0] == ["SPEAKER", "m0", "1", "0.000000", "1.000063", "<NA>", "<NA>", "amy", "<NA>", "<NA>"]
    assert [line[7] for line in lines] == ["amy", "ben", "ben", "ben", "amy"]
    times = [(round(float(line[3]) * RATE_HZ), round(float(line[4]) * RATE_HZ)) for line in lines]
    assert times == [(0, 16001), (14400, 4000), (20000, 3000), (30000, 4000), (40000, 8000)]


def test_stm_says_each_utterance_once(exported: Export) -> None:
    """Though it was cut at a pause; what comes from its begin again is said again. What is not known is not scored."""
    _, file = exported("stm", [SESSION])
    assert file.read_text(encoding="utf-8").splitlines() == [
        "m0 1 amy 0.000000 1.000063 今天 天氣很好",
        "m0 2 ben 0.900000 1.437500 對",
        "m0 2 ben 1.875000 2.125000 對",
        "m0 1 amy 2.500000 3.000000 IGNORE_TIME_SEGMENT_IN_SCORING",
    ]


CUT = row((1, "a1", 8000, 1600, 4800, "x"), (2, "b1", 0, 0, 8000, "x"))


def test_ctm_puts_words_where_their_pieces_lie(exported: Export, ctm: Callable[..., Path]) -> None:
    """A word of which a piece has a part comes with that part, one of which it has nothing not at all. Lines are by
    channel and begin, whatever the order in the file; the silences of Kaldi are no words."""
    words = ctm(
        "\ufeff;; of an aligner\n"
        "a1 A 0.6 0.3 四 0.9\na1 A 0.3 0.2 三 NA\nother 1 0 1 x\n\na1 A 0.05 0.15 二\r\na1 A 0 0.05 一 1\n"
        "b1 1 0.0 0.1 <eps>\n  b1\t1 0.1 0.1   五\nc1 1 0 0.5 <eps>\n"
    )
    rows = [
        CUT,
        {**CUT, "id": "m1", "source_ids": ["a1", "c1"]},
        {**CUT, "id": "m2", "source_ids": ["a1", "d1"]},
        {**CUT, "id": "m 3"},
    ]
    written, file = exported("ctm", rows, words)
    assert file.read_text(encoding="utf-8").splitlines() == [
        "m0 1 0.500000 0.100000 二",
        "m0 1 0.700000 0.100000 三",
        "m0 2 0.100000 0.100000 五",
        "m1 1 0.500000 0.100000 二",
        "m1 1 0.700000 0.100000 三",
    ]
    assert written.left_out == {"an utterance of which the file has no words": 1, "white space in the id of the row": 1}
    assert list(written.files.values()) == [2]


def test_words_of_recordings_whose_speed_was_changed_are_where_they_are_heard(exported: Export, ctm: Callable[..., Path]) -> None:
    """Step by step; a step that keeps the length moves nothing."""
    steps = [
        {"transform": "speed", "rate": 2.0},
        {"transform": "Gain", "gain_db": 3.0},
        {"transform": "TimeStretch", "rate": 0.8},
    ]
    degraded = {**CUT, "source_degradations": [json.dumps(steps), None]}
    words = ctm("a1 1 0.16 0.32 一\na1 1 0.5 0.5 二\nb1 1 0.16 0.32 三\n")
    _, file = exported("ctm", [degraded], words)
    assert file.read_text(encoding="utf-8").splitlines() == [
        "m0 1 0.500000 0.200000 一",  # from 0.1 to 0.3 s of what is heard of a1, of which the piece has 0.1 to 0.4 s
        "m0 1 0.712500 0.087500 二",
        "m0 2 0.160000 0.320000 三",
    ]


def test_ctm_without_words_and_words_without_ctm_are_refused(exported: Export, ctm: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"^format ctm needs the times of words: give --words FILE.*--format stm"):
        exported("ctm", [CUT])
    with pytest.raises(CatalogError, match=r"^format stm takes no words: leave out --words, or ask for --format ctm$"):
        exported("stm", [CUT], ctm("a1 1 0 1 x\n"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a1 1 0.1 0.2", r"words.ctm:2 is no line of CTM, <utterance id> .*: it has 4 columns"),
        ("a1 1 0.1 0.2 two words more", "it has 7 columns"),
        ("a1 1 0.1 0.2 two words", "its confidence 'words' is no number"),
        ("a1 1 x 0.2 w", "its begin 'x' is no number"),
        ("a1 1 0.1 * w", "its duration '\\*' is no number"),
        ("a1 1 -0.1 0.2 w", "its begin '-0.1' is no time from 0 s on"),
        ("other 1 0.1 -0.2 w", "its duration '-0.2' is no time"),
        ("a1 1 nan 0.2 w", "its begin 'nan' is no time"),
        ("a1 1 0.1 inf w", "its duration 'inf' is no time"),
        (b"a1 1 0.1 0.2 \xa4\xa4\n", r"words.ctm:2 is not UTF-8"),
    ],
)
def test_a_line_that_is_none_of_ctm_is_named(
    exported: Export, ctm: Callable[..., Path], tmp_path: Path, line: str | bytes, said: str
) -> None:
    content = b";; words\n" + (line if isinstance(line, bytes) else line.encode())
    with pytest.raises(CatalogError, match=said) as caught:
        exported("ctm", [CUT], ctm(content))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_words_that_are_not_there_or_of_another_corpus_are_refused(
    exported: Export, ctm: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(CatalogError, match=r"^cannot read the words in .*none\.ctm: No such file"):
        exported("ctm", [CUT], tmp_path / "none.ctm")
    with pytest.raises(CatalogError, match=r"has words of none of the 2 utterances, such as 'a1': .*did you mean 'a1\.wav'\?"):
        exported("ctm", [CUT], ctm("a1.wav 1 0 1 x\nb1.wav 1 0 1 x\n"))
    with pytest.raises(CatalogError, match="has words of none of the 2 utterances"):
        exported("ctm", [CUT], ctm(""))
    assert not (tmp_path / "out").exists()


def test_enhancement_has_one_speaker(exported: Export, ctm: Callable[..., Path]) -> None:
    noisy = row((1, "a1", 1600, 0, 8000, "對"), speakers=("amy",))
    words = ctm("a1 1 0.1 0.2 對\n")
    said = {name: exported(name, [noisy], words if name == "ctm" else None, "enhancement")[1] for name in ("rttm", "stm", "ctm")}
    assert {name: file.read_text(encoding="utf-8") for name, file in said.items()} == {
        "rttm": "SPEAKER m0 1 0.100000 0.500000 <NA> <NA> amy <NA> <NA>\n",
        "stm": "m0 1 amy 0.100000 0.600000 對\n",
        "ctm": "m0 1 0.200000 0.200000 對\n",
    }


def test_activity_is_read_by_numpy(exported: Export) -> None:
    rows = [SESSION, {**SESSION, "id": "m1", "speaker_ids": ["amy", "ben", "chi"]}]
    _, file = exported("activity", rows)
    with np.load(file) as archive:
        assert archive.files == ["m0", "m1"]
        first, second = archive["m0"], archive["m1"]
    assert first.dtype == bool
    assert first.shape == (2, 300)
    assert first[0].nonzero()[0].tolist() == [*range(100), *range(250, 300)]
    assert first[1].nonzero()[0].tolist() == [*range(90, 115), *range(125, 144), *range(187, 212)]
    assert second.shape == (3, 300)
    assert not second[2].any()
    assert exported("activity", rows)[1].read_bytes() == file.read_bytes()


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(1, 400)), min_size=1, max_size=5), st.integers(0, 200))
def test_a_frame_is_active_where_its_middle_is(pieces: list[tuple[int, int]], rest: int) -> None:
    of_row = row(*((1, f"a{k}", begin, 0, length, None) for k, (begin, length) in enumerate(pieces)))
    of_row |= {"sample_rate_hz": 8000, "num_samples": of_row["num_samples"] + rest}
    samples = np.zeros(of_row["num_samples"] + 80, dtype=bool)
    for begin, length in pieces:
        samples[begin : begin + length] = True
    assert activity(of_row)[0].tolist() == samples[40::80][: -(-of_row["num_samples"] // 80)].tolist()


@given(st.integers(0, 7200 * 48000), st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000]))
def test_seconds_are_read_back_to_the_sample(samples: int, sample_rate_hz: int) -> None:
    assert round(float(seconds(samples, sample_rate_hz)) * sample_rate_hz) == samples


def test_rows_of_earlier_versions_and_of_recipes_tell_their_stems_otherwise() -> None:
    """One piece for each stem, or `source_stems`."""
    two = row((1, "a1", 500, 0, 1000, "x"), (2, "b1", 0, 0, 1000, "y"))
    earlier = {name: value for name, value in two.items() if name != "stem_numbers"}
    recipe = {**earlier, "source_stems": [1, 2]}
    assert spans(two) == spans(earlier) == spans(recipe)
    assert [span.speaker_id for span in spans(two)] == ["ben", "amy"]
    assert utterances(two) == spans(two)


def test_a_speaker_that_would_break_the_columns_is_left_out(exported: Export) -> None:
    rows = [SESSION, {**SESSION, "id": "m1", "speaker_ids": ["amy", "ben b"]}]
    for format_ in ("rttm", "stm"):
        written, file = exported(format_, rows)
        assert written.left_out == {"white space in the id of a speaker": 1}
        assert "m1" not in file.read_text(encoding="utf-8")


def test_the_formats_of_mixtures_are_described() -> None:
    """In docs/separation.md, each with what it is."""
    text = (Path(__file__).parents[2] / "docs" / "separation.md").read_text(encoding="utf-8")
    for name, format_ in formats().items():
        if "separation" in format_.kinds:
            assert re.search(rf"^\| `{name}` \|", text, re.MULTILINE), name
