"""Runs: edges that two lines share, and spikes, where one line turns back on itself.

Two odd junctions joined by a short edge are two lines that share a run (Kato and Yasuhara 2000 call such
edges double-traced): both lines get the run. An odd junction with a short dead end is a sharp corner.
"""

from __future__ import annotations

import numpy as np

from singleline_pipeline.tracing.arms import Arm
from singleline_pipeline.tracing.crossings import ArmKey, Crossing
from singleline_pipeline.tracing.graph import Edge
from singleline_pipeline.tracing.matching import ALONE, match, pair_costs

LONGEST_SHARED = 12.0
"""Longest run in pen widths that two lines are believed to share."""
LONGEST_SPIKE = 12.0
"""The same for a line that turns back on itself."""
MOST_RUNS = 3
"""Edges that a shared run is made of at most: other lines may cross it."""
SHARED_COST_WIDE, SHARED_COST_THIN = 0.06, 0.25
"""Cost of a shared run per pen width of its length, where its ink is wider than the pen, and where it is
not."""
NEVER = 1e6


def share_runs(
    crossings: list[Crossing],
    edges: list[Edge],
    arms: dict[ArmKey, Arm],
    mask: np.ndarray,
    pen: float,
    dropped: set[int],
) -> list[Crossing]:
    """Odd crossings joined over a short run where two lines that go on together cost less than two loose
    ends.

    The run may pass even crossings: other lines may cross two lines that share a run.
    """
    home = {key: number for number, crossing in enumerate(crossings) for key in crossing.arms}
    odd = {number for number, crossing in enumerate(crossings) if len(crossing.arms) % 2}
    own_cost: dict[int, float] = {}
    offers = []
    for start in sorted(odd):
        for runs, members in _routes(start, crossings, edges, arms, home, odd, pen):
            for number in members:
                if number not in own_cost:
                    own_cost[number] = _matching_cost(crossings[number], edges, arms, mask, pen)
            apart = sum(own_cost[number] for number in members)
            price = sum(_run_cost(edges, run, arms, pen) for run in runs)
            if price >= apart:
                continue
            shared = _matching_cost(_joined(crossings, runs, members), edges, arms, mask, pen) + price
            if shared < apart:
                offers.append((apart - shared, runs, members))
    taken: set[int] = set()
    for _, runs, members in sorted(offers, key=lambda offer: (-offer[0], offer[1])):
        if taken & set(members):
            continue
        taken |= set(members)
        crossings[members[0]] = _joined(crossings, runs, members)
        for number in members[1:]:
            crossings[number] = Crossing([])
        dropped |= set(runs)
    return [crossing for crossing in crossings if crossing.nodes]


def _joined(crossings: list[Crossing], runs: tuple[int, ...], members: tuple[int, ...]) -> Crossing:
    """One crossing of all those along a shared run."""
    group = [crossings[number] for number in members]
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


def _routes(
    start: int,
    crossings: list[Crossing],
    edges: list[Edge],
    arms: dict[ArmKey, Arm],
    home: dict[ArmKey, int],
    odd: set[int],
    pen: float,
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Runs of at most MOST_RUNS edges from an odd crossing to another with a greater number, over even ones
    between.

    Each with the edges and the crossings it passes, ends included.
    """
    found = []
    stack: list[tuple[tuple[int, ...], tuple[int, ...], float]] = [((), (start,), 0.0)]
    while stack:
        runs, members, length = stack.pop()
        for number, end in crossings[members[-1]].arms:
            other = home.get((number, 1 - end))
            if other is None or other in members or number in runs:
                continue
            total = length + max(0, _free_length(edges, number, arms))
            if total > LONGEST_SHARED * pen:
                continue
            if other in odd:
                if other > start:
                    found.append(((*runs, number), (*members, other)))
            elif len(runs) + 1 < MOST_RUNS:
                stack.append(((*runs, number), (*members, other), total))
    return found


def _free_length(edges: list[Edge], number: int, arms: dict[ArmKey, Arm]) -> int:
    """Length in px of an edge outside of the blots at its ends."""
    return (
        len(edges[number].points)
        - 1
        - sum(arms[number, end].start for end in (0, 1) if (number, end) in arms)
    )


def _run_cost(edges: list[Edge], number: int, arms: dict[ArmKey, Arm], pen: float) -> float:
    """Cost of believing that two lines lie on one edge: ink wider than the pen speaks for it."""
    radius = edges[number].radius
    middle = radius[len(radius) // 4 : len(radius) - len(radius) // 4]
    wide = len(middle) > 0 and float(np.median(middle)) > 0.58 * pen + 0.4
    return max(_free_length(edges, number, arms), 0) / pen * (SHARED_COST_WIDE if wide else SHARED_COST_THIN)


def arm_costs(
    crossing: Crossing, edges: list[Edge], arms: dict[ArmKey, Arm], mask: np.ndarray, pen: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[int]]:
    """What matching the arms takes: costs of pairs, of staying alone, share off the ink, and the spikes.

    A spike is an edge that leads nowhere from an odd crossing. Where the pen turned back sharply both of its
    lines lie on it, so it gets a second arm, at the end of the list, that need not be used; spikes are their
    places among the arms.
    """
    keys = crossing.arms
    spikes = []
    if len(keys) % 2:
        spikes = [
            place
            for place, (number, end) in enumerate(keys)
            if (number, 1 - end) not in arms and len(edges[number].points) <= LONGEST_SPIKE * pen
        ]
    places = [*range(len(keys)), *spikes]
    points = np.array([arms[keys[place]].point for place in places])
    headings = np.array([arms[keys[place]].heading for place in places])
    cost, off = pair_costs(points, headings, np.array([keys[place][0] for place in places]), mask)
    side = np.array([crossing.sides.get(keys[place], -1) for place in places])
    cost[(side[:, None] == side[None]) & (side[:, None] >= 0)] = NEVER
    alone = np.full(len(places), ALONE if len(keys) != 2 else 10.0)
    for second, place in enumerate(spikes, start=len(keys)):
        cost[second] += _run_cost(edges, keys[place][0], arms, pen)
        cost[:, second] = cost[second]
        # A spike's two arms are one line out and back: neither may go into another spike's.
        cost[second, spikes] = cost[spikes, second] = NEVER
        cost[second, len(keys) :] = cost[len(keys) :, second] = NEVER
        alone[second] = 0.0
    return cost, alone, off, spikes


def _matching_cost(
    crossing: Crossing, edges: list[Edge], arms: dict[ArmKey, Arm], mask: np.ndarray, pen: float
) -> float:
    if not crossing.arms:
        return 0.0
    cost, alone, _, _ = arm_costs(crossing, edges, arms, mask, pen)
    return match(cost, alone)[1]
