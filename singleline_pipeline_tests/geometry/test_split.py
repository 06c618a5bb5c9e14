"""Every stroke of a page goes to exactly one drawing, and parts that belong together are not torn apart."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from singleline_pipeline.geometry import split_drawings
from singleline_pipeline_tests.geometry.strategies import drawings, moved
from singleline_pipeline_tests.geometry.strategies import strokes as grid_strokes


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
    """A head and its body, drawn with a gap: no overlap of boxes, 3 units of paper between the ink."""
    assert split_drawings([box(0, 0, 80), box(0, 83, 80, 117)]) == ([[0, 1]], [])


def ring(x: float, y: float, radius: float, turns: int = 3) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi * turns, 100 * turns)
    return np.column_stack([x + radius * np.cos(angle), y + radius * np.sin(angle)])


def test_the_wider_the_strip_of_paper_the_less_may_be_on_its_other_side() -> None:
    """8 units beside a face lies its signature, and 8 units beside another face is another drawing."""
    face, below = ring(40, 40, 40), ring(100, 160, 40)
    assert split_drawings([face, ring(93, 40, 5, 1), below], min_area=0.0) == ([[0, 1], [2]], [])
    assert split_drawings([face, ring(128, 40, 40), below], min_area=0.0) == ([[0], [1], [2]], [])


def test_a_face_in_many_pieces_is_one_where_two_whole_lines_so_far_apart_are_two() -> None:
    """Who draws in pieces leaves gaps in a drawing, too: they are no boundary."""
    pieces = [piece[:-6] for x in (40, 126) for piece in np.array_split(ring(x, 40, 40, 2)[:100], 10)]
    assert split_drawings([ring(40, 40, 40), ring(126, 40, 40)]) == ([[0], [1]], [])
    assert split_drawings(pieces)[0] == [list(range(20))]


def test_a_tall_thin_figure_is_no_speck() -> None:
    """Its box has less area than a page number's may have; four figures of 480 on small-drawing pages were lost so."""
    assert split_drawings([box(0, 0, 100), box(150, 0, 8, 60)]) == ([[0], [1]], [])


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
    assert split_drawings([box(0, 0, 90), box(170, 0, 90, 200)], groups=[5, 5])[0] == [[0, 1]]


@given(
    drawings(max_strokes=10),
    st.floats(0, 60),
    st.floats(0, 60) | st.just(np.inf),
    st.floats(0.01, 1),
    st.floats(0, 5000),
)
def test_every_stroke_is_in_one_group_or_dropped(strokes, max_gap, apart, min_overlap, min_area) -> None:
    groups, dropped = split_drawings(
        strokes, max_gap=max_gap, apart=apart, min_overlap=min_overlap, min_area=min_area
    )
    assert sorted([*(i for group in groups for i in group), *dropped]) == list(range(len(strokes)))
    assert bool(groups) == bool(strokes)
    assert groups == sorted(sorted(group) for group in groups)


@given(drawings(max_strokes=8), st.permutations(range(8)), st.integers(0, 255))
def test_order_and_direction_of_strokes_do_not_matter(strokes, order, backwards) -> None:
    order = [k for k in order if k < len(strokes)]
    other = [strokes[k][::-1] if backwards >> k & 1 else strokes[k] for k in order]
    groups, _ = split_drawings(strokes, min_area=0.0)
    assert groups == sorted(
        sorted(order[k] for k in group) for group in split_drawings(other, min_area=0.0)[0]
    )


@given(
    st.lists(grid_strokes(6), min_size=1, max_size=8),
    st.sampled_from([0.25, 4.0]),
    st.integers(-50, 50),
    st.booleans(),
)
def test_moving_scaling_and_turning_the_page_by_a_quarter_do_not_matter(strokes, scale, move, turned) -> None:
    """Boxes do change when a page is turned by less. The numbers are ones that nothing here rounds."""
    other = [stroke[:, ::-1] if turned else stroke for stroke in strokes]
    assert split_drawings([stroke * scale + move for stroke in other]) == split_drawings(strokes)


@given(drawings(max_strokes=8))
def test_splitting_again_changes_nothing(strokes) -> None:
    groups, _ = split_drawings(strokes, min_area=0.0)
    label = {stroke: number for number, group in enumerate(groups) for stroke in group}
    again, _ = split_drawings(strokes, groups=[label[k] for k in range(len(strokes))], min_area=0.0)
    assert again == groups


def test_what_a_person_settled_is_merged_with_nothing_and_kept_however_small() -> None:
    """An eye that was split off by hand lies in its face's box, and is 20 units wide."""
    face, eye, brow = box(0, 0, 160), box(70, 70, 20), box(70, 60, 30, 4)
    strokes, groups = [face, eye, brow], [4, 9, 2]
    assert split_drawings(strokes, groups=groups) == ([[0, 1, 2]], [])
    assert split_drawings(strokes, groups=groups, settled=[9]) == ([[0, 2], [1]], [])
    assert split_drawings(strokes, groups=groups, settled=[7]) == ([[0, 1, 2]], [])
