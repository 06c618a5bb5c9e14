from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from singleline_pipeline.rendering import RenderError, scatter_svg
from singleline_pipeline.rendering.palette import FAINT, STROKES

from .parsing import SVG, all_numbers_are_finite, parse

LIMIT = 60_000
MARK = re.compile(r"([Mm])(-?\d+) (-?\d+)h0")


def words(svg: str) -> list[str]:
    return [text.text or "" for text in parse(svg).iter(f"{SVG}text")]


def clouds(svg: str) -> list[tuple[str, np.ndarray]]:
    """Colour and positions (n, 2) of the marks of each group, in the order of painting."""
    group = parse(svg).find(f"{SVG}g")
    assert group is not None
    found = []
    for path in group:
        marks = MARK.findall(path.attrib["d"])
        assert "".join(f"{m}{x} {y}h0" for m, x, y in marks) == path.attrib["d"]
        steps = np.array([[int(x), int(y)] for _, x, y in marks])
        found.append((path.attrib["stroke"], np.cumsum(steps, axis=0)))
    return found


@pytest.mark.parametrize("count", [0, 1, 2, 300, 5000, 30_000])
def test_a_map_of_any_size_is_small_and_repeatable(count: int) -> None:
    """80 sketchbooks are 4000 pages and twice as many drawings."""
    points = np.random.default_rng(0).normal(size=(count, 2))
    labels = [f"cluster {index % 16}" for index in range(count)]
    svg = scatter_svg(points, labels, title="Map")
    assert len(svg.encode()) <= LIMIT
    assert all_numbers_are_finite(svg)
    assert svg == scatter_svg(points, labels, title="Map")


def test_points_lie_where_they_are_with_y_up() -> None:
    points = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 2.0]])
    (_, marks), *_ = clouds(scatter_svg(points, ["a"] * 3))
    np.testing.assert_array_equal(sorted(map(tuple, marks)), [(20, 260), (20, 739), (979, 739)])


def test_every_group_is_counted_in_natural_order() -> None:
    labels = ["cluster 10", "cluster 2", "cluster 2", "", "unlabelled"]
    svg = scatter_svg(np.random.default_rng(0).normal(size=(5, 2)), labels)
    assert words(svg) == ["cluster 2 (2)", "cluster 10 (1)", "unlabelled (2)"]
    assert [(colour, len(marks)) for colour, marks in clouds(svg)] == [
        (FAINT, 2),
        (STROKES[1], 1),
        (STROKES[0], 2),
    ]


def test_sixteen_clusters_differ_in_colour_or_shape() -> None:
    svg = scatter_svg(np.random.default_rng(0).normal(size=(16, 2)), [f"{index}" for index in range(16)])
    group = parse(svg).find(f"{SVG}g")
    assert group is not None
    assert len({(path.attrib["stroke"], path.attrib["stroke-linecap"]) for path in group}) == 16


def test_a_map_that_shows_a_part_says_so_and_counts_all() -> None:
    svg = scatter_svg(np.random.default_rng(0).normal(size=(12_000, 2)), ["a"] * 12_000, title="Map")
    assert words(svg) == ["Map (1 of 3 points shown)", "a (12000)"]
    assert 3900 <= len(clouds(svg)[0][1]) <= 4000


def test_points_in_one_place_are_one_mark() -> None:
    assert [len(marks) for _, marks in clouds(scatter_svg(np.ones((50, 2)), ["a"] * 50))] == [1]


@given(st.lists(st.text(max_size=20), max_size=6), st.text(max_size=20))
def test_any_label_keeps_the_file_well_formed(labels: list[str], title: str) -> None:
    points = np.arange(2 * len(labels), dtype=float).reshape(-1, 2)
    assert all_numbers_are_finite(scatter_svg(points, labels, title=title))


def test_what_cannot_be_plotted_is_named() -> None:
    with pytest.raises(RenderError, match=r"Map: point 1 is \(0.0, nan\)"):
        scatter_svg([[0, 1], [0, np.nan]], ["a", "a"], title="Map")
    with pytest.raises(RenderError, match="0 labels for 1 points"):
        scatter_svg([[0, 1]], [])
