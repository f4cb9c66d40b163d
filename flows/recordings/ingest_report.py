"""What an ingest met: the report and the statistics that go into the manifest."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.manifests import Manifest
from flows.adapter import Corpus, Metadata, Utterance
from flows.recordings.staging import Quarantined, Staged
from flows.recordings.utterances import Joined

NAMED_AT_MOST = 1000  # of each sort, so that a corpus that is broken throughout does not swell its manifest
_LEFT_OUT = {
    "quarantined": "files left out as unreadable",
    "duplicates": "files left out, whose id an earlier one has",
    "left_out": "files left out, which the metadata put into no split",
    "silent": "recordings without a sound",
    "metadata_lines_not_understood": "lines of metadata not understood",
}


@dataclass(frozen=True)
class Row:
    """What the statistics need of a row."""

    official_split: str
    speaker_id: str | None  # None where nobody speaks
    gender: str
    duration_s: float
    has_text: bool


class Report:
    """Gathers what was read, written and left out."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._rows: dict[str, list[Row]] = {}
        self._forms: Counter[str] = Counter()
        self.metadata = Metadata()
        self.quarantined: list[Quarantined] = []
        self.left_out: list[str] = []  # files that the metadata leave out
        self.withdrawn = 0  # rows of speakers who were forgotten (`flows.recordings.forget`), who are not named here
        self.duplicates: list[str] = []  # members whose id an earlier one had
        self.silent: list[str] = []  # files of which every sample is zero; they are rows nevertheless, as the makers have them
        self.transcripts_without_audio: list[str] = []  # utterance ids
        self._foreign_audio: list[str] = []

    def add(self, staged: Staged) -> None:
        """Take note of a chunk, and of what its metadata files say."""
        self.quarantined += staged.quarantined
        self._foreign_audio += staged.foreign_audio
        self.metadata.update(staged.metadata)

    def row(self, split: str, row: Joined, duration_s: float) -> None:
        """Take note of a row that is to be written."""
        recording = row.recording
        speaker = recording.speaker_id if isinstance(recording, Utterance) else None
        self._forms[row.form] += 1
        self._rows.setdefault(split, []).append(
            Row(recording.official_split, speaker, row.gender, duration_s, row.text is not None)
        )

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(map(len, self._rows.values()))

    def report(self) -> dict[str, Any]:
        """Counts, and the names of what was left out."""
        rows = [row for split in self._rows.values() for row in split]
        quarantined = [{"member": item.member, "reason": item.reason} for item in self.quarantined]
        spoken = {
            "without_text": sum(not row.has_text for row in rows),
            "without_gender": sum(row.gender == "unknown" for row in rows),
            "text_normalisation": self._corpus.normalisation,
            "transcripts_without_audio": _named(self.transcripts_without_audio),
        }
        return {
            "recordings" if self._corpus.kind != "speech" else "utterances": len(rows),
            **(spoken if self._corpus.kind == "speech" else {}),
            "kept_as": dict(sorted(self._forms.items())),
            "quarantined": _named(quarantined),
            "silent": _named(self.silent),
            "duplicates": _named(self.duplicates),
            "left_out": _named(self.left_out),
            "withdrawn": self.withdrawn,
            "foreign_audio": _named(self._foreign_audio),
            "metadata_lines_not_understood": _named(self.metadata.not_understood),
            "other_counts_than_declared": self._other_counts(rows),
            "not_confirmed_yet": list(self._corpus.recalled),
            "shares_recordings_with": list(self._corpus.shares_recordings_with),
        }

    def _other_counts(self, rows: list[Row]) -> dict[str, dict[str, int]]:
        """Official splits of which there are rows, but not as many as declared."""
        with_texts = bool(self.metadata.texts)
        found = Counter(row.official_split for row in rows if row.has_text or not with_texts)
        return {
            split: {"declared": declared, "found": found[split]}
            for split, declared in self._corpus.rows.items()
            if found[split] not in (0, declared)
        }

    def statistics(self) -> dict[str, Any]:
        """See `statistics`."""
        return statistics(self._rows, self._corpus.kind)


def told_of(manifest: Manifest) -> list[str]:
    """What of a report its reader is to know at once, a line each."""
    report = manifest.report
    if "left_aside_for_another_form" in report:
        return _told_of_texts(report)
    if "quarantined" not in report:  # no corpus
        return []
    lines = []
    if report.get("without_text"):
        lines.append(f"{report['without_text']:,} utterances have no text")
    for key, what in _LEFT_OUT.items():
        if (found := report.get(key)) and found["count"]:
            [first, *_] = found["names"]
            named = f"{first['member']}: {first['reason']}" if isinstance(first, dict) else str(first).strip()
            lines.append(f"{found['count']:,} {what}, the first: {named}")
    if "sample" not in manifest.overrides:
        for split, counts in report.get("other_counts_than_declared", {}).items():
            lines.append(f"{counts['found']:,} rows of {split!r}, where the whole corpus has {counts['declared']:,}")
    return lines


def _told_of_texts(report: Mapping[str, Any]) -> list[str]:
    """Rows that were refused, by reason and with the first of each, and answers that do not stand in their contexts."""
    counts: Counter[str] = sum((Counter(file["counts"]) for file in report["files"]), Counter())
    counts = Counter(report.get("counts_of_all_files", counts))
    first: dict[str, str] = {}
    for file in report["files"]:
        for refused in file["refused"]:
            named = file["file"] in refused["where"]  # a row without an id goes by its file
            first.setdefault(refused["reason"], refused["where"] if named else f"{file['file']}: {refused['where']}")
    reasons = {key.removeprefix("refused: "): count for key, count in counts.items() if key.startswith("refused: ")}
    lines = [f"{count:,} left out: {why}; the first: {first.get(why, 'not named')}" for why, count in reasons.items()]
    if counts["answers_not_in_context"]:
        lines.append(f"{counts['answers_not_in_context']:,} answers do not stand in their contexts, and are free answers")
    for aside in report["left_aside_for_another_form"]:
        lines.append(f"{aside['file']} was not read: {aside['read_instead']} is the same in another form")
    return lines


def statistics(splits: Mapping[str, Sequence[Row]], kind: str) -> dict[str, Any]:
    """Sizes of the whole and of each split; `duration_s.histogram[k]` counts recordings of k to k + 1 seconds."""
    return {
        **_sizes([row for split in splits.values() for row in split], kind),
        "splits": {split: _sizes(of_split, kind) for split, of_split in splits.items() if of_split},
    }


def _sizes(rows: Sequence[Row], kind: str) -> dict[str, Any]:
    durations_s = [row.duration_s for row in rows]
    seconds = Counter(int(duration_s) for duration_s in durations_s)
    speakers = {row.speaker_id: row.gender for row in rows if row.speaker_id is not None}
    genders = dict(sorted(Counter(speakers.values()).items()))
    return {
        "utterances" if kind == "speech" else "recordings": len(rows),
        "hours": round(sum(durations_s) / 3600, 4),
        **({"speakers": len(speakers), "speakers_by_gender": genders} if kind == "speech" else {}),
        "duration_s": {
            "min": round(min(durations_s), 3),
            "mean": round(sum(durations_s) / len(rows), 3),
            "max": round(max(durations_s), 3),
            "histogram": [seconds[second] for second in range(max(seconds) + 1)],
        },
    }


def _named(found: list[Any]) -> dict[str, Any]:
    return {"count": len(found), "names": found[:NAMED_AT_MOST]}
