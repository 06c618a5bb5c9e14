"""The codebook: codes of all three roles, no more than were asked for, the same again, and bad ones refused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from singleline_pipeline.sketch_models import Codebook, DatasetError, SketchModelError, fit_codebook
from singleline_pipeline.sketch_models.codebook import Role
from singleline_pipeline.sketch_models.codebook_fit import default_tolerance

from .conftest import wheels


@pytest.fixture(scope="module")
def book() -> Codebook:
    return fit_codebook(wheels(60), 120)


def test_every_row_is_closed_once_by_a_code_of_its_pen_state(book):
    """The counts are what the table of the asset accounts for its points with."""
    rows = np.concatenate(wheels(60))
    assert len(book) <= 120
    assert (np.diff(book.roles) >= 0).all()
    assert book.counts[book.roles == Role.DOWN].sum() == (rows[:, 2] == 0).sum()
    assert book.counts[book.roles == Role.UP].sum() == (rows[:, 2] == 1).sum()
    for role in Role:
        assert (np.diff(book.counts[book.roles == role]) <= 0).all()


def test_a_larger_codebook_needs_fewer_tokens():
    tokens = [int(fit_codebook(wheels(60), codes).counts.sum()) for codes in (100, 250, 600)]
    assert tokens == sorted(tokens, reverse=True)
    assert tokens[2] < 0.9 * tokens[0]


def test_more_codes_than_offsets_are_not_made_up():
    """Twice the same corner of a square: beside the codes that lead anywhere there is nothing to have codes for."""
    square = np.array([[5, 0, 0], [0, 5, 0], [5, 0, 0], [-5, -5, 1]], float)
    small, large = fit_codebook([square] * 9, 200), fit_codebook([square] * 9, 5000)
    assert len(small) == len(large) < 100
    assert large.counts.sum() >= 4 * 9


def test_a_fit_depends_on_data_and_seed_alone(book):
    again = fit_codebook(wheels(60), 120)
    np.testing.assert_array_equal(book.offsets, again.offsets)
    np.testing.assert_array_equal(book.counts, again.counts)


def test_the_tolerance_follows_the_scale_of_the_drawings_in_round_steps():
    """Scores under other tolerances cannot be compared: a page more must not change it."""
    drawings = wheels(30)
    tolerance = default_tolerance(drawings)
    assert tolerance == 0.5
    assert default_tolerance(drawings + wheels(5, seed=9)) == tolerance
    tiny = [drawing * np.float32([1e-3, 1e-3, 1]) for drawing in drawings]
    assert default_tolerance(tiny) == 0.0005
    dot = np.array([[100.0, 50, 1]])
    assert default_tolerance([dot]) > 0
    assert fit_codebook([dot, dot]).counts.sum() >= 2


def test_a_config_holds_the_codebook_to_the_bit(book):
    again = Codebook.from_config(json.loads(json.dumps(book.to_config())))
    np.testing.assert_array_equal(again.offsets, book.offsets)
    np.testing.assert_array_equal(again.roles, book.roles)
    np.testing.assert_array_equal(again.counts, book.counts)
    assert again.tolerance == book.tolerance


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda c: {}, "not whole"),
        (lambda c: c | {"offsets": []}, "offsets for"),
        (lambda c: c | {"offsets": [[float("nan"), 0.0], *c["offsets"][1:]]}, "Code 0 .* not a number"),
        (lambda c: c | {"offsets": [["a", "b"]]}, "not made of numbers"),
        (lambda c: c | {"offsets": c["offsets"][:-1]}, "offsets for"),
        (lambda c: c | {"roles": [0] * len(c["roles"])}, "no codes for up, carry"),
        (lambda c: c | {"tolerance": 0}, "tolerance"),
        ({"offsets": [], "roles": [], "counts": [], "tolerance": 1.0}, "offsets for|no codes"),
    ],
)
def test_a_config_without_a_sound_codebook_is_refused(book, wrong, says):
    config = wrong(book.to_config()) if callable(wrong) else wrong
    with pytest.raises(SketchModelError, match=says):
        Codebook.from_config(config)


def test_a_codebook_that_lost_a_role_is_refused(book):
    with pytest.raises(SketchModelError, match="no codes for carry"):
        replace(book, roles=np.where(book.roles == Role.CARRY, Role.DOWN, book.roles))


def test_nothing_to_fit_is_said_so():
    with pytest.raises(DatasetError, match="no drawings"):
        fit_codebook([])
    with pytest.raises(DatasetError, match="codebook drawing 1 is empty"):
        fit_codebook([wheels(1)[0], np.zeros((0, 3))])
    with pytest.raises(DatasetError, match="not a number at point 2"):
        fit_codebook([np.array([[1, 1, 0], [1, 1, 0], [np.nan, 1, 1]])])
    with pytest.raises(DatasetError, match="the least is 100"):
        fit_codebook(wheels(2), 10)
    with pytest.raises(DatasetError, match="tolerance of a codebook is -1"):
        fit_codebook(wheels(2), tolerance=-1)
