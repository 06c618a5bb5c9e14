"""Bridging: ends that face each other over a gap in the ink are one line.

The pen skips, a faded stretch falls under the threshold, and where a line crosses the binder its ink cannot
be told from the ring's.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from singleline_pipeline.tracing.matching import hermite
from singleline_pipeline.tracing.refine import resample

WIDEST_TURN = 0.8
"""Largest angle in radians between an end's direction and the bridge."""
CORNER_GAP, WIDEST_CORNER, WIDEST_CORNER_TURN = 4.0, 1.9, 2.8
"""Longest gap in pen widths in which a line may have turned a corner, and the largest angles there: between
an end's direction and the bridge, and of the turn as a whole."""
RING_GAP = 20.0
"""Longest bridge in pen widths where it runs under a ring."""


def bridge_gaps(
    strokes: list[np.ndarray], pen: float, gap: float, hidden: np.ndarray | None
) -> list[np.ndarray]:
    """Strokes with their gaps closed. gap: px. hidden: uint8 (h, w), 1 where a ring was taken away, or
    None."""
    open_strokes = [k for k, stroke in enumerate(strokes) if not _is_closed(stroke)]
    if len(open_strokes) < 1:
        return strokes
    ends = [(k, end) for k in open_strokes for end in (0, 1)]
    points = np.array([strokes[k][-end] for k, end in ends])
    headings = np.array([_heading(strokes[k] if end == 1 else strokes[k][::-1], pen) for k, end in ends])
    reach = max(gap, RING_GAP * pen) if hidden is not None else gap
    pairs = cKDTree(points).query_pairs(reach, output_type="ndarray")
    if len(pairs) == 0:
        return strokes
    i, j = pairs[:, 0], pairs[:, 1]
    chord = points[j] - points[i]
    length = np.hypot(chord[:, 0], chord[:, 1])
    unit = chord / np.maximum(length, 1e-9)[:, None]
    first = np.arccos(np.clip((headings[i] * unit).sum(axis=1), -1, 1))
    second = np.arccos(np.clip(-(headings[j] * unit).sum(axis=1), -1, 1))
    turn = np.arccos(np.clip(-(headings[i] * headings[j]).sum(axis=1), -1, 1))
    touching = length < 1.2 * pen
    first, second = np.where(touching, turn / 2, first), np.where(touching, turn / 2, second)
    visible = length.copy()
    if hidden is not None:
        t = np.linspace(0, 1, 17)[:, None]
        samples = np.rint(points[i][:, None] + chord[:, None] * t).astype(np.intp)
        x = np.clip(samples[..., 0], 0, hidden.shape[1] - 1)
        y = np.clip(samples[..., 1], 0, hidden.shape[0] - 1)
        visible *= 1 - hidden[y, x].mean(axis=1)
    ok = (np.maximum(first, second) < WIDEST_TURN) & (visible <= gap)
    bend = _turns_left(headings[i], unit) * _turns_left(unit, -headings[j])
    corner = (np.maximum(first, second) < WIDEST_CORNER) & (first + second < WIDEST_CORNER_TURN) & (bend > 0)
    ok |= corner & (length <= CORNER_GAP * pen) & ~touching
    # A closing of a stroke onto itself is a gap in a loop; a short stroke must not be rolled up.
    same = i // 2 == j // 2
    own = np.array([len(strokes[ends[a][0]]) for a in i.tolist()])
    ok &= ~same | (own > 6 * length + 6 * pen)
    cost = first**2 + second**2 + 0.05 * length / pen
    order = np.nonzero(ok)[0]
    order = order[np.lexsort((j[order], i[order], cost[order]))]

    partner: dict[int, int] = {}
    for a, b in pairs[order].tolist():
        if a not in partner and b not in partner:
            partner[a], partner[b] = b, a
    if not partner:
        return strokes
    return _linked(strokes, ends, points, headings, partner)


def _linked(
    strokes: list[np.ndarray],
    ends: list[tuple[int, int]],
    points: np.ndarray,
    headings: np.ndarray,
    partner: dict[int, int],
) -> list[np.ndarray]:
    """Strokes walked over their bridges, in the order of the first stroke of each."""
    result: dict[int, np.ndarray] = {}
    used: set[int] = set()
    number_of = {end: number for number, end in enumerate(ends)}
    open_strokes = sorted({k for k, _ in ends})
    free_first = sorted(
        open_strokes, key=lambda k: (number_of[k, 0] in partner and number_of[k, 1] in partner, k)
    )
    for k in free_first:
        if k in used:
            continue
        entry = 1 if number_of[k, 0] in partner and number_of[k, 1] not in partner else 0
        parts: list[np.ndarray] = []
        here, first = number_of[k, entry], k
        while True:
            stroke, end = ends[here]
            used.add(stroke)
            first = min(first, stroke)
            parts.append(strokes[stroke] if end == 0 else strokes[stroke][::-1])
            far = number_of[stroke, 1 - end]
            if far not in partner:
                break
            there = partner[far]
            steps = max(2, round(float(np.hypot(*(points[there] - points[far])))))
            t = np.arange(1, steps) / steps
            parts.append(hermite(points[far], headings[far], points[there], -headings[there], t))
            if ends[there][0] in used:
                if there == number_of[k, entry]:
                    parts.append(points[there][None])
                break
            here = there
        result[first] = np.vstack(parts)
    result |= {k: line for k, line in enumerate(strokes) if k not in used}
    return [result[k] for k in sorted(result)]


def _turns_left(base: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """(n,) 1 where a vector points to the left of another, -1 to the right; both (n, 2)."""
    return np.sign(base[:, 0] * vector[:, 1] - base[:, 1] * vector[:, 0])


def _is_closed(stroke: np.ndarray) -> bool:
    return len(stroke) > 3 and bool(np.all(stroke[0] == stroke[-1]))


def _heading(stroke: np.ndarray, pen: float) -> np.ndarray:
    """(2,) unit direction in which a stroke leaves at its last point, read over three pen widths."""
    tail = resample(stroke[-max(3, round(3 * pen)) - 1 :])
    vector = tail[-1] - tail.mean(axis=0)
    norm = float(np.hypot(*vector))
    return vector / norm if norm > 1e-9 else np.array([1.0, 0.0])
