"""Babble: held-out speakers talk all at once, evenly used, equally loud, and never all of them silent."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from synth.draws import Draws
from synth.errors import PlanError
from synth.levels.frames import active_power, measure_frames
from synth.noise.place import NoisePlacement, place_noise
from synth.noise.render import render_noise_into
from synth.noise.sources import Recordings
from synth.noise.spec import NoiseSpec

RATE_HZ = 8000


def place(
    speech: Recordings | None, lengths: list[int], noises: Recordings | None = None, num_channels: int = 1, **asked: Any
) -> NoisePlacement:
    spec = NoiseSpec.model_validate({"babble": {"talkers": 3}, **asked})
    draws = Draws(0, "set", "train")
    return place_noise(
        spec, "train", np.array(lengths), noises, speech, sample_rate_hz=RATE_HZ, num_channels=num_channels, draws=draws
    )


def everyone(table: pa.Table) -> Recordings:
    return Recordings(table, np.arange(len(table)))


def told(placed: NoisePlacement, table: pa.Table, mixture: int) -> list[tuple[Any, ...]]:
    """The pieces of a mixture with ids in place of rows."""
    pieces = placed.pieces.taken(placed.pieces.mixture == mixture)
    gains = placed.relative_gains[placed.pieces.mixture == mixture].tolist()
    ids = table["id"].take(pa.array(pieces.source)).to_pylist()
    return list(zip(ids, pieces.start, pieces.length, pieces.offset, pieces.fade_in, pieces.fade_out, gains, strict=True))


def rendered(placed: NoisePlacement, table: pa.Table, audio: dict[str, NDArray[np.int16]], mixture: int, length: int) -> Any:
    names = ("ids", "starts_samples", "lengths_samples", "offsets_samples", "fade_ins_samples", "fade_outs_samples", "gains")
    row = dict(zip((f"noise_{name}" for name in names), zip(*told(placed, table, mixture), strict=True), strict=True))
    out = np.empty(length)
    render_noise_into(row, audio.__getitem__, out)
    return out


def test_talkers_fill_every_mixture_and_are_different_speakers(make_utterances: Any) -> None:
    """Each talker speaks from the first sample to the last, in pieces joined by cross-fades; nobody speaks twice at once."""
    utterances = make_utterances(speakers=5, each=4)
    lengths = [3000, 20_000, 50_000, 7001]
    placed = place(everyone(utterances.table), lengths)
    speakers = np.array(utterances.table["speaker_id"].to_pylist())
    assert placed.from_speech.all()
    for mixture, length in enumerate(lengths):
        pieces = placed.pieces.taken(placed.pieces.mixture == mixture)
        speaker = speakers[pieces.source]
        assert len(set(speaker)) == 3
        for one in set(speaker):
            his = pieces.taken(speaker == one)
            assert his.offset[0] == 0 and his.stop[-1] == length
            assert (his.stop[:-1] - his.offset[1:] == his.fade_in[1:]).all() and (his.fade_in[1:] == his.fade_out[:-1]).all()
            assert (his.fade_in[1:] > 0).all()
        assert (pieces.start % 80 == 0).all()


def test_speakers_and_their_utterances_are_used_evenly(make_utterances: Any) -> None:
    utterances = make_utterances(speakers=7, each=5, seconds=(0.5, 0.6))
    placed = place(everyone(utterances.table), [4000] * 200)
    spoken = np.bincount(placed.pieces.source, placed.pieces.length, minlength=35)
    by_speaker = spoken.reshape(7, 5)
    assert by_speaker.sum(axis=1).max() < 1.05 * by_speaker.sum(axis=1).min()
    assert spoken.max() < 1.4 * spoken.min()


def test_all_talkers_have_the_same_active_level(make_utterances: Any) -> None:
    utterances = make_utterances(speakers=4, each=3, level=(100, 6000))
    placed = place(everyone(utterances.table), [16_000] * 6)
    powers = np.array([active_power(audio, RATE_HZ) for audio in utterances.audio.values()])
    for mixture in range(6):
        of = placed.pieces.mixture == mixture
        levels = placed.relative_gains[of] ** 2 * powers[placed.pieces.source[of]]
        assert levels == pytest.approx(levels[0]) and placed.relative_gains[of].min() == pytest.approx(1.0)


def test_neither_order_nor_others_in_the_table_matter(make_utterances: Any) -> None:
    utterances = make_utterances(speakers=5, each=6)
    table = utterances.table
    shuffled = table.take(pa.array(np.random.default_rng(0).permutation(len(table))))
    both = pa.concat_tables([make_utterances(speakers=1, each=3, seed=9).table, shuffled])
    one = place(everyone(table), [9000] * 10)
    other = place(Recordings(both, np.arange(3, len(both))), [9000] * 10)
    assert [told(one, table, k) for k in range(10)] == [told(other, both, k) for k in range(10)]


def test_a_mixture_is_never_all_pause() -> None:
    """Speakers who pause most of the time, short mixtures: somebody is heard in each."""
    random = np.random.default_rng(0)
    rows, audio = [], {}
    for k in range(6):
        samples = np.zeros(24_000, dtype=np.int16)
        samples[4000 * k + 1000 : 4000 * k + 1800] = random.standard_normal(800) * 2000
        energies, peaks = measure_frames(samples, RATE_HZ)
        audio[f"u{k}"] = samples
        rows.append(
            {"id": f"u{k}", "speaker_id": f"s{k % 2}", "num_samples": 24_000, "frame_energies": energies, "frame_peaks": peaks}
        )
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("speaker_id", pa.string()),
            ("num_samples", pa.int64()),
            ("frame_energies", pa.list_(pa.int64())),
            ("frame_peaks", pa.list_(pa.uint16())),
        ]
    )
    table = pa.Table.from_pylist(rows, schema=schema)
    placed = place(everyone(table), [1600] * 50, babble={"talkers": 2})
    assert all(rendered(placed, table, audio, mixture, 1600).any() for mixture in range(50))


def test_recordings_and_babble_share_the_mixtures(make_utterances: Any) -> None:
    """Each piece says from which of the two tables it is, and levels are known only where one recording is cut."""
    utterances = make_utterances(speakers=5, each=4)
    hum = make_utterances(speakers=1, each=6, seed=3, seconds=(3.0, 4.0)).table
    hum = hum.append_column("num_channels", pa.array([1] * 6)).append_column("corpus", pa.array(["hum"] * 6))
    asked: dict[str, Any] = {"corpus": "hum", "babble": {"talkers": {"choice": [2, 4]}, "share": 0.4}, "probability": 0.8}
    placed = place(everyone(utterances.table), [8000] * 500, everyone(hum), **asked)
    of_speech = np.zeros(500, dtype=bool)
    of_speech[placed.pieces.mixture[placed.from_speech]] = True
    recorded = placed.noisy & ~of_speech
    assert 340 < placed.noisy.sum() < 460 and 0.3 < of_speech.sum() / placed.noisy.sum() < 0.5
    assert (placed.pieces.source[~placed.from_speech] < 6).all() and placed.pieces.source[placed.from_speech].max() > 6
    assert np.isnan(placed.powers[of_speech]).all() and (placed.powers[recorded] > 0).all()
    assert placed.report["babble"]["mixtures"] == of_speech.sum() and placed.report["recorded"]["recordings"] == 6
    talkers = np.bincount(placed.pieces.mixture[placed.from_speech & (placed.pieces.offset == 0)])
    assert set(talkers[talkers > 0].tolist()) == {2, 4}


def test_what_babble_cannot_be_made_of_is_refused(make_utterances: Any) -> None:
    utterances = make_utterances(speakers=2, each=4)
    with pytest.raises(PlanError, match=r"'train' has nobody to babble: hold out some speakers"):
        place(None, [8000])
    with pytest.raises(PlanError, match="asks for 3 talkers, and the split has 2 held-out speakers with usable utterances; hold"):
        place(everyone(utterances.table), [8000])
    with pytest.raises(PlanError, match="babble is made of mono utterances, and the mixtures have 2 microphones"):
        place(everyone(utterances.table), [8000], num_channels=2, babble={"talkers": 2})
    silent = make_utterances(speakers=3, each=4, level=(1, 2))
    with pytest.raises(PlanError, match=r"has 0 held-out speakers with usable utterances \(left out: 12 silent\)"):
        place(everyone(silent.table), [8000])
