"""Folders for work in progress."""

import subprocess
import sys
from pathlib import Path

import pytest

from catalog.settings import cache
from flows.recordings.scratch import scratch

_KILLED = """
import os, signal
from flows.recordings.scratch import scratch
with scratch("trial") as folder:
    (folder / "half.arrow").write_bytes(bytes(1000))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_folder_is_gone_at_the_end_also_after_an_error() -> None:
    with scratch("trial") as folder:
        (folder / "file").write_text("x")
    with pytest.raises(ValueError, match="broken"), scratch("trial") as other:
        raise ValueError("broken")
    assert not folder.exists()
    assert not other.exists()
    assert list((cache() / "trial").iterdir()) == []


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_holds_is_not() -> None:
    """kill -9; the next one makes room."""
    with scratch("trial") as mine:
        (mine / "file").write_text("x")
        assert subprocess.run([sys.executable, "-c", _KILLED], cwd=Path(__file__).parents[2], check=False).returncode == -9
        left = list((cache() / "trial").glob("*/half.arrow"))
        assert len(left) == 1
        with scratch("trial"):
            assert not left[0].exists()
            assert (mine / "file").exists()
