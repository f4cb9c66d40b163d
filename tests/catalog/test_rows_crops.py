"""Which span is read: keyed by seed, epoch and row; and the epoch that every process sees."""

import copy
import os
import pickle
import subprocess
import sys
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from catalog.crops import Epoch, crop_start


@given(st.integers(), st.integers(0, 10**6), st.text(), st.integers(0, 10**7), st.integers(1, 10**7))
def test_a_crop_lies_within_its_row(seed: int, epoch: int, row_id: str, num_samples: int, segment: int) -> None:
    """It begins at 0 where the row is too short."""
    start = crop_start(seed, epoch, row_id, num_samples, segment)
    assert start == 0 if num_samples <= segment else 0 <= start <= num_samples - segment
    assert start == crop_start(seed, epoch, row_id, num_samples, segment)


def test_crops_are_uniform_and_each_key_counts() -> None:
    """All of 10 places come about equally often over epochs, over rows and over seeds (6 standard deviations)."""
    for starts in (
        Counter(crop_start(0, epoch, "row", 19, 10) for epoch in range(5000)),
        Counter(crop_start(0, 0, f"row{k}", 19, 10) for k in range(5000)),
        Counter(crop_start(seed, 0, "row", 19, 10) for seed in range(5000)),
    ):
        assert sorted(starts) == list(range(10))
        assert all(abs(count - 500) < 6 * (500 * 0.9) ** 0.5 for count in starts.values())


def test_a_crop_is_the_same_everywhere() -> None:
    """Fixed numbers: a change of the hash changes everybody's training data and must be meant."""
    assert [crop_start(7, epoch, "語料", 72_000, 16_000) for epoch in range(3)] == [43298, 48614, 6837]


def test_copies_share_the_epoch() -> None:
    """Shallow, deep and pickled ones, in both directions."""
    epoch = Epoch(3)
    copies = [copy.copy(epoch), copy.deepcopy(epoch), pickle.loads(pickle.dumps(epoch)), pickle.loads(pickle.dumps(epoch))]
    assert [one.value for one in copies] == [3] * 4
    copies[2].value = 5
    assert epoch.value == 5
    epoch.value = 2**40
    assert [one.value for one in copies] == [2**40] * 4


def test_the_file_goes_with_its_creator() -> None:
    """Not with a copy of it or with a forked child; a pickle that comes too late counts on its own."""
    epoch = Epoch(1)
    path = Path(epoch._path)
    pickled = pickle.dumps(epoch)
    pickle.loads(pickled)
    child = os.fork()
    if child == 0:
        del epoch
        os._exit(0)
    os.waitpid(child, 0)
    assert path.exists()
    late = pickle.loads(pickled)
    del epoch
    assert not path.exists()
    late.value = 4
    assert late.value == 4
    assert pickle.loads(pickled).value == 1


def test_nothing_stays_after_a_process(tmp_path: Path, process_environment: dict[str, str]) -> None:
    """The file is removed at exit, also while something still holds the epoch."""
    code = "from catalog.crops import Epoch; keep = Epoch(1); import os, tempfile; print(len(os.listdir(tempfile.gettempdir())))"
    environment = {**process_environment, "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, check=True)
    assert done.stdout == b"1\n"
    assert not list(tmp_path.iterdir())
