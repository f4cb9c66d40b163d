"""Noise under mixtures: placed without holes or clicks, evenly used, keyed, and as loud as was asked."""

import itertools
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from synth.draws import Draws, hash_texts
from synth.errors import PlanError
from synth.levels.frames import measure_frames
from synth.noise.even_use import hand_out
from synth.noise.place import NoisePlacement, place_noise
from synth.noise.render import render_noise_into
from synth.noise.sources import Recordings
from synth.noise.spec import NoiseSpec
from synth.noise.tracks import cut, join

RATE_HZ = 8000
DRAWS = Draws(0, "set", "train")


@dataclass
class Noises:
    """Recordings and the audio behind them."""

    recordings: Recordings
    audio: dict[str, NDArray[np.int16]]


def noises(signals: dict[str, NDArray[np.int16]], corpus: str = "hum") -> Noises:
    """A table of `signals`, each [samples] or [channels, samples], measured on the first channel."""
    frames = [measure_frames(np.atleast_2d(signal)[0], RATE_HZ) for signal in signals.values()]
    table = pa.table(
        {
            "id": list(signals),
            "corpus": [corpus] * len(signals),
            "num_samples": pa.array([signal.shape[-1] for signal in signals.values()], pa.int64()),
            "num_channels": pa.array([len(np.atleast_2d(signal)) for signal in signals.values()], pa.int32()),
            "frame_energies": pa.array([energies for energies, _ in frames], pa.list_(pa.int64())),
            "frame_peaks": pa.array([peaks for _, peaks in frames], pa.list_(pa.uint16())),
        }
    )
    return Noises(Recordings(table, np.arange(len(table))), signals)


def hiss(seed: int, seconds: float, level: float = 500.0) -> NDArray[np.int16]:
    random = np.random.default_rng(seed)
    return np.rint(random.standard_normal(round(seconds * RATE_HZ)) * level).astype(np.int16)


def place(pool: Noises, lengths: list[int], **asked: Any) -> NoisePlacement:
    spec = NoiseSpec.model_validate({"corpus": "hum", **asked})
    return place_noise(
        spec, "train", np.array(lengths), pool.recordings, None, sample_rate_hz=RATE_HZ, num_channels=1, draws=DRAWS
    )


def row(placed: NoisePlacement, pool: Noises, mixture: int, gain: float = 1.0) -> dict[str, Any]:
    """What a plan row says of the noise."""
    of = placed.pieces.mixture == mixture
    pieces = placed.pieces.taken(of)
    return {
        "noise_ids": pool.recordings.table["id"].take(pieces.source).to_pylist(),
        "noise_starts_samples": pieces.start.tolist(),
        "noise_lengths_samples": pieces.length.tolist(),
        "noise_offsets_samples": pieces.offset.tolist(),
        "noise_fade_ins_samples": pieces.fade_in.tolist(),
        "noise_fade_outs_samples": pieces.fade_out.tolist(),
        "noise_gains": (gain * placed.relative_gains[of]).tolist(),
    }


def rendered(placed: NoisePlacement, pool: Noises, mixture: int, num_samples: int, gain: float = 1.0) -> NDArray[np.float64]:
    out = np.empty(num_samples)
    render_noise_into(row(placed, pool, mixture, gain), pool.audio.__getitem__, out)
    return out


seconds = st.lists(st.floats(0.1, 3.0), min_size=1, max_size=4)


@settings(max_examples=60)
@given(
    lengths=st.lists(st.integers(60, 4000), min_size=1, max_size=5),
    fade=st.integers(1, 500),
    wanted=st.integers(1, 20_000),
    data=st.data(),
)
def test_pieces_of_a_circle_fill_any_span_with_seams_and_no_holes(
    lengths: list[int], fade: int, wanted: int, data: st.DataObject
) -> None:
    """Each piece begins where the one before it begins to fade, fades are equal on both sides, and recordings go round."""
    tracks = join(np.arange(len(lengths)), np.array(lengths), np.array([len(lengths)]), fade)
    place = data.draw(st.integers(0, len(lengths) - 1))
    start = data.draw(st.integers(0, lengths[place] - int(tracks.seam[place]) - 1))
    cuts = cut(tracks, np.array([0]), np.array([place]), np.array([start]), np.array([wanted]))
    stops = cuts.offset + cuts.length
    assert cuts.offset[0] == 0 and cuts.start[0] == start and cuts.recording[0] == place
    assert stops[-1] == wanted and (stops[:-1] < wanted).all()
    assert (cuts.start[1:] == 0).all()
    assert (np.diff(cuts.recording) % len(lengths) == 1 % len(lengths)).all()
    assert (cuts.fade_in[1:] == stops[:-1] - cuts.offset[1:]).all() and (cuts.fade_in[1:] == cuts.fade_out[:-1]).all()
    assert cuts.fade_in[0] == cuts.fade_out[-1] == 0
    assert (cuts.fade_in + cuts.fade_out <= cuts.length).all()
    assert (cuts.start + cuts.length <= np.array(lengths)[cuts.recording]).all() and (cuts.length > 0).all()


def test_circles_are_walked_apart() -> None:
    """A span of one circle gets the same pieces whatever other circles lie before and behind it."""
    lengths = np.array([900, 300, 500, 700, 200])
    together = join(np.arange(5), lengths, np.array([2, 1, 2]), 100)
    alone = join(np.array([3, 4]), lengths[3:], np.array([2]), 100)
    for wanted in range(50, 4000, 331):
        one = cut(together, np.array([2]), np.array([4]), np.array([20]), np.array([wanted]))
        other = cut(alone, np.array([0]), np.array([1]), np.array([20]), np.array([wanted]))
        assert all((getattr(one, field.name) == getattr(other, field.name)).all() for field in fields(one))


@settings(max_examples=25)
@given(noise_s=seconds, mixture_s=seconds, count=st.integers(1, 2))
def test_a_steady_noise_stays_steady(noise_s: list[float], mixture_s: list[float], count: int) -> None:
    """The mixture is filled from end to end, at the same power everywhere, seams included; nothing jumps that did not before."""
    pool = noises({f"n{k}": hiss(k, length) for k, length in enumerate([*noise_s, 0.5])})
    lengths = [round(length * RATE_HZ) for length in mixture_s]
    placed = place(pool, lengths, count=count)
    for mixture, length in enumerate(lengths):
        noise = rendered(placed, pool, mixture, length)
        blocks = noise[: length // 400 * 400].reshape(-1, 400).astype(float)
        powers = (blocks**2).mean(axis=1) / (count * 500**2)
        # of 400 Gaussian samples the power varies by a factor of 1 +- 4 sqrt(2/400); several at once may be a little louder
        assert (powers > 0.68).all() and (powers < 1.45).all()


def test_a_seam_has_no_click() -> None:
    """A tone cut anywhere would jump by up to its whole amplitude; cross-faded, no step is larger than the tone's own."""
    tone = np.rint(8000 * np.sin(2 * np.pi * 100.3 * np.arange(5003) / RATE_HZ)).astype(np.int16)
    pool = noises({"tone": tone})
    placed = place(pool, [40_000])
    noise = rendered(placed, pool, 0, 40_000)
    assert len(placed.pieces) > 5
    own = np.abs(np.diff(tone.astype(int))).max()
    assert np.abs(np.diff(noise)).max() <= 1.6 * own  # two tones at half power each: sqrt(2) times the slope, and the ramps'
    assert np.abs(np.diff(np.tile(tone, 3).astype(int))).max() > 4 * own  # as it would be without


@pytest.mark.parametrize("count", [1, 3])
def test_any_part_is_the_same_as_the_whole(count: int) -> None:
    """Rendering from anywhere gives the bits of the whole, in int16 as in float64, fades and rounding included."""
    pool = noises({f"n{k}": hiss(k, 0.7 + 0.2 * k) for k in range(3)})
    placed = place(pool, [30_000], count=count, crossfade_s=0.25)
    assert placed.pieces.fade_in.any() and placed.pieces.fade_out.any()
    whole = rendered(placed, pool, 0, 30_000, gain=0.377)
    for begin, length in itertools.product(range(0, 30_000, 97), (1, 700, 5000)):
        part = np.empty(min(length, 30_000 - begin), dtype=np.int16)
        render_noise_into(row(placed, pool, 0, gain=0.377), pool.audio.__getitem__, part, begin)
        assert (part == whole[begin : begin + len(part)]).all()


def one_piece(start: int, length: int, offset: int = 0, fade_in: int = 0, fade_out: int = 0, gain: float = 1.0) -> dict[str, Any]:
    return {
        "noise_ids": ["a"],
        "noise_starts_samples": [start],
        "noise_lengths_samples": [length],
        "noise_offsets_samples": [offset],
        "noise_fade_ins_samples": [fade_in],
        "noise_fade_outs_samples": [fade_out],
        "noise_gains": [gain],
    }


def test_a_rendered_piece_is_the_formula() -> None:
    """rint(gain * fade * sample), with the square root of a line for the fade."""
    audio = hiss(0, 0.1)
    out = np.empty(500, dtype=np.int16)
    render_noise_into(one_piece(start=80, length=400, offset=30, fade_in=100, fade_out=50, gain=0.7), lambda _: audio, out)
    ramp = np.ones(400)
    ramp[:100] = np.sqrt((np.arange(100) + 0.5) / 100)
    ramp[-50:] = np.sqrt((np.arange(50) + 0.5) / 50)[::-1]
    assert (out[30:430] == np.rint(0.7 * ramp * audio[80:480])).all()
    assert not out[:30].any() and not out[430:].any()


def test_channels_stay_together() -> None:
    """An array of microphones gets the noise's own channels from one position; a mono mixture gets the first."""
    audio = np.stack([hiss(0, 1.0), hiss(1, 1.0), hiss(2, 1.0)])
    plan = one_piece(start=800, length=4000)
    mono, two = np.empty(4000, dtype=np.int16), np.empty((2, 4000), dtype=np.int16)
    render_noise_into(plan, lambda _: audio, mono)
    render_noise_into(plan, lambda _: audio, two)
    assert (mono == audio[0, 800:4800]).all()
    assert (two == audio[:2, 800:4800]).all()


@settings(max_examples=40)
@given(things=st.integers(1, 12), data=st.data())
def test_use_is_even_and_nobody_gets_the_same_twice(things: int, data: st.DataObject) -> None:
    counts = np.array(data.draw(st.lists(st.integers(0, things), min_size=1, max_size=40)))
    handed = hand_out(hash_texts(map(str, range(things))), counts, DRAWS, "noise")
    uses = np.bincount(handed, minlength=things)
    assert len(handed) == counts.sum() and uses.max() - uses.min() <= 1
    for part in np.split(handed, np.cumsum(counts)[:-1]):
        assert len(set(part.tolist())) == len(part)


def test_shares_say_how_much_comes_of_each_corpus() -> None:
    """Two noises of one corpus against forty of another: half of the mixtures each, and even use within each."""
    few, many = (
        noises({f"f{k}": hiss(k, 2.0) for k in range(2)}, "few"),
        noises({f"m{k}": hiss(k, 2.0) for k in range(40)}, "many"),
    )
    pool = Noises(Recordings(pa.concat_tables([few.recordings.table, many.recordings.table]), np.arange(42)), {})
    placed = place(pool, [8000] * 120, corpus=["few", "many@3"], shares={"few": 1, "many": 1, "left_out": 7}, count=2)
    uses = np.bincount(placed.pieces.source, minlength=42)
    assert uses[:2].tolist() == [60, 60]
    assert set(uses[2:].tolist()) == {3}
    with pytest.raises(ValueError, match="shares says nothing of many"):
        place(pool, [8000], corpus=["few", "many"], shares={"few": 1})
    with pytest.raises(PlanError, match="asks for 3 noises of few, and the split has 2"):
        place(pool, [8000] * 4, corpus=["few", "many"], shares={"few": 1, "many": 1}, count=3)


def test_neither_the_order_of_the_table_nor_that_of_the_rows_matters() -> None:
    """The same noises in another order, among others that the split may not use: the same noise under every mixture."""
    signals = {f"n{k}": hiss(k, 0.3 + 0.4 * k) for k in range(7)}
    one = noises(signals)
    other = noises({"foreign": hiss(99, 1.0), **dict(reversed(signals.items()))})
    other.recordings = Recordings(other.recordings.table, np.arange(1, 8))
    lengths = [4000, 12_345, 30_000, 8000, 900]
    a, b = place(one, lengths, count=2), place(other, lengths, count=2)
    for mixture in range(len(lengths)):
        assert _as_set(row(a, one, mixture)) == _as_set(row(b, other, mixture))
    assert len({tuple(_as_set(row(a, one, mixture))) for mixture in range(len(lengths))}) == len(lengths)


def _as_set(plan: dict[str, Any]) -> frozenset[tuple[Any, ...]]:
    return frozenset(zip(*plan.values(), strict=True))


@settings(max_examples=30)
@given(seed=st.integers(0, 1000), length=st.integers(1000, 30_000), snr_db=st.floats(-10, 30))
def test_levels_from_frames_give_the_snr_asked_for(seed: int, length: int, snr_db: float) -> None:
    """Where the placement knows the power, a noise scaled by it has the SNR within 0.1 dB, and within the doubt it states."""
    random = np.random.default_rng(seed)
    bursts = np.repeat(random.choice([0.1, 1.0, 2.0], 100), 400)
    pool = noises({"n": np.rint(random.standard_normal(40_000) * bursts * 600).astype(np.int16)})
    placed = place(pool, [length])
    assert np.isfinite(placed.powers[0])
    exact = (rendered(placed, pool, 0, length).astype(float) ** 2).mean()
    assert abs(10 * np.log10(exact / placed.powers[0])) <= placed.doubts_db[0] + 1e-9
    speech_power = 2000.0**2
    gain = np.sqrt(speech_power / 10 ** (snr_db / 10) / placed.powers[0])
    noise = rendered(placed, pool, 0, length, gain)
    realised = 10 * np.log10(speech_power / (noise.astype(float) ** 2).mean())
    assert abs(realised - snr_db) < 0.1 + placed.doubts_db[0]


@settings(max_examples=20)
@given(length=st.integers(900, 20_000), channels=st.integers(1, 2))
def test_a_frame_that_is_cut_counts_by_its_share(length: int, channels: int) -> None:
    """Of a square wave every sample has the same energy, so that frames tell the power of any section exactly."""
    square = np.where(np.arange(20_001) // 5 % 2, 1000, -1000).astype(np.int16)
    placed = place(noises({"square": np.stack([square] * channels)}), [length])
    assert placed.powers[0] == pytest.approx(1000**2, rel=1e-12)
    assert (placed.doubts_db[0] == 0) == (length % 80 == 0)
    assert placed.doubts_db[0] < 0.5


def test_several_at_once_are_equally_loud() -> None:
    pool = noises({"faint": hiss(0, 2.0, 40), "loud": hiss(1, 2.0, 4000), "short": hiss(2, 0.3, 400)})
    placed = place(pool, [12_000] * 5, count=3)
    assert np.isnan(placed.powers).all()
    for mixture in range(5):
        of = placed.pieces.mixture == mixture
        for source in range(3):
            gains = placed.relative_gains[of & (placed.pieces.source == source)]
            level = [40, 4000, 400][source]
            assert gains * level == pytest.approx(4000, rel=0.05)


def test_silence_is_never_taken() -> None:
    """All-zero noises are left out and named, and of a noise that is mostly silence a section is taken that is not."""
    rare = np.zeros(80_000, dtype=np.int16)
    rare[61_000:61_800] = hiss(0, 0.1)
    pool = noises({"zeros": np.zeros(16_000, dtype=np.int16), "rare": rare, "blip": hiss(0, 0.05)})
    placed = place(pool, [8000] * 30)
    assert placed.report["recorded"]["left_out"] == {
        "shorter than 0.1 s": {"count": 1, "first": ["blip"]},
        "silent": {"count": 1, "first": ["zeros"]},
    }
    assert placed.report["recorded"]["silent_sections_passed_over"] > 0
    assert all(rendered(placed, pool, mixture, 8000).any() for mixture in range(30))
    assert len(set(placed.pieces.start.tolist())) > 1


def test_some_mixtures_have_none() -> None:
    pool = noises({f"n{k}": hiss(k, 3.0) for k in range(5)})
    placed = place(pool, [8000] * 400, probability=0.25, snr_db={"choice": [0, 5]})
    assert 60 < placed.noisy.sum() < 140
    assert (np.isnan(placed.snr_asked) == ~placed.noisy).all()
    assert set(placed.snr_asked[placed.noisy]) == {0.0, 5.0}
    assert (np.unique(placed.pieces.mixture) == np.flatnonzero(placed.noisy)).all()
    assert (placed.powers[~placed.noisy] == 0).all() and (placed.powers[placed.noisy] > 0).all()
    uses = np.bincount(placed.pieces.source)
    assert uses.max() - uses.min() <= 1


def test_pieces_lie_in_order_and_on_the_grid() -> None:
    pool = noises({f"n{k}": hiss(k, 0.2 + 0.3 * k) for k in range(6)})
    placed = place(pool, [9000, 20_001, 3000], count={"choice": [1, 2, 3]})
    keys = list(zip(placed.pieces.mixture.tolist(), placed.pieces.offset.tolist(), strict=True))
    assert keys == sorted(keys) and (placed.pieces.start % (RATE_HZ // 100) == 0).all() and not placed.pieces.stem.any()


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        ([1, 1], "hum has noises of 1 channel, and the mixtures have 4 microphones: a noise with fewer channels needs a room"),
        ([2, 1], "hum has noises of 2 channels, and the mixtures have 4"),
    ],
)
def test_too_few_channels_are_refused_by_name(channels: list[int], message: str) -> None:
    pool = noises({f"n{k}": np.tile(hiss(k, 1.0), (count, 1)) for k, count in enumerate(channels)})
    with pytest.raises(PlanError, match=message):
        place_noise(
            NoiseSpec(corpus="hum"),
            "train",
            np.array([4000]),
            pool.recordings,
            None,
            sample_rate_hz=RATE_HZ,
            num_channels=4,
            draws=DRAWS,
        )


def test_noises_with_fewer_channels_are_left_out_where_others_serve() -> None:
    pool = noises({"array": np.tile(hiss(0, 1.0), (4, 1)), "mono": hiss(1, 1.0)})
    placed = place_noise(
        NoiseSpec(corpus="hum"),
        "train",
        np.array([4000] * 9),
        pool.recordings,
        None,
        sample_rate_hz=RATE_HZ,
        num_channels=4,
        draws=DRAWS,
    )
    assert not placed.pieces.source.any()
    assert placed.report["recorded"]["left_out"]["fewer than 4 channels"] == {"count": 1, "first": ["mono"]}


def test_too_few_noises_are_refused() -> None:
    pool = noises({"a": hiss(0, 1.0), "zeros": np.zeros(8000, dtype=np.int16)})
    with pytest.raises(PlanError, match=r"the split 'train': a mixture asks for 2 noises, and the split has 1 .*1 silent"):
        place(pool, [8000], count=2)


def test_a_split_without_an_snr_is_refused() -> None:
    pool = noises({"a": hiss(0, 1.0)})
    with pytest.raises(PlanError, match=r"noise\.snr_db says nothing about train"):
        place(pool, [8000], snr_db={"test": 5})


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "name a corpus of kind noise"),
        ({"corpus": "a", "snr_db": {"uniform": [20, 0]}}, "turned round"),
        ({"corpus": "a", "snr_db": {"train": 5, "test": 50}}, r"within -40 and 40 dB.*50..50 \(test\)"),
        ({"corpus": "a", "count": 0}, "greater than or equal to 1"),
        ({"corpus": "a", "count": {"choice": [1, 1.5]}}, "count takes whole numbers"),
        ({"corpus": "a", "categories": ["silence"]}, "'noise', 'music' or 'speech'"),
        ({"corpus": "a", "probability": 0}, "greater than 0"),
        ({"babble": {"share": 0.5}}, "leaves mixtures to recordings"),
        ({"corpus": "a", "babble": {}}, "leaves nothing for the corpus"),
        ({"babble": {"talkers": {"choice": [0, 3]}}}, "talkers takes whole numbers"),
    ],
)
def test_what_makes_no_sense_is_refused(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NoiseSpec.model_validate(asked)


def test_a_spec_says_the_same_in_short_and_at_length() -> None:
    short = NoiseSpec.model_validate({"corpus": "musan", "categories": "noise", "snr_db": 5})
    long = NoiseSpec.model_validate(
        {"corpus": ["musan"], "categories": ["noise"], "snr_db": {"train": 5, "validation": {"fixed": 5}, "test": 5}}
    )
    assert short == long == NoiseSpec.model_validate(short.model_dump())


def test_every_draw_has_its_own_key() -> None:
    """The SNR, the noise and its start do not go together."""
    pool = noises({f"n{k}": hiss(k, 4.0) for k in range(2)})
    placed = place(pool, [8000] * 2000)
    for a, b in itertools.combinations([placed.snr_asked, placed.pieces.source, placed.pieces.start], 2):
        assert abs(np.corrcoef(a, b)[0, 1]) < 0.08
