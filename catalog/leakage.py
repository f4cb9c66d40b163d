"""What may not stand in two splits: speakers, recordings, utterances, rooms, audio."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.errors import CatalogError, LeakageError, near_matches

# Columns, plain or lists, whose values belong to one split each.
DISJOINT_COLUMNS = (
    "id",
    "speaker_id",
    "speaker_ids",
    "source_ids",
    "recording_id",
    "room_id",
    "audio_sha256",
    "source_sha256s",
    "noise_ids",
    "noise_sha256s",
    "rir_ids",
    "rir_sha256s",
    "article_id",
)

Identities = dict[str, set[str]]


def identities(batches: Iterable[pa.RecordBatch]) -> Identities:
    """For each of `DISJOINT_COLUMNS` that the batches have, the set of its values. Null, "" and silence identify nobody."""
    found: Identities = {}
    for batch in batches:
        for column in DISJOINT_COLUMNS:
            if column not in batch.schema.names:
                continue
            values = audible_sha256(batch) if column == "audio_sha256" else batch.column(column)
            if pa.types.is_list(values.type):
                values = values.flatten()
            found.setdefault(column, set()).update(value for value in pc.unique(values).to_pylist() if value)
    return found


def audible_sha256(batch: pa.RecordBatch) -> pa.Array:
    """`audio_sha256` [rows], null for digital silence: recordings that failed are all alike, as long as they are equally long.

    Only what has frames (`frame_peaks`) is known to be silent.
    """
    if "frame_peaks" not in batch.schema.names:
        return batch.column("audio_sha256")
    peaks = batch.column("frame_peaks")
    loud = np.flatnonzero(peaks.values.to_numpy(zero_copy_only=False))
    edges = np.searchsorted(loud, peaks.offsets.to_numpy(zero_copy_only=False))
    heard = pc.or_(pa.array(edges[1:] > edges[:-1]), pc.is_null(peaks))
    return pc.if_else(heard, batch.column("audio_sha256"), None)


def check_known_overlaps(known_overlaps: Sequence[str]) -> None:
    """Raises CatalogError where a declared overlap names no column that is checked."""
    for column in known_overlaps:
        if column not in DISJOINT_COLUMNS:
            raise CatalogError(f"known overlap {column!r} is no column that is checked{near_matches(column, DISJOINT_COLUMNS)}")


def check_disjoint(name: str, splits: Mapping[str, Identities], known_overlaps: Sequence[str]) -> None:
    """Refuse values that stand in two splits, but for columns whose overlap is declared.

    Raises:
        LeakageError: names the column, the splits and the first values.
    """
    for (one, of_one), (other, of_other) in combinations(splits.items(), 2):
        for column in of_one.keys() & of_other.keys() - set(known_overlaps):
            shared = sorted(of_one[column] & of_other[column])
            if shared:
                examples = ", ".join(repr(value) for value in shared[:3]) + (", ..." if len(shared) > 3 else "")
                raise LeakageError(
                    f"{name}: {len(shared)} values of {column} stand in both {one} and {other} ({examples}); "
                    f"split anew, or declare {column!r} as a known overlap of the original corpus"
                )
