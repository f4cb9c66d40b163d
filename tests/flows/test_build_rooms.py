"""Sets in rooms: what is refused before rooms are simulated or heard, and what is never done twice."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import catalog
from catalog.roots import Root, open_root
from flows.mixtures import hearing
from flows.mixtures.build import build, dry_run, write_plan
from flows.specs import load_spec
from synth.errors import YuliaoError
from synth.levelling.measuring import measure_rows
from synth.spec import SeparationSpec

ROOMS: dict[str, Any] = {
    "simulate": {"rt60_s": 0.2, "size_m": [4.0, 3.5, 2.6], "max_order": 2},
    "rooms": {"train": 3, "test": 2},
}
ASKED = {"corpus": "librispeech", "splits": {"train": {"mixtures": 8}, "test": {"mixtures": 4}}, "rooms": ROOMS}
BANK = "sep_2spk_partial_rirs"


@pytest.fixture
def url(tmp_path: Path, ingest_talk: Callable[..., Any]) -> str:
    """A catalog with a corpus of speech."""
    folder = str(tmp_path / "catalog")
    ingest_talk(folder, {"train-clean-100": 5, "test-clean": 4})
    return folder


@pytest.fixture
def root(url: str) -> Root:
    return open_root(url)


def asked(**changes: Any) -> SeparationSpec:
    return load_spec("sep_2spk_partial", {**ASKED, **changes})


def names(url: str) -> set[str]:
    return {listed.name for listed in catalog.list_datasets(root=url)}


def test_a_dry_run_simulates_no_room_and_a_plan_wants_them_simulated(url: str, tmp_path: Path) -> None:
    tried = dry_run(asked(), root=url)
    assert tried.splits["train"]["mixtures"] == 8
    assert tried.splits["train"]["rooms"]["mixtures_in_rooms"] == 8
    assert "clip_gain_applied" not in tried.splits["train"]
    with pytest.raises(YuliaoError, match="have yet to be simulated"):
        write_plan(asked(), tmp_path / "plan.arrow", root=url)
    assert names(url) == {"librispeech"}
    published = build(asked(), root=url, workers=1)
    size = sum(split.size_bytes for split in catalog.manifest("sep_2spk_partial", root=url).splits.values())
    assert size > tried.size_bytes > 0.8 * size  # which is of audio alone
    assert dry_run(asked(), root=url) == tried
    assert write_plan(asked(), tmp_path / "plan.arrow", root=url).rows == {"train": 8, "test": 4}
    assert (published.version, build(asked(), root=url, workers=1).created) == (1, False)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"noise": {"corpus": "hisses", "count": 3}}, "'test': a mixture asks for 3 noises"),
        ({"n_src": 5, "overlap": {"mode": "full"}}, "speakers"),
        ({"rooms.simulate.rt60_s": 0.02}, "an RT60 of 0.02 s is impossible"),
        ({"noise": {"babble": {"talkers": 2}}}, "nobody to babble"),
    ],
)
def test_what_cannot_be_is_refused_before_a_room_is_simulated(
    url: str, publish_noise: Callable[..., Any], changes: dict[str, Any], said: str
) -> None:
    random = np.random.default_rng(0)
    noises = [(random.standard_normal(16_000) * 1000).astype(np.int16) for _ in range(5)]
    publish_noise("hisses", train=dict(zip("abc", noises, strict=False)), test=dict(zip("de", noises[3:], strict=True)))
    with pytest.raises(YuliaoError, match=said):
        build(asked(**changes), root=url, workers=1)
    assert BANK not in names(url)
    assert not list((Path(url) / BANK).rglob("*.arrow"))


def test_mixtures_are_heard_once_and_a_plan_that_was_killed_goes_on(
    url: str, root: Root, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts that were measured before are not measured again, by whatever process; measures are those of their rows."""
    monkeypatch.setattr(hearing, "_ROWS_PER_TASK", 3)
    build(asked(splits={"train": {"mixtures": 1}, "test": {"mixtures": 1}}), name="other", root=url, workers=1)  # simulates
    heard: list[int] = []

    def dies_later(rows: Any, *others: Any) -> Any:
        if sum(heard) > 4:
            raise KeyboardInterrupt
        heard.append(len(rows))
        return measure_rows(rows, *others)

    monkeypatch.setattr(hearing, "measure_rows", dies_later)
    with pytest.raises(KeyboardInterrupt):
        build(asked(), root=url, workers=1)
    assert heard == [3, 3]
    heard.clear()
    monkeypatch.setattr(hearing, "measure_rows", lambda rows, *others: heard.append(len(rows)) or measure_rows(rows, *others))
    build(asked(), root=url, workers=1)
    assert heard == [2, 3, 1]
    heard.clear()
    write_plan(asked(), tmp_path / "plan.arrow", root=url)
    assert heard == []
    monkeypatch.setenv("YULIAO_HOME", str(tmp_path / "another home"))
    monkeypatch.setattr(hearing, "_ROWS_PER_TASK", 64)
    again = build(asked(), name="again", root=url, workers=2)
    digests = [catalog.manifest(name, root=url).rows_digest for name in ("sep_2spk_partial", again.name)]
    assert digests[0] == digests[1]
