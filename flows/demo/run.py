"""The whole way on a bare machine: spoken and noise corpora, ingested, mixed, verified, ready to be loaded."""

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from catalog.publish import Published
from flows.progress import shown

SETS = ("sep_2spk_full", "sep_2spk_partial", "enh_aishell_noisy", "enh_aishell_noisy_4mic", "enh_voicebank_style")
MIXTURES = {"train": 120, "validation": 20, "test": 20}
# What the demo lays over the specs: few, small mixtures of the corpora it has, in a few small rooms that ring shortly.
_SMALL_ROOMS = {
    "rooms.rooms": {"train": 6, "validation": 2, "test": 2},
    "rooms.simulate.size_m": [{"uniform": [3, 4]}, {"uniform": [3, 4]}, 2.5],
    "rooms.simulate.rt60_s": {"uniform": [0.15, 0.25]},
}
_CHANGES: dict[str, dict[str, object]] = {
    "enh_aishell_noisy": {**_SMALL_ROOMS, "noise.corpus": ["musan", "demand"]},
    "enh_aishell_noisy_4mic": {
        **_SMALL_ROOMS,
        "splits.train.mixtures": 16,
        "splits.validation.mixtures": 4,
        "splits.test.mixtures": 4,
    },
    "enh_voicebank_style": {"corpus": "aishell1", "speakers.held_out": 0},  # it has no hundred speakers to choose from
}


def run_demo(folder: Path) -> list[Published]:
    """Make the demo's corpora and sets in `folder`, which becomes YULIAO_HOME of this process; the user's catalog is not touched.

    What is there already is not made again.

    Raises:
        YuliaoError: espeak-ng is not installed (extra `demo`), or a step failed.
    """
    from flows.demo.corpus import speak_corpus
    from flows.demo.noise import write_demand, write_musan
    from flows.mixtures.build import build
    from flows.recordings.ingest import ingest
    from flows.specs import load_spec

    home = folder.resolve()
    os.environ["YULIAO_HOME"] = str(home)
    root = catalog_of(home)
    archives = {
        "aishell1": _made(home / "corpus", speak_corpus),
        "musan": _made(home / "musan", write_musan),
        "demand": _made(home / "demand", write_demand),
    }
    published = []
    for corpus, where in archives.items():
        with shown(f"ingest {corpus}") as progress:
            published.append(ingest(corpus, [where], root=root, progress=progress))
    counts = {f"splits.{split}.mixtures": count for split, count in MIXTURES.items()}
    for name in SETS:
        overrides = {**counts, **_CHANGES.get(name, {})}
        with shown(f"build {name}") as progress:
            spec = load_spec(name, overrides)
            # Starting processes would take longer than all there is to do.
            published.append(build(spec, root=root, overrides=overrides, workers=1, progress=progress))
    return published


def catalog_of(home: Path) -> Path:
    """Where the demo's catalog lies."""
    return home / "catalog"


def loading_lines(home: Path) -> list[str]:
    """Three lines of Python that load one of the demo's sets, from anywhere."""
    return [
        "import catalog",
        f'train = catalog.get("sep_2spk_partial", split="train", root={json.dumps(str(catalog_of(home)))})',
        'print(train[0]["mixture"]["array"], train[0]["texts"])',
    ]


def _made(folder: Path, make: Callable[[Path], object]) -> Path:
    """Made beside its place and moved there whole: a folder that is there is done."""
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="making-", dir=folder.parent) as unfinished:
            make(Path(unfinished) / "archives")
            (Path(unfinished) / "archives").rename(folder)
    return folder
