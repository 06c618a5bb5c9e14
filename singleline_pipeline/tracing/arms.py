"""Arms: what an edge looks like where it leaves the blot of a junction.

Close to a crossing the skeleton is wrong: the blot of two overlapping lines pulls it aside. An arm therefore
starts where the ink is a pen wide again, and its direction is read from there on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from singleline_pipeline.tracing.graph import Edge

DIRECTION_REACH = 3.0
"""Length in pen widths over which an arm's direction is read."""


@dataclass
class Arm:
    """One end of an edge. edge, end (0 first point, 1 last point). start: index from that end of the first
    point outside the blot. point: (2,) that point. heading: (2,) unit vector, the way the line runs into the
    junction.
    blot: length in px of the natural blot, even where the edge is too short to leave it."""

    edge: int
    end: int
    start: int
    point: np.ndarray
    heading: np.ndarray
    blot: float


def blot_length(radius: np.ndarray, node_radius: float, pen: float) -> int:
    """Points (1 px apart) from a junction until the ink is a pen wide. radius: (n,) from the junction
    outwards."""
    first = int(np.ceil(node_radius))
    wide = radius[first:] > 0.55 * pen + 0.6
    if len(wide) == 0 or wide.all():
        return len(radius)
    return first + int(np.argmin(wide))


def make_arm(edge_number: int, edge: Edge, end: int, node_radius: float, pen: float, other_blot: int) -> Arm:
    """other_blot: points that the junction at the far end covers; an arm leaves half of what is free to
    direction."""
    points = edge.points if end == 0 else edge.points[::-1]
    radius = edge.radius if end == 0 else edge.radius[::-1]
    natural = blot_length(radius, node_radius, pen)
    free = len(points) - 1 - other_blot
    longest = int(max(3.5 * pen, node_radius))
    start = max(0, min(natural, longest, free - int(0.75 * pen), len(points) - 2))
    reach = max(2, min(round(DIRECTION_REACH * pen), max(free - start, 2), len(points) - 1 - start))
    return Arm(
        edge=edge_number,
        end=end,
        start=start,
        point=points[start],
        heading=-_direction_at_start(points[start : start + reach + 1]),
        blot=float(natural),
    )


def _direction_at_start(points: np.ndarray) -> np.ndarray:
    """(2,) unit direction at the first of evenly spaced points: slope of the fitted parabola, or line if
    few."""
    if len(points) < 2:
        return np.array([1.0, 0.0])
    slope = _slope_weights(len(points)) @ points
    norm = float(np.hypot(*slope))
    return slope / norm if norm > 1e-9 else np.array([1.0, 0.0])


@lru_cache(maxsize=256)
def _slope_weights(count: int) -> np.ndarray:
    """(count,) weights that give the slope at the first of `count` samples from a least-squares fit.

    A parabola where there are enough samples for one, for most lines bend; a straight line otherwise.
    """
    s = np.arange(count, dtype=np.float64)
    design = np.column_stack([s**power for power in range(3 if count >= 5 else 2)])
    return np.linalg.pinv(design)[1]
