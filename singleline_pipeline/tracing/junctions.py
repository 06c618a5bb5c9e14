"""Junctions: blots of the skeleton graph, and how the lines run through them.

Junctions whose blots touch are one crossing. Two odd junctions joined by a short edge are two lines that share a run
(Kato and Yasuhara 2000 call such edges double-traced): both lines get the run. All that is left is a matching of
the arms around each blot.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from singleline_pipeline.tracing.arms import Arm, blot_length, make_arm
from singleline_pipeline.tracing.graph import Edge, PixelGraph
from singleline_pipeline.tracing.matching import ALONE, hermite, match, pair_costs
from singleline_pipeline.tracing.refine import resample, smooth

ArmKey = tuple[int, int]
"""Edge number, and 0 for its first or 1 for its last point."""

LONGEST_SHARED = 12.0
"""Longest run in pen widths that two lines are believed to share."""
SHARED_COST_WIDE, SHARED_COST_THIN = 0.06, 0.25
"""Cost of a shared run per pen width of its length, where its ink is wider than the pen, and where it is not."""


@dataclass
class Crossing:
    """Touching blots. nodes: their numbers. inner: edges within. arms: edge ends that leave. tips: ends of stubs."""

    nodes: list[int]
    inner: list[int] = field(default_factory=list)
    arms: list[ArmKey] = field(default_factory=list)
    tips: list[np.ndarray] = field(default_factory=list)


@dataclass
class Joints:
    """How edge ends go on. partner: of an arm. curve: (n, 2) points between a pair of arms, in the key's direction.
    start: points that an arm leaves to its blot. tail: (2,) where an arm without partner ends. dropped: edges that
    are blot and no line of their own."""

    partner: dict[ArmKey, ArmKey] = field(default_factory=dict)
    curve: dict[tuple[ArmKey, ArmKey], np.ndarray] = field(default_factory=dict)
    start: dict[ArmKey, int] = field(default_factory=dict)
    tail: dict[ArmKey, np.ndarray] = field(default_factory=dict)
    dropped: set[int] = field(default_factory=set)


def resolve_junctions(graph: PixelGraph, edges: list[Edge], mask: np.ndarray, pen: float) -> Joints:
    """How the lines of a page run through its junctions.

    edges: as graph.edges, refined and evenly spaced. mask: uint8 (h, w) ink. pen: px.
    """
    blots = _blots(graph, edges, pen)
    crossings, dropped = _crossings(graph, edges, blots, pen)
    arms = {
        key: make_arm(
            key[0],
            edges[key[0]],
            key[1],
            float(graph.node_radius[_node(edges, key)]),
            pen,
            other_blot=blots.get((key[0], 1 - key[1]), 0),
        )
        for crossing in crossings
        for key in crossing.arms
    }
    crossings = _share_runs(crossings, edges, arms, mask, pen, dropped)
    joints = Joints(dropped=dropped)
    for crossing in crossings:
        _join(crossing, graph, edges, arms, mask, pen, joints)
    return joints


def _node(edges: list[Edge], key: ArmKey) -> int:
    return edges[key[0]].a if key[1] == 0 else edges[key[0]].b


def _blots(graph: PixelGraph, edges: list[Edge], pen: float) -> dict[ArmKey, int]:
    """Points that each junction's blot covers of each edge."""
    blots = {}
    for number, edge in enumerate(edges):
        for end, node in ((0, edge.a), (1, edge.b)):
            if node >= 0 and graph.degree[node] > 2:
                radius = edge.radius if end == 0 else edge.radius[::-1]
                blots[number, end] = blot_length(radius, float(graph.node_radius[node]), pen)
    return blots


def _crossings(
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
        elif (first is not None or last is not None) and length <= (first or last or 0) + 0.75 * pen:
            # Its other end is free: a bump on the outline, or the tip of a corner.
            if length <= 3 * pen:
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


def _share_runs(
    crossings: list[Crossing],
    edges: list[Edge],
    arms: dict[ArmKey, Arm],
    mask: np.ndarray,
    pen: float,
    dropped: set[int],
) -> list[Crossing]:
    """Odd crossings joined over a short edge where two lines that run on together cost less than two loose ends."""
    home = {key: number for number, crossing in enumerate(crossings) for key in crossing.arms}
    odd = {number for number, crossing in enumerate(crossings) if len(crossing.arms) % 2}
    offers = []
    for number, edge in enumerate(edges):
        one, other = home.get((number, 0)), home.get((number, 1))
        if one is None or other is None or one == other or one not in odd or other not in odd:
            continue
        free = len(edge.points) - 1 - arms[number, 0].start - arms[number, 1].start
        if free > LONGEST_SHARED * pen:
            continue
        middle = edge.radius[len(edge.radius) // 4 : len(edge.radius) - len(edge.radius) // 4]
        wide = len(middle) > 0 and float(np.median(middle)) > 0.58 * pen + 0.4
        keys = [key for key in crossings[one].arms + crossings[other].arms if key[0] != number]
        apart = _matching_cost(crossings[one].arms, arms, mask) + _matching_cost(
            crossings[other].arms, arms, mask
        )
        shared = _matching_cost(keys, arms, mask) + max(free, 0) / pen * (
            SHARED_COST_WIDE if wide else SHARED_COST_THIN
        )
        if shared < apart:
            offers.append((apart - shared, number, one, other))
    for _, number, one, other in sorted(offers, key=lambda offer: (-offer[0], offer[1])):
        if one not in odd or other not in odd:
            continue
        odd -= {one, other}
        merged = Crossing(
            nodes=crossings[one].nodes + crossings[other].nodes,
            inner=[*crossings[one].inner, *crossings[other].inner, number],
            arms=[key for key in crossings[one].arms + crossings[other].arms if key[0] != number],
            tips=crossings[one].tips + crossings[other].tips,
        )
        crossings[one], crossings[other] = merged, Crossing([])
        dropped.add(number)
    return [crossing for crossing in crossings if crossing.nodes]


def _costs(keys: list[ArmKey], arms: dict[ArmKey, Arm], mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    points = np.array([arms[key].point for key in keys])
    headings = np.array([arms[key].heading for key in keys])
    return pair_costs(points, headings, np.array([key[0] for key in keys]), mask)


def _matching_cost(keys: list[ArmKey], arms: dict[ArmKey, Arm], mask: np.ndarray) -> float:
    if not keys:
        return 0.0
    return match(_costs(keys, arms, mask)[0], np.full(len(keys), ALONE))[1]


def _join(
    crossing: Crossing,
    graph: PixelGraph,
    edges: list[Edge],
    arms: dict[ArmKey, Arm],
    mask: np.ndarray,
    pen: float,
    joints: Joints,
) -> None:
    """Match the arms of a crossing and draw the curves between them."""
    keys = crossing.arms
    for key in keys:
        joints.start[key] = arms[key].start
    if not keys:
        return
    cost, off = _costs(keys, arms, mask)
    alone = np.full(len(keys), ALONE if len(keys) != 2 else 10.0)
    pairs, _ = match(cost, alone)
    centre = graph.nodes[crossing.nodes].mean(axis=0)
    for i, j in pairs:
        one, other = keys[i], keys[j]
        joints.partner[one], joints.partner[other] = other, one
        curve = _curve_between(crossing, edges, arms[one], arms[other], off[i, j], pen)
        joints.curve[one, other], joints.curve[other, one] = curve, curve[::-1]
    for key in keys:
        if key not in joints.partner:
            arm = arms[key]
            # A line that ends on another one ends in the middle of it.
            reach = float(np.clip((centre - arm.point) @ arm.heading, 0, arm.start + pen))
            joints.tail[key] = arm.point + reach * arm.heading


def _curve_between(
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


def _path_through(crossing: Crossing, edges: list[Edge], one: Arm, other: Arm) -> np.ndarray | None:
    """(n, 2) shortest way along the skeleton within a crossing, both arms' points included; None if there is none."""
    first, last = _node(edges, (one.edge, one.end)), _node(edges, (other.edge, other.end))
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
