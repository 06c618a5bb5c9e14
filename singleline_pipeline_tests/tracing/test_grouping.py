"""Which strokes of a page are one drawing: what is torn apart or melted together here, no later stage mends."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from singleline_pipeline.tracing.grouping import group_strokes, lone_marks
from singleline_pipeline.tracing.settings import TraceSettings
from singleline_pipeline_tests.tracing.pages import circle, spiral, straight

SIDE = 1000.0
# No ink to look at: each stroke is a piece of its own, but for those that touch.
BLANK = np.zeros((1, 1), np.int32)


def groups_of(strokes: list[np.ndarray], side: float = SIDE) -> list[int]:
    return group_strokes(strokes, BLANK, side, TraceSettings().apart).tolist()


def face(x: float, y: float, radius: float) -> list[np.ndarray]:
    """Two eyes and a mouth that touch nothing, in a line with much ink."""
    return [
        spiral(x, y, radius, 1.25),
        *(circle(x + side * 0.1 * radius, y - 0.1 * radius, 0.04 * radius) for side in (-1, 1)),
        straight(x - 0.05 * radius, y + 0.1 * radius, x + 0.05 * radius, y + 0.1 * radius),
    ]


def loose(x: float, y: float, radius: float, parts: int = 9) -> list[np.ndarray]:
    """A face put down in many pieces with gaps between them."""
    return [piece[:-8] for piece in np.array_split(circle(x, y, radius), parts)]


def test_an_eye_belongs_to_its_face_and_not_to_the_nearer_one_next_to_it() -> None:
    """An eye at the edge of a face may be nearer to the neighbour than to its own outline."""
    strokes = [circle(300, 500, 200), spiral(690, 500, 150, 3), circle(470, 500, 8), circle(180, 450, 8)]
    assert groups_of(strokes) == [0, 1, 0, 0]


@pytest.mark.parametrize("strip", [25, 45, 80])
def test_whole_faces_side_by_side_are_drawings_of_their_own(strip: float) -> None:
    """A line that is whole leaves no gaps: what lies beyond a strip of paper is something else."""
    strokes = [*face(250, 500, 200), *face(250 + 400 + strip, 500, 200)]
    assert groups_of(strokes) == [0] * 4 + [1] * 4


def test_a_face_in_pieces_with_such_strips_inside_is_one() -> None:
    """The same strip that parts two whole lines is a gap like the others to a hand that draws in pieces."""
    strokes = [*loose(250, 500, 90), *loose(250 + 180 + 25, 500, 90)]
    assert set(groups_of(strokes)) == {0}
    whole = [spiral(250, 500, 90, 6), spiral(250 + 180 + 25, 500, 90, 6)]
    assert groups_of(whole) == [0, 1]


def test_a_chain_of_faces_that_touch_stays_together() -> None:
    chain = [stroke for k in range(5) for stroke in face(120 + 150 * k, 300, 90)]
    assert set(groups_of(chain)) == {0}
    assert set(groups_of(chain[::-1])) == {0}


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_one_to_five_drawings(count: int) -> None:
    """Numbered as one reads, whatever the order in which their strokes were traced."""
    places = [(170, 200), (620, 200), (170, 700), (620, 700), (850, 470)][:count]
    strokes = [stroke for x, y in places for stroke in face(x, y, 95)]
    order = np.random.default_rng(count).permutation(len(strokes))
    found = groups_of([strokes[k] for k in order])
    number = np.array([places.index(place) for place in places for _ in range(4)])[order]
    assert len(set(found)) == count
    assert all(len({number[k] for k in range(len(order)) if found[k] == g}) == 1 for g in range(count))
    assert found[list(number).index(0)] == 0


def test_drawings_that_overlap_by_a_corner_of_their_boxes_are_two_and_over_each_other_one() -> None:
    """Boxes say little where drawings lie askew: no ink is near, and most of both is elsewhere."""
    stairs = np.array([[0, 0], [200, 0], [200, 200], [400, 200], [400, 400]], float)
    one = np.vstack([straight(*a, *b) for a, b in pairwise(stairs)])
    two = circle(100, 480, 180)
    assert len(set(groups_of([one + 50, circle(650, 800, 190)]))) == 2
    assert len(set(groups_of([one + 50, two]))) == 1


def test_a_stray_mark_belongs_to_the_drawing_beside_it_and_a_far_one_is_listed_as_a_mark() -> None:
    strokes = [circle(300, 300, 200), circle(300, 530, 10), straight(900, 900, 915, 920)]
    groups = np.array(groups_of(strokes))
    assert groups.tolist() == [0, 0, 1]
    assert lone_marks(strokes, groups, SIDE).tolist() == [False, False, True]


def test_where_everything_is_small_nothing_is_a_mark() -> None:
    strokes = [circle(300, 300, 12), circle(700, 700, 14)]
    assert not lone_marks(strokes, np.array([0, 1]), SIDE).any()


def test_a_blank_page_has_no_drawings() -> None:
    assert groups_of([]) == []
    assert lone_marks([], np.zeros(0, np.int64), SIDE).tolist() == []


@st.composite
def pages(draw: st.DrawFn) -> list[np.ndarray]:
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    strokes = []
    for _ in range(draw(st.integers(1, 12))):
        steps = rng.normal(0, draw(st.sampled_from([1, 3, 9])), (draw(st.integers(2, 60)), 2))
        strokes.append(np.clip(rng.uniform(50, 950, 2) + np.cumsum(steps, axis=0), 0, SIDE))
    return strokes


@given(pages(), st.randoms(use_true_random=False))
def test_order_and_direction_of_strokes_do_not_matter(strokes, random) -> None:
    order = list(range(len(strokes)))
    random.shuffle(order)
    other = [strokes[k][::-1] if random.random() < 0.5 else strokes[k] for k in order]
    before, after = groups_of(strokes), groups_of(other)
    assert [before[k] for k in order] == after
    assert sorted(set(before)) == list(range(max(before) + 1))


@pytest.mark.parametrize("factor", [0.5, 2.0, 4.0])
def test_the_same_page_at_another_resolution_groups_alike(factor) -> None:
    """100 to 600 dpi: what counts are shares of the page."""
    strokes = [*face(250, 300, 150), *face(600, 300, 150), *loose(300, 700, 90), *loose(505, 700, 90)]
    found = groups_of(strokes)
    assert len(set(found)) == 3
    assert groups_of([stroke * factor for stroke in strokes], SIDE * factor) == found
