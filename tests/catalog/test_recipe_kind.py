"""How far mixtures of replayed recipes are from the sums of their stems."""

import numpy as np
import pyarrow as pa

from catalog.recipe_kind import broken_sums, largest_error, recipe_schema
from synth import wav

SUMS = {"mixture": ["s1", "s2"], "mix_single": ["s1", "noise"]}


def batch(errors):
    """Two rows; the second one's `mixture` is 3 above the sum in a sample, its `mix_single` 1 below."""
    schema = recipe_schema(SUMS, 8000, "level_db_asked")
    assert schema.names[:6] == ["id", "mixture", "mix_single", "s1", "s2", "noise"] and "level_db_asked" in schema.names
    rows = []
    for number, row_errors in enumerate(errors):
        s1, s2, noise = np.arange(5), np.arange(5) * 2, np.arange(5) * 7000
        mixture, single = s1 + s2, s1 + noise
        if number == 1:
            mixture[1] += 3
            single[4] -= 1
        signals = {"mixture": mixture, "mix_single": single, "s1": s1, "s2": s2, "noise": noise}
        audio = {name: {"bytes": wav.encode(x.astype(np.int16), 8000), "path": None} for name, x in signals.items()}
        rows.append(
            dict.fromkeys(schema.names) | audio | {"id": f"row{number}", "sample_rate_hz": 8000, "largest_errors_lsb": row_errors}
        )
    return pa.RecordBatch.from_pylist(rows, schema)


def problems(errors, largest):
    return list(broken_sums(batch(errors), {"sums": SUMS}, {"largest_error_lsb": largest}))


def test_rows_that_say_their_largest_error_are_as_they_should_be():
    assert problems([[0, 0], [3, 1]], {"mixture": 3, "mix_single": 1}) == []


def test_another_error_than_the_row_says_is_named():
    (problem,) = problems([[0, 0], [2, 1]], {"mixture": 3, "mix_single": 1})
    assert problem == "mixture differs from the sum of its stems otherwise than it says in 1 rows (row1)"


def test_a_larger_error_than_the_manifest_says_is_named():
    (problem,) = problems([[0, 0], [3, 1]], {"mixture": 3, "mix_single": 0})
    assert problem == "mix_single differs from the sum of its stems by more than 0 steps in 1 rows (row1)"


def test_audio_of_another_rate_or_length_is_named():
    good = batch([[0, 0], [3, 1]])
    for data, expected in (
        (wav.encode(np.zeros(5, np.int16), 16_000), "canonical"),
        (wav.encode(np.zeros(4, np.int16), 8000), "length"),
    ):
        rows = good.to_pylist()
        rows[0]["s2"] = {"bytes": data, "path": None}
        (problem,) = broken_sums(
            pa.RecordBatch.from_pylist(rows, good.schema), {"sums": SUMS}, {"largest_error_lsb": {"mixture": 3, "mix_single": 1}}
        )
        assert expected in problem


def test_sums_beyond_full_scale_count_in_full():
    loud = np.array([30_000], np.int16)
    assert largest_error(np.array([32_767], np.int16), [loud, loud]) == 27_233
    assert largest_error(np.array([-32_768], np.int16), [-loud, -loud]) == 27_232
