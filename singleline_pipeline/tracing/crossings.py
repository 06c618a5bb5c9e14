"""Crossings: junctions of the skeleton whose blots touch are one crossing of lines."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from singleline_pipeline.tracing.arms import blot_length
from singleline_pipeline.tracing.graph import Edge, PixelGraph

ArmKey = tuple[int, int]
"""Edge number, and 0 for its first or 1 for its last point."""


@dataclass
class Crossing:
    """Junctions that are resolved together.

    nodes: their numbers in the graph. inner: edges that lie within. arms: edge ends that leave. tips: (2,)
    free ends of stubs. sides: for arms at the two ends of a run that two lines share, which end: no line
    turns back there.
    """

    nodes: list[int]
    inner: list[int] = field(default_factory=list)
    arms: list[ArmKey] = field(default_factory=list)
    tips: list[np.ndarray] = field(default_factory=list)
    sides: dict[ArmKey, int] = field(default_factory=dict)


def node_of(edges: list[Edge], key: ArmKey) -> int:
    """Number of the node at an arm's end of its edge."""
    return edges[key[0]].a if key[1] == 0 else edges[key[0]].b


def blots_of(graph: PixelGraph, edges: list[Edge], pen: float) -> dict[ArmKey, int]:
    """Points that each junction's blot covers of each edge."""
    blots = {}
    for number, edge in enumerate(edges):
        for end, node in ((0, edge.a), (1, edge.b)):
            if node >= 0 and graph.degree[node] > 2:
                radius = edge.radius if end == 0 else edge.radius[::-1]
                blots[number, end] = blot_length(radius, float(graph.node_radius[node]), pen)
    return blots


def crossings_of(
    graph: PixelGraph, edges: list[Edge], blots: dict[ArmKey, int], pen: float
) -> tuple[list[Crossing], set[int]]:
    """Junctions joined where their blots touch, with the edges within them."""
    parent = list(range(len(graph.nodes)))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    inner: set[int] = set()
    stubs: set[int] = set()
    for number, edge in enumerate(edges):
        first, last = blots.get((number, 0)), blots.get((number, 1))
        length = len(edge.points) - 1
        if first is not None and last is not None:
            touching = length <= min(first + last + pen, 6 * pen)
            if edge.a == edge.b:
                # A ring no wider than the pen is a hole in a blot.
                touching = length <= 4 * pen
            if touching:
                inner.add(number)
                parent[root(edge.a)] = root(edge.b)
        elif (first is not None or last is not None) and length <= min(
            (first or last or 0) + 0.75 * pen, 3 * pen
        ):
            # Its other end is free: a bump on the outline, or the tip of a corner.
            stubs.add(number)

    by_root: dict[int, Crossing] = {}
    for node in range(len(graph.nodes)):
        if graph.degree[node] > 2:
            by_root.setdefault(root(node), Crossing([])).nodes.append(node)
    for number, edge in enumerate(edges):
        for end, node in ((0, edge.a), (1, edge.b)):
            if (number, end) not in blots:
                continue
            crossing = by_root[root(node)]
            if number in inner:
                if end == 0:
                    crossing.inner.append(number)
            elif number in stubs:
                crossing.tips.append(edge.points[-1] if end == 0 else edge.points[0])
            else:
                crossing.arms.append((number, end))
    return list(by_root.values()), inner | stubs
