"""Drawings for property tests: on a coarse grid, where ties and touching strokes are the rule, and off it."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp


def strokes(max_points: int = 8, *, grid: bool = True) -> st.SearchStrategy[np.ndarray]:
    values = st.integers(-6, 6).map(float) if grid else st.floats(-200, 200, width=32, allow_subnormal=False)
    shapes = st.tuples(st.integers(1, max_points), st.just(2))
    return shapes.flatmap(lambda shape: hnp.arrays(np.float64, shape, elements=values))


def drawings(max_strokes: int = 7, max_points: int = 6) -> st.SearchStrategy[list[np.ndarray]]:
    return st.one_of(
        st.lists(strokes(max_points), max_size=max_strokes),
        st.lists(strokes(max_points, grid=False), max_size=max_strokes),
    )


def wandering(count: int, points: int, seed: int = 0) -> list[np.ndarray]:
    """A drawing as a tracer leaves it: strokes that wander over the 200-unit canvas."""
    rng = np.random.default_rng(seed)
    return [rng.uniform(20, 180, 2) + np.cumsum(rng.normal(0, 2, (points, 2)), axis=0) for _ in range(count)]


def moved(stroke: np.ndarray, x: float, y: float) -> np.ndarray:
    return stroke + np.array([x, y])
