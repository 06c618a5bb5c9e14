"""A route draws everything once or more, in as few lines as the gap allows, and accounts for every unit of line."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from singleline_pipeline.geometry import drawing_length, per_group, route_strokes, stroke_length
from singleline_pipeline_tests.geometry.strategies import drawings, wandering


def ink(strokes: list[np.ndarray]) -> shapely.Geometry:
    return shapely.union_all(
        [shapely.LineString(s) if (s != s[0]).any() else shapely.Point(s[0]) for s in strokes]
    )


@given(drawings(), st.sampled_from([0.0, 2.0, 30.0, math.inf]))
def test_every_vertex_and_all_ink_is_in_the_route(strokes, max_gap) -> None:
    route = route_strokes(strokes, max_gap)
    assert {tuple(p) for s in strokes for p in s.tolist()} <= {tuple(p) for s in route for p in s.tolist()}
    if strokes:
        assert shapely.covers(shapely.buffer(ink(route), 1e-6), ink(strokes))


@given(drawings(), st.sampled_from([0.0, 3.0, 30.0]))
def test_strokes_within_the_gap_become_one_line_and_no_others(strokes, max_gap) -> None:
    """As many lines as there are groups of strokes that are linked by distances within the gap."""
    shapes = [shapely.LineString(s) if (s != s[0]).any() else shapely.Point(s[0]) for s in strokes]
    group = list(range(len(shapes)))
    for i, a in enumerate(shapes):
        for j, b in enumerate(shapes[:i]):
            if shapely.distance(a, b) <= max_gap:
                group = [group[j] if g == group[i] else g for g in group]
    assert len(route_strokes(strokes, max_gap)) == len(set(group))


@given(drawings())
def test_length_is_input_and_bridges_and_retraced(strokes) -> None:
    """What comes out is what went in, plus bridges no longer than all gaps, plus whole retraced pieces."""
    account = per_group(strokes, [0] * len(strokes), lambda s: route_strokes(s, 20.0))
    assert account.lost == 0
    total = drawing_length(account.strokes)
    assert np.isclose(total, drawing_length(strokes) + account.added + account.retraced)


def test_two_of_a_crosss_four_ends_are_connected_and_two_stay_open() -> None:
    """A trail has two ends; the other two are paired the cheapest way."""
    across = np.array([[0.0, 50.0], [100.0, 50.0]])
    down = np.array([[50.0, 0.0], [50.0, 100.0]])
    (line,) = route_strokes([across, down], 80.0)
    assert [50.0, 50.0] in line.tolist(), "the crossing is a vertex of both"
    assert np.isclose(stroke_length(line), 300), (
        "one arm out and back, at 0.3, is cheaper than from tip to tip"
    )
    (line,) = route_strokes([across, down], 80.0, retrace_cost=1.0)
    assert np.isclose(stroke_length(line), 200 + np.hypot(50, 50))


def test_a_branch_is_retraced_rather_than_bridged_when_that_is_cheaper() -> None:
    """A T: going back over the short stem at 0.3 of its length beats hopping from its foot to an end of the bar."""
    bar = np.array([[0.0, 0.0], [100.0, 0.0]])
    stem = np.array([[50.0, 0.0], [50.0, 20.0]])
    (line,) = route_strokes([bar, stem])
    assert np.isclose(stroke_length(line), 100 + 20 + 20)


def test_a_short_hop_is_taken_where_the_way_back_over_the_line_is_long() -> None:
    """A branch that comes round to the bar's end: 5 units of paper, or 15 for going back along the bar."""
    bar = np.array([[0.0, 0.0], [100.0, 0.0]])
    handle = np.array([[50.0, 0.0], [50.0, 80.0], [-4.0, 80.0], [-4.0, 3.0]])
    (line,) = route_strokes([bar, handle])
    assert np.isclose(stroke_length(line), stroke_length(bar) + stroke_length(handle) + 5)


def test_the_pen_goes_straight_on_at_a_crossing_it_could_turn_at() -> None:
    """A figure of eight in two halves that touch in the middle: walked as an eight, not as two bounces."""
    t = np.linspace(0, 2 * np.pi, 80)
    eight = np.column_stack([60 * np.sin(t), 40 * np.sin(2 * t)])
    middle = len(t) // 2
    right, left = eight[: middle + 1], eight[middle:]
    (line,) = route_strokes([right[::-1], left], 5.0)
    steps = np.diff(line, axis=0)
    steps = steps[np.hypot(*steps.T) > 1e-9]
    angles = np.abs(np.diff(np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))))
    assert angles.max() < np.radians(30)


def test_a_bridge_that_lands_inside_a_stroke_gives_it_a_vertex() -> None:
    wall = np.array([[0.0, 0.0], [0.0, 100.0]])
    arm = np.array([[10.0, 50.0], [60.0, 50.0]])
    (line,) = route_strokes([wall, arm])
    assert [0.0, 50.0] in line.tolist()


def test_a_stroke_that_nothing_comes_near_is_returned_as_it_is() -> None:
    strokes = wandering(2, 10, seed=1)
    far = [strokes[0], strokes[1] + 1000.0]
    assert all(np.array_equal(a, b) for a, b in zip(route_strokes(far), far, strict=True))


def test_the_line_starts_at_the_end_nearer_the_top_left_however_the_strokes_ran() -> None:
    """Tracers give strokes in no order that means anything; people begin at the top, on the left."""
    long, short = np.array([[0.0, 0.0], [80.0, 0.0]]), np.array([[110.0, 0.0], [85.0, 0.0]])
    expected = np.array([[0.0, 0.0], [80.0, 0.0], [85.0, 0.0], [110.0, 0.0]])
    for strokes in ([long, short], [short, long[::-1]], [short[::-1], long]):
        (line,) = route_strokes(strokes)
        assert np.array_equal(line, expected)


def test_a_closed_line_is_not_paid_for_and_runs_anticlockwise_from_its_corner() -> None:
    """Two halves of a drop that close: no end is left to pair, so nothing is added."""
    t = np.linspace(np.pi / 4, 7 * np.pi / 4, 60)
    drop = np.concatenate([[[60.0, 0.0]], 30 * np.column_stack([np.cos(t), np.sin(t)]), [[60.0, 0.0]]])
    for halves in ([drop[:30], drop[29:]], [drop[29:][::-1], drop[:30]]):
        (line,) = route_strokes(halves)
        assert np.isclose(stroke_length(line), stroke_length(drop))
        assert line[0].tolist() == line[-1].tolist() == [60.0, 0.0]
        assert line[1, 1] < 0, "up and to the left first"


def test_the_ends_of_the_line_are_ends_of_strokes_where_that_costs_nothing() -> None:
    """A bridge that lands in a wall makes the landing an odd node too: no one starts to draw there."""
    wall = np.array([[0.0, 0.0], [0.0, 100.0]])
    arm = np.array([[4.0, 50.0], [60.0, 50.0]])
    (line,) = route_strokes([wall, arm])
    tips = {(0.0, 0.0), (0.0, 100.0), (60.0, 50.0)}
    assert {tuple(line[0].tolist()), tuple(line[-1].tolist())} <= tips


def test_bridges_serve_to_connect_and_to_pair_at_once() -> None:
    """Two bars, one above the other: the shortest bridge anywhere between them would be no help, since four ends stay
    open and one pair would have to be walked back to. From end to end it connects and leaves two ends.
    """
    upper = np.array([[0.0, 0.0], [50.0, 1.0], [100.0, 0.0]])
    lower = np.array([[0.0, 6.0], [50.0, 6.0], [100.0, 6.0]])
    (line,) = route_strokes([upper, lower])
    assert np.isclose(stroke_length(line), stroke_length(upper) + stroke_length(lower) + 6)


def test_more_odd_nodes_than_are_matched_at_once_are_still_one_line_that_adds_up() -> None:
    """Above a few hundred they are matched block by block, and only the first block may leave ends."""
    strokes = wandering(260, 6, seed=2)
    account = per_group(strokes, [0] * len(strokes), lambda s: route_strokes(s, math.inf))
    assert len(account.strokes) == 1
    assert account.lost == 0
    assert account.added < 0.5 * drawing_length(strokes)


@given(drawings(), st.randoms(use_true_random=False))
def test_order_and_direction_of_the_strokes_do_not_matter(strokes, random) -> None:
    """The same groups of strokes are connected. Ties may be broken another way, so lines may differ in length."""
    shuffled = [stroke[::-1] if random.random() < 0.5 else stroke for stroke in strokes]
    random.shuffle(shuffled)
    assert len(route_strokes(shuffled, 5.0)) == len(route_strokes(strokes, 5.0))


@pytest.mark.parametrize("seed", range(4))
def test_without_ties_the_line_is_the_same_in_any_order_turned_or_moved(seed: int) -> None:
    """Choices hang on the drawing, not on how it came: the same length, and the same ends."""
    strokes = wandering(25, 12, seed)
    (line,) = route_strokes(strokes, 200.0)
    rng = np.random.default_rng(seed)
    shuffled = [strokes[i][:: rng.choice([-1, 1])] for i in rng.permutation(len(strokes))]
    (other,) = route_strokes(shuffled, 200.0)
    assert np.isclose(stroke_length(other), stroke_length(line))
    assert np.allclose(other[[0, -1]], line[[0, -1]])
    quarter = np.array([[0.0, -1.0], [1.0, 0.0]])
    (turned,) = route_strokes([3.0 * stroke @ quarter + 100.0 for stroke in strokes], 600.0)
    assert np.isclose(stroke_length(turned), 3 * stroke_length(line))


@pytest.mark.parametrize("seed", range(3))
def test_routing_again_changes_nothing_and_size_and_place_do_not_matter(seed: int) -> None:
    strokes = wandering(12, 15, seed)
    route = route_strokes(strokes)
    assert all(np.array_equal(a, b) for a, b in zip(route_strokes(route), route, strict=True))
    moved = route_strokes([stroke * 4.0 + 512.0 for stroke in strokes], 120.0)
    assert len(moved) == len(route)
    assert np.isclose(drawing_length(moved), 4 * drawing_length(route))
