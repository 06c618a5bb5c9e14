"""Drawings as tokens: the same rows and strokes come back, and nothing drifts."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from singleline_pipeline.sketch_models import (
    DatasetError,
    SketchModelError,
    decode_tokens,
    encode_drawings,
    fit_codebook,
)
from singleline_pipeline.sketch_models.codebook import Role
from singleline_pipeline.sketch_models.tokens import MOST_TOKENS, drift

from .conftest import wheels

BOOK = fit_codebook(wheels(60), 120)


@st.composite
def stroke3(draw: st.DrawFn) -> np.ndarray:
    """Rows of whatever lengths and pen states, dots and jumps across the canvas among them."""
    rows = draw(st.integers(1, 25))
    offsets = draw(arrays(np.float32, (rows, 2), elements=st.floats(-250, 250, width=32)))
    size = draw(arrays(np.float32, (rows, 1), elements=st.sampled_from([0.0, 0.01, 0.1, 1.0])))
    lifts = draw(arrays(np.float32, (rows, 1), elements=st.sampled_from([0.0, 1.0])))
    return np.concatenate([offsets * size, lifts], axis=1)


@settings(deadline=None, max_examples=60)
@given(drawings=st.lists(stroke3(), min_size=1, max_size=4))
def test_any_drawing_comes_back_row_by_row(drawings):
    """The same number of rows, the same lifts, and no point further off than the codebook says, first or last."""
    for drawing, tokens in zip(drawings, encode_drawings(BOOK, drawings), strict=True):
        again = decode_tokens(BOOK, tokens)
        assert again.dtype == np.float32
        assert again.shape == drawing.shape
        np.testing.assert_array_equal(again[:, 2], drawing[:, 2])
        assert drift(drawing, again).max() <= 1.25 * BOOK.tolerance + 1e-3
        assert len(tokens) <= MOST_TOKENS * len(drawing)


def test_errors_do_not_add_up():
    """One nearest code a row, as in the paper, leaves the end of a long line far off; here all is near."""
    rng = np.random.default_rng(0)
    line = np.zeros((600, 3), np.float32)
    angle = np.cumsum(rng.normal(0, 0.3, 600))
    line[:, :2] = np.stack([np.cos(angle), np.sin(angle)], axis=1) * rng.uniform(2, 12, (600, 1)) + 0.31
    (tokens,) = encode_drawings(BOOK, [line])
    apart = drift(line, decode_tokens(BOOK, tokens))
    assert apart.max() <= 1.25 * BOOK.tolerance
    down = BOOK.offsets[BOOK.roles == Role.DOWN]
    nearest = np.linalg.norm(line[:, None, :2] - down[None], axis=2).argmin(axis=1)
    naive = np.concatenate([down[nearest], line[:, 2:]], axis=1)
    assert drift(line, naive).max() > 20 * apart.max()


def test_a_jump_of_several_tokens_is_one_row_without_ink():
    """A token of its own for every piece of a jump would draw a line where the pen was lifted."""
    jump = np.array([[10, 10, 0], [3, 0, 1], [150, -170, 0], [4, 4, 1]], np.float32)
    (tokens,) = encode_drawings(BOOK, [jump])
    assert len(tokens) > 4
    again = decode_tokens(BOOK, tokens)
    assert again[:, 2].tolist() == [0, 1, 0, 1]
    assert drift(jump, again).max() <= 1.25 * BOOK.tolerance


def test_a_drawing_is_written_the_same_alone_and_among_others():
    drawings = wheels(9, seed=5)
    together = encode_drawings(BOOK, drawings)
    for drawing, tokens in zip(drawings, together, strict=True):
        np.testing.assert_array_equal(encode_drawings(BOOK, [drawing])[0], tokens)


def test_a_rows_tokens_have_one_order():
    """The same jump written in two orders would be two things to learn."""
    for tokens in encode_drawings(BOOK, [np.array([[200, 230, 0], [-240, 10, 1]], np.float32)]):
        closes = np.flatnonzero(BOOK.roles[tokens] != Role.CARRY)
        for row in np.split(tokens, closes[:-1] + 1):
            length = np.hypot(*BOOK.offsets[row[:-1]].T)
            assert len(row) > 2
            assert (np.diff(length) <= 0).all()


def test_the_pen_lifts_on_a_row_far_away():
    """There are few codes that lift, and all of them are short."""
    drawing = np.array([[90, 90, 1], [-80, 20, 1], [0, 0, 1]], np.float32)
    again = decode_tokens(BOOK, encode_drawings(BOOK, [drawing])[0])
    np.testing.assert_array_equal(again[:, 2], 1)
    assert drift(drawing, again).max() <= 1.25 * BOOK.tolerance


def test_tokens_that_write_no_drawing_are_refused():
    carry = int(np.flatnonzero(BOOK.roles == Role.CARRY)[0])
    with pytest.raises(SketchModelError, match="inside of a row"):
        decode_tokens(BOOK, np.array([0, carry]))
    for wrong in ([len(BOOK)], [-1], [[0]]):
        with pytest.raises(SketchModelError, match="whole numbers from 0"):
            decode_tokens(BOOK, np.array(wrong))
    assert decode_tokens(BOOK, np.zeros(0, np.int64)).shape == (0, 3)


def test_drawings_that_cannot_be_written_are_named():
    bad = wheels(2)
    bad[1][3, 0] = np.nan
    with pytest.raises(DatasetError, match="tokenised drawing 1 has a value that is not a number at point 3"):
        encode_drawings(BOOK, bad)
    huge = wheels(2)
    huge[1] = huge[1] * np.float32([1e4, 1e4, 1])
    with pytest.raises(DatasetError, match=r"Drawing 1 goes .* units at point 0, which 16 codes .* scale"):
        encode_drawings(BOOK, huge)
