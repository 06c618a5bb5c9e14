"""Splicing must make fewer strokes without losing ink, and add no more line than it says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from singleline_pipeline.geometry import drawing_length, per_group, splice_strokes
from singleline_pipeline_tests.geometry.strategies import drawings

HOST = np.column_stack([np.arange(0.0, 101.0, 10.0), np.zeros(11)])


def test_a_guest_is_drawn_on_the_way_and_the_pen_comes_back_to_the_vertex() -> None:
    """The original cuts the host's segment 40-50 out; here every segment of both is still drawn."""
    guest = np.array([[49.0, 3.0], [45.0, 30.0], [52.0, 30.0], [51.0, 3.0]])
    (line,) = splice_strokes([HOST, guest])
    at = [tuple(p) for p in line.tolist()]
    assert at.count((50.0, 0.0)) == 2
    added = drawing_length([line]) - drawing_length([HOST, guest])
    assert np.isclose(added, 2 * np.hypot(1, 3))


def test_a_guest_is_turned_where_that_is_smoother() -> None:
    """The pen comes from the left, so it goes on into the end of the guest that leads to the right."""
    guest = np.array([[52.0, 1.0], [80.0, 30.0], [50.0, 40.0], [20.0, 30.0], [48.0, 1.0]])
    (line,) = splice_strokes([HOST, guest])
    (turned,) = splice_strokes([HOST, guest[::-1]])
    assert np.array_equal(line, turned)


def test_a_branch_that_touches_with_one_end_is_drawn_out_and_back() -> None:
    """The original never splices it: its far end is far from everything."""
    branch = np.array([[50.0, 1.0], [50.0, 20.0], [55.0, 60.0]])
    (line,) = splice_strokes([HOST, branch])
    assert [line[0].tolist(), line[-1].tolist()] == [[0.0, 0.0], [100.0, 0.0]]
    result = per_group([HOST, branch], [0, 0], splice_strokes, longer_side=100.0)
    assert np.isclose(result.retraced, drawing_length([branch]) + 1)
    assert np.isclose(result.added, 1.0)


def test_the_hosts_last_vertex_is_tried_and_needs_no_way_back() -> None:
    guest = np.array([[130.0, 5.0], [110.0, 5.0], [104.0, 3.0]])
    (line,) = splice_strokes([HOST, guest], max_gap=45.0)
    assert np.array_equal(line, np.concatenate([HOST, guest[::-1]]))


def test_a_guest_that_costs_more_than_the_gap_stays() -> None:
    guest = np.array([[50.0, 21.0], [20.0, 60.0], [80.0, 60.0], [51.0, 21.0]])
    assert len(splice_strokes([HOST, guest], max_gap=40.0)) == 2
    assert len(splice_strokes([HOST, guest], max_gap=43.0)) == 1


@given(drawings(), st.floats(0, 60))
def test_no_ink_is_lost_and_the_added_line_is_within_the_price(strokes, max_gap) -> None:
    grouped = per_group(strokes, [0] * len(strokes), lambda s: splice_strokes(s, max_gap))
    assert grouped.lost == 0
    spliced = splice_strokes(strokes, max_gap)
    assert {tuple(p) for s in strokes for p in s.tolist()} == {tuple(p) for s in spliced for p in s.tolist()}
    # A retraced branch costs 0.3 a unit, so the line itself may grow by more than three times the price.
    growth = drawing_length(spliced) - drawing_length(strokes)
    assert -1e-9 <= growth <= max_gap / 0.3 * (len(strokes) - len(spliced)) + 1e-6


@given(drawings())
def test_splicing_again_changes_nothing(strokes) -> None:
    spliced = splice_strokes(strokes, 5.0)
    assert len(splice_strokes(spliced, 5.0)) == len(spliced)


def splice_one_by_one(strokes: list[np.ndarray], max_gap: float) -> list[np.ndarray]:
    """The story's own way: price every guest at every vertex but the last of every host, take the first of the
    cheapest, put the guest before that vertex, start again.
    """
    while True:
        prices = [
            (np.linalg.norm(host[k] - guest[0]) + np.linalg.norm(host[k] - guest[-1]), g, h, k)
            for g, guest in enumerate(strokes)
            for h, host in enumerate(strokes)
            for k in range(len(host) - 1)
            if g != h
        ]
        if not prices or min(prices)[0] > max_gap:
            return strokes
        _, g, h, k = min(prices)
        grown = np.concatenate([strokes[h][:k], strokes[g], strokes[h][k:]])
        strokes = [grown, *(stroke for i, stroke in enumerate(strokes) if i not in (g, h))]


@given(drawings(), st.sampled_from([0.0, 2.0, 5.0, 40.0, np.inf]))
def test_compat_splices_as_the_story_did_ties_included(strokes, max_gap) -> None:
    spliced = splice_strokes(strokes, max_gap, compat=True)
    expected = splice_one_by_one(strokes, max_gap)
    assert len(spliced) == len(expected)
    assert all(np.array_equal(a, b) for a, b in zip(spliced, expected, strict=True))


@pytest.mark.parametrize("compat", [True, False])
def test_the_record_loses_the_segment_that_it_cuts(compat: bool) -> None:
    """Worked by hand: both ends of the guest are 1.4 from the vertex (50, 0), so it is the cheapest; the record puts
    the guest before it and draws from (40, 0) to the guest's first point, which the price knows nothing of.
    """
    guest = np.array([[51.0, 1.0], [60.0, 30.0], [40.0, 30.0], [49.0, 1.0]])
    (line,) = splice_strokes([HOST, guest], compat=compat)
    record = np.concatenate([HOST[:5], guest, HOST[5:]])
    assert np.array_equal(line, record) == compat
    lost = per_group([HOST, guest], [0, 0], lambda s: splice_strokes(s, compat=compat), longer_side=100).lost
    assert lost == pytest.approx(10.0 if compat else 0.0)
