"""Joins are measured in units of each drawing and never cross drawings; the account of line adds up."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from singleline_pipeline.geometry import (
    drawing_length,
    join_strokes,
    per_group,
    route_strokes,
    splice_strokes,
)
from singleline_pipeline_tests.geometry.strategies import drawings, moved

# Two pieces of a line with a gap of a twentieth of its length.
BROKEN = [np.array([[0.0, 0.0], [95.0, 0.0]]), np.array([[105.0, 0.0], [200.0, 0.0]])]


def test_a_gap_means_the_same_in_a_large_and_in_a_small_drawing() -> None:
    large = [stroke * 10 for stroke in BROKEN]
    small = [moved(stroke / 4, 3000, 50) for stroke in BROKEN]
    result = per_group([*large, *small], [7, 7, 3, 3], join_strokes)
    assert result.groups == [7, 3]
    assert np.allclose(result.strokes[0], np.concatenate(large))
    assert np.allclose(result.strokes[1], np.concatenate(small))
    assert np.isclose(result.added, 100 + 2.5)
    assert result.lost == 0
    assert np.isclose(result.retraced, 0)


def test_nothing_is_joined_across_groups() -> None:
    """Joined on the scale of the page, the drawings of a page melt into one."""
    result = per_group(BROKEN, [0, 1], lambda strokes: join_strokes(strokes, 1e6))
    assert all(np.allclose(a, b) for a, b in zip(result.strokes, BROKEN, strict=True))
    assert (result.groups, result.added, result.lost) == ([0, 1], 0.0, 0.0)


def test_lost_ink_is_told_in_page_pixels() -> None:
    strokes = [np.array([[0.0, 0.0], [400.0, 0.0]]), np.array([[0.0, 50.0], [30.0, 90.0]])]
    result = per_group(strokes, [0, 0], lambda drawing: drawing[:1])
    assert np.isclose(result.lost, 50)
    assert result.added == 0


def test_a_bridge_that_cuts_a_segment_has_lost_none_of_it() -> None:
    wall, arm = np.array([[0.0, 0.0], [0.0, 200.0]]), np.array([[10.0, 90.0], [60.0, 90.0]])
    result = per_group([wall, arm], [0, 0], route_strokes)
    assert result.lost == 0
    assert np.isclose(result.added, 10)
    assert np.isclose(result.retraced, 60)


@given(drawings(), st.sampled_from([join_strokes, splice_strokes, route_strokes]), st.integers(1, 3))
def test_the_account_adds_up(strokes, function, kinds) -> None:
    groups = [index % kinds for index in range(len(strokes))]
    result = per_group(strokes, groups, function)
    assert result.lost == 0
    assert np.isclose(
        drawing_length(result.strokes), drawing_length(strokes) + result.added + result.retraced, atol=1e-6
    )
    assert list(dict.fromkeys(result.groups)) == list(dict.fromkeys(groups))
