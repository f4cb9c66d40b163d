"""A Kaldi data folder: `wav.scp`, and if there are any `segments`, `text`, `utt2spk`, `spk2gender`.

Commands in `wav.scp` (`sox ... |`) are never run, and archives (`x.ark:123`) not read: such rows are left out and named.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from flows.adapter import AudioFile, Corpus, Metadata, Take
from flows.generic.own import Own, audio_file, described, recording, seconds, split_in
from flows.recordings.staging import IngestError


def corpus(own: Own) -> Corpus:
    """An adapter for folders with a `wav.scp`, or folders of such; the name of each tells its split."""
    return described(own, "a Kaldi data folder", read=partial(_read, own))


def _read(own: Own, sources: Sequence[Path], metadata: Metadata) -> Iterator[AudioFile]:
    for source in sources:
        folders = sorted(path.parent for path in source.rglob("wav.scp"))
        if not folders:
            raise IngestError(f"{source}: no wav.scp in it or below it; give a Kaldi data folder")
        for folder in folders:
            yield from _folder(own, folder)


def _folder(own: Own, folder: Path) -> Iterator[AudioFile]:
    texts, speakers, genders = (_pairs(folder / name) for name in ("text", "utt2spk", "spk2gender"))
    split = split_in(folder.resolve().name)
    segments = _segments(folder / "segments")

    def one_take(utterance: str, session: str, start_s: float = 0.0, end_s: float | None = None) -> Take:
        speaker = speakers.get(utterance, "")
        row = {"recording_id": session, "speaker": speaker, "text": texts.get(utterance), "gender": genders.get(speaker)}
        return Take(recording(own, row, utterance, split), start_s, end_s)

    for session, where in _pairs(folder / "wav.scp", required=True).items():
        if segments is None:
            takes = [one_take(session, session)]
        else:
            takes = [one_take(utterance, session, *times) for utterance, times in segments.get(session, {}).items()]
        if where.endswith("|"):
            yield AudioFile(session, b"", (), problem="is a command in wav.scp, which is not run; write a file and name that")
        elif ".ark:" in where:
            yield AudioFile(session, b"", (), problem="lies in a Kaldi archive; write a file and name that")
        elif takes:
            yield audio_file(folder, where, takes)


def _pairs(path: Path, *, required: bool = False) -> dict[str, str]:
    """Lines of a key, white space and the rest."""
    if not path.exists() and not required:
        return {}
    pairs = {}
    for line in _lines(path):
        key, *rest = line.split(maxsplit=1)
        pairs[key] = rest[0].strip() if rest else ""
    return pairs


def _segments(path: Path) -> dict[str, dict[str, tuple[float, float]]] | None:
    """By recording and utterance, start and end in seconds; None where there is no such file."""
    if not path.exists():
        return None
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for line in _lines(path):
        fields = line.split()
        if len(fields) != 4:
            raise IngestError(f"{path}: {line!r} is not an utterance, a recording, a start and an end")
        found.setdefault(fields[1], {})[fields[0]] = seconds(fields[2], str(path)), seconds(fields[3], str(path))
    return found


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise IngestError(f"{path}: not UTF-8 ({error.reason} at byte {error.start})") from error
    except OSError as error:
        raise IngestError(f"{path}: cannot be read ({error.strerror})") from error
