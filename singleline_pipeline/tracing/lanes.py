"""Lanes: where on the ink of a shared run its two lines lie, and which goes on as which.

Two lines on one edge look the same from each of its ends, so the crossings there pair its lanes with what
comes and goes in any order. Whether the lines change sides on the run is told by their bending from end to
end; how far they lie apart by how much wider than the pen their ink is.
"""

from __future__ import annotations

import numpy as np

from singleline_pipeline.tracing.arms import Arm
from singleline_pipeline.tracing.crossings import ArmKey
from singleline_pipeline.tracing.graph import Edge
from singleline_pipeline.tracing.matching import pair_costs
from singleline_pipeline.tracing.refine import smooth_all
from singleline_pipeline.tracing.resolved import Resolved

CHANGE_OVER = 3.0
"""Length in pen widths to each side of the narrowest place over which two lines change sides."""
APART = 1.5
"""Width in pens of the narrowest ink of a run up to which its lines may have met there."""
LOOK_OUT = 2.0
"""Distance in pen widths from a run at which the side of a line is read."""


def place_lanes(
    edges: list[Edge],
    arms: dict[ArmKey, Arm],
    lanes: dict[int, int],
    resolved: list[Resolved],
    pen: float,
) -> None:
    """Move the edges of lanes apart, in place. lanes: edge and its second line."""
    partner = _partners(resolved)
    for number, other in lanes.items():
        first, last = _sides(number, other, partner, arms, lanes, pen)
        first, last = first or last or 1.0, last or first or 1.0
        _move_apart(edges, number, other, first, last, pen)


def choose_lanes(
    edges: list[Edge],
    arms: dict[ArmKey, Arm],
    lanes: dict[int, int],
    resolved: list[Resolved],
    mask: np.ndarray,
    pen: float,
) -> None:
    """Exchange lanes at an end of their run, in place, where its lines went on the other way.

    Lines that change sides meet in one pen's width of ink on the way. Where there is such a place, and they
    may or may not have changed sides, the smoother way is taken.
    """
    for chain in _chains(lanes, _partners(resolved)):
        partner = _partners(resolved)
        number, end = chain[0]
        narrowest = min(_narrowest(edges[run], pen) for run, _ in chain)
        if narrowest > APART * pen:
            first, last = _sides(number, lanes[number], partner, arms, lanes, pen)
            twisted = first * last < 0
        else:
            twisted = _smoother_exchanged(number, end, partner, arms, lanes, mask)
        if twisted:
            _exchange(resolved, (number, end), (lanes[number], end))


def _narrowest(edge: Edge, pen: float) -> float:
    """Least width in px of the ink of an edge, off its ends."""
    margin = min(round(pen), (len(edge.width) - 1) // 2)
    return float(smooth_all([edge.width[margin : len(edge.width) - margin, None]], 0.5 * pen)[0].min())


def _sides(
    number: int,
    other: int,
    partner: dict[ArmKey, ArmKey],
    arms: dict[ArmKey, Arm],
    lanes: dict[int, int],
    pen: float,
) -> tuple[float, float]:
    """1 or -1, the side of the line `number` at the first and the last point of its edge; 0 not known."""
    sides = []
    for end in (0, 1):
        one, two = (_lateral((lane, end), partner, arms, lanes, pen) for lane in (number, other))
        side = 0.0 if one is None or two is None else float(np.sign(one - two))
        sides.append(-side if end == 0 else side)
    return sides[0], sides[1]


def _partners(resolved: list[Resolved]) -> dict[ArmKey, ArmKey]:
    partner = {}
    for item in resolved:
        for one, other in item.joined():
            partner[one], partner[other] = other, one
    return partner


def _chains(lanes: dict[int, int], partner: dict[ArmKey, ArmKey]) -> list[list[ArmKey]]:
    """Shared runs, each as the far ends of its edges in the order of the run; only first lines' numbers."""
    owner = {**{number: number for number in lanes}, **{other: number for number, other in lanes.items()}}
    chains: list[list[ArmKey]] = []
    seen: set[int] = set()
    for number in lanes:
        if number in seen:
            continue
        chain: list[ArmKey] = [(number, 1)]
        seen.add(number)
        for forward in (True, False):
            here = (number, 1 if forward else 0)
            while True:
                following = partner.get(here)
                if following is None or following[0] not in owner or owner[following[0]] in seen:
                    break
                run = owner[following[0]]
                seen.add(run)
                here = (following[0], 1 - following[1])
                if forward:
                    chain.append((run, here[1]))
                else:
                    chain.insert(0, (run, 1 - here[1]))
        chains.append(chain)
    return chains


def _outer(key: ArmKey, partner: dict[ArmKey, ArmKey], owners: set[int]) -> tuple[ArmKey, ArmKey | None]:
    """The last arm on the run in a lane's direction, and the arm of the line that goes on from there."""
    for _ in range(2 * len(owners) + 1):
        following = partner.get(key)
        if following is None or following[0] not in owners:
            return key, following
        key = (following[0], 1 - following[1])
    return key, None


def _smoother_exchanged(
    number: int,
    end: int,
    partner: dict[ArmKey, ArmKey],
    arms: dict[ArmKey, Arm],
    lanes: dict[int, int],
    mask: np.ndarray,
) -> bool:
    """Whether the lines of a run bend less from end to end when its two lanes are exchanged at one end."""
    owners = set(lanes) | set(lanes.values())
    outer = [
        _outer((lane, way), partner, owners)[1] for way in (1 - end, end) for lane in (number, lanes[number])
    ]
    four = [arms[key] for key in outer if key is not None]
    if len(four) < 4:
        return False
    cost, _ = pair_costs(
        np.array([arm.point for arm in four]),
        np.array([arm.heading for arm in four]),
        np.arange(4),
        mask,
    )
    return bool(cost[0, 3] + cost[1, 2] < cost[0, 2] + cost[1, 3] - 1e-9)


def _exchange(resolved: list[Resolved], one: ArmKey, other: ArmKey) -> None:
    """What goes on from one arm goes on from the other, and the other way round; both are at one crossing."""
    for item in resolved:
        if one in item.keys and other in item.keys:
            i, j = item.keys.index(one), item.keys.index(other)
            swap = {i: j, j: i}
            exchanged = [(swap.get(a, a), swap.get(b, b)) for a, b in item.pairs]
            item.pairs[:] = [(min(pair), max(pair)) for pair in exchanged]
            item.turns[:] = [(swap.get(a, a), swap.get(b, b), key) for a, b, key in item.turns]


def _lateral(
    key: ArmKey,
    partner: dict[ArmKey, ArmKey],
    arms: dict[ArmKey, Arm],
    lanes: dict[int, int],
    pen: float,
) -> float | None:
    """Distance in px to the left of a run, looking along it out of its end, of the line that goes on."""
    here, following = _outer(key, partner, set(lanes) | set(lanes.values()))
    if following is None:
        return None
    arm, run = arms[following], arms[here]
    reached = arm.point - LOOK_OUT * pen * arm.heading - run.point
    return float(run.heading[0] * reached[1] - run.heading[1] * reached[0])


def _move_apart(edges: list[Edge], number: int, other: int, first: float, last: float, pen: float) -> None:
    """first, last: 1 or -1, the side of the line `number` at the first and the last point."""
    edge = edges[number]
    count = len(edge.points)
    apart = half_apart(edge, pen)
    side = np.full(count, first)
    if first != last:
        margin = count // 5
        place = margin + int(np.argmin(edge.width[margin : count - margin]))
        step = (np.arange(count) - place) / (CHANGE_OVER * pen)
        side = first * -np.clip(step, -1, 1)
    shift = apart * side[:, None]
    edges[number] = Edge(edge.a, edge.b, edge.points + shift, edge.radius, edge.width)
    edges[other] = Edge(edge.a, edge.b, edge.points - shift, edge.radius, edge.width)


def half_apart(edge: Edge, pen: float) -> np.ndarray:
    """(n, 2) px from the middle of an edge's ink to one of two lines that lie on it, the one to the left."""
    tangent = np.gradient(smooth_all([edge.points], pen)[0], axis=0)
    normal = np.column_stack([-tangent[:, 1], tangent[:, 0]])
    normal /= np.maximum(np.hypot(normal[:, 0], normal[:, 1]), 1e-9)[:, None]
    width = smooth_all([np.column_stack([edge.width, edge.width])], pen)[0][:, 0]
    return normal * (np.clip(width - pen, 0.0, pen) / 2)[:, None]
