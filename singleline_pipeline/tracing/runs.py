"""Runs: edges on which two lines lie.

Every crossing that a line only passes has an even number of arms; one with an odd number has a line that
ends there, or an edge on which two lines lie (Kato and Yasuhara 2000 call such edges double-traced). Two odd
crossings are made even by a run of doubled edges between them, and a dead end that is doubled is a line that
turned back on itself: no end at all. Ink wider than the pen speaks for a second line, and its length against
it where the ink is not wider.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

from singleline_pipeline.tracing.arms import Arm
from singleline_pipeline.tracing.crossings import ArmKey, Crossing
from singleline_pipeline.tracing.graph import Edge
from singleline_pipeline.tracing.matching import ALONE, NEVER, match, pair_costs

MOST_RUNS = 4
"""Edges that a shared run is made of at most: other lines may cross it."""
DEAREST_RUN = 6.0
"""Highest price of a run: more than two loose ends is never worth it."""
LONGEST_JOINED = 6.0
"""Longest run in pen widths whose two ends are looked at as one crossing: its lines pass it in one sweep."""
THIN_PRICE, WIDE_PRICE, WIDTH_SLOPE = 0.4, -0.1, 3.0
"""Price of a second line per pen width of length: on ink of the pen's width, its least on wide ink, and how
it falls with the width in pens."""
TIP = 1.0
"""Cost of a line's end at the end of its ink; it costs less than one on another line (ALONE)."""


Offer = tuple[float, int, tuple[int, ...], tuple[int, ...], int]
"""Of a run: minus what it saves, how (see `_gain`), its edges, its crossings, and the stamp of these."""


@dataclass
class ArmCosts:
    """Of the arms of a crossing, in their order: (k, k) cost of each pair, and share of it off the ink."""

    pair: np.ndarray
    off: np.ndarray


def arm_costs(crossing: Crossing, arms: dict[ArmKey, Arm], mask: np.ndarray) -> ArmCosts:
    keys = crossing.arms
    if not keys:
        return ArmCosts(np.zeros((0, 0)), np.zeros((0, 0)))
    points = np.array([arms[key].point for key in keys])
    headings = np.array([arms[key].heading for key in keys])
    cost, off = pair_costs(points, headings, np.array([number for number, _ in keys]), mask)
    side = np.array([crossing.sides.get(key, -1) for key in keys])
    cost[(side[:, None] == side[None]) & (side[:, None] >= 0)] = NEVER
    return ArmCosts(cost, off)


def match_arms(
    crossing: Crossing, costs: ArmCosts, doubled: frozenset[int], spikes: set[int]
) -> tuple[list[int], np.ndarray, list[tuple[int, int]], float]:
    """Places of the arms, those of doubled edges a second time at the end; the cost of each pair of these;
    the pairs of least cost, and that cost.

    spikes: edges that end in the open.
    """
    keys = crossing.arms
    places = [*range(len(keys)), *(place for place, (number, _) in enumerate(keys) if number in doubled)]
    if not places:
        return places, np.zeros((0, 0)), [], 0.0
    cost = costs.pair[np.ix_(places, places)]
    edge = np.array([keys[place][0] for place in places])
    end = np.array([keys[place][1] for place in places])
    cost[(edge[:, None] == edge) & (end[:, None] == end)] = NEVER
    # A spike's two arms are one line out and back: two spikes joined by both would be a line of their own.
    out = np.isin(edge, list(doubled & spikes))
    back = out & (np.arange(len(places)) >= len(keys))
    cost[back[:, None] & out] = cost[out[:, None] & back] = NEVER
    alone = np.full(len(places), ALONE if len(places) != 2 else 10.0)
    pairs, total = match(cost, alone)
    return places, cost, pairs, total


class Doubling:
    """Which runs of a page carry two lines. Changes `crossings` and `dropped` in place."""

    def __init__(
        self,
        crossings: list[Crossing],
        edges: list[Edge],
        arms: dict[ArmKey, Arm],
        mask: np.ndarray,
        pen: float,
        dropped: set[int],
    ) -> None:
        self.crossings, self.edges, self.arms, self.mask = crossings, edges, arms, mask
        self.pen, self.dropped = pen, dropped
        self.doubled: set[int] = set()
        self.home = {key: number for number, crossing in enumerate(crossings) for key in crossing.arms}
        self.spikes = {number for number, end in self.home if (number, 1 - end) not in self.home}
        self.price = {number: self._price(number) for number in {number for number, _ in self.home}}
        self.costs = [arm_costs(crossing, arms, mask) for crossing in crossings]
        self._changes = [0] * len(crossings)
        self._matched: dict[tuple[int, frozenset[int]], float] = {}

    def _free_length(self, number: int) -> int:
        """Length in px of an edge outside of the blots at its ends."""
        starts = sum(self.arms[number, end].start for end in (0, 1) if (number, end) in self.arms)
        return len(self.edges[number].points) - 1 - starts

    def _price(self, number: int) -> float:
        """Cost of believing that two lines lie on an edge."""
        edge = self.edges[number]
        first = self.arms[number, 0].start if (number, 0) in self.arms else round(0.5 * self.pen)
        last = self.arms[number, 1].start if (number, 1) in self.arms else round(0.5 * self.pen)
        width = edge.width[first : len(edge.width) - last]
        per_pen = np.clip(THIN_PRICE - WIDTH_SLOPE * (width / self.pen - 1.05), WIDE_PRICE, THIN_PRICE)
        return float(per_pen.sum()) / self.pen

    def run(self) -> None:
        """Take runs, the one that saves most first, until none saves anything."""
        heap: list[Offer] = []
        for start in range(len(self.crossings)):
            for runs, members in self._routes(start):
                self._offer(heap, runs, members)
        while heap:
            _, kind, runs, members, stamp = heapq.heappop(heap)
            if not self._valid(runs, members):
                continue
            if stamp != self._stamp(members):
                self._offer(heap, runs, members)
                continue
            if kind == 0:
                self._join(runs, members)
            else:
                self.doubled |= set(runs)
            for member in members:
                if member >= 0:
                    self._changes[member] += 1

    def _stamp(self, members: tuple[int, ...]) -> int:
        """Rises with every change to one of the crossings."""
        return sum(self._changes[member] for member in members if member >= 0)

    def _offer(self, heap: list[Offer], runs: tuple[int, ...], members: tuple[int, ...]) -> None:
        gain, kind = self._gain(runs, members)
        if gain > 1e-9:
            stamp = self._stamp(members)
            heapq.heappush(heap, (-gain, kind, runs, members, stamp))

    def _odd(self, number: int) -> bool:
        arms = self.crossings[number].arms
        return (len(arms) + sum(edge in self.doubled for edge, _ in arms)) % 2 == 1

    def _valid(self, runs: tuple[int, ...], members: tuple[int, ...]) -> bool:
        if any(run in self.doubled or run in self.dropped for run in runs):
            return False
        if any(member >= 0 and not self.crossings[member].nodes for member in members):
            return False
        return all(member < 0 or self._odd(member) for member in (members[0], members[-1]))

    def _match_cost(self, number: int, doubled: frozenset[int]) -> float:
        key = (number, doubled)
        if key not in self._matched:
            crossing = self.crossings[number]
            self._matched[key] = match_arms(crossing, self.costs[number], doubled, self.spikes)[3]
        return self._matched[key]

    def _gain(self, runs: tuple[int, ...], members: tuple[int, ...]) -> tuple[float, int]:
        """What believing in a run saves, and 0 where its crossings are best seen as one, or 1."""
        before = after = 0.0
        price = sum(self.price[run] for run in runs)
        for member in members:
            if member < 0:
                before += TIP
                continue
            own = frozenset(e for e, _ in self.crossings[member].arms if e in self.doubled)
            more = frozenset(e for e, _ in self.crossings[member].arms if e in runs)
            before += self._match_cost(member, own)
            after += self._match_cost(member, own | more)
        gain = before - after - price
        if self._short(runs, members):
            whole = self._joined(runs, members)
            costs = arm_costs(whole, self.arms, self.mask)
            joined = match_arms(whole, costs, frozenset(), self.spikes)[3]
            if before - joined - price >= gain:
                return before - joined - price, 0
        return gain, 1

    def _short(self, runs: tuple[int, ...], members: tuple[int, ...]) -> bool:
        """Whether a run's crossings may be seen as one: near to each other, and no other run at them."""
        length = sum(max(0, self._free_length(run)) for run in runs)
        arms = [key for member in members if member >= 0 for key in self.crossings[member].arms]
        return (
            -1 not in members
            and length <= LONGEST_JOINED * self.pen
            and not any(number in self.doubled for number, _ in arms)
        )

    def _routes(self, start: int) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Runs that may be doubled from a crossing on: edges, and the crossings they pass, -1 an open end.

        Of those between two crossings only the ones to a greater number; those between two open ends from
        the crossing at the first one.
        """
        found = []
        stack: list[tuple[tuple[int, ...], tuple[int, ...], float]] = []
        if self._odd(start):
            stack.append(((), (start,), 0.0))
        else:
            stack += [
                ((number,), (-1, start), max(0.0, self.price[number]))
                for number, _ in self.crossings[start].arms
                if number in self.spikes
            ]
        while stack:
            runs, members, price = stack.pop()
            for number, end in self.crossings[members[-1]].arms:
                if number in runs:
                    continue
                total = price + max(0.0, self.price[number])
                if total > DEAREST_RUN:
                    continue
                if number in self.spikes:
                    if members[0] >= 0 or number > runs[0]:
                        found.append(((*runs, number), (*members, -1)))
                    continue
                other = self.home[number, 1 - end]
                if other in members:
                    continue
                if self._odd(other):
                    if members[0] >= 0 and other > start:
                        found.append(((*runs, number), (*members, other)))
                elif len(runs) + 1 < MOST_RUNS:
                    stack.append(((*runs, number), (*members, other), total))
        return found

    def _join(self, runs: tuple[int, ...], members: tuple[int, ...]) -> None:
        whole = self._joined(runs, members)
        self.crossings[members[0]] = whole
        self.costs[members[0]] = arm_costs(whole, self.arms, self.mask)
        for member in members[1:]:
            self.crossings[member] = Crossing([])
            self.costs[member] = arm_costs(self.crossings[member], self.arms, self.mask)
        for key in whole.arms:
            self.home[key] = members[0]
        self.dropped |= set(runs)
        self._matched = {key: value for key, value in self._matched.items() if key[0] not in members}

    def _joined(self, runs: tuple[int, ...], members: tuple[int, ...]) -> Crossing:
        """One crossing of all those along a shared run."""
        group = [self.crossings[number] for number in members]
        sides: dict[ArmKey, int] = {}
        for side, crossing in ((0, group[0]), (1, group[-1])):
            # Of three arms one is the run: both others go along it.
            if len(crossing.arms) == 3:
                sides |= {key: side for key in crossing.arms if key[0] not in runs}
        return Crossing(
            nodes=[node for crossing in group for node in crossing.nodes],
            inner=[number for crossing in group for number in crossing.inner] + list(runs),
            arms=[key for crossing in group for key in crossing.arms if key[0] not in runs],
            tips=[tip for crossing in group for tip in crossing.tips],
            sides=sides,
        )
