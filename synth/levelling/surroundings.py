"""What a split has besides speech: noises and rooms."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from synth.levelling.measuring import Measured, Wanted, measure_rows
from synth.noise.sources import Recordings
from synth.render import Load, Loads, no_room, nothing_recorded
from synth.rooms.images import Response, Target


@dataclass(frozen=True)
class Surroundings:
    """What a split has besides speech.

    Attributes:
        noises: recordings that it may use.
        load_noise: from the id of one to its samples.
        rirs: RIRs that it may use: `id, room_id, recording_id, audio_sha256, t60_s, drr_db, source_m, microphones_m`.
        response: from the id of one, and a target, to what a stem is heard through.
        measure: `synth.levelling.measuring.measure_row` over many rows; worker processes may share them.
    """

    noises: Recordings | None = None
    load_noise: Load = nothing_recorded
    rirs: pa.Table | None = None
    response: Callable[[str, Target], Response] = no_room
    measure: Callable[[Sequence[dict[str, Any]], Wanted, Loads], list[Measured]] = measure_rows


NOTHING = Surroundings()
