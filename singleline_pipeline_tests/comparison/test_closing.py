"""Where drawings close, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from singleline_pipeline.comparison.closing import closing, wasserstein_estimate, wasserstein_floor


def drawing(*strokes: list[tuple[float, float]]) -> np.ndarray:
    rows, last = [], np.zeros(2)
    for stroke in strokes:
        for index, point in enumerate(stroke):
            rows.append([*(np.array(point) - last), float(index == len(stroke) - 1)])
            last = np.array(point, float)
    return np.array(rows)


SQUARE = [(0.0, 0.0), (100, 0), (100, 100), (0, 100), (0, 0)]


def test_a_closed_square_closes() -> None:
    found = closing(drawing(SQUARE))
    assert found is not None
    assert found.to_start == 0
    assert found.to_earlier_line == 0


def test_a_gap_is_measured_in_percent_of_the_longer_side() -> None:
    """Small and large drawings have to be comparable."""
    for scale in (1.0, 7.0):
        points = [(x * scale, y * scale) for x, y in [*SQUARE[:-1], (0, 15)]]
        found = closing(drawing(points))
        assert found is not None
        assert found.to_start == pytest.approx(15)
        assert found.to_earlier_line == pytest.approx(15)


def test_the_nearest_line_may_be_inside_of_a_segment() -> None:
    """A drawing that ends on a long straight line has closed, though no point of it is near."""
    found = closing(drawing([(0, 0), (100, 0), (100, 80), (50, 80), (50, 3)]))
    assert found is not None
    assert found.to_earlier_line == pytest.approx(3)


def test_line_that_was_drawn_just_before_is_no_closing() -> None:
    """Every end is near to the line that leads there; where there is only that, nothing is said."""
    straight = closing(drawing([(0, 0), (30, 0), (60, 0), (100, 0)]))
    assert straight is not None
    assert straight.to_earlier_line == pytest.approx(20)
    short = closing(drawing([(0, 0)], [(100, 0), (110, 0)]))
    assert short is not None
    assert short.to_earlier_line is None


def test_the_way_of_the_lifted_pen_is_no_line() -> None:
    found = closing(drawing([(0, 0), (0, 100)], [(50, 95), (50, 90)]))
    assert found is not None
    # Of the first stroke, the last 15 count as recent.
    assert found.to_earlier_line == pytest.approx(np.hypot(50, 5))


def test_a_drawing_without_size_closes_nowhere() -> None:
    assert closing(np.array([[5.0, 5, 1]])) is None
    assert closing(np.array([[5.0, 5, 0], [0, 0, 1]])) is None


def test_the_floor_is_what_draws_of_one_distribution_differ_by() -> None:
    rng = np.random.default_rng(0)
    data, others = rng.normal(size=150), rng.normal(size=1000)
    floor = wasserstein_floor(others, data, 150, rng)
    assert 0 < floor.value < 0.3
    assert floor.n == 150
    shifted = wasserstein_estimate(rng.normal(2.0, 1, 150), data, rng)
    assert shifted.value == pytest.approx(2.0, abs=0.3)
    assert shifted.spread == pytest.approx(0.11, rel=0.5)
