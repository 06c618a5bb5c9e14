"""stroke-3 is what leaves the house: there and back must be exact, pens included."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from singleline_pipeline.geometry import StrokeError, from_stroke3, reverse_stroke3, to_stroke3
from singleline_pipeline_tests.geometry.strategies import drawings

DRAWING = [np.array([[5, 7], [6, 9]]), np.array([[1, 1]]), np.array([[0, 0], [2, 0], [2, 3]])]
ROWS = [[5, 7, 0], [1, 2, 1], [-5, -8, 1], [-1, -1, 0], [2, 0, 0], [0, 3, 1]]


def test_rows_are_offsets_and_the_pen_lifts_on_the_last_point_of_a_stroke() -> None:
    """The first row is relative to (0, 0): the drawing keeps its place."""
    rows = to_stroke3(DRAWING)
    assert rows.tolist() == ROWS
    assert rows.dtype == np.int64
    assert to_stroke3([stroke.astype(float) for stroke in DRAWING]).dtype == np.float64


@given(
    st.lists(
        hnp.arrays(np.int64, st.tuples(st.integers(1, 9), st.just(2)), elements=st.integers(-30000, 30000))
    )
)
def test_whole_numbers_come_back_exactly(drawing) -> None:
    rows = to_stroke3(drawing)
    back = from_stroke3(rows)
    assert len(back) == len(drawing)
    assert all(np.array_equal(a, b) for a, b in zip(back, drawing, strict=True))
    assert np.array_equal(to_stroke3(back), rows)


@given(drawings())
def test_floats_come_back_to_a_billionth(drawing) -> None:
    back = from_stroke3(to_stroke3(drawing))
    assert [len(stroke) for stroke in back] == [len(stroke) for stroke in drawing]
    assert all(np.allclose(a, b, rtol=0, atol=1e-9) for a, b in zip(back, drawing, strict=True))


def test_int16_files_do_not_overflow_when_summed() -> None:
    rows = np.array([[30000, 0, 0], [30000, 0, 0], [30000, 0, 1]], np.int16)
    assert from_stroke3(rows)[0][-1].tolist() == [90000.0, 0.0]


def test_a_last_stroke_without_a_lifted_pen_ends_with_the_drawing() -> None:
    strokes = from_stroke3([[1, 1, 1], [2, 2, 0], [1, 0, 0]])
    assert [stroke.tolist() for stroke in strokes] == [[[1, 1]], [[3, 3], [4, 3]]]


def test_reversing_moves_no_pen_flag_to_the_wrong_point() -> None:
    """Reversing the rows alone leaves the flags where strokes now begin."""
    backwards = from_stroke3(reverse_stroke3(ROWS))
    assert [stroke.tolist() for stroke in backwards] == [stroke[::-1].tolist() for stroke in DRAWING[::-1]]
    assert reverse_stroke3(reverse_stroke3(ROWS)).tolist() == ROWS


@given(drawings().filter(bool))
def test_reversing_rows_is_reversing_strokes_pens_included(drawing) -> None:
    rows = reverse_stroke3(to_stroke3(drawing))
    assert np.flatnonzero(rows[:, 2]).tolist() == (np.cumsum([len(s) for s in drawing[::-1]]) - 1).tolist()
    back = from_stroke3(rows)
    for stroke, original in zip(back, drawing[::-1], strict=True):
        assert np.allclose(stroke, original[::-1], rtol=0, atol=1e-9)
    there = reverse_stroke3(rows)
    assert np.array_equal(there[:, 2], to_stroke3(drawing)[:, 2])
    assert np.allclose(there, to_stroke3(drawing), rtol=0, atol=1e-9)


def test_reversing_a_drawing_whose_pen_was_never_lifted_lifts_it_where_it_now_ends() -> None:
    assert reverse_stroke3([[1, 1, 1], [2, 2, 0], [1, 0, 0]]).tolist() == [[4, 3, 0], [-1, 0, 1], [-2, -2, 1]]


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.int64])
def test_whole_numbers_of_any_width_stay_whole_and_differences_do_not_wrap(kind) -> None:
    """1 - 100 is 157 in uint8."""
    stroke = np.array([[100, 3], [1, 120]], kind)
    rows = to_stroke3([stroke])
    assert rows.dtype == np.int64
    assert rows.tolist() == [[100, 3, 0], [-99, 117, 1]]
    assert reverse_stroke3(rows.astype(np.int16)).dtype == np.int64


def test_a_hundred_thousand_steps_over_a_page_do_not_drift() -> None:
    stroke = np.random.default_rng(0).uniform(0, 4000, (100_000, 2))
    (back,) = from_stroke3(to_stroke3([stroke]))
    assert np.abs(back - stroke).max() < 1e-9


def test_the_longest_step_that_strokes_may_have_is_one_that_stroke_3_may_have() -> None:
    stroke = np.array([[-1e12, 0.0], [1e12, 0.0]])
    assert np.array_equal(from_stroke3(to_stroke3([stroke]))[0], stroke)


def test_a_drawing_without_strokes_is_a_table_without_rows() -> None:
    assert to_stroke3([]).shape == (0, 3)
    assert from_stroke3(np.zeros((0, 3))) == []
    assert reverse_stroke3(np.zeros((0, 3), np.int16)).shape == (0, 3)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.zeros((4, 5)), "stroke-5"),
        (np.zeros((4, 2)), r"\(4, 2\)"),
        (np.zeros(3), r"\(3,\)"),
        ([[0, 0, 0], [np.nan, 0, 1]], "row 1"),
        ([[0, 0, 0], [0, np.inf, 1]], "row 1"),
        ([[0, 0, 0], [1, 1, 2]], "lift_pen 2 in row 1"),
        ([[0, 0, 0], [1, 1, np.nan]], "lift_pen nan"),
        ([["a", "b", "c"]], "not numbers"),
        ([[0, 0, 0], [1, 1]], "no table"),
    ],
)
def test_what_is_not_stroke_3_is_refused(rows, message) -> None:
    with pytest.raises(StrokeError, match=message):
        from_stroke3(rows)
