"""Who speaks when in a mixture, from its row: what the formats for sessions have in common."""

from dataclasses import dataclass, replace
from typing import Any

COLUMNS = (
    "id",
    "source_ids",
    "stem_numbers",
    "source_stems",
    "speaker_ids",
    "texts",
    "offsets_samples",
    "starts_samples",
    "lengths_samples",
    "num_samples",
    "sample_rate_hz",
)


@dataclass(frozen=True)
class Span:
    """A piece of a recording in a mixture; times in samples.

    Attributes:
        piece: its place in the lists of the row.
        stem: k of s_k.
        speaker_id: who speaks.
        source_id: the recording.
        start: in the recording.
        begin: in the mixture.
        length: of the piece.
        text: of the whole recording; None where the corpus has none.
    """

    piece: int
    stem: int
    speaker_id: str
    source_id: str
    start: int
    begin: int
    length: int
    text: str | None

    @property
    def end(self) -> int:
        """The sample of the mixture after the last."""
        return self.begin + self.length


def spans(row: dict[str, Any]) -> list[Span]:
    """The pieces of a mixture in the order in which they begin; of s1, s2 and so on, where the row does not say of which stem."""
    stems = row.get("stem_numbers") or row.get("source_stems") or range(1, len(row["source_ids"]) + 1)
    columns = ("source_ids", "starts_samples", "offsets_samples", "lengths_samples", "texts")
    pieces = zip(stems, *(row[column] for column in columns), strict=True)
    found = [Span(k, stem, row["speaker_ids"][stem - 1], *piece) for k, (stem, *piece) in enumerate(pieces)]
    return sorted(found, key=lambda span: (span.begin, span.stem))


def utterances(row: dict[str, Any]) -> list[Span]:
    """The same with pieces put together again that were cut from one utterance at its pauses."""
    found: list[Span] = []
    last: dict[int, int] = {}  # place of the last utterance of each stem
    heard: dict[int, int] = {}  # how far its recording was heard
    for span in spans(row):
        at = last.get(span.stem)
        if at is not None and found[at].source_id == span.source_id and span.start >= heard[span.stem]:
            whole = found[at]
            found[at] = replace(whole, length=span.end - whole.begin)
        else:
            last[span.stem] = len(found)
            found.append(span)
        heard[span.stem] = span.start + span.length
    return found


def seconds(samples: int, sample_rate_hz: int) -> str:
    """To the microsecond: times the sample rate, it rounds to the sample."""
    return f"{samples / sample_rate_hz:.6f}"


def breaks_columns(*names: str) -> bool:
    """Whether one of the names is empty or holds white space, so that it cannot stand between columns."""
    return any(name.split() != [name] for name in names)
