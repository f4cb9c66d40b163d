"""From one row of a plan to signals: whole numbers, as integers or as floats, whose stems sum to the mixture to the last bit."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from synth.degradations.chains import apply_degradations
from synth.errors import PlanError
from synth.levels.scaling import Buffer, put, scale_into
from synth.noise.render import render_noise_into
from synth.rooms.images import Response, Target
from synth.rooms.stems import DryPiece, stem_image

Load = Callable[[str], NDArray[np.int16]]

TARGETS: tuple[Target, ...] = ("anechoic", "early", "direct")

_DEGRADED = 64  # utterances kept: of 4.5 s at 16 kHz, 9 MB

# The columns by which a row is rendered.
NEEDED_TO_RENDER = frozenset(
    {
        *("source_ids", "stem_numbers", "starts_samples", "lengths_samples", "offsets_samples", "gains", "num_samples"),
        *("noise_kind", "noise_ids", "noise_offsets_samples", "noise_starts_samples", "noise_lengths_samples"),
        *("noise_fade_ins_samples", "noise_fade_outs_samples", "noise_gains", "rir_ids"),
        *("source_degradations", "mixture_degradations", "sample_rate_hz"),
    }
)


def nothing_recorded(recording_id: str) -> NDArray[np.int16]:
    """A `Load` for sets without such recordings."""
    raise PlanError(f"there is nothing to load {recording_id!r} from")


def nothing_degraded(recording_id: str, steps: str) -> NDArray[np.int16]:
    """A `Loads.degraded` for sets without such utterances."""
    raise PlanError(f"there is nothing to load the degraded {recording_id!r} from")


class Degraded:
    """Utterances after their degradations, the latest kept for a while: crops of a row use the same one.

    Args:
        load: from an id to an utterance.
        sample_rate_hz: of these.
    """

    def __init__(self, load: Load, sample_rate_hz: int) -> None:
        self._load, self._sample_rate_hz = load, sample_rate_hz
        self._kept = lru_cache(_DEGRADED)(self._degrade)

    def __call__(self, recording_id: str, steps: str) -> NDArray[np.int16]:
        """int16 [samples]; `steps` is JSON as rows hold it."""
        return self._kept(recording_id, steps)

    def _degrade(self, recording_id: str, steps: str) -> NDArray[np.int16]:
        degraded = apply_degradations(self._load(recording_id), self._sample_rate_hz, json.loads(steps))
        return cast(NDArray[np.int16], degraded)


def no_room(rir_id: str, target: Target) -> Response:
    """A `Loads.response` for sets without rooms."""
    raise PlanError(f"there is no RIR {rir_id!r}: the split was planned without rooms")


@dataclass(frozen=True)
class Loads:
    """From an id to what was recorded, at the plan's sample rate.

    Attributes:
        speech: utterances, int16 [samples].
        noise: noises, int16 [samples] or [channels, samples].
        degraded: an utterance by its id, after the steps that JSON tells.
        response: RIRs and parts of them, by id and target, made ready to be heard through.
    """

    speech: Load
    noise: Load = nothing_recorded
    degraded: Callable[[str, str], NDArray[np.int16]] = nothing_degraded
    response: Callable[[str, Target], Response] = no_room


def signals_of(row: dict[str, Any], wanted: Iterable[str] = ()) -> list[str]:
    """The signals to render of a row: `mixture` and the stems that sum to it, and those of the others wanted that it has."""
    stems = [f"s{k}" for k in range(1, max(row["stem_numbers"]) + 1)]
    base = ["mixture", *stems, *(["noise"] if row.get("noise_ids") else [])]
    return [*base, *(name for name in wanted if name not in base and name.split("_")[0] in ("mix", *stems))]


def render_into(row: dict[str, Any], loads: Loads, out: Mapping[str, Buffer], begin: int = 0) -> None:
    """Render one plan row, or the part of it that begins at sample `begin`, into buffers of the caller.

    Args:
        row: the plan row's columns `NEEDED_TO_RENDER`, as far as the plan has them.
        loads: where its recordings are.
        out: for each of `signals_of(row)` and what else is wanted a buffer, int16 or float32, [samples] or [channels, samples],
            all of the row's or as many as are wanted. The stems receive what sums into the mixture, zeros where nobody speaks.
        begin: the first sample wanted. Only what lies behind it is computed, and it is the same to the last bit.
    """
    if row.get("rir_ids"):
        _stems_in_room(row, loads, out, begin)
    else:
        _dry_stems(row, loads, out, begin)
    mixture = out["mixture"]
    if "mix_clean" in out:
        out["mix_clean"][:] = mixture
    if "noise" in out:
        if len(row.get("rir_ids") or []) > max(row["stem_numbers"]):
            response = loads.response(row["rir_ids"][-1], "reverberant")
            _image_into(noise_pieces(row, loads), response, row, out["noise"], begin)
        else:
            noise_stem_into(row, loads, out["noise"], begin)
        mixture += out["noise"]
    if "mix_single" in out:
        out["mix_single"][:] = out["s1"]
        if "noise" in out:
            out["mix_single"][:] += out["noise"]
    if row.get("mixture_degradations"):
        _degrade_mixture(row, loads, mixture, begin)


def _degrade_mixture(row: dict[str, Any], loads: Loads, mixture: Buffer, begin: int) -> None:
    """A chain hears all of a signal, as integers, so that a part of it is taken from the whole."""
    length, whole = mixture.shape[-1], cast(NDArray[np.int16], mixture)
    if length < row["num_samples"]:
        plain = {**row, "mixture_degradations": None}
        shape = (*mixture.shape[:-1], row["num_samples"])
        out = {name: np.empty(shape, dtype=np.int16) for name in signals_of(plain)}
        render_into(plain, loads, out)
        whole = out["mixture"]
    elif mixture.dtype != np.int16:
        whole = (mixture * 32768).astype(np.int16)
    degraded = apply_degradations(whole, row["sample_rate_hz"], json.loads(row["mixture_degradations"]))
    put(degraded[..., begin : begin + length], mixture)


def _speech(row: dict[str, Any], at: int, loads: Loads) -> NDArray[np.int16]:
    """The recording that a piece is cut from."""
    steps = row.get("source_degradations")
    source_id = row["source_ids"][at]
    return loads.degraded(source_id, steps[at]) if steps and steps[at] else loads.speech(source_id)


def _dry_stems(row: dict[str, Any], loads: Loads, out: Mapping[str, Buffer], begin: int) -> None:
    """The stems, and their sum into the mixture; without a room every target is the stem itself."""
    at = 0
    for k in range(1, max(row["stem_numbers"]) + 1):
        spans, at = _stem_into(row, k, at, loads, out[f"s{k}"], begin)
        if k == 1:
            out["mixture"][:] = out["s1"]
        else:
            for span in spans:
                out["mixture"][span] += out[f"s{k}"][span]
        for target in TARGETS:
            if f"s{k}_{target}" in out:
                out[f"s{k}_{target}"][:] = out[f"s{k}"]


def _stems_in_room(row: dict[str, Any], loads: Loads, out: Mapping[str, Buffer], begin: int) -> None:
    """Every stem as it is heard, and where wanted the other targets."""
    for k in range(1, max(row["stem_numbers"]) + 1):
        pieces, rir_id = dry_pieces(row, k, loads), row["rir_ids"][k - 1]
        _image_into(pieces, loads.response(rir_id, "reverberant"), row, out[f"s{k}"], begin)
        if k == 1:
            out["mixture"][:] = out["s1"]
        else:
            out["mixture"][:] += out[f"s{k}"]
        for target in TARGETS:
            if f"s{k}_{target}" in out:
                _image_into(pieces, loads.response(rir_id, target), row, out[f"s{k}_{target}"], begin)


def _image_into(pieces: Sequence[DryPiece], response: Response, row: dict[str, Any], out: Buffer, begin: int) -> None:
    """`rint` of what the microphones hear; the plan's gains leave room, so nothing is limited here."""
    image = stem_image(pieces, response, row["num_samples"], begin, out.shape[-1])
    np.rint(image, out=image)
    for channel, heard in zip(np.atleast_2d(out), image, strict=False):  # one by one: the channels of a row are interleaved
        put(heard, channel)


def dry_pieces(row: dict[str, Any], k: int, loads: Loads) -> list[DryPiece]:
    """The pieces of s_k as they are before they are heard in a room."""
    names = ("starts_samples", "lengths_samples", "offsets_samples", "gains")
    pieces = enumerate(zip(row["stem_numbers"], *(row[name] for name in names), strict=True))
    return [DryPiece(partial(_speech, row, at, loads), *place) for at, (number, *place) in pieces if number == k]


def noise_pieces(row: dict[str, Any], loads: Loads) -> list[DryPiece]:
    """The pieces of noise as they are before they are heard in a room: of a recording its first channel."""
    load = loads.speech if row["noise_kind"] == "babble" else loads.noise
    names = ("ids", "starts_samples", "lengths_samples", "offsets_samples", "gains", "fade_ins_samples", "fade_outs_samples")
    return [
        DryPiece(partial(_first_channel, load, noise_id), *place)
        for noise_id, *place in zip(*(row[f"noise_{name}"] for name in names), strict=True)
    ]


def _first_channel(load: Load, recording_id: str) -> NDArray[np.int16]:
    samples = load(recording_id)
    channel: NDArray[np.int16] = samples if samples.ndim == 1 else samples[0]
    return channel


def noise_stem_into(row: dict[str, Any], loads: Loads, out: Buffer, begin: int) -> None:
    """The noise of a row as it was recorded, outside any room."""
    render_noise_into(row, loads.speech if row["noise_kind"] == "babble" else loads.noise, out, begin)


def _stem_into(row: dict[str, Any], k: int, at: int, loads: Loads, stem: Buffer, begin: int) -> tuple[list[slice], int]:
    """Render the stem s_k, whose pieces begin with number `at`: where it sounds, and the number after its last piece."""
    written = 0  # the pieces of a stem stand in order, and do not overlap each other
    spans = []
    while at < len(row["stem_numbers"]) and row["stem_numbers"][at] == k:
        offset, gain = row["offsets_samples"][at], row["gains"][at]
        first = min(max(offset - begin, 0), len(stem))
        last = min(max(offset + row["lengths_samples"][at] - begin, first), len(stem))
        if last > first:
            stem[written:first] = 0
            source = row["starts_samples"][at] + begin + first - offset
            scale_into(_speech(row, at, loads)[source : source + last - first], gain, stem[first:last])
            spans.append(slice(first, last))
            written = last
        at += 1
    stem[written:] = 0
    return spans, at


def render(row: dict[str, Any], loads: Loads) -> dict[str, NDArray[np.int16]]:
    """Render one plan row: `{"mixture", "s1", ..., "sN"}`, each int16 [num_samples]."""
    out = {name: np.empty(row["num_samples"], dtype=np.int16) for name in signals_of(row)}
    render_into(row, loads, out)
    return out
