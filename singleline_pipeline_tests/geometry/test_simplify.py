"""Simplifying must keep its promise about distance, and one pass must give what the recursive algorithm gives."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from singleline_pipeline.geometry import StrokeError, simplify, simplify_to_budget
from singleline_pipeline_tests.geometry.strategies import drawings, strokes, wandering


def douglas_peucker(points: np.ndarray, epsilon: float) -> np.ndarray:
    """The textbook recursion, with the distance to the segment."""
    if len(points) < 3:
        return points
    start, step = points[0], points[-1] - points[0]
    squared = step @ step
    t = np.clip((points[1:-1] - start) @ step / squared, 0, 1) if squared else np.zeros(len(points) - 2)
    distance = np.hypot(*(start + t[:, None] * step - points[1:-1]).T)
    furthest = int(distance.argmax()) + 1
    if distance[furthest - 1] <= epsilon:
        return points[[0, -1]]
    return np.concatenate(
        [douglas_peucker(points[: furthest + 1], epsilon)[:-1], douglas_peucker(points[furthest:], epsilon)]
    )


@given(st.integers(0, 10_000), st.floats(0, 12), st.integers(1, 120))
def test_gives_what_the_recursion_gives(seed, epsilon, points) -> None:
    (stroke,) = wandering(1, points, seed)
    assert np.array_equal(simplify(stroke, epsilon), douglas_peucker(stroke, epsilon))


@given(strokes(30), st.floats(0, 8))
def test_no_point_is_further_than_epsilon_from_the_line_kept(stroke, epsilon) -> None:
    """On the grid, where lines turn back on themselves, cross, and stand still."""
    kept = simplify(stroke, epsilon)
    assert np.array_equal(kept[[0, -1]], stroke[[0, -1]])
    line = shapely.LineString(kept) if (kept != kept[0]).any() else shapely.Point(kept[0])
    assert shapely.distance(line, shapely.points(stroke)).max() <= epsilon + 1e-9


@given(strokes(30), st.floats(0, 8))
def test_simplifying_again_changes_nothing(stroke, epsilon) -> None:
    kept = simplify(stroke, epsilon)
    assert np.array_equal(simplify(kept, epsilon), kept)


def test_the_tip_of_a_line_that_turns_back_stays() -> None:
    """Measured to the infinite line the tip is at no distance, and is cut: up to 15 units in the original's output."""
    stroke = np.array([[0.0, 0.0], [10.0, 0.1], [25.0, 0.0], [10.0, 0.0]])
    assert [25.0, 0.0] in simplify(stroke, 1.0).tolist()


@given(drawings(max_strokes=6, max_points=30), st.integers(12, 80))
def test_the_budget_is_met_with_the_least_epsilon(drawing, max_points) -> None:
    kept, epsilon = simplify_to_budget(drawing, max_points)
    assert sum(map(len, kept)) <= max_points
    assert all(len(after) >= min(2, len(before)) for after, before in zip(kept, drawing, strict=True))
    for after, before in zip(kept, drawing, strict=True):
        assert np.array_equal(after, simplify(before, epsilon))
    if epsilon > 0:
        # Any smaller epsilon keeps what this one is the first to drop.
        less = np.nextafter(epsilon, 0)
        assert sum(len(simplify(stroke, less)) for stroke in drawing) > max_points


def test_a_drawing_within_its_budget_is_left_alone() -> None:
    drawing = wandering(5, 20)
    kept, epsilon = simplify_to_budget(drawing, 250)
    assert epsilon == 0
    assert all(np.array_equal(a, b) for a, b in zip(kept, drawing, strict=True))


def test_more_strokes_than_the_budget_has_ends_is_an_error_that_says_so() -> None:
    with pytest.raises(StrokeError, match="126 strokes do not fit into 250 points"):
        simplify_to_budget(wandering(126, 3), 250)


def test_a_line_that_peels_off_one_vertex_a_level_is_still_done() -> None:
    """A growing zigzag splits off one end at a time: as many levels as points, the worst that there is."""
    n = np.arange(2000)
    stroke = np.column_stack([n, n * (-1.0) ** n])
    assert np.array_equal(simplify(stroke, 0.5), stroke)
