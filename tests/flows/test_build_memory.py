"""What a worker holds does not grow with the set."""

import subprocess
import sys
from pathlib import Path
from typing import Any

# Ends with the megabytes that the process held at most, and those that it wrote.
BUILDER = """
import re, sys
import flows.mixtures.build
from catalog.manifests import read_manifest
from catalog.roots import open_root
from flows.specs import load_spec
if __name__ == "__main__":
    root, mixtures = sys.argv[1:]
    counts = {f"splits.{split}.mixtures": int(mixtures) if split == "train" else 4 for split in ("train", "validation", "test")}
    spec = load_spec("sep_2spk_partial", {"corpus": "librispeech", **counts})
    made = flows.mixtures.build.build(spec, root=root, workers=1, shard_bytes=1 << 30)
    (shard,) = read_manifest(open_root(root), made.name, made.version).splits["train"].shards
    # Not ru_maxrss: it counts what the process held that started this one.
    held_kb = re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]
    print(int(held_kb) >> 10, shard.size_bytes >> 20)
"""


def test_a_worker_writes_a_shard_that_is_larger_than_what_it_holds(
    tmp_path: Path, ingest_talk: Any, process_environment: dict[str, str]
) -> None:
    """One shard of some 550 MB, in a process that also planned it and published it."""
    root_url = str(tmp_path / "catalog")
    ingest_talk(root_url)
    program = tmp_path / "builder.py"
    program.write_text(BUILDER)
    held_mb, written_mb = map(
        int,
        subprocess.run(
            [sys.executable, str(program), root_url, "6000"],
            env=process_environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        ).stdout.split(),
    )
    assert written_mb > 500
    assert held_mb < 600
