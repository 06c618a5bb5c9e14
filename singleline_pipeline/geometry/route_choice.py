"""Which bridges are built and which line is drawn again, so that one trail can draw everything.

Route inspection with gaps (the rural postman's problem): edges to add to a graph so that it is connected and at most
two of its nodes have an odd number of edges, at least cost. It is hard to solve exactly. Frederickson's way (1979) is a
spanning tree, then a matching of the odd nodes; here the two are taken in turns, since a bridge that the matching
builds may serve the tree as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import rustworkx
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from singleline_pipeline.geometry.route_graph import RouteGraph

# A node may be matched with as many of those nearest to it.
_CANDIDATES = 12
# How far a partner is looked for, as a share of the drawing's longer side, and how many there must be so near.
_REACH = 0.1
_FEW = 4
# Turns of tree and matching. The second makes the routes of real drawings 4 % cheaper, the third 0.5 %, all others
# together 0.3 %.
_ROUNDS = 3


@dataclass
class Choice:
    """What is added to a graph: `bridges` and `pieces`, how often each is drawn ((b,) 0 to 2, (m,) 1 to 2)."""

    bridges: NDArray[np.intp]
    pieces: NDArray[np.intp]
    cost: float


def choose(graph: RouteGraph, retrace_cost: float) -> Choice:
    """The cheapest that was found: a bridge costs its length, line that is there already `retrace_cost` of it."""
    return _Chooser(graph, retrace_cost).best()


class _Chooser:
    """Steps between nodes: pieces that may be drawn again, then bridges; `cost` of each for the pen to go over."""

    def __init__(self, graph: RouteGraph, retrace_cost: float) -> None:
        self.graph = graph
        self.retrace_cost = retrace_cost
        self.pieces = len(graph.pieces)
        self.ends = np.concatenate([graph.pieces, graph.bridges])
        self.length = np.concatenate([graph.length, graph.bridge_length])
        self.cost = np.concatenate([retrace_cost * graph.length, graph.bridge_length])
        count = len(graph.nodes)
        self.reach = _REACH * float(np.ptp(graph.nodes, axis=0).max())
        self.degree = np.bincount(graph.pieces.ravel(), minlength=count)
        ink = coo_array((np.ones(self.pieces), graph.pieces.T), shape=(count, count))
        self.islands, self.island = connected_components(ink, directed=False)
        # Steps between the same two nodes come next to each other: a way takes the cheapest of them.
        low, high = np.sort(self.ends, axis=1).T
        self.order = np.lexsort((high, low))
        self.order = self.order[low[self.order] != high[self.order]]
        pair = low[self.order] * count + high[self.order]
        self.begin = np.flatnonzero(np.append(True, pair[1:] != pair[:-1])[: len(pair)])
        low, high = np.divmod(pair[self.begin], count)
        bounds = pairwise([*self.begin.tolist(), len(pair)])
        self.between_nodes = dict(zip(zip(low.tolist(), high.tolist(), strict=True), bounds, strict=True))
        # The same rows and columns each time, in both directions, only the costs change.
        rows, columns = np.concatenate([low, high]), np.concatenate([high, low])
        self.entries = np.lexsort((columns, rows))
        self.columns = columns[self.entries].astype(np.int32)
        self.row_ends = np.searchsorted(rows[self.entries], np.arange(count + 1)).astype(np.int32)
        # From the shortest: what connects islands, if a tree needs it.
        across = self.island[graph.bridges[:, 0]] != self.island[graph.bridges[:, 1]]
        order = np.argsort(graph.bridge_length, kind="stable")
        self.across = (order[across[order]] + self.pieces).tolist()
        self.between = list(zip(*self.island[self.ends].T.tolist(), strict=True))

    def best(self) -> Choice:
        tree = self._tree([])
        best: Choice | None = None
        for _ in range(_ROUNDS):
            added = self._make_even(tree)
            drawn = np.bincount(np.concatenate([tree, added]).astype(np.intp), minlength=len(self.ends))
            again = np.maximum(drawn[self.pieces :] - 1, 0) @ self.length[self.pieces :]
            again += drawn[: self.pieces] @ self.length[: self.pieces]
            bridges = self.pieces + np.flatnonzero(drawn[self.pieces :])
            cost = float(self.length[bridges].sum() + self.retrace_cost * again)
            if best is not None and cost >= best.cost * (1 - 1e-9):
                break
            best = Choice(drawn[self.pieces :], drawn[: self.pieces] + 1, cost)
            # The matching's bridges first: they are there anyway.
            in_tree = np.isin(bridges, tree)
            tree = self._tree([*bridges[~in_tree].tolist(), *bridges[in_tree].tolist()])
        assert best is not None
        return best

    def _tree(self, first: list[int]) -> list[int]:
        """Bridges that connect all islands: these `first`, then the shortest (Kruskal's algorithm)."""
        above = list(range(self.islands))

        def root(island: int) -> int:
            while above[island] != island:
                above[island] = above[above[island]]
                island = above[island]
            return island

        tree: list[int] = []
        for step in [*first, *self.across]:
            if len(tree) == self.islands - 1:
                break
            one, other = map(root, self.between[step])
            if one != other:
                above[one] = other
                tree.append(step)
        return tree

    def _make_even(self, tree: list[int]) -> list[int]:
        """The steps to go, with the tree built, so that all nodes but two have an even number of edges."""
        count = len(self.graph.nodes)
        degree = self.degree + np.bincount(self.ends[tree].ravel().astype(np.intp), minlength=count)
        odd = np.flatnonzero(degree % 2)
        if len(odd) <= 2:
            return []
        cost = self.cost.copy()
        cost[tree] = self.retrace_cost * self.length[tree]
        # Never nothing: a weight of 0 is no way at all to scipy.
        cost = np.maximum(cost[self.order], 1e-12)
        cheapest = np.minimum.reduceat(cost, self.begin)
        weights = np.concatenate([cheapest, cheapest])[self.entries]
        ways = csr_array((weights, self.columns, self.row_ends), shape=(count, count))
        steps: set[int] = set()
        for nodes in self._matched_ways(ways, odd):
            for one, other in pairwise(nodes):
                # Twice over the same step is not at all.
                begin, end = self.between_nodes[min(one, other), max(one, other)]
                steps ^= {int(self.order[begin + cost[begin:end].argmin()])}
        return sorted(steps)

    def _matched_ways(self, ways: csr_array, odd: NDArray[np.intp]) -> list[list[int]]:
        """Pair these nodes, all but two; the nodes on the way from each to its partner."""
        limit = self.reach
        while True:
            distance, before = dijkstra(ways, indices=odd, return_predecessors=True, limit=limit)
            table = distance[:, odd]
            # Those that have few others within reach look all around.
            lonely = np.flatnonzero(np.isfinite(table).sum(axis=1) <= _FEW)
            if np.isfinite(limit) and len(lonely):
                distance, before[lonely] = dijkstra(ways, indices=odd[lonely], return_predecessors=True)
                table[lonely] = distance[:, odd]
                table[:, lonely] = table[lonely].T
            pairs = _match(table, self.graph.pen_end[odd])
            if all(np.isfinite(table[pair]) for pair in pairs):
                break
            limit = np.inf
        row_is_whole = np.zeros(len(odd), dtype=bool)
        row_is_whole[lonely] = True
        result = []
        for i, j in pairs:
            if row_is_whole[j]:
                i, j = j, i
            nodes = [int(odd[j])]
            while nodes[-1] != odd[i]:
                nodes.append(int(before[i, nodes[-1]]))
            result.append(nodes)
        return result


def _match(cost: NDArray[np.float64], pen_end: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Pairs of least total cost of all but two of the nodes of a table (n, n), n even."""
    count = len(cost)
    furthest = np.partition(cost, min(_CANDIDATES, count - 1), axis=1)[:, min(_CANDIDATES, count - 1)]
    candidate = (cost <= furthest[:, None]) & np.isfinite(cost)
    a, b = np.nonzero(np.triu(candidate | candidate.T, 1))
    # The matching wants whole weights, the larger the better.
    scale = 1e6 / max(float(cost[a, b].max(initial=0.0)), 1e-12)
    top = 2_000_000
    graph = rustworkx.PyGraph()
    graph.add_nodes_from(range(count + 2))
    weight = top - np.rint(cost[a, b] * scale).astype(np.int64)
    graph.add_edges_from(list(zip(a.tolist(), b.tolist(), weight.tolist(), strict=True)))
    # Two free places, which cost nothing: whoever takes them is an end of the trail.
    graph.add_edges_from([(node, free, top) for node in range(count) for free in (count, count + 1)])
    matched = rustworkx.max_weight_matching(graph, max_cardinality=True, weight_fn=int)
    result = sorted((min(pair), max(pair)) for pair in matched)
    taken = {node for pair in result for node in pair}
    # With few candidates each, a node may find none left.
    alone = [node for node in range(count) if node not in taken]
    while len(alone) > 1:
        node = alone.pop(0)
        partner = min(alone, key=lambda other: (cost[node, other], other))
        alone.remove(partner)
        result.append((node, partner))
    return [pair for pair in result if pair[1] < count]
