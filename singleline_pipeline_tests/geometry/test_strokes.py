"""The small measures: what they say must be right for the pipeline's counts to be."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from singleline_pipeline.geometry import (
    bounding_box,
    drawing_length,
    drop_short,
    resample_stroke,
    rescale,
    reverse_strokes,
    stroke_length,
)
from singleline_pipeline.geometry.strokes import norms
from singleline_pipeline_tests.geometry.strategies import drawings, strokes, wandering


def test_norms_are_rounded_as_numpy_rounds_a_single_vector() -> None:
    """Ties of the join hang on the last bit, and hypot has another one now and then."""
    vectors = np.random.default_rng(0).uniform(-200, 200, (2000, 2))
    assert np.array_equal(norms(vectors), [np.linalg.norm(vector) for vector in vectors])


@given(drawings().filter(bool), st.sampled_from([1.0, 200.0, 255.0]))
def test_a_rescaled_drawing_starts_at_0_and_can_be_put_back(drawing, side) -> None:
    scaled, scale, offset = rescale(drawing, side)
    x0, y0, x1, y1 = bounding_box(scaled)
    assert (x0, y0) == (0, 0)
    before = bounding_box(drawing)
    if max(before[2] - before[0], before[3] - before[1]) > 1e-9:
        assert np.isclose(max(x1, y1), side)
    for stroke, original in zip(scaled, drawing, strict=True):
        assert np.allclose(stroke / scale + offset, original, atol=1e-6)


@given(strokes(12, grid=False), st.floats(0.5, 50))
def test_resampling_reaches_both_ends_and_keeps_to_the_spacing(stroke, spacing) -> None:
    """The original's sampling never reached the end of a path."""
    sampled = resample_stroke(stroke, spacing)
    assert np.array_equal(sampled[0], stroke[0])
    if stroke_length(stroke) > 0:
        assert np.array_equal(sampled[-1], stroke[-1])
        assert len(sampled) - 1 == max(1, np.ceil(stroke_length(stroke) / spacing - 1e-9))
    assert (np.hypot(*np.diff(sampled, axis=0).T) <= spacing * (1 + 1e-6)).all()


def test_even_steps_along_a_corner() -> None:
    corner = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 3.0]])
    assert resample_stroke(corner, 1.5).tolist() == [[0, 0], [1.5, 0], [3, 0], [3, 1.5], [3, 3]]


def test_strokes_under_a_hundredth_of_the_line_are_dropped() -> None:
    """10 of about 1000 sample points, as in the story."""
    line = np.array([[0.0, 0.0], [981.0, 0.0]])
    crumb, piece = np.array([[0.0, 5.0], [9.0, 5.0]]), np.array([[0.0, 9.0], [10.0, 9.0]])
    assert drop_short([crumb, line, piece, np.array([[1.0, 1.0]])]) == ([1, 2], [0, 3])


def test_a_drawing_of_crumbs_alone_does_not_vanish() -> None:
    crumbs = [np.array([[0.0, y], [1.0, y]]) for y in range(300)]
    assert drop_short(crumbs) == (list(range(300)), [])
    assert drop_short([np.array([[1.0, 1.0]])]) == ([0], [])


def test_lengths() -> None:
    assert stroke_length([[0, 0], [3, 4], [3, 4]]) == 5
    assert drawing_length([[[0, 0], [3, 4]], [[9, 9]], [[0, 0], [0, 2]]]) == 7
    assert drawing_length(wandering(3, 1)) == 0


@given(drawings(), st.floats(-1000, 1000), st.sampled_from([0.5, 3.0]), st.floats(0, 6.3))
def test_length_is_kept_by_moving_turning_and_reversing_and_scales_with_the_drawing(
    drawing, move, scale, angle
) -> None:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    other = [scale * (stroke @ turn) + move for stroke in reverse_strokes(drawing)]
    assert np.isclose(drawing_length(other), scale * drawing_length(drawing), rtol=1e-9, atol=1e-6)
    assert np.isclose(drawing_length(drawing), sum(stroke_length(stroke) for stroke in drawing))


@given(drawings().filter(bool), st.sampled_from([0.5, 4.0]))
def test_which_strokes_are_short_depends_on_neither_scale_nor_order(drawing, scale) -> None:
    kept, dropped = drop_short(drawing)
    assert sorted(kept + dropped) == list(range(len(drawing)))
    backwards, _ = drop_short([stroke * scale for stroke in drawing[::-1]])
    assert sorted(len(drawing) - 1 - k for k in backwards) == kept
    assert drop_short([drawing[k] for k in kept], 0) == (list(range(len(kept))), [])


@given(drawings())
def test_reversing_twice_changes_nothing(drawing) -> None:
    twice = reverse_strokes(reverse_strokes(drawing))
    assert all(np.array_equal(a, b) for a, b in zip(twice, drawing, strict=True))
