"""SparseLibriMix: where its pieces lie, and what is asked of their level."""

import json

import numpy as np
import pyloudnorm
import pytest

from synth.recipes import recipe, sparselibrimix
from synth.recipes.mixture import RecipeError, UnusableMixture, setting


def test_pieces_lie_where_the_metadata_put_them(published):
    """Cut short by the end of the file, ended by the noise where there is noise, else by the last piece."""
    sparse = published("sparselibrimix")
    (mixture,) = sparse.mixtures()
    assert [piece.stem for piece in mixture.pieces] == ["s1", "s1", "s3", "s2", "noise"]
    assert [piece.text for piece in mixture.pieces] == ["one two", "three", "", "four", None]
    noisy = sparselibrimix.layout(mixture, sparse.frames, setting(recipe("sparselibrimix")))
    clean = sparselibrimix.layout(mixture, sparse.frames, setting(recipe("sparselibrimix"), ["mix_clean"]))
    assert noisy.starts == clean.starts == (4480, 14_400, 0, 1600)
    assert noisy.lengths == clean.lengths == (11_360 - 4480, 20_000 - 14_400, 5280, 14_400 - 1600)
    assert noisy.offsets == clean.offsets == (3936, 11_617, 1600, 14_400)
    assert (noisy.num_samples, clean.num_samples) == (int(2.35 * 16_000) - 3200, 14_400 + 12_800)


@pytest.mark.parametrize("sample_rate_hz", [8_000, 16_000])
def test_each_piece_has_the_loudness_asked_for(published, sample_rate_hz):
    sparse = published("sparselibrimix")
    ((mixture, rendered),) = sparse.rendered((), "max", sample_rate_hz)
    how = setting(recipe("sparselibrimix"), sample_rate_hz=sample_rate_hz)
    laid_out = sparselibrimix.layout(mixture, sparse.frames, how)
    for piece, offset, length in zip(mixture.speech, laid_out.offsets, laid_out.lengths, strict=True):
        if piece.stem == "s3":
            continue  # it clips
        samples = rendered.stems[piece.stem][offset : offset + length] / 32768
        loudness = pyloudnorm.Meter(sample_rate_hz, block_size=0.1).integrated_loudness(samples)
        assert loudness == pytest.approx(piece.level, abs=0.05)
        assert abs(samples.mean()) < 1e-3
    assert np.abs(rendered.stems["s3"]).max() == 32768 or rendered.stems["s3"].max() == 32767


def test_pieces_that_its_script_could_not_set_are_refused(published):
    sparse = published("sparselibrimix")
    (mixture,) = sparse.mixtures()
    how = setting(recipe("sparselibrimix"))
    with pytest.raises(UnusableMixture, match=r"fewer than 0\.1 s from 0\.9 s to 9\.9 s"):
        sparselibrimix.layout(mixture, lambda piece: 15_000, how)
    with pytest.raises(UnusableMixture, match="too quiet to have a loudness"):
        sparselibrimix.render(mixture, lambda piece: np.zeros(40_000), how)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1}', "[1]", '[{"mixture_name": "a", "s1": [{"file": "b"}]}]', "[{}]"])
def test_metadata_of_another_form_are_refused_in_one_line(text):
    with pytest.raises(RecipeError, match=r"^some\.json") as error:
        sparselibrimix.parse(text, "some.json")
    assert "\n" not in str(error.value)


def test_a_mixture_without_its_second_speaker_is_refused(published):
    (entry,) = json.loads(published("sparselibrimix").text)
    del entry["s2"]
    with pytest.raises(RecipeError, match="has s1, s3, the first one 2 speakers"):
        sparselibrimix.parse(json.dumps([entry]), "some.json")


def test_it_has_no_mode_min():
    with pytest.raises(RecipeError, match="no mode 'min': it has max"):
        setting(recipe("sparselibrimix"), mode="min")
