"""A small Mandarin corpus in the official form of AISHELL-1, spoken by espeak-ng: something to run the real ingest on."""

import ctypes
import gzip
import io
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from synth import wav
from synth.errors import YuliaoError

SAMPLE_RATE_HZ = 16_000
UTTERANCES_PER_SPEAKER = 12
WITHOUT_TRANSCRIPT = ("BAC009S0004W0125", "BAC009S0011W0131", "BAC009S0727W0127")  # the original has 325

_AUDIO_OUTPUT_RETRIEVAL_SYNCHRONOUS = 2
_CHARS_UTF8 = 1
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4  # espeak_PARAMETER
_TO_ASCII = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}


class DemoCorpusError(YuliaoError):
    """The demo corpus cannot be spoken."""


@dataclass(frozen=True)
class Speaker:
    """A voice: `variant` of espeak-ng's Mandarin, words per minute, pitch and pitch range (0 to 99), volume (0 to 200)."""

    number: int
    gender: str  # F | M
    split: str  # train | dev | test
    variant: str
    rate_wpm: int
    pitch: int
    range: int
    volume: int


SPEAKERS = (
    Speaker(2, "F", "train", "f1", 170, 55, 50, 90),
    Speaker(3, "M", "train", "m1", 165, 45, 45, 85),
    Speaker(4, "F", "train", "f2", 185, 60, 55, 70),
    Speaker(5, "M", "train", "m2", 150, 40, 50, 95),
    Speaker(6, "F", "train", "f3", 160, 50, 60, 80),
    Speaker(7, "M", "train", "m3", 175, 50, 55, 60),
    Speaker(8, "F", "train", "f4", 195, 65, 45, 75),
    Speaker(9, "M", "train", "m4", 185, 35, 60, 80),
    Speaker(10, "F", "train", "f5", 155, 45, 50, 85),
    Speaker(11, "M", "train", "m5", 160, 55, 40, 70),
    Speaker(12, "F", "train", "Annie", 175, 55, 55, 65),
    Speaker(13, "M", "train", "m6", 170, 45, 65, 90),
    Speaker(14, "F", "train", "linda", 165, 60, 50, 80),
    Speaker(15, "M", "train", "m7", 190, 50, 45, 75),
    Speaker(16, "F", "train", "steph", 180, 50, 60, 95),
    Speaker(17, "M", "train", "m8", 155, 40, 55, 85),
    Speaker(18, "F", "train", "belinda", 150, 55, 45, 90),
    Speaker(19, "M", "train", "Gene", 180, 45, 50, 55),
    Speaker(724, "F", "dev", "Alicia", 190, 50, 55, 85),
    Speaker(725, "M", "dev", "Lee", 165, 45, 50, 60),
    Speaker(727, "F", "dev", "aunty", 160, 60, 50, 75),
    Speaker(764, "M", "test", "Mario", 175, 50, 55, 80),
    Speaker(765, "F", "test", "grandma", 155, 45, 60, 90),
    Speaker(766, "M", "test", "Denis", 185, 40, 45, 85),
)
# Which sentences a split speaks: no sentence stands in two splits.
_SENTENCES = {"train": slice(0, 72), "dev": slice(72, 84), "test": slice(84, 96)}


def speak_corpus(folder: Path) -> tuple[Path, Path]:
    """Write `data_aishell.tgz` and `resource_aishell.tgz` into `folder`: 24 speakers, 12 utterances each, 16 kHz.

    The same bytes every time. Returns both paths.

    Raises:
        DemoCorpusError: espeak-ng is not installed.
    """
    sentences = resources.files("flows.demo").joinpath("sentences.txt").read_text(encoding="utf-8").splitlines()
    transcript: list[str] = []
    speaker_tars: dict[str, bytes] = {}
    spoken = dict.fromkeys(_SENTENCES, 0)
    with _espeak() as say:
        for speaker in SPEAKERS:
            of_split = sentences[_SENTENCES[speaker.split]]
            files: dict[str, bytes] = {}
            for k in range(UTTERANCES_PER_SPEAKER):
                words = of_split[spoken[speaker.split] % len(of_split)]
                spoken[speaker.split] += 1
                utterance = f"BAC009S{speaker.number:04}W{122 + k:04}"
                samples = say(speaker, words.translate(_TO_ASCII).replace(" ", ""))
                files[f"{speaker.split}/S{speaker.number:04}/{utterance}.wav"] = wav.encode(samples, SAMPLE_RATE_HZ)
                if utterance not in WITHOUT_TRANSCRIPT:
                    transcript.append(f"{utterance} {words}\n")
            speaker_tars[f"data_aishell/wav/S{speaker.number:04}.tar.gz"] = packed_tar(files)
    lexicon = sorted({word for sentence in sentences for word in sentence.split()})
    folder.mkdir(parents=True, exist_ok=True)
    data, resource = folder / "data_aishell.tgz", folder / "resource_aishell.tgz"
    data.write_bytes(
        packed_tar({"data_aishell/transcript/aishell_transcript_v0.8.txt": "".join(transcript).encode()} | speaker_tars)
    )
    genders = "".join(f"{speaker.number:04} {speaker.gender}\n" for speaker in SPEAKERS)
    spelled = "".join(f"{word} {' '.join(word)}\n" for word in lexicon)
    resource.write_bytes(
        packed_tar({"resource_aishell/speaker.info": genders.encode(), "resource_aishell/lexicon.txt": spelled.encode()})
    )
    return data, resource


def packed_tar(files: dict[str, bytes]) -> bytes:
    """A gzipped tar of `files`, without times or owners, so that the same content gives the same bytes."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(filename="", fileobj=packed, mode="wb", compresslevel=1, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w") as tar,
    ):
        for path, data in files.items():
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(data), 0o644
            tar.addfile(member, io.BytesIO(data))
    return packed.getvalue()


@contextmanager
def _espeak() -> Iterator[Callable[[Speaker, str], NDArray[np.int16]]]:
    """A function that speaks Mandarin: int16 [samples] at `SAMPLE_RATE_HZ`."""
    try:
        import espeakng_loader
    except ImportError as error:
        raise DemoCorpusError(
            "the demo corpus is spoken by espeak-ng, which is not installed: pip install yuliao[demo]"
        ) from error
    # espeak-ng's noise goes on from call to call, so that the same audio comes only from a freshly loaded library. A loader
    # takes a copy for another library.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as copies:
        library = ctypes.CDLL(str(shutil.copy(espeakng_loader.get_library_path(), copies)))

    data_path = espeakng_loader.get_data_path().encode()
    rate_hz = library.espeak_Initialize(_AUDIO_OUTPUT_RETRIEVAL_SYNCHRONOUS, 0, data_path, 0)
    if rate_hz <= 0:
        raise DemoCorpusError(
            f"espeak-ng does not start with the voices in {data_path.decode()}; pip install --force-reinstall yuliao[demo]"
        )
    library.espeak_ng_SetRandSeed(ctypes.c_long(1))  # the seed is the time otherwise

    heard: list[bytes] = []

    def hear(samples: int | None, count: int, _events: object) -> int:
        if samples and count > 0:
            heard.append(ctypes.string_at(samples, 2 * count))
        return 0

    callback = _CALLBACK(hear)
    library.espeak_SetSynthCallback(callback)

    def say(speaker: Speaker, text: str) -> NDArray[np.int16]:
        heard.clear()
        if library.espeak_SetVoiceByName(f"cmn+{speaker.variant}".encode()):
            raise DemoCorpusError(f"espeak-ng has no voice cmn+{speaker.variant}; pip install --force-reinstall yuliao[demo]")
        settings = ((_RATE, speaker.rate_wpm), (_VOLUME, speaker.volume), (_PITCH, speaker.pitch), (_RANGE, speaker.range))
        for parameter, value in settings:
            library.espeak_SetParameter(parameter, value, 0)
        data = text.encode()
        library.espeak_Synth(data, len(data) + 1, 0, 1, 0, _CHARS_UTF8, None, None)
        spoken = np.frombuffer(b"".join(heard), dtype="<i2").astype(np.float64) / 32768
        resampled: NDArray[np.float64] = soxr.resample(spoken, rate_hz, SAMPLE_RATE_HZ)
        return np.clip(np.rint(resampled * 32768), -32768, 32767).astype(np.int16)

    # Generator and its frame live as long as the context, and with them `callback`, to which C holds no reference.
    try:
        yield say
    finally:
        library.espeak_Terminate()
