"""What an ingest met: the report and the statistics that go into the manifest."""

from collections import Counter
from typing import Any

from flows.adapter import Corpus, Metadata
from flows.utterances import Quarantined, Row, WrittenChunk

NAMED_AT_MOST = 1000  # of each sort, so that a corpus that is broken throughout does not swell its manifest


class Report:
    """Gathers what was read, written and left out."""

    def __init__(self, corpus: Corpus, metadata: Metadata) -> None:
        self._corpus, self._metadata = corpus, metadata
        self._rows: dict[str, list[Row]] = {}
        self.quarantined: list[Quarantined] = []
        self.duplicates: list[str] = []  # members whose id an earlier one had
        self.transcripts_without_audio: list[str] = []  # utterance ids
        self.foreign_audio: list[str] = []  # audio files whose path is none of the corpus

    def add(self, written: WrittenChunk) -> None:
        """Take note of a chunk."""
        self._rows.setdefault(written.split, []).extend(written.rows)
        self.quarantined += written.quarantined

    def report(self) -> dict[str, Any]:
        """Counts, and the names of what was left out."""
        rows = [row for split in self._rows.values() for row in split]
        quarantined = [{"member": item.member, "reason": item.reason} for item in self.quarantined]
        return {
            "utterances": len(rows),
            "without_text": sum(not row.has_text for row in rows),
            "without_gender": sum(row.gender == "unknown" for row in rows),
            "text_normalisation": self._corpus.normalisation,
            "quarantined": _named(quarantined),
            "duplicates": _named(self.duplicates),
            "foreign_audio": _named(self.foreign_audio),
            "transcripts_without_audio": _named(self.transcripts_without_audio),
            "metadata_lines_not_understood": _named(self._metadata.not_understood),
        }

    def statistics(self) -> dict[str, Any]:
        """Sizes of the whole and of each split; `duration_s.histogram[k]` counts utterances of k to k + 1 seconds."""
        rows = [row for split in self._rows.values() for row in split]
        return _sizes(rows) | {"splits": {split: _sizes(of_split) for split, of_split in self._rows.items() if of_split}}


def _named(found: list[Any]) -> dict[str, Any]:
    return {"count": len(found), "names": found[:NAMED_AT_MOST]}


def _sizes(rows: list[Row]) -> dict[str, Any]:
    durations_s = [row.duration_s for row in rows]
    seconds = Counter(int(duration_s) for duration_s in durations_s)
    speakers = {row.speaker_id: row.gender for row in rows}
    return {
        "utterances": len(rows),
        "hours": round(sum(durations_s) / 3600, 4),
        "speakers": len(speakers),
        "speakers_by_gender": dict(sorted(Counter(speakers.values()).items())),
        "duration_s": {
            "min": round(min(durations_s), 3),
            "mean": round(sum(durations_s) / len(rows), 3),
            "max": round(max(durations_s), 3),
            "histogram": [seconds[second] for second in range(max(seconds) + 1)],
        },
    }
