"""Curves: what a line looks like between two arms of a crossing."""

from __future__ import annotations

import numpy as np

from singleline_pipeline.tracing.arms import Arm
from singleline_pipeline.tracing.crossings import Crossing, node_of
from singleline_pipeline.tracing.graph import Edge
from singleline_pipeline.tracing.matching import hermite
from singleline_pipeline.tracing.refine import resample, smooth


def curve_between(
    crossing: Crossing, edges: list[Edge], one: Arm, other: Arm, off: float, pen: float
) -> np.ndarray:
    """(n, 2) points strictly between two arms' points."""
    chord = other.point - one.point
    length = float(np.hypot(*chord))
    turned_back = float(one.heading @ -other.heading) < -0.2
    if turned_back and crossing.tips:
        middle = (one.point + other.point) / 2
        tip = max(crossing.tips, key=lambda point: float((point - middle) @ (one.heading + other.heading)))
        corner = resample(np.vstack([one.point, tip, other.point]))
        return corner[1:-1]
    if off > 0.2 or length > 4 * pen:
        along = _path_through(crossing, edges, one, other)
        if along is not None:
            return smooth(resample(along), 0.6 * pen)[1:-1]
    count = max(2, round(length))
    t = np.arange(1, count) / count
    return hermite(one.point, one.heading, other.point, -other.heading, t)


def curve_around(one: Arm, spikes: list[np.ndarray], other: Arm, mask: np.ndarray) -> np.ndarray:
    """(n, 2) from one arm out to the tips of spikes and back to the other arm, without the arms' points.

    spikes: (n, 2) each, from the crossing to the tip.
    """
    first, last = _way_out(one, spikes[0], mask), _way_out(other, spikes[-1], mask)
    between = []
    if len(spikes) > 1:
        between.append(spikes[0][-2::-1])
        for spike in spikes[1:-1]:
            between += [spike, spike[-2::-1]]
        between.append(spikes[-1][:-1])
    return np.vstack([first, *between, last[::-1] if between else last[-2::-1]])


def _way_out(arm: Arm, spike: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(n, 2) from an arm's point, which is left out, to the tip of a spike."""
    chord = spike[-1] - arm.point
    length = float(np.hypot(*chord))
    if length > 1:
        count = max(2, round(length))
        direct = hermite(arm.point, arm.heading, spike[-1], chord / length, np.arange(1, count + 1) / count)
        x = np.clip(np.rint(direct[:, 0]).astype(np.intp), 0, mask.shape[1] - 1)
        y = np.clip(np.rint(direct[:, 1]).astype(np.intp), 0, mask.shape[0] - 1)
        # The two lines part long before the ink does: the straight way is truer than the common middle.
        if mask[y, x].mean() > 0.9:
            return direct
    return spike


def _path_through(crossing: Crossing, edges: list[Edge], one: Arm, other: Arm) -> np.ndarray | None:
    """(n, 2) shortest way along the skeleton within a crossing, both arms' points included; None if there is
    none."""
    first, last = node_of(edges, (one.edge, one.end)), node_of(edges, (other.edge, other.end))
    best: dict[int, tuple[float, list[np.ndarray]]] = {first: (0.0, [])}
    queue = [first]
    while queue:
        node = queue.pop(0)
        length, parts = best[node]
        for number in crossing.inner:
            edge = edges[number]
            for here, there, points in ((edge.a, edge.b, edge.points), (edge.b, edge.a, edge.points[::-1])):
                total = length + len(points)
                if here == node and (there not in best or total < best[there][0]):
                    best[there] = (total, [*parts, points])
                    queue.append(there)
    if last not in best:
        return None
    return np.vstack([_to_junction(edges, one), *best[last][1], _to_junction(edges, other)[::-1]])


def _to_junction(edges: list[Edge], arm: Arm) -> np.ndarray:
    points = edges[arm.edge].points if arm.end == 0 else edges[arm.edge].points[::-1]
    return points[arm.start :: -1]
