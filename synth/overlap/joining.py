"""Utterances of a speaker joined to trains, and where two trains begin and end such that they share the part asked for."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from synth.draws import Draws
from synth.overlap.spec import LEAST_CUT_S, FixedLength
from synth.pairing.groups import Supply
from synth.pairing.pairs import Pool

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Cut = tuple[int, int, int]  # utterance, samples of it from its first on, where it begins in the train

_STEPS = 4  # by which a train is moved, in the least that an utterance is cut to
_MOST_STEPS = 16  # in either direction


@dataclass(frozen=True)
class Joiner:
    """What it takes to lay further utterances: one instance a split."""

    length: FixedLength
    pool: Pool
    supply: Supply
    draws: Draws
    sample_rate_hz: int

    @property
    def least(self) -> int:
        """Samples that a cut leaves at least."""
        return round(LEAST_CUT_S * self.sample_rate_hz)

    def pause(self, key: int, number: int) -> int:
        """Samples before the utterance of that number in the train of that key."""
        at = np.array([(key << 16) + number], dtype=np.uint64)
        return round(float(self.length.pause_s.values(self.draws.uniform("pause", at))[0]) * self.sample_rate_hz)


@dataclass
class Train:
    """Utterances of one speaker, one after another with pauses between them; laid only as far as they are asked for.

    Attributes:
        joiner: of the split.
        key: of the train, for its pauses.
        utterances: numbers in the pool, the first of them given.
        begins: where each begins, in samples.
    """

    joiner: Joiner
    key: int
    utterances: list[int]
    begins: list[int] = field(default_factory=lambda: [0])

    def cut(self, number: int, stop: int) -> Cut | None:
        """The utterance of that number, cut at `stop`; None where less than the least would be left, nor the whole of it."""
        begin = self._begin(number)
        if number and stop - begin < self.joiner.least:
            return None
        utterance = self.utterance(number)
        return utterance, min(int(self.joiner.pool.lengths[utterance]), stop - begin), begin

    def utterance(self, number: int) -> int:
        """The utterance of that number; the next one is asked of the supply."""
        if number == len(self.utterances):
            self.utterances.append(self.joiner.supply.next(int(self.joiner.pool.speakers[self.utterances[0]])))
        return self.utterances[number]

    def _begin(self, number: int) -> int:
        if number == len(self.begins):
            last = int(self.joiner.pool.lengths[self.utterances[number - 1]])
            self.begins.append(self.begins[number - 1] + last + self.joiner.pause(self.key, number))
        return self.begins[number]

    def up_to(self, stop: int) -> list[Cut]:
        """What lies before `stop`."""
        cuts: list[Cut] = []
        while (cut := self.cut(len(cuts), stop)) is not None:
            cuts.append(cut)
        return cuts

    def end_after(self, count: int) -> None:
        """Give back what lies behind the first `count` utterances."""
        for utterance in self.utterances[count:]:
            self.joiner.supply.take_back(utterance)
        del self.utterances[count:], self.begins[count:]


def shared_samples(ratios: Floats, lengths: Ints) -> Ints:
    """Samples of overlap that make a ratio of two utterances, float64 [mixtures] and int64 [2, mixtures]."""
    shared: Ints = np.rint(ratios * lengths.sum(axis=0) / (1 + ratios)).astype(np.int64)
    return shared


def cut_to_share(lengths: Ints, ratios: Floats, total: int) -> tuple[Ints, Ints]:
    """Lengths of an earlier and a later source, int64 [mixtures, 2], and how much they share, such that the ratio is as asked.

    Both of like length and over the whole mixture, if they are long enough; else of what they say, the longer one being cut where
    the shorter is too short for it.

    Args:
        lengths: of the whole utterances, or of the mixture where that is less; int64 [mixtures, 2].
    """
    both = total + np.rint(ratios * total).astype(np.int64)
    earlier = np.clip(both // 2, both - lengths[:, 1], lengths[:, 0])
    filling = np.stack([earlier, both - earlier], axis=1)
    longest = np.rint(lengths.min(axis=1) / ratios).astype(np.int64)
    short = np.minimum(lengths, longest[:, np.newaxis])
    enough = lengths.sum(axis=1) >= both
    taken = np.where(enough[:, np.newaxis], filling, short)
    return taken, np.where(enough, both - total, shared_samples(ratios, taken.T))


def share(earlier: Train, later: Train, ratio: float, total: int) -> tuple[list[Cut], list[Cut]]:
    """Two trains within `total` samples that overlap by `ratio`, to the sample: cuts with places in the mixture.

    The later train begins such that both would be of like length, and goes on to the end; the earlier one stops where the ratio
    is reached. Where that would leave less of its last utterance than the least, the later train is moved. Where pauses keep the
    ratio from being reached, the two pause together.
    """
    step = earlier.joiner.least // _STEPS
    middle = (total - round(ratio * total)) // 2
    for number in range(2 * _MOST_STEPS + 1):
        offset = middle + (number + 1) // 2 * (step if number % 2 else -step)
        if not 0 <= offset < total - earlier.joiner.least:
            continue
        laid = [(utterance, length, offset + begin) for utterance, length, begin in later.up_to(total - offset)]
        stopped = _stopped(earlier, [(begin, begin + length) for _, length, begin in laid], ratio, total)
        if stopped is not None:
            earlier.end_after(len(stopped))
            later.end_after(len(laid))
            return stopped, laid
    earlier.end_after(1)
    later.end_after(1)
    return _side_by_side(earlier, later, ratio, total)


def _side_by_side(earlier: Train, later: Train, ratio: float, total: int) -> tuple[list[Cut], list[Cut]]:
    """An utterance of each that overlap by the ratio, a pause, the next two, and so on."""
    joiner, ratios = earlier.joiner, np.array([ratio])
    said: tuple[list[Cut], list[Cut]] = ([], [])
    begin = 0
    while total - begin >= (joiner.least if begin else 1):
        number = len(said[0])
        pair = [train.utterance(number) for train in (earlier, later)]
        whole = np.minimum(joiner.pool.lengths[[pair]], total - begin)
        lengths, shared = cut_to_share(whole, ratios, total - begin)
        if begin and (lengths < np.minimum(whole, joiner.least)).any():
            break
        first, second, both = int(lengths[0, 0]), int(lengths[0, 1]), int(shared[0])
        said[0].append((pair[0], first, begin))
        said[1].append((pair[1], second, begin + first - both))
        begin += first + second - both + joiner.pause(earlier.key, number + 1)
    earlier.end_after(len(said[0]))
    later.end_after(len(said[1]))
    return said


def _stopped(train: Train, spoken: list[tuple[int, int]], ratio: float, total: int) -> list[Cut] | None:
    """The train up to where it overlaps by `ratio` with what is spoken besides; None where it does so nowhere it may be cut."""
    # Up to a sample, let the train share O samples of its own A with S that are spoken besides: the ratio is O / (S + A - O), so
    # that what it lacks is r (S + A) - (1 + r) O. With each sample of the train that falls by 1 where it is shared, and grows
    # by r where it is not.
    lack = ratio * sum(stop - begin for begin, stop in spoken)
    cuts: list[Cut] = []
    while (cut := train.cut(len(cuts), total)) is not None:
        utterance, length, begin = cut
        at = begin
        for shared_from, shared_to in [*spoken, (total, total)]:
            alone_to = min(max(shared_from, at), begin + length)
            lack += ratio * (alone_to - at)
            shared = max(min(shared_to, begin + length) - alone_to, 0)
            if shared and lack <= shared:
                stop = alone_to + round(lack)
                if stop - begin < min(train.joiner.least, length):
                    return None
                return [*cuts, (utterance, stop - begin, begin)]
            lack -= shared
            at = max(alone_to + shared, at)
        cuts.append(cut)
    return None
