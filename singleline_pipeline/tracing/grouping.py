"""Grouping: which strokes belong to one drawing, before anything is joined.

Connected ink is one drawing, and so is what lies within another's box, an eye in its face. Beyond that the blank
strip between two boxes decides. How wide a strip a drawing may hold within itself depends on what is on both sides
of it: little ink makes no drawing of its own; a hand that puts a drawing down in many pieces leaves gaps between
them; and parts of a drawing lie along each other more than they make it longer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

INK_SCALE = 1.3
"""Ink of the smaller piece, in longer sides of the page, with which the strip shrinks to 1/e."""
MOST_INK = 2.5
"""Ink, in longer sides of the page, that is a whole drawing: more of it says no more."""
MOST_PIECES = 12
"""Pieces of the side with fewer of them, beyond which more of them say no more about the hand."""
STRIP_FLOOR = 0.01
"""Share of the page's longer side that is added to each strip: far under it, strips are all alike."""
TOUCHING_SHARE = 0.015
"""Ink nearer than this share of the page's longer side is one drawing whatever it is."""
INSIDE = 0.85
"""Share of a piece's box within another's, from which on upwards it is a part of it."""
MARK_SHARE = 0.05
"""Size of a lone mark as a share of the page's longer side, up to which it is no drawing."""


def group_strokes(
    strokes: list[np.ndarray], labels: np.ndarray, page_side: float, apart: float
) -> np.ndarray:
    """(n,) number of the drawing of each stroke, numbered from the top left in reading order.

    labels: int32 (h, w) connected ink. page_side: px, longer side of the page.
    apart: see TraceSettings.

    The strongest bond is tied first (see `_Pieces.bonds`), and what it ties is one piece from then on.
    """
    if not strokes:
        return np.zeros(0, np.int64)
    pieces, piece = _pieces(strokes, _connected(strokes, labels), page_side)
    group = np.arange(len(pieces.ink))
    bond = np.array([pieces.bonds(index, apart) for index in range(len(group))])
    while True:
        a, b = sorted(divmod(int(np.argmax(bond)), len(bond)))
        if bond[a, b] <= 1:
            break
        group[group == b] = a
        pieces.merge(a, b)
        bond[b], bond[:, b] = 0, 0
        bond[a] = bond[:, a] = pieces.bonds(a, apart)
    kept = np.unique(group)
    boxes = pieces.box[kept]
    rows = np.argsort(boxes[:, 1] + 0.2 * boxes[:, 0], kind="stable")
    number = np.empty(len(kept), np.int64)
    number[rows] = np.arange(len(kept))
    return number[np.searchsorted(kept, group[piece])]


@dataclass
class _Pieces:
    """Pieces of ink, each one or several connected ones; lengths as shares of the page's longer side.

    box: (m, 4) x0, y0, x1, y1. ink: (m,) length of line. count: (m,) connected pieces, 0 where all went into
    another one.
    """

    box: np.ndarray
    ink: np.ndarray
    count: np.ndarray

    def bonds(self, index: int, apart: float) -> np.ndarray:
        """(m,) how strongly a piece is tied to each other one: more than 1 is one drawing.

        The widest strip that one drawing may hold, against the strip that there is. The widest is `apart` for ink of
        no length within the extent of another piece. It shrinks by e with each INK_SCALE of ink of the smaller one,
        grows with the root of the number of connected pieces on the side that has fewer, and shrinks as both
        together are longer than the longer one of them. Form and figures are those of a logistic regression on
        12,000 pairs of pieces on 720 pages, in which the exponents came out as 0.49 and -0.91.
        """
        mine = self.box[index]
        low, high = np.minimum(self.box[:, :2], mine[:2]), np.maximum(self.box[:, 2:], mine[2:])
        sides = self.box[:, 2:] - self.box[:, :2]
        overlap = sides + sides[index] - (high - low)
        strip = np.hypot(*np.clip(-overlap, 0, None).T)
        size = sides.max(axis=1)
        smaller = (size < size[index]) | ((size == size[index]) & (self.ink < self.ink[index]))
        ink = np.minimum(np.where(smaller, self.ink, self.ink[index]), MOST_INK)
        pieces = np.minimum(np.minimum(self.count, self.count[index]), MOST_PIECES)
        growth = (high - low).max(axis=1) / np.maximum(size, size[index])
        bond = apart * np.exp(-ink / INK_SCALE) * np.sqrt(pieces) / growth / (strip + STRIP_FLOOR)

        inside = np.clip(overlap, 0, None).prod(axis=1) / np.minimum(sides.prod(axis=1), sides[index].prod())
        bond[inside > INSIDE] = np.inf
        bond[self.count == 0] = 0
        bond[index] = 0
        return bond

    def merge(self, a: int, b: int) -> None:
        """Piece b becomes a part of piece a."""
        self.box[a] = [
            *np.minimum(self.box[a, :2], self.box[b, :2]),
            *np.maximum(self.box[a, 2:], self.box[b, 2:]),
        ]
        self.ink[a] += self.ink[b]
        self.count[a], self.count[b] = self.count[a] + self.count[b], 0


def _pieces(strokes: list[np.ndarray], piece: np.ndarray, page_side: float) -> tuple[_Pieces, np.ndarray]:
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
    return _Pieces(
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
