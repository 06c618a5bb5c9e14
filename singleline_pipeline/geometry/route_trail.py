"""Walking every edge of a graph once, in the way that turns least."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from singleline_pipeline.geometry.strokes import Stroke

# Up to as many line ends at a node all ways of pairing them are tried (15 for six).
_EXACT_ENDS = 6
# Points of a line that are looked at in one go.
_LOOK = 8


@dataclass
class Edge:
    """A piece of line, its points (n, 2), from one node to another."""

    first: int
    last: int
    points: Stroke


def walk(edges: list[Edge], reach: float) -> Stroke:
    """The trail over connected edges, at most two of whose nodes have an odd number of them: its points (n, 2).

    Where lines meet, each goes on into the one that turns the pen least (Hierholzer's algorithm, with the
    choice made at all nodes at once): the ends of edges at a node are paired, which gives one open trail or
    none and some closed ones, and these are then merged where it costs the least turning. A line's
    direction is taken at `reach` from the node.

    The trail starts at the end that is nearer the top left, where people begin (the first two rules of
    Goodnow and Levine, The grammar of action, Cognitive Psychology 4, 1973): by x + y, then by y. A closed
    one is opened at its sharpest turn and runs anticlockwise as one sees it, as people draw circles.
    """
    # Edge e has two ends, 2e at its first node and 2e + 1 at its last.
    ends_at: dict[int, list[int]] = defaultdict(list)
    for index, edge in enumerate(edges):
        ends_at[edge.first].append(2 * index)
        ends_at[edge.last].append(2 * index + 1)
    pairing = _Pairing(edges, reach)
    for ends in ends_at.values():
        pairing.pair(ends)
    pairing.merge_trails(list(ends_at.values()))
    steps = pairing.trail()
    parts: list[Stroke] = []
    for end in steps:
        points = edges[end >> 1].points
        points = points if end % 2 == 0 else points[::-1]
        parts.append(points[1:] if parts else points)
    trail = np.concatenate(parts)
    return trail[::-1] if _starts_better_at_its_end(trail) else trail


def _starts_better_at_its_end(trail: Stroke) -> bool:
    (x0, y0), (x1, y1) = trail[[0, -1]].tolist()
    if (x0, y0) != (x1, y1):
        return (x1 + y1, y1) < (x0 + y0, y0)
    x, y = (trail - trail[0]).T
    # y points down: an area of more than 0 is clockwise to the eye.
    return float(x[:-1] @ y[1:] - x[1:] @ y[:-1]) > 0


def _heading(points: Stroke, reach: float) -> tuple[float, float]:
    """Unit vector from the first point to where the line is `reach` away from it; 0 for a line that stays there."""
    x0, y0 = points[0].tolist()
    furthest, heading = 0.0, (0.0, 0.0)
    for begin in range(1, len(points), _LOOK):
        for x, y in points[begin : begin + _LOOK].tolist():
            dx, dy = x - x0, y - y0
            distance = math.hypot(dx, dy)
            if distance > furthest:
                furthest, heading = distance, (dx / distance, dy / distance)
            if distance >= reach:
                return heading
    return heading


class _Pairing:
    """Which end of an edge the pen goes on to from which; -1 where it begins or stops."""

    def __init__(self, edges: list[Edge], reach: float) -> None:
        self.edges = edges
        self.reach = reach
        self.next = [-1] * (2 * len(edges))
        self._headings: dict[int, tuple[float, float]] = {}

    def heading(self, end: int) -> tuple[float, float]:
        """Which way the line leads from that end on; only few ends are ever asked."""
        if end not in self._headings:
            points = self.edges[end >> 1].points
            self._headings[end] = _heading(points if end % 2 == 0 else points[::-1], self.reach)
        return self._headings[end]

    def turn(self, a: int, b: int) -> float:
        """How much the pen turns from one end to another: 0 straight on to 2 back; nothing where it stops."""
        if a < 0 or b < 0:
            return 0.0
        (ax, ay), (bx, by) = self.heading(a), self.heading(b)
        return 1.0 + ax * bx + ay * by

    def pair(self, ends: list[int]) -> None:
        """Pair the ends at a node with the least turning; of an odd number one stays free."""
        ends = ends if len(ends) % 2 == 0 else [*ends, -1]
        if len(ends) == 2:
            pairs = [(ends[0], ends[1])]
        elif len(ends) == 4:
            a, b, c, d = ends
            ways = [[(a, b), (c, d)], [(a, c), (b, d)], [(a, d), (b, c)]]
            pairs = min(ways, key=lambda way: self.turn(*way[0]) + self.turn(*way[1]))
        elif len(ends) <= _EXACT_ENDS:
            _, pairs = self._best_pairs(ends)
        else:
            pairs, left = [], set(ends)
            for _, a, b in sorted(
                (self.turn(a, b), a, b) for a, b in combinations(sorted(ends, reverse=True), 2)
            ):
                if a in left and b in left:
                    pairs.append((a, b))
                    left -= {a, b}
        for a, b in pairs:
            self.connect(a, b)

    def connect(self, a: int, b: int) -> None:
        for end, other in ((a, b), (b, a)):
            if end >= 0:
                self.next[end] = other

    def _best_pairs(self, ends: list[int]) -> tuple[float, list[tuple[int, int]]]:
        if not ends:
            return 0.0, []
        first, rest = ends[0], ends[1:]
        options = []
        for i, other in enumerate(rest):
            cost, pairs = self._best_pairs(rest[:i] + rest[i + 1 :])
            options.append((cost + self.turn(first, other), [(first, other), *pairs]))
        return min(options, key=lambda option: option[0])

    def merge_trails(self, nodes: list[list[int]]) -> None:
        """Make one trail of all, by crossing over between two trails at a node where that turns least."""
        trail_of = self._trails()
        above = list(range(len(trail_of)))

        def root(trail: int) -> int:
            while above[trail] != trail:
                above[trail] = above[above[trail]]
                trail = above[trail]
            return trail

        while len({root(trail) for trail in trail_of}) > 1:
            options = []
            for ends in nodes:
                pairs = [(end, self.next[end]) for end in ends if self.next[end] < end]
                if len({root(trail_of[end >> 1]) for end, _ in pairs}) < 2:
                    continue
                for (a, b), (c, d) in combinations(pairs, 2):
                    if root(trail_of[a >> 1]) != root(trail_of[c >> 1]):
                        now = self.turn(a, b) + self.turn(c, d)
                        options.append((self.turn(a, c) + self.turn(b, d) - now, a, b, c, d))
                        options.append((self.turn(a, d) + self.turn(b, c) - now, a, b, d, c))
            for _, a, b, c, d in sorted(options):
                # An earlier crossing may have re-paired these ends, or made one trail of the two.
                one, other = root(trail_of[a >> 1]), root(trail_of[max(c, d) >> 1])
                if one != other and self._are_paired(a, b) and self._are_paired(c, d):
                    self.connect(a, c)
                    self.connect(b, d)
                    above[other] = one

    def _are_paired(self, a: int, b: int) -> bool:
        return self.next[a] == b if a >= 0 else self.next[b] == a

    def _trails(self) -> list[int]:
        """A number for each edge, the same for edges of one trail."""
        trail_of = [-1] * (len(self.next) // 2)
        for start in [*(end for end, other in enumerate(self.next) if other < 0), *range(len(self.next))]:
            end = start
            while end >= 0 and trail_of[end >> 1] < 0:
                trail_of[end >> 1] = start >> 1
                end = self.next[end ^ 1]
        return trail_of

    def trail(self) -> list[int]:
        """The ends from which the edges are drawn, in order; a closed trail is opened where it turns most."""
        if -1 not in self.next:
            start = max(range(len(self.next)), key=lambda end: self.turn(end, self.next[end]))
            self.next[self.next[start]] = -1
            self.next[start] = -1
        end = self.next.index(-1)
        steps = []
        while end >= 0:
            steps.append(end)
            end = self.next[end ^ 1]
        return steps
