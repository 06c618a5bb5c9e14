"""Ends: thinning eats the ends of lines, most of all diagonal ones; the ink says where they truly are.

A pen leaves a round end half a pen width beyond where it was lifted.
"""

from __future__ import annotations

import cv2
import numpy as np

from singleline_pipeline.tracing.graph import Edge, PixelGraph

STEP = 0.25
READ_OVER = 3.0
"""Length in pen widths over which an end's direction is read."""
FURTHEST = 2.5
"""Reach in pen widths within which the ink must end: if it does not, this is no end of a line."""


def extend_ends(graph: PixelGraph, edges: list[Edge], depth: np.ndarray, pen: float) -> list[Edge]:
    """Edges with their free ends drawn out to where the pen was lifted.

    depth: uint8 (h, w) flattened page. pen: px.
    """
    free = [
        (number, end)
        for number, edge in enumerate(edges)
        for end, node in ((0, edge.a), (1, edge.b))
        if node >= 0 and graph.degree[node] == 1 and len(edge.points) >= 3
    ]
    if not free:
        return edges
    tips, headings = [], []
    for number, end in free:
        points = edges[number].points if end == 1 else edges[number].points[::-1]
        # The very last points lean to one side of the round end.
        inner = points[: max(3, len(points) - round(0.5 * pen))][-max(3, round(READ_OVER * pen)) :]
        direction = inner[-1] - inner[0]
        norm = float(np.hypot(*direction))
        direction = direction / norm if norm > 1e-9 else np.zeros(2)
        tips.append(inner[-1])
        headings.append(direction)
    tip, heading = np.array(tips), np.array(headings)
    along = np.arange(0, (FURTHEST + 0.5) * pen, STEP)
    x = (tip[:, :1] + heading[:, :1] * along).astype(np.float32)
    y = (tip[:, 1:] + heading[:, 1:] * along).astype(np.float32)
    ink = cv2.remap(depth, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    bare = ink < 0.5 * ink[:, : max(2, round(pen / STEP / 2))].max(axis=1, keepdims=True)
    lifted = along[np.argmax(bare, axis=1)] - 0.5 * pen
    result = list(edges)
    for row in np.nonzero(bare.any(axis=1) & (lifted > 0))[0].tolist():
        number, end = free[row]
        result[number] = _drawn_out(result[number], end, tip[row], tip[row] + lifted[row] * heading[row])
    return result


def _drawn_out(edge: Edge, end: int, tip: np.ndarray, new: np.ndarray) -> Edge:
    """The edge with everything beyond `tip` at its end replaced by a straight way to `new`."""
    points = edge.points if end == 1 else edge.points[::-1]
    radius = edge.radius if end == 1 else edge.radius[::-1]
    width = edge.width if end == 1 else edge.width[::-1]
    kept = int(np.nonzero((points == tip).all(axis=1))[0][-1]) + 1
    length = float(np.hypot(*(new - tip)))
    count = max(1, round(length))
    points = np.vstack([points[:kept], tip + (new - tip) * (np.arange(1, count + 1) / count)[:, None]])
    radius = np.concatenate([radius[:kept], np.full(count, radius[kept - 1])])
    width = np.concatenate([width[:kept], np.full(count, width[kept - 1])])
    if end == 0:
        points, radius, width = points[::-1], radius[::-1], width[::-1]
    return Edge(edge.a, edge.b, points, radius, width)
