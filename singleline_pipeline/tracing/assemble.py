"""Assemble: edges and the curves between them, walked into strokes."""

from __future__ import annotations

import numpy as np

from singleline_pipeline.tracing.crossings import ArmKey
from singleline_pipeline.tracing.graph import Edge
from singleline_pipeline.tracing.junctions import Joints


def assemble(edges: list[Edge], joints: Joints) -> list[np.ndarray]:
    """Strokes (n, 2): every edge that was not dropped exactly once, in a fixed order."""
    used: set[int] = set(joints.dropped)
    strokes = []
    loose = [
        (number, end)
        for number in range(len(edges))
        if number not in used
        for end in (0, 1)
        if (number, end) not in joints.partner
    ]
    rest = sorted(
        ((number, 0) for number in range(len(edges)) if number not in used),
        key=lambda key: -len(edges[key[0]].points),
    )
    for first in loose + rest:
        if first[0] in used:
            continue
        line = _walk(first, edges, joints, used)
        if first not in loose:
            # A ring has no end to begin at: the middle of its longest edge is the furthest from any doubt.
            middle = len(edges[first[0]].points) // 2
            line = np.vstack([line[middle:-1], line[: middle + 1]])
        strokes.append(line)
    return [stroke for stroke in strokes if len(stroke) >= 2]


def _walk(first: ArmKey, edges: list[Edge], joints: Joints, used: set[int]) -> np.ndarray:
    """(n, 2) from one edge end through its edge, over the crossing to the partner, and on until the line
    ends."""
    parts: list[np.ndarray] = []
    if first in joints.tail:
        parts.append(joints.tail[first][None])
    key = first
    while True:
        number, end = key
        used.add(number)
        points = edges[number].points if end == 0 else edges[number].points[::-1]
        far = (number, 1 - end)
        stop = len(points) - joints.start.get(far, 0)
        parts.append(points[joints.start.get(key, 0) : max(stop, joints.start.get(key, 0) + 1)])
        following = joints.partner.get(far)
        if following is None:
            if far in joints.tail:
                parts.append(joints.tail[far][None])
            break
        parts.append(joints.curve[far, following])
        if following[0] in used:
            # The line has come back to where it began: close it.
            if following == first:
                points = edges[first[0]].points if first[1] == 0 else edges[first[0]].points[::-1]
                parts.append(points[joints.start.get(first, 0)][None])
            break
        key = following
    return np.vstack(parts)
