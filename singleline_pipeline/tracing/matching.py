"""Matching: which arm of a junction goes on as which other one.

The cost of a pair is the bending energy of the curve that joins the two arms, plus what of it runs off the
ink. An arm may stay alone, but a drawing is one line and ends nowhere as a rule: being alone costs more than
any bend.
"""

from __future__ import annotations

from functools import cache

import numpy as np

ALONE = 3.0
"""Cost of an arm that ends at the junction: two of them are dearer than any turn but a turn right back."""
OFF_INK = 4.0
SAME_EDGE = 0.8
"""Extra cost of closing one edge into a ring of its own: a line runs on through its loop."""
BLUR = 2.0
"""Length in px over which it is not known where exactly an arm leaves a blot."""
NEVER = 1e6
"""Cost of what is no line."""
EXACT_ARMS = 10
INTERIOR = np.linspace(0.1, 0.9, 9)


def pair_costs(
    points: np.ndarray, headings: np.ndarray, edges: np.ndarray, mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(k, k) cost of joining each pair of arms, and (k, k) share of the joining curve that is off the ink.

    points, headings: (k, 2), headings run into the junction. edges: (k,) edge numbers. mask: uint8 (h, w)
    ink.
    """
    chord = points[None] - points[:, None]
    length = np.hypot(chord[..., 0], chord[..., 1])
    leave = -headings[None] + np.zeros_like(chord)
    enter = headings[:, None] + np.zeros_like(chord)
    # Arms that meet in a point have no chord; the mean of their directions stands in for it.
    mean = enter + leave
    chord = np.where(length[..., None] < 0.5, mean, chord)
    # A step aside between points so near to each other is chance, not a bend.
    chord = chord + BLUR * mean / np.maximum(np.hypot(mean[..., 0], mean[..., 1]), 1e-9)[..., None]
    first, second = _angle(chord, enter), _angle(chord, leave)
    energy = first**2 + first * second + second**2
    curve = hermite(points[:, None], enter, points[None], leave, INTERIOR)
    x = np.clip(np.rint(curve[..., 0]).astype(np.intp), 0, mask.shape[1] - 1)
    y = np.clip(np.rint(curve[..., 1]).astype(np.intp), 0, mask.shape[0] - 1)
    off = 1.0 - mask[y, x].mean(axis=-1)
    cost = energy + OFF_INK * off + SAME_EDGE * (edges[:, None] == edges[None])
    return cost, off


def tip_costs(points: np.ndarray, headings: np.ndarray, tip: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(k,) cost of leading each arm to a point where its line may turn, NEVER where the way is not ink.

    points, headings: (k, 2), headings run into the junction. tip: (2,). mask: uint8 (h, w) ink.
    """
    chord = tip - points
    # The bending energy of a line that may arrive in any direction is the least over all of them.
    energy = 0.75 * _angle(headings, chord) ** 2
    way = points[:, None] + chord[:, None] * INTERIOR[:, None]
    x = np.clip(np.rint(way[..., 0]).astype(np.intp), 0, mask.shape[1] - 1)
    y = np.clip(np.rint(way[..., 1]).astype(np.intp), 0, mask.shape[0] - 1)
    off = 1.0 - mask[y, x].mean(axis=-1)
    return np.where(off > 0.25, NEVER, energy + OFF_INK * off)


def match(cost: np.ndarray, alone: np.ndarray) -> tuple[list[tuple[int, int]], float]:
    """Pairs of arms (i < j) of least total cost, and that cost. cost: (k, k) symmetric; alone: (k,)."""
    count = len(cost)
    symmetric = ((cost + cost.T) / 2).tolist()
    single = alone.tolist()
    if count > EXACT_ARMS:
        return _match_greedily(symmetric, single)

    @cache
    def best(left: int) -> tuple[float, tuple[tuple[int, int], ...]]:
        if left == 0:
            return 0.0, ()
        i = (left & -left).bit_length() - 1
        rest = left & (left - 1)
        value, pairs = best(rest)
        result = (value + single[i], pairs)
        remaining = rest
        while remaining:
            j = (remaining & -remaining).bit_length() - 1
            remaining &= remaining - 1
            if symmetric[i][j] < single[i] + single[j]:
                value, pairs = best(rest & ~(1 << j))
                if value + symmetric[i][j] < result[0]:
                    result = (value + symmetric[i][j], ((i, j), *pairs))
        return result

    total, pairs = best((1 << count) - 1)
    return list(pairs), total


def _match_greedily(cost: list[list[float]], alone: list[float]) -> tuple[list[tuple[int, int]], float]:
    """The cheapest pair first: for tangles of so many arms that all matchings cannot be tried."""
    count = len(cost)
    order = sorted((cost[i][j], i, j) for i in range(count) for j in range(i + 1, count))
    free = set(range(count))
    pairs, total = [], 0.0
    for value, i, j in order:
        if i in free and j in free and value < alone[i] + alone[j]:
            free -= {i, j}
            pairs.append((i, j))
            total += value
    return pairs, total + sum(alone[i] for i in free)


def hermite(
    start: np.ndarray, enter: np.ndarray, end: np.ndarray, leave: np.ndarray, t: np.ndarray
) -> np.ndarray:
    """(..., len(t), 2) cubic from `start` to `end` with unit directions `enter` and `leave`, all (..., 2)."""
    start, end = np.broadcast_arrays(start, end)
    reach = np.hypot(end[..., 0] - start[..., 0], end[..., 1] - start[..., 1])[..., None]
    t = t[:, None]
    h00, h10 = 2 * t**3 - 3 * t**2 + 1, t**3 - 2 * t**2 + t
    h01, h11 = 3 * t**2 - 2 * t**3, t**3 - t**2
    return (
        h00 * start[..., None, :]
        + h10 * (enter * reach)[..., None, :]
        + h01 * end[..., None, :]
        + h11 * (leave * reach)[..., None, :]
    )


def _angle(base: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Signed angle from `base` to `vector`, both (..., 2), in radians."""
    cross = base[..., 0] * vector[..., 1] - base[..., 1] * vector[..., 0]
    return np.arctan2(cross, (base * vector).sum(axis=-1))
