"""The line that the pen drew is the line that comes back."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from singleline_pipeline.tracing import trace, trace_page
from singleline_pipeline_tests.tracing.pages import circle, draw_page, figure_eight, spiral, straight


def dense(lines: list[np.ndarray]) -> np.ndarray:
    """(n, 2) points at most 0.25 px apart along all lines."""
    parts = []
    for line in lines:
        arc = np.r_[0, np.cumsum(np.hypot(*np.diff(line, axis=0).T))]
        wanted = np.arange(0, arc[-1], 0.25)
        parts.append(
            np.column_stack([np.interp(wanted, arc, line[:, 0]), np.interp(wanted, arc, line[:, 1])])
        )
    return np.vstack(parts)


def errors(strokes: list[np.ndarray], truth: list[np.ndarray]) -> tuple[float, float]:
    """Mean distance in px between the strokes and the truth, and the largest one."""
    ours, theirs = dense(strokes), dense(truth)
    there, back = cKDTree(theirs).query(ours)[0], cKDTree(ours).query(theirs)[0]
    return float((there.mean() + back.mean()) / 2), float(max(there.max(), back.max()))


def length(strokes: list[np.ndarray]) -> float:
    return float(sum(np.hypot(*np.diff(s, axis=0).T).sum() for s in strokes))


SHAPES = {
    "straight": [straight(60, 80, 330, 290)],
    "cross": [straight(60, 70, 340, 320), straight(330, 80, 70, 310)],
    "flat cross": [straight(50, 170, 350, 230), straight(50, 230, 350, 170)],
    "figure eight": [figure_eight(200, 200, 140)],
    "spiral": [spiral(200, 200, 150, 4)],
}


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_comes_back_in_as_many_strokes_as_the_pen_made(name: str) -> None:
    """An outline tracer or a raw skeleton breaks each of these at its crossings."""
    truth = SHAPES[name]
    strokes = trace_page(draw_page(truth))
    assert len(strokes) == len(truth)
    mean, largest = errors(strokes, truth)
    assert mean < 0.2
    assert largest < 2.0
    assert length(strokes) == pytest.approx(length(truth), rel=0.02)


def test_lines_go_straight_on_through_a_crossing() -> None:
    """The ends of each stroke are the ends of one drawn line, not of two."""
    strokes = trace_page(draw_page(SHAPES["cross"]))
    for stroke in strokes:
        ends = [
            min(
                np.hypot(*(stroke[k] - line[e])) + np.hypot(*(stroke[-1 - k] - line[-1 - e])) for k in (0, -1)
            )
            for line in SHAPES["cross"]
            for e in (0, -1)
        ]
        assert min(ends) < 4.0


def test_a_closed_loop_ends_where_it_began() -> None:
    strokes = trace_page(draw_page([circle(200, 200, 110)]))
    assert len(strokes) == 1
    assert np.hypot(*(strokes[0][0] - strokes[0][-1])) < 1.5
    assert errors(strokes, [circle(200, 200, 110)])[0] < 0.2


def test_a_gap_in_a_line_is_bridged() -> None:
    """Pens skip; more than two pen widths of paper in an otherwise even curve are the same line."""
    whole = circle(200, 200, 110)
    pieces = [whole[20:196], whole[204:380]]
    assert 12 < np.hypot(*(pieces[0][-1] - pieces[1][0])) < 20
    strokes = trace_page(draw_page(pieces))
    assert len(strokes) == 1
    assert errors(strokes, [whole[20:380]])[0] < 0.3


def test_a_far_gap_is_left_open() -> None:
    strokes = trace_page(draw_page([straight(40, 200, 150, 200), straight(250, 200, 360, 200)]))
    assert len(strokes) == 2


def test_two_lines_that_share_a_run_both_get_it() -> None:
    """They meet, run on each other for six pen widths, and part: two odd junctions, but no loose end."""
    t = np.linspace(-1, 1, 400)
    bow = 60 * np.clip(np.abs(t) - 0.04, 0, None) ** 1.1
    lines = [np.column_stack([200 + 150 * t, 200 + sign * bow]) for sign in (-1, 1)]
    strokes = trace_page(draw_page(lines))
    assert len(strokes) == 2
    assert length(strokes) == pytest.approx(length(lines), rel=0.03)


def test_a_sharp_corner_keeps_its_tip() -> None:
    """Both sides of a needle lie on the same ink near its tip; the line must go out there and come back."""
    needle = np.vstack([straight(60, 180, 330, 200), straight(330, 200, 60, 220)])
    strokes = trace_page(draw_page([needle]))
    assert len(strokes) == 1
    assert max(stroke[:, 0].max() for stroke in strokes) > 324
    assert length(strokes) == pytest.approx(length([needle]), rel=0.03)


@pytest.mark.parametrize("pen", [1.5, 3.0, 6.0, 14.0])
def test_pens_from_a_hair_to_a_brush(pen: float) -> None:
    """100 to 600 dpi, fine liner to brush: strokes stay in page pixels and the pen's width is found."""
    truth = [figure_eight(300, 300, 210)]
    traced = trace(draw_page(truth, height=600, width=600, pen=pen))
    assert len(traced.strokes) == 1
    assert errors(traced.strokes, truth)[0] < 0.06 * pen + 0.15
    assert traced.pen_width == pytest.approx(pen, rel=0.25, abs=0.5)


def test_light_ink_on_dark_paper_is_the_same_drawing() -> None:
    page = draw_page(SHAPES["figure eight"])
    light = trace_page(255 - page)
    assert len(light) == 1
    assert errors(light, SHAPES["figure eight"])[0] < 0.2


def test_colour_pages_and_one_channel_pages_give_what_grey_ones_give() -> None:
    page = draw_page(SHAPES["cross"])
    for image in (np.repeat(page[..., None], 3, axis=2), page[..., None]):
        for one, other in zip(trace_page(image), trace_page(page), strict=True):
            np.testing.assert_array_equal(one, other)


def test_uneven_light_moves_nothing() -> None:
    """The shadow of the gutter halves the light towards one edge; a global threshold would lose the page there."""
    page = draw_page(SHAPES["cross"])
    shade = 0.5 + 0.5 * np.clip(np.arange(400) / 300, 0, 1)
    strokes = trace_page((page * shade).astype(np.uint8))
    assert len(strokes) == 2
    assert errors(strokes, SHAPES["cross"])[0] < 0.25


def test_the_same_page_gives_the_same_strokes() -> None:
    page = draw_page([spiral(200, 200, 150, 4), straight(20, 30, 380, 360)])
    for one, other in zip(trace_page(page), trace_page(page.copy()), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_mirrored_page_gives_mirrored_strokes(axis: int) -> None:
    """Thinning takes sides; the grey centroid must not let it show by more than a fraction of a pixel."""
    truth = SHAPES["figure eight"]
    page = draw_page(truth)
    mirrored = trace_page(np.flip(page, axis).copy())
    column = 1 - axis
    for stroke in mirrored:
        stroke[:, column] = 399 - stroke[:, column]
    assert len(mirrored) == len(trace_page(page))
    assert errors(mirrored, trace_page(page))[0] < 0.1
