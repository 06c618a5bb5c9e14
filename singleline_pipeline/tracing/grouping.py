"""Grouping: which strokes belong to one drawing, before anything is joined.

Connected ink is one drawing, and ink that nearly touches; what else is tied to it is told from boxes and line
(`geometry.bonds`).
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from singleline_pipeline.geometry.bonds import Pieces, bind

TOUCHING_SHARE = 0.015
"""Ink nearer than this share of the page's longer side is one drawing whatever it is."""
MARK_SHARE = 0.05
"""Size of a lone mark as a share of the page's longer side, up to which it is no drawing."""


def group_strokes(
    strokes: list[np.ndarray], labels: np.ndarray, page_side: float, apart: float
) -> np.ndarray:
    """(n,) number of the drawing of each stroke, numbered from the top left in reading order.

    labels: int32 (h, w) connected ink. page_side: px, longer side of the page.
    apart: see TraceSettings.
    """
    if not strokes:
        return np.zeros(0, np.int64)
    pieces, piece = _pieces(strokes, _connected(strokes, labels), page_side)
    group = bind(pieces, apart)
    kept = np.unique(group)
    boxes = pieces.box[kept]
    rows = np.argsort(boxes[:, 1] + 0.2 * boxes[:, 0], kind="stable")
    number = np.empty(len(kept), np.int64)
    number[rows] = np.arange(len(kept))
    return number[np.searchsorted(kept, group[piece])]


def _pieces(strokes: list[np.ndarray], piece: np.ndarray, page_side: float) -> tuple[Pieces, np.ndarray]:
    """Pieces of ink that touch, and the number of the one that each stroke belongs to.

    piece: (n,) number of the connected ink of each stroke.
    """
    spacing = max(1, round(0.003 * page_side))
    sparse = [np.vstack([stroke[::spacing], stroke[-1:]]) for stroke in strokes]
    owner = np.repeat(piece, [len(points) for points in sparse])
    pairs = cKDTree(np.vstack(sparse)).query_pairs(TOUCHING_SHARE * page_side, output_type="ndarray")
    a, b = owner[pairs].T
    connected = int(piece.max()) + 1
    graph = coo_array((np.ones(len(pairs), bool), (a, b)), shape=(connected, connected))
    _, touching = connected_components(graph, directed=False)
    owner = touching[piece]

    box = _boxes(strokes, owner)
    length = [np.hypot(*np.diff(stroke, axis=0).T).sum() for stroke in strokes]
    return Pieces(
        # A pixel wide at least, so that a straight line has a box that can be inside another.
        box=(box + (-0.5, -0.5, 0.5, 0.5)) / page_side,
        ink=np.bincount(owner, length) / page_side,
        count=np.bincount(touching).astype(float),
    ), owner


def _boxes(strokes: list[np.ndarray], owner: np.ndarray) -> np.ndarray:
    """(m, 4) x0, y0, x1, y1 of the strokes of each owner, in px; owner: (n,) 0 to m - 1 for each stroke."""
    x, y = np.ascontiguousarray(np.concatenate(strokes).T)
    first = np.cumsum([0, *map(len, strokes[:-1])])
    box = np.repeat([[np.inf, np.inf, -np.inf, -np.inf]], owner.max() + 1, axis=0)
    for column, values, extreme in (
        (0, x, np.minimum),
        (1, y, np.minimum),
        (2, x, np.maximum),
        (3, y, np.maximum),
    ):
        extreme.at(box[:, column], owner, extreme.reduceat(values, first))
    return box


def lone_marks(strokes: list[np.ndarray], groups: np.ndarray, page_side: float) -> np.ndarray:
    """bool (n,): strokes of groups that are too small for a drawing and stand beside none: a tick, a
    signature.

    Measured against the page and the largest drawing on it: where there is nothing larger, nothing is a mark.
    """
    if not strokes:
        return np.zeros(0, bool)
    boxes = _boxes(strokes, groups)
    size = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
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
