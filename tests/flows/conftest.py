"""A small corpus in LibriSpeech's layout, ingested as a user would."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from catalog.publish import Published

IngestTalk = Callable[..., Published]


def _write(folder: Path, part: str, speaker: int, utterances: int, random: np.random.Generator) -> None:
    chapter = folder / "LibriSpeech" / part / str(speaker) / "7"
    chapter.mkdir(parents=True)
    lines = []
    for number in range(utterances):
        length = int(random.uniform(0.4, 1.0) * 16000)
        bursts = np.repeat(random.choice([0.05, 0.3, 1.0], size=length // 800 + 1), 800)[:length]
        samples = np.clip(random.standard_normal(length) * bursts * random.uniform(300, 9000), -32768, 32767).astype(np.int16)
        name = f"{speaker}-7-{number:04d}"
        soundfile.write(chapter / f"{name}.flac", samples, 16000)
        lines.append(f"{name} SENTENCE {number}\n")
    (chapter / f"{speaker}-7.trans.txt").write_text("".join(lines))


@pytest.fixture
def ingest_talk(tmp_path: Path) -> IngestTalk:
    """`ingest_talk(root_url, parts={"train-clean-100": 8}, utterances=5)`: publishes `librispeech` of so many speakers a part."""

    def ingest_talk(root_url: str, parts: dict[str, int] | None = None, utterances: int = 5) -> Published:
        from flows.ingest import ingest

        random = np.random.default_rng(0)
        speaker = 1000
        for part, speakers in ({"train-clean-100": 8} if parts is None else parts).items():
            for _ in range(speakers):
                _write(tmp_path, part, speaker, utterances, random)
                speaker += 1
        return ingest("librispeech", [tmp_path / "LibriSpeech"], root=root_url, workers=1)

    return ingest_talk
