from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from singleline_pipeline.rendering import (
    RenderError,
    animated_sheet_svg,
    animated_svg,
    drawing_svg,
    plotter_svg,
    rasterize,
)
from singleline_pipeline.rendering.palette import INK, STROKES
from singleline_pipeline.rendering.svg import path_data

from .parsing import NUMBER, SVG, all_numbers_are_finite, length, parse, paths, points_of

coordinates = st.floats(-1e4, 1e4, allow_nan=False)
drawings = st.lists(
    st.integers(1, 12).flatmap(lambda n: arrays(np.float64, (n, 2), elements=coordinates)), max_size=5
)

DEGENERATE = {
    "nothing": [],
    "one point": [np.array([[5.0, 5.0]])],
    "the same point twice": [np.array([[5.0, 5.0], [5.0, 5.0]])],
    "two dots": [np.array([[0.0, 0.0]]), np.array([[9.0, 3.0]])],
    "a level line": [np.array([[0.0, 7.0], [200.0, 7.0]])],
    "an upright line": [np.array([[7.0, 0.0], [7.0, 200.0]])],
    "far away": [np.array([[1e8, 1e8], [1e8 + 3, 1e8 + 1]])],
    "very small": [np.array([[0.0, 0.0], [1e-7, 1e-8]])],
    "whole numbers": [np.array([[0, 0], [3, 4]], dtype=np.int16)],
    "rounding noise": [np.array([[0.1 + 0.2, 1.0], [0.3, 1.0]])],
}
RENDERERS = {
    "drawing_svg": drawing_svg,
    "animated_svg": animated_svg,
    "plotter_svg": plotter_svg,
    "animated_sheet_svg": lambda strokes: animated_sheet_svg([strokes], ["one"]),
}


@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.parametrize("renderer", RENDERERS)
def test_degenerate_drawings_still_give_a_picture(renderer: str, case: str) -> None:
    """A model or a tracer may give any of these, and one of them must not cost the whole sheet."""
    svg = RENDERERS[renderer](DEGENERATE[case])
    assert all_numbers_are_finite(svg)
    marks = [e for e in parse(svg).iter() if e.tag in (f"{SVG}path", f"{SVG}circle")]
    assert len(marks) == len(DEGENERATE[case])
    for points in paths(svg):
        assert length(points) > 0


BROKEN = {
    "NaN": (
        [np.zeros((2, 2)), np.array([[0.0, 1.0], [np.nan, 2.0]])],
        "[Ss]troke 1 .* point 1 is \\(nan, 2\\)",
    ),
    "infinite": ([np.array([[np.inf, 0.0]])], "[Ss]troke 0 .* point 0 is \\(inf, 0\\)"),
    "too large": ([np.array([[1e300, 0.0], [0.0, 0.0]])], "[Ss]troke 0 .* point 0 is \\(1e\\+300, 0\\)"),
    "three columns": ([np.zeros((4, 3))], "[Ss]troke 0 has the shape \\(4, 3\\)"),
    "no points": ([np.zeros((3, 2)), np.zeros((0, 2))], "[Ss]troke 1 has no points"),
    "ragged": ([[[0.0, 1.0], [2.0]]], "[Ss]troke 0 is not an array of numbers"),
}


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.parametrize("renderer", [*RENDERERS, "rasterize"])
def test_what_cannot_be_drawn_is_named(renderer: str, case: str) -> None:
    """NaN in a path is dropped silently by browsers: the message has to say which stroke it was."""
    strokes, message = BROKEN[case]
    with pytest.raises(RenderError, match=message):
        {**RENDERERS, "rasterize": rasterize}[renderer](strokes)


def test_a_sheet_names_the_drawing_too(face: list[np.ndarray]) -> None:
    with pytest.raises(RenderError, match="Drawing 1, stroke 0 cannot be drawn"):
        animated_sheet_svg([face, [np.array([[np.nan, 0.0]])]])


@given(drawings)
def test_every_drawing_gives_well_formed_svg_with_the_lengths_of_its_strokes(
    strokes: list[np.ndarray],
) -> None:
    """Rounding to 0.01 pixel may move each point by 0.01, and may not do more."""
    svg = drawing_svg(strokes, size=400)
    assert all_numbers_are_finite(svg)
    root = parse(svg)
    assert len(list(root.iter(f"{SVG}path"))) + len(list(root.iter(f"{SVG}circle"))) == len(strokes)
    if not strokes:
        return
    both = np.concatenate(strokes)
    longest = np.ptp(both, axis=0).max()
    if longest < 1e-3:
        return
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for points in paths(svg):
        assert (points >= 0).all()
        assert (points <= [width, height]).all()
    drawn = sum(length(points) for points in paths(svg))
    scale = (400 - 2 * 17) / longest
    assert drawn == pytest.approx(sum(map(length, strokes)) * scale, abs=0.03 * len(both) + 1e-6, rel=0.01)


def test_coordinates_are_the_strokes_own(face: list[np.ndarray]) -> None:
    """Up to one scale and one offset, the file holds what was given, in the order in which it was given."""
    for svg, tolerance in ((drawing_svg(face), 0.02), (plotter_svg(face), 0.02), (animated_svg(face), 0.02)):
        written = paths(svg)[:3]
        given_points = np.concatenate(face[:3])
        drawn = np.concatenate(written)
        assert drawn.shape == given_points.shape
        scale = np.ptp(drawn, axis=0).max() / np.ptp(given_points, axis=0).max()
        offset = drawn[0] - given_points[0] * scale
        np.testing.assert_allclose(drawn, given_points * scale + offset, atol=tolerance)


def test_rounding_does_not_add_up_along_a_line() -> None:
    """Steps of 0.004 would round to nothing one by one, and 10,000 of them are 40 pixels."""
    line = np.stack([np.linspace(0, 40, 10_001), np.zeros(10_001)], axis=1)
    data = path_data(line)
    assert data is not None
    assert points_of(data)[-1] == pytest.approx([40, 0], abs=0.011)


def test_numbers_have_two_decimals_at_most(face: list[np.ndarray]) -> None:
    for svg in (drawing_svg(face), plotter_svg(face), animated_svg(face)):
        for path in parse(svg).iter(f"{SVG}path"):
            decimals = [len(text.partition(".")[2]) for text in NUMBER.findall(path.attrib["d"])]
            assert max(decimals) == 2


def test_a_single_point_is_a_dot(face: list[np.ndarray]) -> None:
    (circle,) = parse(drawing_svg(face, pen=3)).iter(f"{SVG}circle")
    assert float(circle.attrib["r"]) == 1.5
    assert circle.attrib["fill"] == INK


def test_strokes_get_colours_of_their_own(face: list[np.ndarray]) -> None:
    root = parse(drawing_svg(face, colours="strokes"))
    assert [path.attrib["stroke"] for path in root.iter(f"{SVG}path")] == list(STROKES[:3])


def test_the_plotter_gets_one_group_of_lines_in_millimetres(face: list[np.ndarray]) -> None:
    """Plotter programs take top-level groups for layers, fills for hatching and backgrounds for lines."""
    root = parse(plotter_svg(face, width_mm=148, margin_mm=15))
    assert root.attrib["width"] == "148mm"
    assert root.attrib["height"] == "188mm"
    assert root.attrib["viewBox"] == "0 0 148 188"
    (group,) = list(root)
    assert group.tag == f"{SVG}g"
    assert group.attrib["fill"] == "none"
    assert [child.tag for child in group] == [f"{SVG}path"] * 4
    drawn = np.concatenate([points_of(path.attrib["d"]) for path in group])
    # The oval is sampled, hence a little lower than 4 : 3.
    assert drawn.min(axis=0) == pytest.approx([15, (188 - 118 * 4 / 3) / 2], abs=0.2)
    assert drawn.max(axis=0) == pytest.approx([148 - 15, (188 + 118 * 4 / 3) / 2], abs=0.2)


def test_a_margin_that_leaves_no_room_is_refused(face: list[np.ndarray]) -> None:
    with pytest.raises(RenderError, match="A margin of 60 mm leaves no room on a sheet 100 mm wide"):
        plotter_svg(face, width_mm=100, margin_mm=60)


@pytest.mark.parametrize(
    ("end", "height"), [((0.0, 200.0), "297mm"), ((200.0, 0.0), "30mm"), ((1e-12, 200.0), "297mm")]
)
def test_no_line_asks_for_a_sheet_that_nobody_has(end: tuple[float, float], height: str) -> None:
    """An upright line as wide as the sheet would be endlessly high."""
    svg = plotter_svg([np.array([(0.0, 0.0), end])])
    assert parse(svg).attrib["height"] == height
    (line,) = paths(svg)
    assert length(line) == pytest.approx(267 if height == "297mm" else 180, abs=0.02)


@pytest.mark.parametrize("size", [0, -3, float("nan"), float("inf")])
def test_sizes_that_are_none_are_refused(face: list[np.ndarray], size: float) -> None:
    for render in (drawing_svg, animated_svg):
        with pytest.raises(RenderError, match="size of the picture"):
            render(face, size=size)


@given(st.text())
def test_any_caption_keeps_the_file_well_formed(text: str) -> None:
    """Captions hold file names, and file names hold anything: <, &, quotes, control characters."""
    line = [np.array([[0.0, 0.0], [1.0, 1.0]])]
    parse(drawing_svg(line, title=text))
    parse(animated_sheet_svg([line], [text], title=text))


def test_captions_are_shown_as_they_are() -> None:
    line = [np.array([[0.0, 0.0], [1.0, 1.0]])]
    root = parse(animated_sheet_svg([line], ['<a & "b">']))
    assert [text.text for text in root.iter(f"{SVG}text")] == ['<a & "b">']


def test_equal_drawings_are_equal_bytes(face: list[np.ndarray]) -> None:
    for render in RENDERERS.values():
        assert render(face) == render([stroke.copy() for stroke in face])
