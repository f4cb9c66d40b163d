"""Where pieces lie that overlap by what is asked of their mixture.

One number moves all pieces of a mixture. From 0 to 1 it says how far each is moved into the one before it, up to as far as it
goes; from 1 to 2 how far they are moved on from there to where they lie most densely. Offsets follow it without jumps, so that
every ratio between those at its ends is met, and found by bisection.
"""

from dataclasses import dataclass, fields

import numpy as np

from synth.pieces import Floats, Ints, Pieces, overlap_ratios

_BITS = 30
_ONE = 1 << _BITS  # the number that moves the pieces is an integer, so that offsets are the same on every machine


@dataclass(frozen=True)
class Sessions:
    """Pieces of mixtures in the order in which they take turns; arrays are int64 [mixtures, most pieces], 0 where none is left.

    Attributes:
        stem: from 0.
        source: utterance of the pool.
        start: first sample of the piece in it.
        length: samples.
    """

    stem: Ints
    source: Ints
    start: Ints
    length: Ints

    def of(self, mixtures: Ints) -> "Sessions":
        """Those of some mixtures."""
        return Sessions(*(getattr(self, field.name)[mixtures] for field in fields(self)))

    def pieces(self, offsets: Ints) -> Pieces:
        """With the offsets that they were given, int64 [mixtures, most pieces]."""
        mixture, slot = np.nonzero(self.length)
        at = mixture, slot
        return Pieces.of(mixture, self.stem[at] + 1, self.source[at], self.start[at], self.length[at], offsets[at])


def reach_in_order(sessions: Sessions, own_pause: int) -> Floats:
    """The overlap ratio of mixtures whose pieces are moved into each other as far as keeps them in order, float64 [mixtures]."""
    return _ratios(sessions, _moved(sessions, np.full(len(sessions.stem), _ONE), own_pause))


def offsets_for(sessions: Sessions, asked: Floats, own_pause: int) -> Ints:
    """Offsets that come as near as can be to the ratios asked, int64 [mixtures, most pieces].

    Args:
        sessions: the pieces.
        asked: overlap ratios, float64 [mixtures]; NaN where any will do.
        own_pause: least samples between two pieces of one source.
    """
    nested = _moved(sessions, np.full(len(asked), _ONE), own_pause)
    reach = _ratios(sessions, nested)
    beyond = np.flatnonzero(reach < asked)
    best = nested.copy()
    for mixture in beyond:
        stems, lengths = sessions.stem[mixture], sessions.length[mixture]
        lanes = range(2, len(np.unique(stems[lengths > 0])) + 1)
        tried = np.array([nested[mixture], *(_dense(stems, lengths, count, own_pause) for count in lanes)])
        ratios = _ratios(sessions.of(np.full(len(tried), mixture)), tried)
        best[mixture], reach[mixture] = tried[np.argmax(ratios)], ratios.max()
    dense = best.copy()
    denser = (dense != nested).any(axis=1)

    low = np.where(denser, _ONE, 0)
    high = low + _ONE
    speech = sessions.length.sum(axis=1)
    error = np.abs(reach - asked) * speech  # samples that should be shared or not, or somewhat more
    going = np.flatnonzero((error > 1) & (reach > asked))
    while len(going):
        middle = (low[going] + high[going]) // 2
        some = sessions.of(going)
        offsets = _between(_moved(some, np.minimum(middle, _ONE), own_pause), dense[going], np.maximum(middle - _ONE, 0))
        ratios = _ratios(some, offsets)
        off = np.abs(ratios - asked[going]) * speech[going]
        better = off < error[going]
        best[going[better]], error[going[better]] = offsets[better], off[better]
        less = ratios < asked[going]
        low[going[less]], high[going[~less]] = middle[less], middle[~less]
        going = going[(error[going] > 1) & (high[going] - low[going] > 1)]
    first = np.where(sessions.length > 0, best, best.max(initial=0)).min(axis=1)
    offsets = best - first[:, None]
    return np.where(sessions.length > 0, offsets, 0)


def _ratios(sessions: Sessions, offsets: Ints) -> Floats:
    return overlap_ratios(sessions.pieces(offsets), len(offsets))


def _moved(sessions: Sessions, share: Ints, own_pause: int) -> Ints:
    """Offsets where each piece is moved into the one before it: by `share / _ONE` of the shorter of the two.

    What that comes to is rounded along the mixture, not piece by piece: as the share grows, pieces move one at a time.
    """
    mixtures, slots = sessions.length.shape
    shorter = np.zeros_like(sessions.length)
    shorter[:, 1:] = np.minimum(sessions.length[:, 1:], sessions.length[:, :-1])
    shorter[:, 1:][sessions.stem[:, 1:] == sessions.stem[:, :-1]] = 0
    shift = np.diff((np.cumsum(shorter, axis=1) * share[:, None]) >> _BITS, axis=1, prepend=0)
    offsets = np.empty_like(sessions.length)
    free = np.zeros((mixtures, int(sessions.stem.max()) + 1), dtype=np.int64)  # from where on each source may speak
    end = np.zeros(mixtures, dtype=np.int64)
    rows = np.arange(mixtures)
    for slot in range(slots):
        stem = sessions.stem[:, slot]
        offsets[:, slot] = np.maximum(end - shift[:, slot], free[rows, stem])
        end = offsets[:, slot] + sessions.length[:, slot]
        free[rows, stem] = end + own_pause
    return offsets


def _between(one: Ints, other: Ints, share: Ints) -> Ints:
    """Offsets `share / _ONE` of the way from one to the other. Two pieces as far apart in both as they must be stay so."""
    offsets: Ints = one + (((other - one) * share[:, None]) >> _BITS)
    return offsets


def _dense(stems: Ints, lengths: Ints, lanes: int, own_pause: int) -> Ints:
    """Offsets of one mixture's pieces, as many at a time as there are lanes: whoever has most left to say comes first."""
    waiting = [np.flatnonzero((stems == stem) & (lengths > 0))[::-1].tolist() for stem in range(int(stems.max()) + 1)]
    left = [int(lengths[slots].sum()) for slots in waiting]
    free = [0] * len(waiting)
    ends = [0] * lanes
    offsets = np.zeros_like(lengths)
    while any(waiting):
        lane = ends.index(min(ends))
        begins = {stem: max(free[stem], ends[lane]) for stem, slots in enumerate(waiting) if slots}
        stem = min(begins, key=lambda stem: (begins[stem], -left[stem], stem))
        slot = waiting[stem].pop()
        offsets[slot] = begins[stem]
        ends[lane] = begins[stem] + int(lengths[slot])
        free[stem] = ends[lane] + own_pause
        left[stem] -= int(lengths[slot])
    return offsets
