"""The whole way on a bare machine: a spoken corpus, ingested, mixed, verified, ready to be loaded."""

import json
import os
import tempfile
from pathlib import Path

from catalog.publish import Published
from flows.progress import shown

SETS = ("sep_2spk_full", "sep_2spk_partial")
MIXTURES = {"train": 120, "validation": 20, "test": 20}


def run_demo(folder: Path) -> list[Published]:
    """Make the demo's corpus and sets in `folder`, which becomes YULIAO_HOME of this process; the user's catalog is not touched.

    What is there already is not made again.

    Raises:
        YuliaoError: espeak-ng is not installed (extra `demo`), or a step failed.
    """
    from flows.build import build
    from flows.ingest import ingest
    from flows.specs import load_spec

    home = folder.resolve()
    os.environ["YULIAO_HOME"] = str(home)
    root = catalog_of(home)
    archives = home / "corpus"
    _speak(archives)
    with shown("ingest aishell1") as progress:
        published = [ingest("aishell1", [archives], root=root, progress=progress)]
    overrides: dict[str, object] = {f"splits.{split}.mixtures": count for split, count in MIXTURES.items()}
    for name in SETS:
        with shown(f"build {name}") as progress:
            spec = load_spec(name, overrides)
            published.append(build(spec, root=root, overrides=overrides, progress=progress))
    return published


def catalog_of(home: Path) -> Path:
    """Where the demo's catalog lies."""
    return home / "catalog"


def loading_lines(home: Path) -> list[str]:
    """Three lines of Python that load the demo's last set, from anywhere."""
    return [
        "import catalog",
        f'train = catalog.get("{SETS[-1]}", split="train", root={json.dumps(str(catalog_of(home)))})',
        'print(train[0]["mixture"]["array"], train[0]["texts"])',
    ]


def _speak(archives: Path) -> None:
    """Spoken beside their place and moved there whole: a folder that is there is done."""
    from flows.demo_corpus import speak_corpus

    if archives.exists():
        return
    archives.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="speaking-", dir=archives.parent) as unfinished:
        spoken = Path(unfinished) / "corpus"
        speak_corpus(spoken)
        spoken.rename(archives)
