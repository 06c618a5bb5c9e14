"""The graph that a route is chosen in: strokes cut where a bridge may start or land, and the bridges there may be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from singleline_pipeline.geometry._shapes import as_shapes
from singleline_pipeline.geometry.strokes import Stroke, segment_lengths

# Points that are this near, relative to the size of the coordinates, are one: rounding moves a crossing by
# less.
_SAME_POINT = 1e-9
# Strokes this near, as a share of the drawing's longer side, are all candidates for a bridge: 10 of 200 units.
# Further apart only those are that nothing nearer connects.
_NEAR = 0.05
# Long strokes are looked at in parts of so many segments: distances of lines are looked for in all pairs of theirs.
_PART = 32
# An end may land on as many of the strokes near it, and hop to as many of the nodes near it. Twice as many of
# both make the routes of 100 real drawings 0.25 % cheaper and take a third longer.
_LANDINGS = 2
_HOPS = 4

Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]


@dataclass
class RouteGraph:
    """Nodes, the pieces of strokes between them, and the bridges that may be built.

    nodes: (n, 2) points. pen_end: (n,) whether a stroke begins or ends there. pieces: (m, 2) nodes, in the
    order of the strokes; `length`, `stroke` (m,) of each. bridges: (b, 2) nodes, no pair twice, and
    `bridge_length` (b,).
    """

    nodes: NDArray[np.float64]
    pen_end: NDArray[np.bool_]
    pieces: NDArray[np.intp]
    length: NDArray[np.float64]
    stroke: NDArray[np.intp]
    bridges: NDArray[np.intp]
    bridge_length: NDArray[np.float64]
    _lines: _Lines
    _cuts: _Cuts
    _borders: NDArray[np.intp]  # (m, 2): the cuts that a piece lies between

    def points(self, first: int, last: int) -> Stroke:
        """(k, 2): the line from the start of one piece to the end of another of the same stroke."""
        begin, end = self._borders[first, 0], self._borders[last, 1]
        cuts = self._cuts
        inner = self._lines.points[cuts.vertex[begin] + (cuts.t[begin] > 0) : cuts.vertex[end] + 1]
        parts = [inner]
        if cuts.t[begin] > 0:
            parts.insert(0, cuts.points[begin : begin + 1])
        if cuts.t[end] > 0:
            parts.append(cuts.points[end : end + 1])
        return np.concatenate(parts) if len(parts) > 1 else inner


@dataclass
class _Lines:
    """Strokes end to end in one array."""

    points: Stroke
    first: NDArray[np.intp]  # (strokes,) the row of each stroke's first point
    last: NDArray[np.intp]
    along: NDArray[np.float64]  # (points,) length of line up to each point, all strokes before it included
    shapes: NDArray[np.object_]


@dataclass
class _Cuts:
    """Places on strokes: `t` of the way from row `vertex` of the points to the next row, 0 <= t < 1."""

    vertex: NDArray[np.intp]
    t: NDArray[np.float64]
    points: Stroke


def near_pairs(strokes: list[Stroke], gap: float) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Pairs of strokes (m, 2) that a bridge may connect, and the shortest bridge of each, its ends (m, 2, 2).

    All that are near, and of those further apart, up to `gap`, the ones that bring together what no nearer
    ones do: strokes that a chain of gaps connects are connected by the pairs.
    """
    parts, owner = _parts(strokes)
    tree = shapely.STRtree(parts)
    side = float(np.ptp(np.concatenate(strokes), axis=0).max())
    label = np.arange(len(strokes))
    asked = np.arange(len(parts))
    is_asked = np.ones(len(parts), dtype=bool)
    found: list[NDArray[np.intp]] = []
    radius = min(gap, side * min(_NEAR, (3 / len(parts)) ** 0.5))
    while True:
        a, b = tree.query(parts[asked], predicate="dwithin", distance=radius)
        a = asked[a]
        new = (label[owner[a]] != label[owner[b]]) & ((a < b) | ~is_asked[b])
        found.append(np.stack([a[new], b[new]], axis=1))
        pairs = np.concatenate(found)
        links = coo_array((np.ones(len(pairs)), owner[pairs].T), shape=(len(strokes),) * 2)
        label = connected_components(links, directed=False)[1]
        # One end of any pair to come is outside the largest group.
        is_asked = label[owner] != np.bincount(label).argmax()
        asked = np.flatnonzero(is_asked)
        if not len(asked) or radius >= min(gap, 2 * side):
            break
        radius = min(gap, 3 * radius)

    distance = shapely.distance(parts[pairs[:, 0]], parts[pairs[:, 1]])
    both = np.sort(owner[pairs], axis=1)
    turned = owner[pairs[:, 0]] != both[:, 0]
    pairs[turned] = pairs[turned, ::-1]
    order = np.lexsort((pairs[:, 1], pairs[:, 0], distance, both[:, 1], both[:, 0]))
    _, shortest = np.unique(both[order, 0] * len(strokes) + both[order, 1], return_index=True)
    pairs, both = pairs[order[shortest]], both[order[shortest]]
    lines = shapely.shortest_line(parts[pairs[:, 0]], parts[pairs[:, 1]])
    return both, shapely.get_coordinates(lines).reshape(-1, 2, 2)


def _parts(strokes: list[Stroke]) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
    """Shapes of all strokes, long ones in several, and the stroke of each."""
    begins = [range(0, max(len(stroke) - 1, 1), _PART) for stroke in strokes]
    owner = np.repeat(np.arange(len(strokes)), [len(begin) for begin in begins])
    rows = [stroke[i : i + _PART + 1] for stroke, begin in zip(strokes, begins, strict=True) for i in begin]
    return as_shapes(rows), owner


def build_graph(
    strokes: list[Stroke], pairs: NDArray[np.intp], landings: NDArray[np.float64], gap: float
) -> RouteGraph:
    """Cut strokes where the shortest bridges (m, 2, 2) between pairs (m, 2) start and land, and where their ends may.

    Bridges longer than `gap` are not built.
    """
    lines = _lines_of(strokes)
    near = _SAME_POINT * float(np.abs(lines.points).max())
    one, other = _locate_both(lines, pairs, landings, near)
    end, landing = _end_landings(lines, pairs, gap, near)
    count, m, k = len(strokes), len(pairs), len(end)
    cuts = _Cuts(
        np.concatenate([lines.first, lines.last, one.vertex, other.vertex, landing.vertex]),
        np.concatenate([np.zeros(2 * count), one.t, other.t, landing.t]),
        np.concatenate(
            [lines.points[lines.first], lines.points[lines.last], one.points, other.points, landing.points]
        ),
    )
    names, node = np.unique(cuts.points @ np.array([1.0, 1.0j]), return_inverse=True)
    nodes = np.stack([names.real, names.imag], axis=1)
    pen_end = np.zeros(len(nodes), dtype=bool)
    pen_end[node[: 2 * count]] = True

    # Cuts in the order along the strokes, each place once: pieces lie between neighbours.
    order = np.lexsort((cuts.t, cuts.vertex))
    vertex, at = cuts.vertex[order], node[order]
    again = (vertex[1:] == vertex[:-1]) & ((cuts.t[order][1:] == cuts.t[order][:-1]) | (at[1:] == at[:-1]))
    order = order[np.concatenate([[True], ~again])]
    owner = np.searchsorted(lines.first, cuts.vertex[order], side="right") - 1
    inside = owner[1:] == owner[:-1]
    borders = np.stack([order[:-1], order[1:]], axis=1)[inside]
    step = np.append(np.diff(lines.along), 0.0)
    along = lines.along[cuts.vertex] + cuts.t * step[cuts.vertex]

    ranks = np.arange(2 * count, 2 * count + m)
    bridges = np.concatenate(
        [
            np.stack([node[ranks], node[ranks + m]], axis=1),
            np.stack([node[end], node[2 * count + 2 * m : 2 * count + 2 * m + k]], axis=1),
            _hops(nodes, gap),
        ]
    )
    bridges = np.unique(np.sort(bridges[bridges[:, 0] != bridges[:, 1]], axis=1), axis=0)
    return RouteGraph(
        nodes,
        pen_end,
        node[borders],
        along[borders[:, 1]] - along[borders[:, 0]],
        owner[1:][inside],
        bridges,
        np.hypot(*(nodes[bridges[:, 1]] - nodes[bridges[:, 0]]).T),
        lines,
        cuts,
        borders,
    )


def _lines_of(strokes: list[Stroke]) -> _Lines:
    points = np.concatenate(strokes)
    last = np.cumsum([len(stroke) for stroke in strokes]) - 1
    first = np.concatenate([[0], last[:-1] + 1])
    steps = segment_lengths(points)
    steps[last[:-1]] = 0.0
    return _Lines(points, first, last, np.concatenate([[0.0], np.cumsum(steps)]), as_shapes(strokes))


def _locate(lines: _Lines, stroke: NDArray[np.intp], points: Stroke, near: float) -> _Cuts:
    """Where on these strokes (k,) points (k, 2) lie; at a vertex where that is `near` enough, and then just there."""
    along = lines.along[lines.first[stroke]]
    has_length = shapely.length(lines.shapes[stroke]) > 0
    along[has_length] += shapely.line_locate_point(
        lines.shapes[stroke[has_length]], shapely.points(points[has_length])
    )
    last = np.maximum(lines.last[stroke] - 1, lines.first[stroke])
    vertex = np.clip(np.searchsorted(lines.along, along, side="right") - 1, lines.first[stroke], last)
    following = np.minimum(vertex + 1, lines.last[stroke])
    length = lines.along[following] - lines.along[vertex]
    t = (along - lines.along[vertex]) / np.where(length > 0, length, 1.0)
    t = np.clip(t, 0.0, np.nextafter(1.0, 0.0))
    to_vertex, to_following = (np.hypot(*(points - lines.points[row]).T) for row in (vertex, following))
    vertex = np.where((to_following <= near) & (to_following < to_vertex), following, vertex)
    t[np.minimum(to_vertex, to_following) <= near] = 0.0
    return _Cuts(vertex, t, np.where(t[:, None] > 0, points, lines.points[vertex]))


def _locate_both(
    lines: _Lines, pairs: NDArray[np.intp], landings: NDArray[np.float64], near: float
) -> tuple[_Cuts, _Cuts]:
    """The cuts at both ends of bridges; where strokes cross or touch both are one point, a vertex if there is one."""
    both = _locate(lines, pairs.T.ravel(), landings.swapaxes(0, 1).reshape(-1, 2), near)
    one, other = (
        _Cuts(both.vertex[half], both.t[half], both.points[half])
        for half in (slice(None, len(pairs)), slice(len(pairs), None))
    )
    touch = np.hypot(*(one.points - other.points).T) <= 2 * near
    take_other = touch & (other.t == 0) & (one.t > 0)
    take_one = touch & ~take_other & (other.t > 0)
    one.points[take_other] = other.points[take_other]
    other.points[take_one] = one.points[take_one]
    return one, other


def _end_landings(
    lines: _Lines, pairs: NDArray[np.intp], gap: float, near: float
) -> tuple[NDArray[np.intp], _Cuts]:
    """Bridges from a stroke's end to the nearest point of another: ends (k,), and the cuts where they land.

    Ends are numbered as strokes: first points, then last ones.
    """
    count = len(lines.first)
    a, b = pairs.T
    end = np.concatenate([a, a + count, b, b + count])
    target = np.concatenate([b, b, a, a])
    tips = shapely.points(lines.points[np.concatenate([lines.first, lines.last])])
    distance = shapely.distance(tips[end], lines.shapes[target])
    order = np.lexsort((target, distance, end))
    end, target, distance = end[order], target[order], distance[order]
    rank = np.arange(len(end)) - np.searchsorted(end, end)
    chosen = (rank < _LANDINGS) & (distance <= gap)
    end, target, distance = end[chosen], target[chosen], distance[chosen]
    lands = shapely.get_coordinates(shapely.shortest_line(tips[end], lines.shapes[target]))[1::2]
    cuts = _locate(lines, target, lands, near)
    tip = lines.points[np.concatenate([lines.first, lines.last])[end]]
    touch = (distance <= near) & (cuts.t > 0)
    cuts.points[touch] = tip[touch]
    return end, cuts


def _hops(nodes: Stroke, gap: float) -> NDArray[np.intp]:
    """(h, 2): every node and those nearest to it."""
    length, neighbour = KDTree(nodes).query(nodes, k=min(_HOPS + 1, len(nodes)))
    length, neighbour = length.reshape(len(nodes), -1), neighbour.reshape(len(nodes), -1)
    node, rank = np.nonzero(length <= gap)
    return np.stack([node, neighbour[node, rank]], axis=1)
