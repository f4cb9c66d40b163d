"""Babble: held-out speakers who talk all at once, without an end."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.draws import Draws, hash_texts
from synth.errors import PlanError
from synth.noise.even_use import hand_out
from synth.noise.placed import Placed, drawn_numbers, first_of, noise_pieces, told
from synth.noise.sources import Recordings, Sounds
from synth.noise.spec import Babble
from synth.noise.tracks import Cuts, Tracks, cut, join

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_QUIETEST_POWER = 64.0  # of active frames: what is below is no speech but the noise of a converter
_PAUSING = 1e-3  # of the active power: a talker who stays below that pauses


def place_babble(
    babble: Babble,
    speech: Recordings,
    mixtures: Ints,
    num_samples: Ints,
    *,
    crossfade_s: float,
    where: str,
    sample_rate_hz: int,
    draws: Draws,
) -> Placed:
    """Babble under each of `mixtures` (int64), which have `num_samples` each.

    A talker's utterances follow each other in an order drawn by key, each cross-faded into the next, and each mixture goes on
    where the one before it stopped: speakers and their utterances are used evenly. All utterances of a mixture are brought to the
    same active level. It never happens that all talkers of a mixture pause from its begin to its end.

    Raises:
        PlanError: fewer held-out speakers than talkers.
    """
    sounds, powers, left_out = _utterances(speech, sample_rate_hz)
    speakers = speech.table["speaker_id"].take(pa.array(sounds.rows)).combine_chunks().dictionary_encode()
    speaker_keys = hash_texts(speakers.dictionary.to_pylist())
    items = mixtures.astype(np.uint64)
    talkers = drawn_numbers(babble.talkers, draws, "talkers", items)
    if (most := int(talkers.max(initial=0))) > len(speaker_keys):
        raise PlanError(
            f"{where}: babble asks for {most} talker{'s' * (most > 1)}, and the split has {len(speaker_keys)} held-out speakers "
            f"with usable utterances{told(left_out)}; hold out more (--set speakers.held_out=...) or ask for fewer talkers "
            "(--set noise.babble.talkers=...)"
        )
    speaker = hand_out(speaker_keys, talkers, draws, "talker")
    item = np.repeat(np.arange(len(mixtures)), talkers)
    lengths = num_samples[item]
    tracks = _tracks(sounds, speakers.indices.to_numpy(), len(speaker_keys), round(crossfade_s * sample_rate_hz), draws)
    place, start = _one_after_another(tracks, speaker, lengths, speaker_keys, sample_rate_hz // 100, draws)
    cuts = cut(tracks, speaker, place, start, lengths)
    pausing = _pausing(sounds, cuts, powers, item)[item]
    for which in np.flatnonzero(pausing).tolist():
        start[which] = sounds.loudest_start(int(tracks.recording[place[which]]), int(lengths[which]))
    if pausing.any():
        cuts = cut(tracks, speaker, place, start, lengths)
    item_of_piece = item[cuts.span]
    loudest = np.zeros(len(mixtures))
    np.maximum.at(loudest, item_of_piece, powers[cuts.recording])
    report = {
        "speakers": len(speaker_keys),
        "utterances": len(sounds.rows),
        "left_out": first_of(left_out),
        "mixtures": len(mixtures),
        "talkers": int(talkers.sum()),
    }
    unknown = np.full(len(mixtures), np.nan)
    gains = np.sqrt(loudest[item_of_piece] / powers[cuts.recording])
    return Placed(noise_pieces(cuts, mixtures[item], sounds.rows), gains, unknown, unknown, report)


def _utterances(speech: Recordings, sample_rate_hz: int) -> tuple[Sounds, Floats, dict[str, list[str]]]:
    """Those that can be heard, their active powers, and the ids of the others, by reason."""
    sounds = Sounds(speech, sample_rate_hz)
    everyone = np.arange(len(sounds.rows))
    powers, _ = sounds.energies.active_powers(everyone, np.zeros_like(everyone), sounds.lengths, sample_rate_hz // 100)
    loud = powers >= _QUIETEST_POWER
    left_out = {reason: list(ids) for reason, ids in sounds.left_out.items()}
    left_out["silent"] += speech.table["id"].take(pa.array(sounds.rows[~loud])).to_pylist()
    return Sounds(Recordings(speech.table, sounds.rows[loud]), sample_rate_hz), powers[loud], left_out


def _tracks(sounds: Sounds, speakers: NDArray[np.integer], count: int, fade: int, draws: Draws) -> Tracks:
    """A circle for each speaker."""
    order = np.lexsort((sounds.keys, draws.bits("babble", sounds.keys), speakers))
    return join(order, sounds.lengths[order], np.bincount(speakers, minlength=count), fade)


def _one_after_another(
    tracks: Tracks, speaker: Ints, lengths: Ints, speaker_keys: NDArray[np.uint64], frame: int, draws: Draws
) -> tuple[Ints, Ints]:
    """The place and the start, on the 10 ms grid, of each talker: a speaker goes on where they stopped the last time."""
    order = np.argsort(speaker, kind="stable")
    said = np.cumsum(lengths[order]) - lengths[order]
    turns = np.bincount(speaker, minlength=len(speaker_keys))
    begins = np.cumsum(turns) - turns
    said -= np.repeat(said[begins[turns > 0]], turns[turns > 0])
    first = (draws.uniform("babble start", speaker_keys) * tracks.around).astype(np.int64)
    position = np.empty(len(speaker), dtype=np.int64)
    position[order] = said
    position = (position + first[speaker]) % tracks.around[speaker]
    base = np.cumsum(tracks.around) - tracks.around
    place = np.searchsorted(tracks.begin + np.repeat(base, tracks.count), base[speaker] + position, side="right") - 1
    return place, (position - tracks.begin[place]) // frame * frame


def _pausing(sounds: Sounds, cuts: Cuts, powers: Floats, item: Ints) -> NDArray[np.bool_]:
    """Mixtures in which every talker pauses all the time, bool [mixtures]."""
    sections, _ = sounds.section_powers(cuts.recording, cuts.start, cuts.length)
    spoken = sections > _PAUSING * powers[cuts.recording]
    pausing: NDArray[np.bool_] = np.bincount(item[cuts.span], spoken, minlength=int(item[-1]) + 1) == 0
    return pausing
