"""Recordings of noise under mixtures: cut where they are longer, repeated where they are shorter."""

import numpy as np
from numpy.typing import NDArray

from synth.draws import Draws, hashes
from synth.errors import PlanError
from synth.noise.even_use import hand_out
from synth.noise.placed import Placed, drawn_numbers, first_of, noise_pieces, told
from synth.noise.sources import QUIETEST_POWER, Recordings, Sounds
from synth.noise.spec import NoiseSpec
from synth.noise.tracks import Tracks, cut, join

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_DRAWN_STARTS = 5  # of a section, while it is silent; then the recording's loudest is taken


def place_recordings(
    spec: NoiseSpec,
    recordings: Recordings,
    mixtures: Ints,
    num_samples: Ints,
    *,
    where: str,
    sample_rate_hz: int,
    num_channels: int,
    draws: Draws,
) -> Placed:
    """Noise under each of `mixtures` (int64), which have `num_samples` each.

    Raises:
        PlanError: a corpus has too few channels, or the split too few noises.
    """
    recordings, with_fewer = _with_channels(recordings, num_channels)
    sounds = Sounds(recordings, sample_rate_hz)
    left_out = {**sounds.left_out, f"fewer than {num_channels} channels": with_fewer}
    items = mixtures.astype(np.uint64)
    counts = drawn_numbers(spec.count, draws, "noises", items)
    if (most := int(counts.max(initial=0))) > len(sounds.rows):
        raise PlanError(
            f"{where}: a mixture asks for {most} noise{'s' * (most > 1)}, and the split has {len(sounds.rows)} "
            f"that can be heard{told(left_out)}; take a larger corpus or more categories "
            "(--set noise.corpus=..., --set noise.categories=...)"
        )
    sound = _handed_out(spec, recordings, sounds, counts, items, draws, where)
    item = np.repeat(np.arange(len(mixtures)), counts)
    # Two noises of a mixture begin at different places, whoever stands first.
    keys = hashes("noise of a mixture", sounds.keys[sound]) ^ hashes("mixture", items[item])
    tracks = join(
        np.arange(len(sounds.rows)), sounds.lengths, np.ones_like(sounds.rows), round(spec.crossfade_s * sample_rate_hz)
    )
    starts, moved = _starts(sounds, tracks, sound, num_samples[item], sample_rate_hz // 100, keys, draws)
    cuts = cut(tracks, sound, sound, starts, num_samples[item])
    section_powers, doubts_db = sounds.section_powers(cuts.recording, cuts.start, cuts.length)

    # Fades keep the power, so that of a repeated noise is the mean over its pieces.
    gains = _equal(np.bincount(cuts.span, section_powers * cuts.length) / np.bincount(cuts.span, cuts.length), item)
    pieces_of_item = np.bincount(item[cuts.span])
    alone = pieces_of_item == 1
    first = np.cumsum(pieces_of_item) - pieces_of_item
    uses = np.bincount(sound, minlength=len(sounds.rows))
    report = {
        "recordings": len(sounds.rows),
        "left_out": first_of(left_out),
        "uses_per_recording": {"least": int(uses.min()), "most": int(uses.max())},
        "mixtures_with_repeated_noise": len(np.unique(item[np.flatnonzero(np.bincount(cuts.span) > 1)])),
        "silent_sections_passed_over": moved,
    }
    powers = np.where(alone, section_powers[first], np.nan)
    doubts_db = np.where(alone, doubts_db[first], np.nan)
    return Placed(noise_pieces(cuts, mixtures[item], sounds.rows), gains[cuts.span], powers, doubts_db, report)


def _handed_out(
    spec: NoiseSpec,
    recordings: Recordings,
    sounds: Sounds,
    counts: Ints,
    items: NDArray[np.uint64],
    draws: Draws,
    where: str,
) -> Ints:
    """The sounds of each mixture, by their numbers: used evenly, all alike or within the corpus that its share falls to."""
    names = sorted({reference.partition("@")[0] for reference in spec.corpus})
    if spec.shares is None or len(names) == 1:
        return hand_out(sounds.keys, counts, draws, "noise")
    corpus = np.array(recordings.table["corpus"].take(sounds.rows).to_pylist(), dtype=object)
    weights = np.array([spec.shares[name] for name in names])
    edges = np.rint(np.cumsum(weights)[:-1] / weights.sum() * len(items)).astype(np.int64)
    begins = np.cumsum(counts) - counts
    chosen = np.empty(int(counts.sum()), dtype=np.int64)
    for name, mixtures in zip(names, np.split(draws.order("corpus of noise", items), edges), strict=True):
        those = np.flatnonzero(corpus == name)
        mixtures = np.sort(mixtures)
        if (most := int(counts[mixtures].max(initial=0))) > len(those):
            raise PlanError(
                f"{where}: a mixture asks for {most} noise{'s' * (most > 1)} of {name}, and the split has {len(those)} that can "
                "be heard; take it out of noise.shares and noise.corpus, or ask for fewer at once (--set noise.count=1)"
            )
        handed = hand_out(sounds.keys[those], counts[mixtures], draws, f"noise of {name}")
        at = np.repeat(begins[mixtures], counts[mixtures])
        within = np.arange(len(handed)) - np.repeat(np.cumsum(counts[mixtures]) - counts[mixtures], counts[mixtures])
        chosen[at + within] = those[handed]
    return chosen


def _with_channels(recordings: Recordings, num_channels: int) -> tuple[Recordings, list[str]]:
    """Those with a channel for each microphone, and the ids of the others."""
    table, rows = recordings.table, recordings.rows
    channels = table["num_channels"].to_numpy()[rows]
    enough = channels >= num_channels
    if enough.all():
        return recordings, []
    corpora = table["corpus"].take(rows).combine_chunks().dictionary_encode()
    for number, corpus in enumerate(corpora.dictionary.to_pylist()):
        of_corpus = corpora.indices.to_numpy() == number
        if not enough[of_corpus].any():
            most = int(channels[of_corpus].max())
            raise PlanError(
                f"{corpus} has noises of {most} channel{'s' * (most > 1)}, and the mixtures have {num_channels} microphones: a "
                "noise with fewer channels needs a room to be heard in (rooms), or take another corpus (--set noise.corpus=...)"
            )
    return Recordings(table, rows[enough]), table["id"].take(rows[~enough]).to_pylist()


def _starts(
    sounds: Sounds, tracks: Tracks, sound: Ints, lengths: Ints, frame: int, keys: NDArray[np.uint64], draws: Draws
) -> tuple[Ints, int]:
    """A start on the 10 ms grid for each, not in silence; and how many silent sections were passed over.

    A noise that is repeated begins anywhere before its cross-fade, and is heard whole.
    """
    longer = sounds.lengths[sound] >= lengths
    choices = np.where(longer, (sounds.lengths[sound] - lengths) // frame + 1, -(-tracks.around[sound] // frame))
    starts = np.empty(len(sound), dtype=np.int64)
    open_, passed_over = np.arange(len(sound)), 0
    for attempt in range(_DRAWN_STARTS):
        starts[open_] = (draws.uniform(f"noise start {attempt}", keys[open_]) * choices[open_]).astype(np.int64) * frame
        open_ = open_[longer[open_]]
        open_ = open_[sounds.section_powers(sound[open_], starts[open_], lengths[open_])[0] < QUIETEST_POWER]
        passed_over += len(open_)
    for which in open_.tolist():
        starts[which] = sounds.loudest_start(int(sound[which]), int(lengths[which]))
    return starts, passed_over


def _equal(powers: Floats, item: Ints) -> Floats:
    """Gains that bring the recordings of each mixture to the power of its loudest, so that rounding costs nothing."""
    loudest = np.zeros(item[-1] + 1)
    np.maximum.at(loudest, item, powers)
    gains: Floats = np.sqrt(loudest[item] / powers)
    return gains
