"""AISHELL-1 and LibriSpeech in their official form, of noise, and small; and what an ingest has made of them."""

import hashlib
import io
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import soundfile
from numpy.typing import NDArray

from catalog.manifests import Manifest, read_manifest, versions
from catalog.roots import open_root
from catalog.shards import blob_path

RATE_HZ = 16_000


Files = dict[str, bytes]


AISHELL_SPEAKERS = {"train": [2, 3, 4], "dev": [724, 725], "test": [764, 765]}


UNTRANSCRIBED = "BAC009S0003W0123"


def noise(name: str, num_samples: int | None = None) -> NDArray[np.int16]:
    """Its own samples for every name."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little")
    generator = np.random.default_rng(seed)
    return np.rint(generator.normal(0, 1000, num_samples or generator.integers(3000, 9000))).astype(np.int16)


def sound(samples: NDArray[np.int16], file_format: str, rate_hz: int = RATE_HZ) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=file_format, subtype="PCM_16")
    return file.getvalue()


def packed(files: Files) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz", compresslevel=1) as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return data.getvalue()


def lay(folder: Path, files: Files) -> Path:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def aishell_waves() -> dict[str, Files]:
    """By speaker: path within the speaker's archive -> WAV."""
    waves: dict[str, Files] = {}
    for split, numbers in AISHELL_SPEAKERS.items():
        for number in numbers:
            ids = [f"BAC009S{number:04}W{122 + k:04}" for k in range(4)]
            waves[f"S{number:04}"] = {f"{split}/S{number:04}/{id_}.wav": sound(noise(id_), "WAV") for id_ in ids}
    return waves


def aishell_transcript() -> bytes:
    ids = [Path(path).stem for files in aishell_waves().values() for path in files]
    lines = [f"{id_} 去 ｋ ｔ ｖ　唱歌 {id_[-4:]}" for id_ in ids if id_ != UNTRANSCRIBED]
    return ("\n".join(lines) + "\n").encode()


def aishell_archives(folder: Path, waves: dict[str, Files] | None = None, *, transcript_first: bool = True) -> Path:
    speakers = {f"data_aishell/wav/{speaker}.tar.gz": packed(files) for speaker, files in (waves or aishell_waves()).items()}
    transcript = {"data_aishell/transcript/aishell_transcript_v0.8.txt": aishell_transcript()}
    lay(folder, {"data_aishell.tgz": packed(transcript | speakers if transcript_first else speakers | transcript)})
    return lay(folder, {"resource_aishell.tgz": packed(aishell_resource())})


def aishell_resource() -> Files:
    genders = "".join(f"{n:04} {'FM'[n % 2]}\n" for numbers in AISHELL_SPEAKERS.values() for n in numbers if n != 765)
    return {"resource_aishell/speaker.info": genders.encode(), "resource_aishell/lexicon.txt": "去 q v4\n".encode()}


def librispeech(subset: str, speakers: Iterable[int]) -> Files:
    """The files of one official archive."""
    top = {
        "LibriSpeech/SPEAKERS.TXT": b"; comment\n;ID  |SEX| SUBSET |MINUTES| NAME\n"
        b"60   | M | train-clean-100  | 20.18 | |CBW|Simon\n"
        b"61   | F | test-other  | 20.18 | A\n",
        "LibriSpeech/README.TXT": b"read me\n",
    }
    files = dict(top)
    for speaker in speakers:
        at = f"LibriSpeech/{subset}/{speaker}/121726/{speaker}-121726"
        for k in range(3):
            files[f"{at}-{k:04}.flac"] = sound(noise(f"{speaker}-{k}"), "FLAC")
        files[f"{at}.trans.txt"] = "".join(f"{speaker}-121726-{k:04} IT'S LINE {k}\n" for k in range(3)).encode()
    return files


def manifest(root: Path | str, name: str = "aishell1") -> Manifest:
    storage = open_root(root)
    return read_manifest(storage, name, versions(storage, name)[-1])


def rows(root: Path | str, name: str = "aishell1") -> dict[str, dict[str, Any]]:
    """Rows of the newest version by id; each has its dataset split under "split"."""
    found = {}
    storage = open_root(root)
    for split, entry in manifest(root, name).splits.items():
        for shard in entry.shards:
            with pa.memory_map(str(storage.fetch(blob_path(name, shard.blob)))) as file:
                for row in pa.ipc.open_stream(file).read_all().to_pylist():
                    assert row["id"] not in found
                    found[row["id"]] = row | {"split": split}
    return found
