"""Fewer points for the same line: Douglas-Peucker with every vertex's own epsilon found in one pass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from singleline_pipeline.geometry.strokes import Stroke, StrokeError, validate_stroke, validate_strokes


def simplify(stroke: ArrayLike, epsilon: float) -> Stroke:
    """Douglas-Peucker: points of the stroke such that none is further than `epsilon` from the line kept.

    Distances (units of the stroke) are to the *segment* between two kept points, so that the tip of a line
    that turns back stays; the usual `rdp` package measures to the infinite line and cuts such tips. First
    and last point always stay. With epsilon 0 only points that lie exactly on the line go.
    """
    if not epsilon >= 0:
        raise StrokeError(f"epsilon is {epsilon}; it is a distance: 0 or more")
    points = validate_stroke(stroke)
    return points[vertex_epsilons([points], floor=epsilon) > epsilon]


def simplify_to_budget(strokes: Sequence[ArrayLike], max_points: int = 250) -> tuple[list[Stroke], float]:
    """Simplify a drawing with the smallest single epsilon that leaves at most `max_points` points.

    Returns (strokes, epsilon): every stroke is `simplify(stroke, epsilon)`. The epsilon is 0 where that is
    enough. A stroke keeps its two ends whatever the budget, so StrokeError for more than max_points / 2
    strokes.
    """
    arrays = validate_strokes(strokes)
    if 2 * len(arrays) > max_points:
        raise StrokeError(
            f"{len(arrays)} strokes do not fit into {max_points} points: each keeps its two ends. "
            "Join them first, or drop the short ones"
        )
    if not arrays:
        return [], 0.0
    own = vertex_epsilons(arrays, most=max_points)
    epsilon = float(np.sort(own)[-max_points - 1]) if own.size > max_points else 0.0
    bounds = np.cumsum([len(stroke) for stroke in arrays])[:-1]
    kept = np.split(own > epsilon, bounds)
    return [stroke[keep] for stroke, keep in zip(arrays, kept, strict=True)], epsilon


def vertex_epsilons(
    strokes: Sequence[ArrayLike], floor: float = 0.0, *, most: int | None = None
) -> NDArray[np.float64]:
    """For each vertex of each stroke, in order, the epsilon at which Douglas-Peucker drops it.

    The ends of a stroke have infinity. Simplifying with any epsilon is then `own > epsilon`. Vertices whose
    epsilon is `floor` or less may get any value up to `floor`: the search does not go on below it. With `most`,
    only the most + 1 largest values are sought, and the others are no larger than those. StrokeError where a
    stroke is none.

    A vertex stays while it is split off and while everything that had to be split before it is, so its own
    epsilon is the least of the distances on its way down the tree of splits. All spans of one depth, of all
    strokes, are measured together.
    """
    arrays = validate_strokes(strokes)
    if not arrays:
        return np.zeros(0)
    # x + iy: one product does the work of four, and most of the time goes into the calls of so many small arrays.
    z = np.ascontiguousarray(np.concatenate(arrays)).view(np.complex128).ravel()
    ends = np.cumsum([len(stroke) for stroke in arrays])
    high = ends - 1
    low = np.concatenate([[0], ends[:-1]])
    own = np.zeros(len(z))
    own[low] = own[high] = np.inf

    # Vertices that have their value: the ends to begin with.
    found = int(np.count_nonzero(own))
    limit = np.full(len(low), np.inf)
    wide = high - low > 1
    low, high, limit = low[wide], high[wide], limit[wide]
    while low.size:
        inner = high - low - 1
        first = inner.cumsum() - inner
        span = np.arange(len(low)).repeat(inner)
        vertex = (low + 1 - first).take(span)
        vertex += np.arange(len(span))

        start = z.take(low)
        step = z.take(high) - start
        squared = step.real**2 + step.imag**2
        # A span that ends where it began has no direction: t = 0 measures to that point.
        squared[squared == 0] = np.inf
        offset = z.take(vertex) - start.take(span)
        t = (offset * (step.conj() / squared).take(span)).real
        np.minimum(np.maximum(t, 0.0, out=t), 1.0, out=t)
        offset -= t * step.take(span)
        distance = offset.real**2 + offset.imag**2

        furthest = np.maximum.reduceat(distance, first)
        hits = (distance == furthest.take(span)).nonzero()[0]
        if len(hits) > len(low):
            # The first of several that are equally far, as the recursive algorithm takes it.
            of = span.take(hits)
            hits = hits[np.concatenate([[True], of[1:] != of[:-1]])]
        split = vertex.take(hits)
        limit = np.minimum(limit, np.sqrt(furthest))
        own[split] = limit
        found += len(split)
        if most is not None and found > most:
            floor = max(floor, float(np.sort(own)[-most - 1]))

        halves = np.array([low, split, high]).T
        low, high, limit = halves[:, :2].ravel(), halves[:, 1:].ravel(), limit.repeat(2)
        more = (high - low > 1) & (limit > floor)
        low, high, limit = low[more], high[more], limit[more]
    return own
