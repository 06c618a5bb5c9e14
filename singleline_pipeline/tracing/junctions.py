"""Junctions: how the lines of a page run through the blots of its skeleton.

A matching of the arms around each crossing, then a look at the whole: nothing that was drawn may be left
out, and nothing stays a ring that can be part of a line.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.spatial import cKDTree

from singleline_pipeline.tracing.crossings import ArmKey, crossings_of
from singleline_pipeline.tracing.graph import Edge, PixelGraph
from singleline_pipeline.tracing.lanes import choose_lanes, place_lanes
from singleline_pipeline.tracing.one_line import open_rings
from singleline_pipeline.tracing.resolved import PageLines, Resolved, between, resolve, tail, turn
from singleline_pipeline.tracing.runs import Doubling
from singleline_pipeline.tracing.tips import reach_tips


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


def resolve_junctions(graph: PixelGraph, edges: list[Edge], mask: np.ndarray, pen: float) -> Joints:
    """How the lines of a page run through its junctions.

    edges: as graph.edges, refined and evenly spaced. mask: uint8 (h, w) ink. pen: px.
    """
    page = PageLines(graph, edges, mask, pen)
    crossings, dropped = crossings_of(graph, edges, page.blots, pen)
    for crossing in crossings:
        page.add_arms(crossing.arms)
    runs = Doubling(crossings, edges, page.arms, mask, pen, dropped)
    runs.run()
    page.spikes = runs.spikes & runs.doubled
    for number in sorted(runs.doubled - runs.spikes):
        page.add_lane(number)
    resolved = []
    for crossing in crossings:
        if not crossing.nodes:
            continue
        result = resolve(page, crossing)
        missed = _missed_edges(page, result)
        if missed:
            # They were taken for blot, and are drawn: let them take part like any other edge.
            dropped -= set(missed)
            crossing.inner = [number for number in crossing.inner if number not in missed]
            ends = [(number, end) for number in missed for end in (0, 1)]
            page.add_arms(ends)
            crossing.arms = crossing.arms + ends
            result = resolve(page, crossing)
        resolved.append(result)
    dropped |= reach_tips(page, resolved, dropped)
    dropped |= {number for item in resolved for number in item.spikes()}
    lines = {number for number in range(len(page.edges)) if number not in dropped}
    choose_lanes(page.edges, page.arms, page.lanes, resolved, mask, pen)
    turns = [(item.keys[i], item.keys[j]) for item in resolved for i, j, _ in item.turns]
    open_rings([(item.keys, item.cost, item.pairs) for item in resolved], turns, lines)
    place_lanes(page.edges, page.arms, page.lanes, resolved, pen)
    for number, other in page.lanes.items():
        page.add_arms([(lane, end) for lane in (number, other) for end in (0, 1)])
    joints = Joints(edges=page.edges, dropped=dropped)
    for item in resolved:
        _draw(page, item, joints)
    return joints


def _missed_edges(page: PageLines, item: Resolved) -> list[int]:
    """Inner edges of a crossing that none of its curves comes near to."""
    crossing, edges = item.crossing, page.edges
    long_enough = [number for number in crossing.inner if len(edges[number].points) > 1.5 * page.pen]
    if not long_enough:
        return []
    covered = [between(page, item, i, j) for i, j in item.pairs]
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


def _draw(page: PageLines, item: Resolved, joints: Joints) -> None:
    """Draw the curves of a crossing, and the tails of the arms that end there."""
    keys = item.keys
    for key in keys:
        joints.start[key] = page.arms[key].start
    for i, j in item.pairs:
        _connect(joints, keys[i], keys[j], between(page, item, i, j))
    for i, j, spikes in item.turns:
        _connect(joints, keys[i], keys[j], turn(page, item, i, j, spikes))
    for key in keys:
        if key not in joints.partner and key[0] not in joints.dropped:
            joints.tail[key] = tail(page, item, key)


def _connect(joints: Joints, one: ArmKey, other: ArmKey, curve: np.ndarray) -> None:
    joints.partner[one], joints.partner[other] = other, one
    joints.curve[one, other], joints.curve[other, one] = curve, curve[::-1]
