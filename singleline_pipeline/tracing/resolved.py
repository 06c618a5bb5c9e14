"""A crossing resolved: how its arms are paired, and what its lines look like."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from singleline_pipeline.tracing.arms import Arm, make_arm
from singleline_pipeline.tracing.crossings import ArmKey, Crossing, blots_of, node_of
from singleline_pipeline.tracing.curves import curve_around, curve_between
from singleline_pipeline.tracing.graph import Edge, PixelGraph
from singleline_pipeline.tracing.matching import tip_costs
from singleline_pipeline.tracing.runs import ArmCosts, arm_costs, match_arms


@dataclass
class Resolved:
    """A crossing with its matching.

    costs: of its own arms. keys: these, and those of second lines. cost, off: (k, k) of joining the keys.
    pairs: places among the keys. turns: pairs that turn on spikes, and the spikes' arms on the way from one
    to the other. total: cost of the matching.
    """

    crossing: Crossing
    costs: ArmCosts
    keys: list[ArmKey]
    cost: np.ndarray
    off: np.ndarray
    pairs: list[tuple[int, int]]
    turns: list[tuple[int, int, list[ArmKey]]]
    total: float

    def spikes(self) -> set[int]:
        """Edges on which its lines turn."""
        return {number for _, _, way in self.turns for number, _ in way}

    def joined(self) -> list[tuple[ArmKey, ArmKey]]:
        """Arms that are one line, over a spike or not."""
        pairs = [*self.pairs, *((i, j) for i, j, _ in self.turns)]
        return [(self.keys[i], self.keys[j]) for i, j in pairs]


class PageLines:
    """What all steps of resolving a page's junctions look at. Lengths in px.

    edges: of the graph, then second lines and tips. arms: of their ends at crossings. lanes: an edge's second
    line. spikes: edges on which a line goes out and back.
    """

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

    def add_lane(self, number: int) -> None:
        """A second line on an edge."""
        self.lanes[number] = len(self.edges)
        self.edges.append(self.edges[number])

    def add_tip(self, crossing: Crossing, tip: np.ndarray) -> int:
        """The number of a spike of no length at (2,) px."""
        number = len(self.edges)
        self.edges.append(Edge(crossing.nodes[0], -1, tip[None], np.zeros(1), np.zeros(1)))
        self.arms[number, 0] = Arm(number, 0, 0, tip, np.zeros(2), 0.0)
        self.spikes.add(number)
        return number


def resolve(page: PageLines, crossing: Crossing) -> Resolved:
    """Match the arms of a crossing."""
    return _resolve(page, crossing, arm_costs(crossing, page.arms, page.mask))


def resolve_with_tip(page: PageLines, item: Resolved, number: int) -> Resolved:
    """Match the arms of a crossing anew with the tip `number`, where one of its lines may turn."""
    keys = item.crossing.arms
    points = np.array([page.arms[key].point for key in keys])
    headings = np.array([page.arms[key].heading for key in keys])
    pair = np.pad(item.costs.pair, (0, 1))
    pair[-1, :-1] = pair[:-1, -1] = tip_costs(points, headings, page.arms[number, 0].point, page.mask)
    crossing = replace(item.crossing, arms=[*keys, (number, 0)])
    return _resolve(page, crossing, ArmCosts(pair, np.pad(item.costs.off, (0, 1))))


def _resolve(page: PageLines, crossing: Crossing, costs: ArmCosts) -> Resolved:
    doubled = frozenset(
        number for number, _ in crossing.arms if number in page.lanes or number in page.spikes
    )
    places, cost, pairs, total = match_arms(crossing, costs, doubled, page.spikes)
    keys = [crossing.arms[place] for place in places]
    mate = {i: j for pair in pairs for i, j in (pair, pair[::-1])}
    spikes: dict[int, list[ArmKey]] = {}
    for second in range(len(crossing.arms), len(places)):
        place, (number, end) = places[second], keys[second]
        if number in page.lanes:
            keys[second] = (page.lanes[number], end)
            page.arms[keys[second]] = replace(page.arms[number, end], edge=page.lanes[number])
            continue
        i, j = mate.pop(place, None), mate.pop(second, None)
        if i is not None and j is not None:
            # One line goes from i to j over the spike, and over those that it has been on before.
            way = [*spikes.pop(i, []), (number, end), *spikes.pop(second, [])]
            spikes.pop(place, None)
            spikes.pop(j, None)
            mate[i], mate[j] = j, i
            spikes[i], spikes[j] = way, way[::-1]
        elif (used := i if i is not None else j) is not None:
            mate[place], mate[used] = used, place
    joined = [(i, j) for i, j in sorted(mate.items()) if i < j]
    matched = [pair for pair in joined if pair[0] not in spikes]
    turns = [(i, j, spikes[i]) for i, j in joined if i in spikes]
    grid = np.ix_(places, places)
    return Resolved(crossing, costs, keys, cost, costs.off[grid], matched, turns, total)


def lines_within(page: PageLines, item: Resolved) -> list[np.ndarray]:
    """What is drawn of a crossing, (n, 2) each."""
    lines = [between(page, item, i, j) for i, j in item.pairs]
    lines += [turn(page, item, i, j, spikes) for i, j, spikes in item.turns]
    mated = {key for pair in item.joined() for key in pair} | {key for _, _, way in item.turns for key in way}
    alone = [key for key in item.keys if key not in mated]
    return lines + [np.array([page.arms[key].point, tail(page, item, key)]) for key in alone]


def between(page: PageLines, item: Resolved, i: int, j: int) -> np.ndarray:
    """(n, 2) points between a pair of arms."""
    one, other = page.arms[item.keys[i]], page.arms[item.keys[j]]
    return curve_between(item.crossing, page.edges, one, other, float(item.off[i, j]), page.pen)


def turn(page: PageLines, item: Resolved, i: int, j: int, spikes: list[ArmKey]) -> np.ndarray:
    """(n, 2) points between two arms, out to the tips of spikes and back."""
    ways = []
    for number, end in spikes:
        points = page.edges[number].points
        ways.append((points if end == 0 else points[::-1])[page.arms[number, end].start :])
    return curve_around(page.arms[item.keys[i]], ways, page.arms[item.keys[j]], page.mask)


def tail(page: PageLines, item: Resolved, key: ArmKey) -> np.ndarray:
    """(2,) where an arm without partner ends: a line that ends on another one ends in the middle of it."""
    arm = page.arms[key]
    centre = page.graph.nodes[item.crossing.nodes].mean(axis=0)
    reach = float(np.clip((centre - arm.point) @ arm.heading, 0, arm.start + page.pen))
    return arm.point + reach * arm.heading
