"""Grouping: which strokes belong to one drawing, before anything is joined.

Connected ink is one drawing. Beyond that, pieces belong together when one lies within the other's box (an
eye in its face) or when they are near for their size; blank paper all around keeps drawings apart.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

BLANK_SHARE = 0.055
"""Blank strip between two boxes, as a share of the page's longer side, that an artist leaves between
drawings."""
TOUCHING_SHARE = 0.02
"""Pieces nearer than this share of the page's longer side are one drawing whatever their size."""
MARK_SHARE = 0.05
"""Size of a lone mark as a share of the page's longer side, up to which it is no drawing."""
WHOLE_SHARE = 0.15
"""Size of a piece as a share of the page's longer side, from which on upwards it can be a drawing of its
own."""
WHOLE_APART = 0.1
"""Distance between two pieces of that size, as a share of the smaller one's, up to which they are still
one."""
SMALL_SHARE = 0.35
"""Size of a piece against a larger one, from which on downwards it is taken for a mark beside it."""


def group_strokes(
    strokes: list[np.ndarray], labels: np.ndarray, page_side: float, apart: float
) -> np.ndarray:
    """(n,) number of the drawing of each stroke, numbered from the top left in reading order.

    labels: int32 (h, w) connected ink. page_side: px, longer side of the page.
    apart: see TraceSettings.
    """
    if not strokes:
        return np.zeros(0, np.int64)
    piece = _connected(strokes, labels)
    count = int(piece.max()) + 1
    spacing = max(1, round(0.003 * page_side))
    sparse = [np.vstack([stroke[::spacing], stroke[-1:]]) for stroke in strokes]
    points = [np.vstack([sparse[k] for k in np.nonzero(piece == p)[0]]) for p in range(count)]
    distance = _distances(points, reach=0.35 * page_side)
    boxes = np.array([[*p.min(axis=0), *p.max(axis=0)] for p in points])

    group = np.arange(count)
    while True:
        pair = _next_merge(group, boxes, distance, page_side, apart)
        if pair is None:
            break
        a, b = pair
        group[group == b] = a
        boxes[a] = [*np.minimum(boxes[a, :2], boxes[b, :2]), *np.maximum(boxes[a, 2:], boxes[b, 2:])]
        distance[a] = np.minimum(distance[a], distance[b])
        distance[:, a] = distance[a]
        distance[a, a] = np.inf
        distance[b], distance[:, b] = np.inf, np.inf
    kept = np.unique(group)
    rows = np.argsort(boxes[kept, 1] + 0.2 * boxes[kept, 0], kind="stable")
    number = np.empty(len(kept), np.int64)
    number[rows] = np.arange(len(kept))
    return number[np.searchsorted(kept, group[piece])]


def lone_marks(strokes: list[np.ndarray], groups: np.ndarray, page_side: float) -> np.ndarray:
    """bool (n,): strokes of groups that are too small for a drawing and stand beside none: a tick, a
    signature.

    Measured against the page and the largest drawing on it: where there is nothing larger, nothing is a mark.
    """
    if not strokes:
        return np.zeros(0, bool)
    boxes = np.array([[*stroke.min(axis=0), *stroke.max(axis=0)] for stroke in strokes])
    count = int(groups.max()) + 1
    low, high = np.full((count, 2), np.inf), np.full((count, 2), -np.inf)
    np.minimum.at(low, groups, boxes[:, :2])
    np.maximum.at(high, groups, boxes[:, 2:])
    size = (high - low).max(axis=1)
    return ((size < MARK_SHARE * page_side) & (size < 0.25 * size.max()))[groups]


def _connected(strokes: list[np.ndarray], labels: np.ndarray) -> np.ndarray:
    """(n,) number of the connected piece of ink of each stroke; a stroke over a bridged gap joins its
    pieces."""
    parent: dict[int, int] = {}

    def root(label: int) -> int:
        parent.setdefault(label, label)
        while parent[label] != label:
            parent[label] = parent[parent[label]]
            label = parent[label]
        return label

    first: list[int] = []
    for stroke in strokes:
        x = np.clip(np.rint(stroke[:, 0]).astype(np.intp), 0, labels.shape[1] - 1)
        y = np.clip(np.rint(stroke[:, 1]).astype(np.intp), 0, labels.shape[0] - 1)
        touched = [label for label in np.unique(labels[y, x]).tolist() if label > 0]
        if not touched:
            # A stroke that misses its own ink by rounding stands for itself.
            touched = [-1 - len(first)]
        first.append(touched[0])
        for other in touched[1:]:
            parent[root(other)] = root(touched[0])
    return np.unique([root(label) for label in first], return_inverse=True)[1]


def _distances(points: list[np.ndarray], reach: float) -> np.ndarray:
    """(m, m) px between the nearest points of two pieces; inf beyond `reach` and on the diagonal."""
    count = len(points)
    owner = np.repeat(np.arange(count), [len(p) for p in points])
    everything = np.vstack(points)
    distance = np.full((count, count), np.inf)
    for k in range(count):
        others = owner != k
        if not others.any():
            break
        near, _ = cKDTree(points[k]).query(everything[others], distance_upper_bound=reach)
        np.minimum.at(distance[k], owner[others], near)
    return np.minimum(distance, distance.T)


def _next_merge(
    group: np.ndarray, boxes: np.ndarray, distance: np.ndarray, page_side: float, apart: float
) -> tuple[int, int] | None:
    """The nearest two groups that are one drawing, smaller number first; None when all are apart."""
    alive = np.unique(group)
    box = boxes[alive]
    size = (box[:, 2:] - box[:, :2]).max(axis=1) + 1
    low = np.maximum(box[:, None, :2], box[None, :, :2])
    high = np.minimum(box[:, None, 2:], box[None, :, 2:])
    shared = np.prod(np.clip(high - low + 1, 0, None), axis=-1)
    area = np.prod(box[:, 2:] - box[:, :2] + 1, axis=-1)
    inside = shared / np.minimum(area[:, None], area[None])
    smaller, larger = np.minimum(size[:, None], size[None]), np.maximum(size[:, None], size[None])
    # A large piece must be near for its own size, a small mark for the size of the drawing that it stands
    # beside.
    near = np.where(
        smaller < SMALL_SHARE * larger, np.maximum(apart * smaller, 0.4 * apart * larger), apart * smaller
    )
    beside = np.where(smaller >= WHOLE_SHARE * page_side, np.minimum(near, WHOLE_APART * smaller), near)
    between = np.clip(
        np.maximum(box[:, None, :2] - box[None, :, 2:], box[None, :, :2] - box[:, None, 2:]), 0, None
    )
    facing = np.hypot(between[..., 0], between[..., 1])
    gap = distance[np.ix_(alive, alive)]
    together = (
        ((gap <= beside) & (facing <= BLANK_SHARE * page_side))
        | (gap <= TOUCHING_SHARE * page_side)
        | ((inside > 0.3) & (gap <= 3 * near))
        | (inside > 0.85)
    )
    np.fill_diagonal(together, False)
    if not together.any():
        return None
    gap = np.where(together, np.where(np.isfinite(gap), gap, 1e12), np.inf)
    a, b = np.unravel_index(int(np.argmin(gap)), gap.shape)
    return int(min(alive[a], alive[b])), int(max(alive[a], alive[b]))
