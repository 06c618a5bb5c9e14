"""Junctions: how the lines of a page run through the blots of its skeleton.

A matching of the arms around each crossing, then a look at the whole: nothing that was drawn may be left
out, and nothing stays a ring that can be part of a line.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.spatial import cKDTree

from singleline_pipeline.tracing.arms import Arm, make_arm
from singleline_pipeline.tracing.crossings import ArmKey, Crossing, blots_of, crossings_of, node_of
from singleline_pipeline.tracing.curves import curve_around, curve_between
from singleline_pipeline.tracing.graph import Edge, PixelGraph
from singleline_pipeline.tracing.lanes import choose_lanes, place_lanes
from singleline_pipeline.tracing.one_line import open_rings
from singleline_pipeline.tracing.runs import Doubling, arm_costs, match_arms


@dataclass
class Joints:
    """How edge ends go on.

    edges: those of the graph, and the second lines on them. partner: of an arm. curve: (n, 2) points between
    a pair of arms, in the key's direction. start: points that an arm leaves to its blot. tail: (2,) where an
    arm without partner ends. dropped: edges that are no line of their own.
    """

    edges: list[Edge]
    partner: dict[ArmKey, ArmKey] = field(default_factory=dict)
    curve: dict[tuple[ArmKey, ArmKey], np.ndarray] = field(default_factory=dict)
    start: dict[ArmKey, int] = field(default_factory=dict)
    tail: dict[ArmKey, np.ndarray] = field(default_factory=dict)
    dropped: set[int] = field(default_factory=set)


@dataclass
class Resolved:
    """A crossing with its matching.

    keys: its arms, with those of second lines. cost, off: (k, k) of joining them. turns: pairs of arms that
    turn on a spike, and the spike's arm.
    """

    crossing: Crossing
    keys: list[ArmKey]
    cost: np.ndarray
    off: np.ndarray
    pairs: list[tuple[int, int]]
    turns: list[tuple[int, int, ArmKey]]


class _Page:
    """What all steps of resolving a page's junctions look at. Lengths in px."""

    def __init__(self, graph: PixelGraph, edges: list[Edge], mask: np.ndarray, pen: float) -> None:
        self.graph, self.edges, self.mask, self.pen = graph, list(edges), mask, pen
        self.blots = blots_of(graph, edges, pen)
        self.arms: dict[ArmKey, Arm] = {}
        self.lanes: dict[int, int] = {}
        self.spikes: set[int] = set()

    def add_arms(self, keys: list[ArmKey]) -> None:
        for key in keys:
            number, end = key
            radius = float(self.graph.node_radius[node_of(self.edges, key)])
            beyond = self.blots.get((number, 1 - end), 0)
            self.arms[key] = make_arm(number, self.edges[number], end, radius, self.pen, beyond)


def resolve_junctions(graph: PixelGraph, edges: list[Edge], mask: np.ndarray, pen: float) -> Joints:
    """How the lines of a page run through its junctions.

    edges: as graph.edges, refined and evenly spaced. mask: uint8 (h, w) ink. pen: px.
    """
    page = _Page(graph, edges, mask, pen)
    crossings, dropped = crossings_of(graph, edges, page.blots, pen)
    for crossing in crossings:
        page.add_arms(crossing.arms)
    runs = Doubling(crossings, edges, page.arms, mask, pen, dropped)
    runs.run()
    page.spikes = runs.spikes & runs.doubled
    for number in sorted(runs.doubled - runs.spikes):
        page.lanes[number] = len(page.edges)
        page.edges.append(edges[number])
    resolved = []
    for crossing in crossings:
        if not crossing.nodes:
            continue
        result = _resolve(page, crossing)
        missed = _missed_edges(page, result)
        if missed:
            # They were taken for blot, and are drawn: let them take part like any other edge.
            dropped -= set(missed)
            crossing.inner = [number for number in crossing.inner if number not in missed]
            ends = [(number, end) for number in missed for end in (0, 1)]
            page.add_arms(ends)
            crossing.arms = crossing.arms + ends
            result = _resolve(page, crossing)
        resolved.append(result)
        dropped |= {number for _, _, (number, _) in result.turns}
    lines = {number for number in range(len(page.edges)) if number not in dropped}
    choose_lanes(page.arms, page.lanes, resolved, mask)
    open_rings([(item.keys, item.cost, item.pairs) for item in resolved], lines)
    place_lanes(page.edges, page.arms, page.lanes, resolved, pen)
    for number, other in page.lanes.items():
        page.add_arms([(lane, end) for lane in (number, other) for end in (0, 1)])
    joints = Joints(edges=page.edges, dropped=dropped)
    for item in resolved:
        _draw(page, item, joints)
    return joints


def _resolve(page: _Page, crossing: Crossing) -> Resolved:
    """Match the arms of a crossing."""
    costs = arm_costs(crossing, page.arms, page.mask)
    doubled = frozenset(
        number for number, _ in crossing.arms if number in page.lanes or number in page.spikes
    )
    places, cost, pairs, _ = match_arms(crossing, costs, doubled, page.spikes)
    keys = [crossing.arms[place] for place in places]
    mate = {i: j for pair in pairs for i, j in (pair, pair[::-1])}
    turns = []
    for second in range(len(crossing.arms), len(places)):
        place, (number, end) = places[second], keys[second]
        if number in page.lanes:
            keys[second] = (page.lanes[number], end)
            page.arms[keys[second]] = replace(page.arms[number, end], edge=page.lanes[number])
            continue
        i, j = mate.pop(place, None), mate.pop(second, None)
        if i is not None and j is not None:
            del mate[i], mate[j]
            turns.append((i, j, (number, end)))
        elif (used := i if i is not None else j) is not None:
            mate[place], mate[used] = used, place
    matched = [(i, j) for i, j in sorted(mate.items()) if i < j]
    grid = np.ix_(places, places)
    return Resolved(crossing, keys, cost, costs.off[grid], matched, turns)


def _missed_edges(page: _Page, item: Resolved) -> list[int]:
    """Inner edges of a crossing that none of its curves comes near to."""
    crossing, edges = item.crossing, page.edges
    long_enough = [number for number in crossing.inner if len(edges[number].points) > 1.5 * page.pen]
    if not long_enough:
        return []
    covered = [_curve(page, item, i, j) for i, j in item.pairs]
    covered += [page.arms[key].point[None] for key in crossing.arms]
    if not covered:
        return long_enough
    tree = cKDTree(np.vstack(covered))
    missed = []
    for number in long_enough:
        points = edges[number].points
        middle = points[len(points) // 4 : len(points) - len(points) // 4]
        if float(np.median(tree.query(middle)[0])) > 1.1 * page.pen:
            missed.append(number)
    return missed


def _curve(page: _Page, item: Resolved, i: int, j: int) -> np.ndarray:
    keys = item.keys
    one, other = page.arms[keys[i]], page.arms[keys[j]]
    return curve_between(item.crossing, page.edges, one, other, float(item.off[i, j]), page.pen)


def _draw(page: _Page, item: Resolved, joints: Joints) -> None:
    """Draw the curves of a crossing, and the tails of the arms that end there."""
    keys = item.keys
    for key in keys:
        joints.start[key] = page.arms[key].start
    for i, j in item.pairs:
        _connect(joints, keys[i], keys[j], _curve(page, item, i, j))
    for i, j, (number, end) in item.turns:
        spike = page.edges[number].points if end == 0 else page.edges[number].points[::-1]
        spike = spike[page.arms[number, end].start :]
        one, other = page.arms[keys[i]], page.arms[keys[j]]
        _connect(joints, keys[i], keys[j], curve_around(one, spike, other, page.mask))
    centre = page.graph.nodes[item.crossing.nodes].mean(axis=0)
    for key in keys:
        if key not in joints.partner and key[0] not in joints.dropped:
            arm = page.arms[key]
            # A line that ends on another one ends in the middle of it.
            reach = float(np.clip((centre - arm.point) @ arm.heading, 0, arm.start + page.pen))
            joints.tail[key] = arm.point + reach * arm.heading


def _connect(joints: Joints, one: ArmKey, other: ArmKey, curve: np.ndarray) -> None:
    joints.partner[one], joints.partner[other] = other, one
    joints.curve[one, other], joints.curve[other, one] = curve, curve[::-1]
