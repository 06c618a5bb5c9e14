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
    own = vertex_epsilons(arrays)
    epsilon = float(np.partition(own, -max_points - 1)[-max_points - 1]) if own.size > max_points else 0.0
    bounds = np.cumsum([len(stroke) for stroke in arrays])[:-1]
    kept = np.split(own > epsilon, bounds)
    return [stroke[keep] for stroke, keep in zip(arrays, kept, strict=True)], epsilon


def vertex_epsilons(strokes: Sequence[Stroke], floor: float = 0.0) -> NDArray[np.float64]:
    """For each vertex of each stroke, in order, the epsilon at which Douglas-Peucker drops it.

    The ends of a stroke have infinity. Simplifying with any epsilon is then `own > epsilon`. Vertices whose
    epsilon is `floor` or less may get any value up to `floor`: the search does not go on below it.

    A vertex stays while it is split off and while everything that had to be split before it is, so its own
    epsilon is the least of the distances on its way down the tree of splits. All spans of one depth, of all
    strokes, are measured together.
    """
    points = np.concatenate(strokes)
    x, y = np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1])
    ends = np.cumsum([len(stroke) for stroke in strokes])
    high = ends - 1
    low = np.concatenate([[0], ends[:-1]])
    own = np.zeros(len(points))
    own[low] = own[high] = np.inf

    limit = np.full(len(low), np.inf)
    wide = high - low > 1
    low, high, limit = low[wide], high[wide], limit[wide]
    while low.size:
        inner = high - low - 1
        first = np.cumsum(inner) - inner
        span = np.repeat(np.arange(len(low)), inner)
        vertex = np.arange(len(span)) + (low + 1 - first)[span]

        dx, dy = x[high] - x[low], y[high] - y[low]
        squared = dx * dx + dy * dy
        # A span that ends where it began has no direction: t = 0 measures to that point.
        scale = 1.0 / np.where(squared > 0, squared, np.inf)
        px, py = x[vertex] - x[low][span], y[vertex] - y[low][span]
        t = np.clip(px * (dx * scale)[span] + py * (dy * scale)[span], 0.0, 1.0)
        px -= t * dx[span]
        py -= t * dy[span]
        distance = px * px + py * py

        furthest = np.maximum.reduceat(distance, first)
        hits = np.flatnonzero(distance == furthest[span])
        hit_span = span[hits]
        # The first of several that are equally far, as the recursive algorithm takes it.
        split = vertex[hits[np.concatenate([[True], hit_span[1:] != hit_span[:-1]])]]
        limit = np.minimum(limit, np.sqrt(furthest))
        own[split] = limit

        low, high = np.column_stack([low, split]).ravel(), np.column_stack([split, high]).ravel()
        limit = np.repeat(limit, 2)
        more = (high - low > 1) & (limit > floor)
        low, high, limit = low[more], high[more], limit[more]
    return own
