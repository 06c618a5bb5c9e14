"""Corrections on strokes alone: what they change, what they leave alone, and that they hold on another trace."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from singleline_pipeline.corrections import CorrectedPage, Correction, correct_page
from singleline_pipeline.geometry import drawing_length, drawings_of_page, route_page

SHA = "a" * 64
PEN = 3.0


def loop(
    x: float, y: float, radius: float, start: float = 0.1, end: float = 6.2, points: int = 80
) -> np.ndarray:
    angle = np.linspace(start, end, points)
    return np.column_stack([x + radius * np.cos(angle), y + radius * np.sin(angle)])


def square(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], float)


def corrected(strokes: list[np.ndarray], groups: list[int], *said: tuple[str, np.ndarray]) -> CorrectedPage:
    corrections = [Correction(action, SHA, np.asarray(shape, float)) for action, shape in said]
    return correct_page(strokes, groups, corrections, PEN)


def boxes(page: CorrectedPage) -> list[tuple[int, ...]]:
    """Boxes of the drawings that come out at the end of the way."""
    line = route_page(page.strokes, page.groups.tolist())
    found = drawings_of_page(line.strokes, line.groups.tolist(), settled=page.settled)
    assert found.dropped == []
    return [tuple(round(value) for value in drawing.box) for drawing in found.drawings]


FACE, EYE, HAND = loop(200, 200, 150), loop(220, 180, 20), loop(600, 250, 60)


def test_a_stroke_is_erased_by_a_few_points_along_it_and_its_neighbours_stay() -> None:
    page = corrected([FACE, EYE, HAND], [0, 0, 1], ("erase", EYE[::8]))
    assert [len(stroke) for stroke in page.erased] == [80]
    assert len(page.strokes) == 2
    assert page.groups.tolist() == [0, 1]
    assert page.unmatched == []


def test_an_erased_stroke_is_erased_from_another_trace_of_the_same_page_too() -> None:
    """The next tracer puts points elsewhere, a third of a pen off, finds the line in pieces and turned round."""
    moved = loop(220.7, 180.7, 20.4, points=300)[::-1]
    page = corrected([HAND, moved[:130], FACE, moved[130:]], [1, 0, 0, 0], ("erase", EYE[::8]))
    assert len(page.erased) == 2
    assert len(page.strokes) == 2


def test_what_another_trace_made_one_stroke_with_the_figure_is_cut_out_of_it() -> None:
    """Traced anew, the scribble became a part of the figure: the scribble goes, and the figure stays."""
    figure = np.vstack([EYE, loop(400, 400, 200)])
    page = corrected([figure], [0], ("erase", EYE[::8]))
    assert page.unmatched == []
    [gone] = page.erased
    assert drawing_length([gone]) == pytest.approx(drawing_length([EYE]), rel=0.1)
    assert sum(map(len, page.strokes)) >= 80


def test_a_stroke_that_crosses_an_erased_one_or_runs_along_with_it_for_a_while_is_left_whole() -> None:
    """Two lines over the same ink are two strokes: to erase one is not to cut a hole into the other."""
    across = np.array([[0.0, 180], [400, 185]])
    beside = np.array([[240.0, 100], [240.5, 170], [240.5, 190], [240, 260], [240, 900]])
    page = corrected([EYE, across, beside], [0, 0, 0], ("erase", EYE[::8]))
    assert len(page.erased) == 1
    assert [len(stroke) for stroke in page.strokes] == [2, 5]


def test_a_part_is_split_off_though_it_is_one_stroke_with_the_rest() -> None:
    """Two figures that touch are traced as one line: it is cut where the outline crosses it."""
    figure = np.vstack([loop(200, 200, 100, 0, 6.28), loop(520, 200, 100, 3.15, 9.4)])
    page = corrected([figure], [0], ("split", square(410, 80, 640, 320)))
    assert len(page.settled) == 1
    left, right = sorted(boxes(page))
    assert left[2] <= 411
    assert right[0] >= 409


def test_what_was_split_off_is_not_glued_again_though_it_lies_within_the_rest() -> None:
    """Boxes that overlap make one drawing of an eye and a face; a person has said otherwise."""
    assert len(boxes(corrected([FACE, EYE], [0, 1]))) == 1
    page = corrected([FACE, EYE], [0, 1], ("split", square(190, 150, 250, 210)))
    assert sorted(boxes(page)) == [(50, 50, 349, 350), (200, 160, 240, 200)]


def test_a_hand_that_slips_does_not_cut_a_tip_off() -> None:
    """An outline drawn on a phone is no ruler: line that reaches over it by little stays with the rest."""
    tail = np.array([[560.0, 310], [500, 340], [470, 345]])
    page = corrected([HAND, tail, FACE], [0, 0, 1], ("split", square(480, 180, 670, 360)))
    assert [len(stroke) for stroke in page.strokes] == [80, 3, 80]
    assert page.groups.tolist() == [2, 2, 1]


def test_two_drawings_are_merged_and_one_that_lies_between_them_is_not_swallowed() -> None:
    between = loop(400, 420, 40)
    far = loop(640, 640, 80)
    page = corrected([FACE, between, far], [0, 1, 2], ("merge", [[50, 50, 350, 350], [560, 560, 720, 720]]))
    assert sorted(boxes(page)) == [(50, 50, 720, 720), (360, 380, 440, 460)]


def test_merging_means_drawings_as_they_are_seen_with_all_that_lies_in_them() -> None:
    """A face has its eye in it, which is another provisional drawing, and comes along."""
    page = corrected([FACE, EYE, HAND], [0, 1, 2], ("merge", [[50, 50, 350, 350], [540, 190, 660, 310]]))
    assert len(set(page.groups.tolist())) == 1


def test_corrections_are_done_in_the_order_in_which_they_were_said() -> None:
    """Split off, then merged with another one: the last word holds."""
    part = ("split", square(190, 150, 250, 210))
    together = ("merge", [[200, 160, 240, 200], [540, 190, 660, 310]])
    page = corrected([FACE, EYE, HAND], [0, 0, 1], part, together)
    assert page.unmatched == []
    assert sorted(boxes(page)) == [(50, 50, 349, 350), (200, 160, 660, 310)]
    assert [one.action for one in corrected([FACE, EYE, HAND], [0, 0, 1], together, part).unmatched] == [
        "merge"
    ]


@pytest.mark.parametrize(
    "said",
    [
        ("erase", [[900, 900], [950, 950]]),
        ("split", square(900, 900, 990, 990)),
        ("merge", [[50, 50, 350, 350], [900, 900, 990, 990]]),
    ],
)
def test_what_is_not_there_changes_nothing_and_is_told(said: tuple[str, np.ndarray]) -> None:
    page = corrected([FACE, HAND], [4, 7], said)
    assert page.groups.tolist() == [4, 7]
    assert page.settled == page.erased == []
    [left] = page.unmatched
    assert left.not_applied().startswith(f"corrections.csv line 0: what to {said[0]} on {SHA} at ")


points = st.tuples(st.floats(-50, 250), st.floats(-50, 250)).map(list)
strokes = st.lists(st.lists(points, min_size=1, max_size=12).map(np.array), min_size=1, max_size=5)
shapes = st.one_of(
    st.tuples(st.just("erase"), st.lists(points, min_size=1, max_size=6)),
    st.tuples(st.just("split"), st.lists(points, min_size=3, max_size=8)),
    st.tuples(
        st.just("merge"),
        st.lists(st.tuples(points, points).map(lambda p: p[0] + p[1]), min_size=2, max_size=3),
    ),
)


@given(strokes, st.lists(shapes, max_size=4))
def test_no_line_is_lost_or_made_whatever_is_said(page: list[np.ndarray], said: list) -> None:
    """Outlines that cross themselves, dots, lines that lie on an outline: all line is still there, or erased."""
    found = corrected(page, [0] * len(page), *said)
    assert drawing_length([*found.strokes, *found.erased]) == pytest.approx(drawing_length(page), abs=1e-6)
    assert len(found.groups) == len(found.strokes)
    again = corrected(page, [0] * len(page), *said)
    assert [stroke.tolist() for stroke in again.strokes] == [stroke.tolist() for stroke in found.strokes]
