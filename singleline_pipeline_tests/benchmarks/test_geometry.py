"""What happens to every drawing between the tracer and the dataset, on 48 strokes of 1000 points in all.

The story's own code takes 972 ms to join, 370 ms to splice and 650 ms to simplify such a drawing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from singleline_pipeline.geometry import (
    drawing_length,
    join_strokes,
    route_strokes,
    simplify,
    simplify_to_budget,
    splice_strokes,
    split_drawings,
)


def test_join(benchmark: BenchmarkFixture, traced: list[np.ndarray]) -> None:
    joined = benchmark(join_strokes, traced, max_gap=15.0)
    assert len(joined) < len(traced) / 4
    assert drawing_length(joined) >= drawing_length(traced)


def test_splice(benchmark: BenchmarkFixture, traced: list[np.ndarray]) -> None:
    joined = join_strokes(traced, max_gap=5.0)
    spliced = benchmark(splice_strokes, joined, max_gap=40.0)
    assert len(spliced) <= len(joined)
    assert drawing_length(spliced) >= drawing_length(joined)


def test_route(benchmark: BenchmarkFixture, traced: list[np.ndarray]) -> None:
    routed = benchmark(route_strokes, traced, max_gap=30.0)
    assert len(routed) == 1


@pytest.mark.parametrize("connect", [join_strokes, splice_strokes, route_strokes])
def test_2000_strokes(benchmark: BenchmarkFixture, connect: Callable[[list[np.ndarray]], list]) -> None:
    """A page of hatching that was taken for one drawing must not hold up the sketchbook."""
    rng = np.random.default_rng(0)
    strokes = [rng.uniform(0, 200, 2) + np.cumsum(rng.normal(0, 0.3, (20, 2)), axis=0) for _ in range(2000)]
    connected = benchmark.pedantic(connect, args=(strokes,), rounds=1)
    assert len(connected) < 40


def test_split(benchmark: BenchmarkFixture, traced: list[np.ndarray]) -> None:
    """Four drawings on one page, 200 strokes."""
    far = [np.array(place) * 400.0 for place in ((0, 0), (1, 0), (0, 1), (1, 1))]
    strokes = [stroke + place for place in far for stroke in traced]
    groups, dropped = benchmark(split_drawings, strokes)
    assert len(groups) == 4
    assert sorted(sum(groups, dropped)) == list(range(len(strokes)))


def test_simplify(benchmark: BenchmarkFixture, line: list[np.ndarray]) -> None:
    simple = benchmark(lambda: [simplify(stroke, 1.0) for stroke in line])
    assert sum(map(len, simple)) < sum(map(len, line)) / 3
    assert drawing_length(simple) == pytest.approx(drawing_length(line), rel=0.05)


def test_simplify_to_budget(benchmark: BenchmarkFixture, line: list[np.ndarray]) -> None:
    simple, epsilon = benchmark(simplify_to_budget, line, max_points=250)
    assert 200 < sum(map(len, simple)) <= 250
    assert 0 < epsilon < 2
