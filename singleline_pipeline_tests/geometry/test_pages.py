"""Joining happens on the scale of a drawing and never across drawings: on the scale of the page they melt together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from singleline_pipeline.geometry import StrokeError
from singleline_pipeline.geometry.pages import drawings_of_page, join_page, route_page, splice_page
from singleline_pipeline_tests.geometry.strategies import drawings


def dash(x0: float, x1: float, y: float = 0.0) -> np.ndarray:
    return np.column_stack([np.linspace(x0, x1, 20), np.full(20, y)])


def test_two_drawings_that_touch_are_not_joined() -> None:
    left, right = dash(0, 100), dash(101, 200)
    line = join_page([left, right], [0, 1])
    assert len(line.strokes) == 2
    assert line.groups.tolist() == [0, 1]
    assert line.added == 0


def test_the_same_gap_is_narrow_in_a_large_drawing_and_wide_in_a_small_one() -> None:
    """A gap of 40 px is 8 units of a drawing of 1000 px, and 67 units of one of 120 px."""
    large = [dash(0, 480), dash(520, 1000)]
    small = [dash(0, 40, 2000), dash(80, 120, 2000)]
    line = join_page([*large, *small], [0, 0, 1, 1])
    assert line.groups.tolist() == [0, 1, 1]
    assert line.added == pytest.approx(40)


def test_a_crumb_between_two_strokes_is_line_and_one_by_itself_is_dropped_and_counted() -> None:
    strokes = [dash(0, 490), dash(495, 499), dash(504, 1000), dash(500, 503, y=300)]
    line = join_page(strokes, [0, 0, 0, 0])
    assert len(line.strokes) == 1
    assert line.dropped == 1
    assert line.lost == pytest.approx(3)
    assert line.length == pytest.approx(490 + 4 + 496 + 3)


def test_the_account_of_the_line_adds_up_after_splicing() -> None:
    rng = np.random.default_rng(1)
    strokes = [np.cumsum(rng.normal(0, 8, (40, 2)), axis=0) + rng.uniform(0, 150, 2) for _ in range(8)]
    for line in (splice_page(strokes, [0] * 4 + [1] * 4), route_page(strokes, [0] * 4 + [1] * 4)):
        out = sum(np.hypot(*np.diff(stroke, axis=0).T).sum() for stroke in line.strokes)
        assert line.lost == pytest.approx(0, abs=1e-6)
        assert out == pytest.approx(line.length + line.added + line.retraced)
        assert set(line.groups.tolist()) == {0, 1}


def test_drawings_are_numbered_as_one_reads_and_dropped_strokes_have_a_box() -> None:
    """Ids are numbers on the page: sb48p005d01 is the drawing at the top left."""
    square = np.array([[0, 0], [300, 0], [300, 300], [0, 300], [0, 0]], float)
    speck = np.array([[900, 900], [905, 905.0]])
    corners = {"bottom left": (0, 500), "top right": (500, 20), "top left": (0, 0)}
    page = [square + corner for corner in corners.values()]
    split = drawings_of_page([*page, speck], [0, 1, 2, 3])
    assert [drawing.box[:2] for drawing in split.drawings] == [(0, 0), (500, 20), (0, 500)]
    assert split.dropped == [([3], (900.0, 900.0, 905.0, 905.0))]


def test_a_blank_page_stays_blank() -> None:
    line = join_page([], [])
    assert (line.strokes, line.length, line.dropped) == ([], 0.0, 0)


def test_a_page_whose_groups_are_not_those_of_its_strokes_is_refused() -> None:
    for function in (join_page, splice_page, route_page, drawings_of_page):
        with pytest.raises(StrokeError, match="1 strokes, but 2 groups"):
            function([dash(0, 9)], [0, 1])


@given(drawings(max_strokes=8), st.lists(st.integers(0, 3), min_size=8, max_size=8), st.floats(0, 3000))
def test_every_stroke_of_a_page_is_in_one_drawing_or_listed_with_its_box(strokes, groups, min_area) -> None:
    groups = groups[: len(strokes)]
    split = drawings_of_page(strokes, groups, min_area=min_area)
    assert bool(split.drawings) == bool(strokes)
    dropped = [index for indices, _ in split.dropped for index in indices]
    assert len(dropped) == len(set(dropped))
    drawn = [
        stroke / drawing.scale + drawing.box[:2] for drawing in split.drawings for stroke in drawing.strokes
    ]
    assert len(drawn) + len(dropped) == len(strokes)
    for index in set(range(len(strokes))) - set(dropped):
        assert any(
            np.shape(stroke) == strokes[index].shape and np.allclose(stroke, strokes[index])
            for stroke in drawn
        )
    for indices, box in split.dropped:
        points = np.concatenate([strokes[index] for index in indices])
        assert box == (*points.min(axis=0), *points.max(axis=0))
    for drawing in split.drawings:
        points = np.concatenate(drawing.strokes)
        assert points.min() == 0
        assert points.max() == pytest.approx(200) or np.ptp(points) < 1e-6


@given(drawings(max_strokes=6), st.lists(st.integers(0, 2), min_size=6, max_size=6))
def test_the_account_of_the_line_adds_up_however_the_page_is_connected(strokes, groups) -> None:
    groups = groups[: len(strokes)]
    for connect in (join_page, splice_page, route_page):
        line = connect(strokes, groups)
        out = sum(np.hypot(*np.diff(stroke, axis=0).T).sum() for stroke in line.strokes)
        assert out == pytest.approx(line.length - line.lost + line.added + line.retraced, rel=1e-6, abs=1e-4)
        assert set(line.groups.tolist()) <= set(groups)
        assert min(line.added, line.retraced, line.lost) >= 0
