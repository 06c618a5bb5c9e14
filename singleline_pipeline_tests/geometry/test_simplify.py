"""Simplifying must keep its promise about distance, and one pass must give what the recursive algorithm gives."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from singleline_pipeline.geometry import (
    StrokeError,
    simplify,
    simplify_minimal,
    simplify_to_budget,
    vertex_epsilons,
)
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


def furthest(points: np.ndarray, kept: np.ndarray) -> float:
    line = shapely.LineString(kept) if (kept != kept[0]).any() else shapely.Point(kept[0])
    return float(shapely.distance(line, shapely.points(points)).max())


@pytest.mark.parametrize("function", [simplify, simplify_minimal])
@given(stroke=strokes(30), epsilon=st.floats(0, 8))
def test_no_point_is_further_than_epsilon_from_the_line_kept(function, stroke, epsilon) -> None:
    """On the grid, where lines turn back on themselves, cross, and stand still."""
    kept = function(stroke, epsilon)
    assert np.array_equal(kept[[0, -1]], stroke[[0, -1]])
    assert furthest(stroke, kept) <= epsilon + 1e-9


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


@given(drawings(max_strokes=6, max_points=30), st.integers(1, 80))
def test_a_budget_that_stops_the_search_early_changes_no_value_that_counts(drawing, most) -> None:
    """Traced drawings are a hundred times their budget: most of the search is for values that nobody asks for."""
    whole, some = vertex_epsilons(drawing), vertex_epsilons(drawing, most=most)
    assert np.array_equal(np.sort(whole)[-most - 1 :], np.sort(some)[-most - 1 :])
    least = np.sort(whole)[-most - 1] if len(whole) > most else 0.0
    assert np.array_equal(whole > least, some > least)


def fewest_points(stroke: np.ndarray, epsilon: float) -> int:
    """By trying every way through the stroke."""
    least = [1] + [len(stroke) + 1] * (len(stroke) - 1)
    for end in range(1, len(stroke)):
        for start in range(end):
            allowed = furthest(stroke[start : end + 1], stroke[[start, end]]) <= epsilon + 1e-9
            least[end] = min(least[end], least[start] + 1 if allowed else len(stroke) + 1)
    return least[-1]


@given(strokes(9), st.sampled_from([0.0, 0.4, 0.9, 1.7, 3.3]))
def test_there_is_no_way_with_fewer_points(stroke, epsilon) -> None:
    kept = simplify_minimal(stroke, epsilon)
    assert len(kept) == fewest_points(stroke, epsilon) <= max(len(simplify(stroke, epsilon)), 1)
    vertices = iter(stroke.tolist())
    assert all(point in vertices for point in kept.tolist()), "vertices of the stroke, in its order"


@given(st.integers(0, 10_000), st.floats(0.1, 12), st.floats(0, 6.3), st.booleans())
def test_turning_moving_scaling_or_reversing_a_line_asks_for_no_more_points(
    seed, epsilon, angle, backwards
) -> None:
    (stroke,) = wandering(1, 60, seed)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    other = 3.0 * (stroke @ turn) + (1000.0, -70.0)
    other = other[::-1] if backwards else other
    assert len(simplify_minimal(stroke, epsilon)) == len(simplify_minimal(other, 3.0 * epsilon))


@pytest.mark.parametrize("shape", ["straight", "wandering", "trembling", "on one spot"])
def test_long_lines_are_searched_in_pieces_and_never_keep_more_than_douglas_peucker(shape) -> None:
    """All pairs of 20,000 points would be 200 million."""
    along = np.arange(20_000.0)
    stroke = {
        "straight": np.column_stack([along, along / 7]),
        "wandering": wandering(1, 20_000)[0],
        "trembling": np.column_stack([along, np.where(along % 999 == 0, 9.0, np.sin(along))]),
        "on one spot": np.full((20_000, 2), 3.0),
    }[shape]
    kept = simplify_minimal(stroke, 1.5)
    assert np.array_equal(kept[[0, -1]], stroke[[0, -1]])
    assert 2 <= len(kept) <= len(simplify(stroke, 1.5))
    assert furthest(stroke, kept) <= 1.5 + 1e-9


@given(st.integers(0, 10_000), st.floats(0.5, 8), st.sampled_from([0.25, 4.0]), st.integers(-500, 500))
def test_douglas_peucker_keeps_the_same_vertices_of_a_moved_scaled_or_mirrored_line(
    seed, epsilon, scale, move
) -> None:
    (stroke,) = wandering(1, 60, seed)
    kept = vertex_epsilons([stroke]) > epsilon
    for other in (stroke * scale, stroke[:, ::-1] * scale, stroke * (-scale, scale)):
        assert np.array_equal(vertex_epsilons([other + move]) > epsilon * scale, kept)
    assert np.array_equal(vertex_epsilons([stroke[::-1]])[::-1] > epsilon, kept)
