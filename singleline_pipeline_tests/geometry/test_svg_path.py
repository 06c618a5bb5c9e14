"""Path data: every command in both spellings, compact numbers, errors, and curves within their tolerance."""

import cmath
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from singleline_pipeline.geometry import svg_path
from singleline_pipeline.geometry.svg_path import CurvePen, flatten, parse_path, points_when_flat

near = st.floats(-1000, 1000).map(lambda value: round(value, 3))
points = st.builds(complex, near, near)


def ends(data: str) -> list[list[tuple[float, float]]]:
    """Where each segment of each subpath begins and ends."""
    curves, problem = parse_path(data)
    assert problem is None
    return [[tuple(point) for point in np.round(curve[::3], 9).tolist()] for curve in curves]


def on_curve(curve: np.ndarray, samples: int = 400) -> np.ndarray:
    """Points of a curve by de Casteljau's construction, which shares nothing with `flatten`."""
    t = np.linspace(0, 1, samples)[:, None]
    found = []
    for k in range(0, len(curve) - 1, 3):
        rows = [np.broadcast_to(point, (samples, 2)) for point in curve[k : k + 4]]
        while len(rows) > 1:
            rows = [(1 - t) * a + t * b for a, b in pairwise(rows)]
        found.append(rows[0])
    return np.concatenate(found)


def distance_to(stroke: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Distance of each point from the nearest segment of a stroke."""
    a, b = stroke[:-1], stroke[1:]
    along = b - a
    length = (along**2).sum(axis=1)
    t = ((points[:, None] - a) * along).sum(axis=2) / np.where(length > 0, length, 1)
    foot = a + t.clip(0, 1)[..., None] * along
    return np.hypot(*np.moveaxis(points[:, None] - foot, 2, 0)).min(axis=1)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("M1 2 3 4", [[(1, 2), (3, 4)]]),
        ("m1 2 3 4", [[(1, 2), (4, 6)]]),
        ("M1 2L3 4l1 1H9h1V0v-2", [[(1, 2), (3, 4), (4, 5), (9, 5), (10, 5), (10, 0), (10, -2)]]),
        ("M0 0C1 1 2 2 3 0c1 1 2 2 3 0S9 9 9 0s1 1 2 2", [[(0, 0), (3, 0), (6, 0), (9, 0), (11, 2)]]),
        ("M0 0Q1 1 2 0q1 1 2 0T6 0t2 0", [[(0, 0), (2, 0), (4, 0), (6, 0), (8, 0)]]),
        ("M0 0L4 0L4 4ZL1 1", [[(0, 0), (4, 0), (4, 4), (0, 0)], [(0, 0), (1, 1)]]),
        ("M0 0L1 0M5 5L6 6", [[(0, 0), (1, 0)], [(5, 5), (6, 6)]]),
        ("m1 1h1z m5 5h1", [[(1, 1), (2, 1), (1, 1)], [(6, 6), (7, 6)]]),
    ],
)
def test_commands_absolute_relative_and_repeated(data: str, expected: list) -> None:
    """Each command leaves the pen where the next one starts from; a close goes back to the last move."""
    assert ends(data) == expected


@pytest.mark.parametrize(
    "data",
    [
        "M.5-.5.5.25-1e1-2E-1",
        "M 0.5 , -0.5 , 0.5 , 0.25 , -10 , -0.2 ",
        "\n M\t.5-5e-1\r.5.25L-10-.2",
        "M+.5-.5 5.e-1 .25 -10.0-0.20",
    ],
)
def test_numbers_need_no_separators_where_none_is_ambiguous(data: str) -> None:
    """Exporters leave out every character that they can."""
    assert ends(data) == [[(0.5, -0.5), (0.5, 0.25), (-10, -0.2)]]


def test_flags_of_arcs_need_no_separators() -> None:
    """`a1 1 0 0110 0` is large 0, sweep 1, x 10: svgo writes this."""
    assert ends("M0 0a5 5 0 0110 0a5 5 0 11.5.5")[0][-1] == (10.5, 0.5)
    assert ends("M0 0A5 5 0 0 1 10 0")[0] == ends("M0 0a5 5 0 0110 0")[0]


@pytest.mark.parametrize(
    ("data", "whole", "missing"),
    [
        ("M0 0L1 1L2 x", "M0 0L1 1", "a number is missing at character 11"),
        ("M0 0L1 1 2", "M0 0L1 1", "before the end"),
        ("M0 0L1 1,,2 2", "M0 0L1 1", "a command"),
        ("M0 0L1 1B2 2", "M0 0L1 1", "a command is missing at character 8, before 'B2 2'"),
        ("M0 0L1 1A5 5 0 2 0 9 9", "M0 0L1 1", "a number"),
        ("M0 0L1 1L nan 1", "M0 0L1 1", "a number"),
        ("M0 0L1 1L1e999 1", "M0 0L1 1", "a number"),
        ("M0 0L1 1Z5", "M0 0L1 1Z", "a command"),
        ("L1 1", "", "M is missing"),
        ("0 0 1 1", "", "a command"),
        ("M", "", "a number"),
        ("M0 0L1 1 \u0661 2", "M0 0L1 1", "a command"),
        ("M0 0L1 1 \u017f1 1 2 2", "M0 0L1 1", "a command"),
    ],
)
def test_a_path_with_an_error_is_drawn_up_to_it(data: str, whole: str, missing: str) -> None:
    """What SVG asks for; and the place is named, for whoever has to mend it."""
    curves, problem = parse_path(data)
    assert problem is not None
    assert missing in problem
    assert [curve.tolist() for curve in curves] == [curve.tolist() for curve in parse_path(whole)[0]]


@pytest.mark.parametrize(
    ("data", "points"),
    [("M5 5z", 1), ("M5 5h0", 4), ("M5 5", 0), ("M5 5M6 6", 0), ("M0 0L1 1ZZZ", 7), ("", 0), ("  ", 0)],
)
def test_dots_are_drawn_and_moves_are_not(data: str, points: int) -> None:
    """A tap of the pen is a subpath without length; a move alone is never shown by anybody."""
    curves, problem = parse_path(data)
    assert problem is None
    assert sum(map(len, curves)) == points
    assert all(len(flatten(curve, 0.1)) == 1 for curve in curves if (curve == curve[0]).all())


@given(st.lists(points, min_size=4, max_size=12), st.floats(0.01, 2))
def test_a_stroke_and_its_curve_are_within_the_tolerance(controls: list[complex], tolerance: float) -> None:
    """Cusps and loops included: this is what everything else relies on."""
    pen = CurvePen()
    pen.move(controls[0])
    for k in range(1, len(controls) - 2, 3):
        pen.cubic(*controls[k : k + 3])
    (curve,) = pen.curves()
    stroke = flatten(curve, tolerance)
    assert distance_to(stroke, on_curve(curve)).max() <= tolerance + 1e-9 if len(stroke) > 1 else True
    assert {tuple(point) for point in curve[::3]} <= {tuple(point) for point in stroke}
    assert len(stroke) <= points_when_flat(curve, tolerance) + len(curve) + 1


@given(
    points,
    points,
    st.floats(0.5, 500),
    st.floats(0.5, 500),
    st.floats(-400, 400),
    st.booleans(),
    st.booleans(),
)
def test_arcs_lie_on_an_ellipse_of_their_radii(start, to, rx, ry, degrees, large, sweep) -> None:
    """In the frame where the ellipse is a circle, all points are as far from one centre; the ends are exact."""
    pen = CurvePen()
    pen.move(start)
    pen.arc(complex(rx, ry), degrees, large, sweep, to)
    if start == to:
        assert pen.curves() == []
        return
    (curve,) = pen.curves()
    assert curve[0].tolist() == [start.real, start.imag]
    assert curve[-1].tolist() == [to.real, to.imag]
    turned = on_curve(curve, 20).view(np.complex128)[:, 0] / cmath.rect(1, np.radians(degrees))
    circle = turned.real / rx + 1j * turned.imag / ry
    reach = abs(circle[0] - circle[-1]) / 2
    if reach < 1e-3:  # a chord too short to find the centre from
        return
    # The centre from the chord: on its bisector, on the side that the flags choose.
    radius = max(1.0, reach)
    half = (circle[0] - circle[-1]) / 2
    side = -1j * half / reach * np.sqrt(max(0.0, radius**2 - reach**2)) * (1 if large != sweep else -1)
    centre = (circle[0] + circle[-1]) / 2 + side
    assert np.abs(np.abs(circle - centre) - radius).max() < 1e-5 * radius
    steps = np.diff(np.unwrap(np.angle(circle - centre)))
    assert (np.sign(steps[np.abs(steps) > 1e-9]) == (1 if sweep else -1)).all()
    if abs(radius - reach) > 1e-6:
        assert (abs(steps.sum()) > np.pi) == large


def test_a_path_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty megabytes of it would take two gigabytes before anybody could count the points."""
    monkeypatch.setattr(svg_path, "MAX_SEGMENTS", 10)
    curves, problem = parse_path("M0 0" + "h1" * 100)
    assert [len(curve) for curve in curves] == [34]
    assert problem == "it has more than 10 segments"


@pytest.mark.parametrize("arc", ["A0 5 0 0 1 9 9", "A5 0 0 1 1 9 9", "A1e200 1e200 0 0 1 9 9"])
def test_an_arc_without_a_radius_or_with_an_endless_one_is_a_straight_line(arc: str) -> None:
    """The first is what SVG says; the second must not divide by nothing."""
    (curve,), problem = parse_path(f"M0 0{arc}")
    assert problem is None
    np.testing.assert_allclose(curve, np.linspace([0, 0], [9, 9], 4))
