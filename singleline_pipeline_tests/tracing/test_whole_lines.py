"""A line stays one stroke where its own ink hides how it ran: shared runs, needles, tips, tangles."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial import cKDTree

from singleline_pipeline.tracing import trace_page
from singleline_pipeline_tests.tracing.pages import circle, draw_page, straight
from singleline_pipeline_tests.tracing.test_lines import dense, errors, length

PEN = 4.0


def through(*points: tuple[float, float]) -> np.ndarray:
    """(n, 2) straight ways from point to point."""
    return np.vstack([np.linspace(a, b, 120) for a, b in pairwise(points)])


def farthest(stroke: np.ndarray, lines: list[np.ndarray]) -> float:
    """Largest distance in px of a stroke from the one of the lines that it stays nearest to."""
    points = dense([stroke])
    return min(float(cKDTree(dense([line])).query(points)[0].max()) for line in lines)


def test_two_lines_side_by_side_for_a_long_way_stay_two() -> None:
    """Over 40 pen widths there is one wide band of ink, whose middle belongs to neither of the lines."""
    t = np.linspace(-1, 1, 600)
    bow = 0.35 * PEN + 90 * np.clip(np.abs(t) - 0.5, 0, None) ** 1.3
    lines = [np.column_stack([200 + 170 * t, 200 + sign * bow]) for sign in (-1, 1)]
    strokes = trace_page(draw_page(lines))
    assert len(strokes) == 2
    assert length(strokes) == pytest.approx(length(lines), rel=0.02)
    assert all(farthest(stroke, lines) < 0.6 * PEN for stroke in strokes)


def test_two_lines_that_change_sides_on_a_long_run_cross() -> None:
    """They meet so flat that their ink is one line for 30 pen widths; each still goes on the way it came."""
    lines = [straight(30, 190, 370, 210), straight(30, 210, 370, 190)]
    strokes = trace_page(draw_page(lines))
    assert len(strokes) == 2
    assert all(abs(stroke[0, 1] - stroke[-1, 1]) > 12 for stroke in strokes)


def test_a_needle_that_crosses_a_line_is_drawn_out_and_back() -> None:
    """The pen turned beyond the other line: there is no end of a line anywhere near."""
    needle = through((60, 192), (330, 200), (60, 208))
    other = straight(290, 60, 280, 340)
    strokes = trace_page(draw_page([needle, other]))
    assert len(strokes) == 2
    assert length(strokes) == pytest.approx(length([needle, other]), rel=0.03)
    assert max(stroke[:, 0].max() for stroke in strokes) > 326


def test_a_side_step_that_comes_back_is_part_of_its_line() -> None:
    """A T whose stem is wider than the pen: the line left its way and came back beside its own ink."""
    line = through((40, 250), (198.5, 250), (199.5, 120), (201, 250), (360, 250))
    strokes = trace_page(draw_page([line]))
    assert len(strokes) == 1
    assert length(strokes) == pytest.approx(length([line]), rel=0.05)


def test_a_stem_that_was_drawn_once_is_returned_once() -> None:
    """The same T with a stem of one pen's width: going over it twice would be ink that nobody put there."""
    lines = [straight(40, 250, 360, 250), straight(200, 248, 200, 60)]
    strokes = trace_page(draw_page(lines))
    assert len(strokes) == 2
    assert length(strokes) == pytest.approx(length(lines), rel=0.02)


@pytest.mark.parametrize("out", [1.2, 2.0])
def test_a_corner_reaches_the_tip_that_stands_out_of_another_line(out: float) -> None:
    """out: pen widths by which the corner's tip passes the line. The smoothest pairs would cut it off."""
    corner = through((120, 60), (200, 200 + out * PEN), (290, 70))
    line = straight(40, 200, 360, 200)
    strokes = trace_page(draw_page([corner, line]))
    assert len(strokes) == 2
    assert errors(strokes, [corner, line])[1] < 0.8 * PEN
    assert sorted(round(float(np.ptp(stroke[:, 0])), -1) for stroke in strokes) == [170, 320]


def test_three_lines_through_one_point_go_straight_on() -> None:
    turns = np.radians([10, 70, 130])
    lines = [
        straight(200 - 150 * np.cos(a), 200 - 150 * np.sin(a), 200 + 150 * np.cos(a), 200 + 150 * np.sin(a))
        for a in turns
    ]
    strokes = trace_page(draw_page(lines))
    assert len(strokes) == 3
    assert all(farthest(stroke, lines) < 0.3 * PEN for stroke in strokes)


def test_four_crossings_within_four_pen_widths() -> None:
    """A hash sign so small that its crossings are one blot with a hole: eight arms, four straight lines."""
    gap = 1.25 * PEN
    lines = [straight(200 + s * gap, 60, 200 + s * gap, 340) for s in (-1, 1)]
    lines += [straight(60, 200 + s * gap, 340, 200 + s * gap) for s in (-1, 1)]
    strokes = trace_page(draw_page(lines))
    assert len(strokes) == 4
    assert all(farthest(stroke, lines) < 0.3 * PEN for stroke in strokes)


@pytest.mark.parametrize("opening", [50, 80, 110])
def test_a_corner_at_a_gap_is_one_line(opening: float) -> None:
    """The pen skipped where it turned: its ends do not face each other, but bend towards each other."""
    half = np.radians(opening / 2)
    along = np.linspace(2 * PEN, 160, 120)[:, None]
    legs = [(200, 300) + along * (sign * np.sin(half), -np.cos(half)) for sign in (-1, 1)]
    strokes = trace_page(draw_page(legs))
    assert len(strokes) == 1
    assert np.ptp(strokes[0][:, 0]) == pytest.approx(320 * np.sin(half), rel=0.05)


def test_two_lines_that_end_side_by_side_stay_two() -> None:
    """Hatching: as near to each other as the two sides of a gap, but nothing turns there."""
    lines = [straight(200, 60, 200, 300), straight(212, 60, 212, 300)]
    assert len(trace_page(draw_page(lines))) == 2


def test_a_ring_that_lines_cross_begins_between_the_crossings() -> None:
    """Broken off at a crossing, it would seem to end on the line."""
    ring = circle(200, 200, 110)
    lines = [straight(40, 200, 360, 200), straight(200, 40, 200, 360)]
    strokes = trace_page(draw_page([ring, *lines]))
    closed = [stroke for stroke in strokes if np.hypot(*(stroke[0] - stroke[-1])) < 1.5]
    assert len(strokes) == 3
    assert len(closed) == 1
    assert min(np.hypot(*(closed[0][0] - at)) for at in ((90, 200), (310, 200), (200, 90), (200, 310))) > 40
