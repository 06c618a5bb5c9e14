"""A copy is found, however it lies on the paper; a drawing in the same manner is none."""

from __future__ import annotations

import numpy as np
import pytest

from singleline_pipeline.comparison.copying import GRID, LineMaps, nearest_lines, nearest_vectors, threshold
from singleline_pipeline.geometry import from_stroke3, reverse_stroke3
from singleline_pipeline_tests.sketch_models.conftest import wheels


def walks(count: int, seed: int) -> list[np.ndarray]:
    """Smooth wandering lines of 90 points, no two alike."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        heading = np.cumsum(rng.normal(0, 0.5, 90))
        rows = np.column_stack([np.cos(heading), np.sin(heading), np.zeros(90)]) * 8
        rows[-1, 2] = 1
        found.append(rows)
    return found


def turned(drawing: np.ndarray, degrees: float) -> np.ndarray:
    steps = (drawing[:, 0] + 1j * drawing[:, 1]) * np.exp(1j * np.deg2rad(degrees))
    return np.column_stack([steps.real, steps.imag, drawing[:, 2]])


def test_a_planted_copy_is_suspected_and_new_lines_are_not() -> None:
    """The check is worth what it catches: copies that are moved, enlarged, reversed, turned, a little shaken."""
    train, held_out = walks(200, 0), walks(100, 1)
    limit = threshold(nearest_lines(held_out, train))
    rng = np.random.default_rng(2)
    copies = [
        train[3] + [[500, 0, 0]] * np.eye(90, 1),
        train[50] * [3, 3, 1],
        reverse_stroke3(train[80]),
        turned(train[100], 13.0),
        train[120] + np.column_stack([rng.normal(0, 0.3, (90, 2)), np.zeros(90)]),
    ]
    found = nearest_lines([*copies, *walks(100, 3)], train)
    assert found.index[:5].tolist() == [3, 50, 80, 100, 120]
    assert (found.distance[:5] < limit).all()
    assert (found.distance[5:] < limit).mean() <= 0.05


def test_chamfer_distance_by_hand() -> None:
    """Two sides of a square against one: the second side is half of its length away on average."""
    bent = np.array([[0, 0, 0], [96, 0, 0], [0, 96, 1]], float)
    framed = np.array([[0, 0, 0], [96, 0, 0], [0, 96, 0], [-96, 0, 1]], float)
    maps = LineMaps([bent, framed])
    [[zero, there], [back, _]] = maps.chamfer(maps)
    assert zero == 0
    assert there == back
    # One direction 0; the other a third of the line, which is 0 to 100 % of the side away: the corner's two sides are
    # as near as the nearer of them.
    assert there == pytest.approx((0 + 100 / 2 / 3) / 2, rel=0.03)


def test_the_grid_is_fine_enough_to_leave_the_distance_as_it_is() -> None:
    """Against exact distances between points that lie densely on both lines."""
    first, second = walks(1, 5)[0], walks(1, 6)[0]

    def dense(drawing: np.ndarray) -> np.ndarray:
        points = np.concatenate(from_stroke3(drawing))
        low, side = points.min(axis=0), np.ptp(points, axis=0)
        points = (points - low - side / 2) / side.max() * 100
        steps = np.linspace(points[:-1], points[1:], 15).reshape(-1, 2, order="F")
        return steps

    one, other = dense(first), dense(second)
    between = np.linalg.norm(one[:, None] - other[None], axis=2)
    expected = (between.min(axis=1).mean() + between.min(axis=0).mean()) / 2
    found = LineMaps([first]).chamfer(LineMaps([second]))[0, 0]
    assert found == pytest.approx(expected, abs=100 / GRID)


@pytest.mark.parametrize("drawing", [[[0, 0, 1]], [[5, 5, 0], [0, 0, 1]], [[0, 0, 0], [30, 0, 1]]])
def test_dots_and_straight_lines_have_a_place_on_the_grid(drawing: list[list[float]]) -> None:
    maps = LineMaps([np.array(drawing, float)])
    assert maps.cells.sum() == pytest.approx(1)
    assert maps.away.min() == 0
    assert np.isfinite(maps.away).all()


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    train, drawn = wheels(9), wheels(4, seed=1)
    whole = nearest_lines(drawn, train)
    monkeypatch.setattr("singleline_pipeline.comparison.copying._BLOCK", 2)
    parts = nearest_lines(drawn, train)
    np.testing.assert_array_equal(parts.index, whole.index)
    np.testing.assert_allclose(parts.distance, whole.distance, rtol=1e-5)


def test_nearest_vectors_are_the_nearest() -> None:
    train = np.array([[0.0, 0], [10, 0], [0, 10]])
    found = nearest_vectors(np.array([[9.0, 1], [1, 1]]), train)
    assert found.index.tolist() == [1, 0]
    np.testing.assert_allclose(found.distance, np.sqrt(2))
