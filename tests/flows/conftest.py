"""A small corpus in LibriSpeech's layout, ingested as a user would; a server of files that can misbehave."""

import base64
import importlib.util
import io
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import soundfile

from catalog.publish import Published
from catalog.roots import Root

IngestTalk = Callable[..., Published]


def _write(folder: Path, part: str, speaker: int, utterances: int, random: np.random.Generator) -> None:
    chapter = folder / "LibriSpeech" / part / str(speaker) / "7"
    chapter.mkdir(parents=True, exist_ok=True)
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
        from flows.recordings.ingest import ingest

        random = np.random.default_rng(0)
        speaker = 1000
        for part, speakers in ({"train-clean-100": 8} if parts is None else parts).items():
            for _ in range(speakers):
                _write(tmp_path, part, speaker, utterances, random)
                speaker += 1
        return ingest("librispeech", [tmp_path / "LibriSpeech"], root=root_url, workers=1)

    return ingest_talk


@dataclass
class FileServer:
    """A real HTTP server over `files`; what it shall do wrong is set by the path of the file."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cut_after_bytes: dict[str, list[int]] = field(default_factory=dict)  # one answer each is cut off after so many bytes
    statuses: dict[str, list[int]] = field(default_factory=dict)  # answered before anything else, one each
    ignores_ranges: set[str] = field(default_factory=set)
    password: str = ""  # asked of everybody, for user "user"
    requests: list[tuple[str, str]] = field(default_factory=list)  # (path with query, header Range)
    served_bytes: int = 0
    seconds_per_chunk: float = 0.0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_GET(self) -> None:
        said = self.server.said
        path = urlsplit(self.path).path.lstrip("/")
        asked = self.headers.get("Range", "")
        said.requests.append((self.path, asked))
        if statuses := said.statuses.get(path):
            return self._refuse(statuses.pop(0))
        token = base64.b64encode(f"user:{said.password}".encode()).decode()
        if said.password and self.headers.get("Authorization") != f"Basic {token}":
            return self._refuse(401)
        if path not in said.files:
            return self._refuse(404)
        data = said.files[path]
        begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked and path not in said.ignores_ranges else 0
        if begin >= len(data) > 0:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(data)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Type", "text/html" if data.startswith(b"<html") else "application/octet-stream")
        self.send_header("Content-Length", str(len(data) - begin))
        self.end_headers()
        cuts = said.cut_after_bytes.get(path)
        end = begin + cuts.pop(0) if cuts else len(data)
        for at in range(begin, min(end, len(data)), 1 << 16):
            chunk = data[at : min(at + (1 << 16), end)]
            self.wfile.write(chunk)
            said.served_bytes += len(chunk)
            time.sleep(said.seconds_per_chunk)
        if end < len(data):
            self.close_connection = True
        return None

    def _refuse(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.said = FileServer(f"http://127.0.0.1:{self.server_port}")

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is none of the server's business."""


@pytest.fixture
def file_server() -> Iterator[FileServer]:
    """Serves `file_server.files` at `file_server.url`, as well or as badly as it is told."""
    server = _Server()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server.said
    server.shutdown()
    server.server_close()


WriteAudio = Callable[..., bytes]


@pytest.fixture
def write_audio() -> WriteAudio:
    """`write_audio("flac", sample_rate_hz=16000, channels=1, seconds=0.1)`: the bytes of a file with other noise each time."""
    random = np.random.default_rng(0)

    def write_audio(form: str = "wav", sample_rate_hz: int = 16000, channels: int = 1, seconds: float = 0.1, **how: str) -> bytes:
        file = io.BytesIO()
        samples = random.integers(-9000, 9000, (round(seconds * sample_rate_hz), channels)).astype(np.int16)
        soundfile.write(file, samples, sample_rate_hz, format=form, **how)
        return file.getvalue()

    return write_audio


PackArchive = Callable[[str, dict[str, bytes | str]], Path]


@pytest.fixture
def pack_archive(tmp_path: Path) -> PackArchive:
    """`pack_archive("corpus.tgz", {"path/in/it": content})`: a tar or zip archive, its members in that order."""

    def pack_archive(name: str, files: dict[str, bytes | str]) -> Path:
        path = tmp_path / "archives" / name
        path.parent.mkdir(exist_ok=True)
        contents = {member: content.encode() if isinstance(content, str) else content for member, content in files.items()}
        if name.endswith(".zip"):
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
                for member, data in contents.items():
                    zipped.writestr(member, data)
        else:
            with tarfile.open(path, "w" if name.endswith(".tar") else "w:gz") as tar:
                for member, data in contents.items():
                    info = tarfile.TarInfo(member)
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
        return path

    return pack_archive


@pytest.fixture(scope="session")
def official() -> Callable[[str], Any]:
    """`official("musan")`: small archives of that corpus in their official layout, and the rows in them."""
    here = Path(__file__).parent
    modules = [_loaded(here / name) for name in ("official_sound.py", "official_text.py")]

    def official(corpus: str) -> Any:
        for module in modules:
            if hasattr(module, corpus):
                return getattr(module, corpus)()
        pytest.fail(
            f"nobody has said what the archives of {corpus!r} look like: write a function {corpus}() in "
            "tests/flows/official_sound.py or official_text.py that makes small ones in their official layout"
        )

    return official


@pytest.fixture(scope="session")
def small() -> ModuleType:
    """small_archives.py."""
    return _loaded(Path(__file__).parent / "small_archives.py")


def _loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


PublishNoise = Callable[..., dict[str, Any]]


@pytest.fixture
def publish_noise(examples: ModuleType, root: Root) -> PublishNoise:
    """`publish_noise(name, train={"id": signal or (signal, changed columns)}, test=...)`."""

    def publish(name: str, rate_hz: int = 16_000, **by_split: dict[str, Any]) -> dict[str, Any]:
        import hashlib

        import pyarrow as pa

        import catalog
        from catalog.kinds import noise_schema
        from flows.recordings.staging import frames
        from synth import wav

        schema, shards, audio = noise_schema(rate_hz), {}, {}
        for split, signals in by_split.items():
            rows = []
            for noise_id, told in signals.items():
                signal, changed = told if isinstance(told, tuple) else (told, {})
                energies, peaks = frames(signal, rate_hz)
                audio[noise_id] = signal
                row = {
                    "id": noise_id,
                    "audio": {"bytes": wav.encode_signal(signal, rate_hz), "path": None},
                    "category": "noise",
                    "recording_id": noise_id,
                    "official_split": split,
                    "sample_rate_hz": rate_hz,
                    "num_samples": signal.shape[-1],
                    "num_channels": len(np.atleast_2d(signal)),
                    "duration_s": signal.shape[-1] / rate_hz,
                    "audio_sha256": hashlib.sha256(np.ascontiguousarray(signal.T)).hexdigest(),
                    "frame_energies": energies,
                    "frame_peaks": peaks,
                    **changed,
                }
                rows.append(examples._digested(row, schema))
            shards[split] = [examples.write_shard(root, name, split, pa.RecordBatch.from_pylist(rows, schema=schema))]
        catalog.publish(
            name,
            kind="noise",
            splits=shards,
            fingerprint=name,
            root=root.url,
            licence=examples.LICENCE,
            sample_rate_hz=rate_hz,
        )
        return audio

    return publish


@pytest.fixture
def rows_of() -> Callable[..., Any]:
    """`rows_of("squad", folder, {"train-v2.0.json": text})`: writes files, reads them with that adapter of text; rows by split
    and the report."""
    from flows.text import corpora
    from flows.text.ingest import read

    def rows_of(name: str, folder: Path, files: dict[str, str]) -> Any:
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        return read(corpora.get(name), [folder], None, lambda done, total, unit: None)

    return rows_of
