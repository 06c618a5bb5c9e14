"""The skeleton as a graph: junctions and ends are nodes, the pixel chains between them are edges.

Plain numpy for the neighbourhoods of all pixels at once, and one short walk along the chains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

# 4-neighbours first: a diagonal step counts only where no 4-neighbour makes it in two steps.
_STEPS = np.array([(0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, -1), (-1, 1)])
_CORNERS = ((4, 0, 1), (5, 1, 2), (6, 2, 3), (7, 3, 0))


@dataclass
class Edge:
    """a, b: node numbers at the first and the last point, -1 both for a closed loop without nodes.
    points: (n, 2) float64 x, y. radius: (n,) float64, distance to the edge of the ink in px. width: (n,)
    float64, width of the ink across the line in px."""

    a: int
    b: int
    points: np.ndarray
    radius: np.ndarray
    width: np.ndarray


@dataclass
class PixelGraph:
    """nodes: (m, 2) float64 x, y. node_radius: (m,) px. degree: (m,) number of edge ends at each node."""

    nodes: np.ndarray
    node_radius: np.ndarray
    degree: np.ndarray
    edges: list[Edge]


def pixel_graph(skeleton: np.ndarray, distance: np.ndarray) -> PixelGraph:
    """skeleton: bool (h, w), one pixel wide. distance: float32 (h, w), distance transform of the ink."""
    y, x = np.divmod(np.flatnonzero(skeleton), skeleton.shape[1])
    total = len(y)
    neighbours, linked = _neighbours(skeleton, y, x)
    degree = linked.sum(axis=1)
    is_chain = degree == 2
    node_of = _node_numbers(neighbours, linked, degree)
    node_count = int(node_of.max(initial=-1)) + 1
    points = np.column_stack([x, y]).astype(np.float64)
    radius = distance[y, x].astype(np.float64)

    members = np.nonzero(node_of >= 0)[0]
    size = np.maximum(np.bincount(node_of[members], minlength=node_count), 1)
    nodes = np.column_stack(
        [np.bincount(node_of[members], points[members, k], node_count) / size for k in (0, 1)]
    ).reshape(-1, 2)
    node_radius = np.zeros(node_count)
    np.maximum.at(node_radius, node_of[members], radius[members])

    links = [row[flags].tolist() for row, flags in zip(neighbours[members], linked[members], strict=True)]
    chain = np.full((total, 2), -1, np.int64)
    rows = np.nonzero(is_chain)[0]
    chain[rows] = neighbours[rows][linked[rows]].reshape(-1, 2)
    first, second = chain[:, 0].tolist(), chain[:, 1].tolist()
    node_list = node_of.tolist()
    seen = bytearray(total)
    paths: list[list[int]] = []
    for start, nexts in zip(members.tolist(), links, strict=True):
        for pixel in nexts:
            if node_list[pixel] >= 0:
                if node_list[pixel] != node_list[start] and start < pixel:
                    paths.append([start, pixel])
                continue
            if seen[pixel]:
                continue
            paths.append(_walk(start, pixel, first, second, node_list, seen))
    for start in rows.tolist():
        if not seen[start]:
            seen[start] = 1
            paths.append(_walk(start, first[start], first, second, node_list, seen))

    edges = []
    ends = np.zeros(node_count, np.int64)
    for path in paths:
        index = np.array(path)
        a, b = node_list[path[0]], node_list[path[-1]]
        if a >= 0:
            ends[a] += 1
            ends[b] += 1
        edges.append(Edge(a, b, points[index], radius[index], 2 * radius[index]))
    return PixelGraph(nodes, node_radius, ends, edges)


def _neighbours(skeleton: np.ndarray, y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, 8) pixel numbers of the neighbours and bool (n, 8), which of them are linked."""
    width = skeleton.shape[1] + 2
    number = np.full((skeleton.shape[0] + 2) * width, -1, np.int32)
    flat = (y + 1) * width + x + 1
    number[flat] = np.arange(len(y), dtype=np.int32)
    neighbours = number[flat[:, None] + (_STEPS[:, 0] * width + _STEPS[:, 1])[None]]
    linked = neighbours >= 0
    for corner, one, other in _CORNERS:
        linked[:, corner] &= ~(linked[:, one] | linked[:, other])
    return neighbours, linked


def _node_numbers(neighbours: np.ndarray, linked: np.ndarray, degree: np.ndarray) -> np.ndarray:
    """(n,) node number of each pixel, -1 on chains: touching junction pixels are one node, an end is one."""
    total = len(degree)
    node_of = np.full(total, -1, np.int64)
    junction = degree > 2
    rows, columns = np.nonzero(linked & junction[:, None])
    others = neighbours[rows, columns]
    both = junction[others]
    pairs = coo_matrix((np.ones(both.sum(), np.int8), (rows[both], others[both])), shape=(total, total))
    _, label = connected_components(pairs, directed=False)
    special = junction | (degree == 1)
    if special.any():
        node_of[special] = np.unique(label[special], return_inverse=True)[1]
    return node_of


def _walk(
    start: int, pixel: int, first: list[int], second: list[int], node_list: list[int], seen: bytearray
) -> list[int]:
    """Pixels from `start` over `pixel` along a chain to the next node, or round a loop back to `start`."""
    path, previous = [start, pixel], start
    while node_list[pixel] < 0 and pixel != start:
        seen[pixel] = 1
        following = first[pixel] if first[pixel] != previous else second[pixel]
        previous, pixel = pixel, following
        path.append(pixel)
    return path
