"""Every stroke of a page goes to exactly one drawing, and parts that belong together are not torn apart."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from singleline_pipeline.geometry import split_drawings
from singleline_pipeline_tests.geometry.strategies import drawings, moved


def box(x: float, y: float, width: float, height: float | None = None) -> np.ndarray:
    height = width if height is None else height
    return moved(np.array([[0, 0], [width, 0], [width, height], [0, height], [0, 0]], float), x, y)


def test_an_eye_belongs_to_its_face_however_small() -> None:
    """Intersection over union scores it 0.04, so the original splits it off and then drops it for its area."""
    assert split_drawings([box(0, 0, 160), box(70, 70, 20), box(80, 80, 0.5)]) == ([[0, 1, 2]], [])


def test_drawings_side_by_side_are_two_even_where_their_boxes_overlap_a_little() -> None:
    left, right = (
        box(0, 0, 90, 200),
        np.array([[85.0, 0.0], [180.0, 0.0], [180.0, 200.0], [130.0, 200.0], [130.0, 40.0]]),
    )
    assert split_drawings([left, moved(right, 20, 0)], min_area=0.0) == ([[0], [1]], [])
    right[:, 0] += 25.0
    assert split_drawings([left, box(170, 0, 90, 200)])[0] == [[0], [1]]


def test_parts_that_nearly_touch_are_one_drawing() -> None:
    """A head and its body, drawn with a gap: no overlap of boxes, 5 units of paper between the ink."""
    assert split_drawings([box(0, 0, 80), box(0, 85, 80, 100)]) == ([[0, 1]], [])


def test_a_chain_of_faces_stays_together() -> None:
    chain = [box(42 * i, 0, 40) for i in range(5)]
    assert split_drawings(chain) == ([[0, 1, 2, 3, 4]], [])


def test_page_numbers_are_dropped_and_named() -> None:
    number = [box(2, 192, 3, 7), box(7, 192, 3, 7)]
    assert split_drawings([number[0], box(60, 0, 130, 150), number[1]]) == ([[1]], [0, 2])


def test_areas_and_gaps_are_those_of_the_canvas_whatever_the_scan() -> None:
    """The same page at 100 and at 600 dpi splits alike."""
    page = [box(0, 0, 90), box(120, 0, 80), box(5, 180, 6)]
    assert (
        split_drawings(page) == split_drawings([7.3 * stroke + 400 for stroke in page]) == ([[0], [1]], [2])
    )


def test_a_page_with_a_single_flat_line_is_not_lost() -> None:
    assert split_drawings([np.array([[0.0, 0.0], [100.0, 0.0]])]) == ([[0]], [])


def test_groups_that_are_known_take_the_place_of_nearness() -> None:
    parts = [box(0, 0, 80), box(0, 85, 80, 100)]
    assert split_drawings(parts, groups=[0, 1])[0] == [[0], [1]]


@given(drawings(max_strokes=10), st.floats(0, 60), st.floats(0.01, 1), st.floats(0, 5000))
def test_every_stroke_is_in_one_group_or_dropped(strokes, max_gap, min_overlap, min_area) -> None:
    groups, dropped = split_drawings(strokes, max_gap=max_gap, min_overlap=min_overlap, min_area=min_area)
    assert sorted([*(i for group in groups for i in group), *dropped]) == list(range(len(strokes)))
    assert bool(groups) == bool(strokes)


@given(drawings(max_strokes=8))
def test_the_order_of_strokes_does_not_matter(strokes) -> None:
    last = len(strokes) - 1
    groups, _ = split_drawings(strokes, min_area=0.0)
    backwards, _ = split_drawings(strokes[::-1], min_area=0.0)
    assert groups == sorted(sorted(last - i for i in group) for group in backwards)
