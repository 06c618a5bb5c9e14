"""Joining is checked against the plain way of doing it: look at all pairs of ends, join the nearest, start again."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from singleline_pipeline.geometry import drawing_length, join_strokes
from singleline_pipeline_tests.geometry.strategies import drawings, wandering


def join_one_by_one(strokes: list[np.ndarray], max_gap: float) -> list[np.ndarray]:
    """Nearest ends first, as the story describes it: strokes by their number of points, the first pair of the least
    distance wins, the joined stroke goes to the front.
    """
    while len(strokes) > 1:
        ranked = sorted(strokes, key=len, reverse=True)
        ends = [(i, side) for i in range(len(ranked)) for side in (0, -1)]
        gaps = [
            (np.linalg.norm(ranked[i][a] - ranked[j][b]), i, j, -a, -b)
            for i, a in ends
            for j, b in ends
            if i < j
        ]
        gap, i, j, a, b = min(gaps)
        if not gap < max_gap:
            break
        keeper, other = ranked.pop(i), ranked.pop(j - 1)
        other = other[::-1] if a == b else other
        strokes = [np.concatenate([other, keeper] if a == 0 else [keeper, other]), *ranked]
    return strokes


def same(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@given(drawings(), st.sampled_from([0.0, 1.0, 2.0, 5.0, 40.0, 1000.0]))
def test_joins_as_one_by_one_would_ties_included(strokes, max_gap) -> None:
    """On the grid most distances are tied, and then order and direction hang on the rule for ties."""
    assert same(join_strokes(strokes, max_gap), join_one_by_one(strokes, max_gap))


@pytest.mark.parametrize("seed", range(6))
def test_joins_as_one_by_one_would_with_many_ties(seed: int) -> None:
    """Real tracings on whole numbers: dozens of strokes, chains of ties that only appear with so many."""
    rng = np.random.default_rng(seed)
    strokes = [rng.integers(0, 12, (rng.integers(1, 6), 2)).astype(float) for _ in range(30)]
    assert same(join_strokes(strokes, 4.0), join_one_by_one(strokes, 4.0))


def test_a_tie_that_only_plain_squares_would_break() -> None:
    """np.linalg.norm rounds once where sqrt(x*x + y*y) rounds twice; equal to the original means its rounding."""
    strokes = [stroke / 0.94 for stroke in wandering(200, 3, seed=3)]
    strokes = [np.round(stroke) / 0.94 for stroke in strokes]
    assert same(join_strokes(strokes[:40], 30.0), join_one_by_one(strokes[:40], 30.0))


def test_many_strokes_take_the_tree_and_give_the_same() -> None:
    """Above a few hundred ends the candidates come from a KD-tree instead of a table."""
    strokes = wandering(220, 3, seed=5)
    few = join_strokes(strokes, 6.0)
    assert drawing_length(few) >= drawing_length(strokes)
    assert same(few, join_one_by_one(few, 6.0)), "a gap under the limit is left"
    ends = np.array([p for s in few for p in (s[0], s[-1])])
    inputs = {tuple(p) for s in strokes for p in (s[0].tolist(), s[-1].tolist())}
    assert {tuple(p) for p in ends.tolist()} <= inputs


@given(drawings(), st.floats(0, 50))
def test_no_vertex_is_lost_or_made_and_what_is_joined_stays_joined(strokes, max_gap) -> None:
    joined = join_strokes(strokes, max_gap)
    assert sorted(map(tuple, np.concatenate([*joined, np.empty((0, 2))]).tolist())) == sorted(
        map(tuple, np.concatenate([*strokes, np.empty((0, 2))]).tolist())
    )
    added = drawing_length(joined) - drawing_length(strokes)
    assert added <= max_gap * (len(strokes) - len(joined)) + 1e-9
    assert same(join_strokes(joined, max_gap), joined)


@given(drawings(), st.sampled_from([0.25, 2.0, 8.0]), st.integers(-64, 64))
def test_place_and_size_do_not_matter(strokes, scale, shift) -> None:
    """By powers of two and whole steps, so that rounding cannot make or break a tie."""
    grid = [np.round(stroke) for stroke in strokes]
    moved = join_strokes([stroke * scale + shift for stroke in grid], 5.0 * scale)
    assert same(moved, [stroke * scale + shift for stroke in join_strokes(grid, 5.0)])


def test_500_identical_strokes_are_joined_in_a_blink() -> None:
    """All distances are tied: choosing among them must not cost a look at every pair for every join."""
    start = time.process_time()
    (line,) = join_strokes([np.array([[0.0, 0.0], [5.0, 5.0], [10.0, 0.0]])] * 500)
    assert len(line) == 1500
    assert time.process_time() - start < 5
