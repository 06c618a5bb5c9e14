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
# Up to what cost a partner is looked for, as a share of the drawing's longer side; who has no more than so many within
# it looks further.
_REACH = 0.15
_FEW = 2
# The time of a matching grows with more than the square of the nodes: so many at once.
_BLOCK = 256
# Turns of tree and matching. The second makes the routes of 100 real drawings 3 % cheaper, a third 0.04 % and a tenth
# of all the time.
_ROUNDS = 2


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
        self.side = float(np.ptp(graph.nodes, axis=0).max())
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
            bridges = bridges[np.argsort(self.length[bridges], kind="stable")]
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
        # About as many neighbours are that near however many nodes there are.
        reach = self.side * min(_REACH, (3 / len(odd)) ** 0.5)
        steps: set[int] = set()
        for number, block in enumerate(_blocks(self.graph.nodes[odd])):
            for nodes in self._matched_ways(ways, odd[block], reach, free=0 if number else 2):
                for one, other in pairwise(nodes):
                    begin, end = self.between_nodes[min(one, other), max(one, other)]
                    # Twice over the same step is not at all.
                    steps ^= {int(self.order[begin + cost[begin:end].argmin()])}
        return sorted(steps)

    def _matched_ways(
        self, ways: csr_array, odd: NDArray[np.intp], reach: float, free: int
    ) -> list[list[int]]:
        """Pair these nodes, all but as many as are `free`; the nodes on the way from each to its partner.

        Partners are first looked for at a cost of up to `reach`.
        """
        own = np.full((len(odd), len(odd)), np.inf)
        before = np.empty((len(odd), len(self.graph.nodes)), dtype=np.int32)

        def look(rows: NDArray[np.intp], limit: float) -> NDArray[np.float64]:
            distance, before[rows] = dijkstra(ways, indices=odd[rows], return_predecessors=True, limit=limit)
            own[rows] = distance[:, odd]
            return np.minimum(own, own.T)

        limit = reach
        table = look(np.arange(len(odd)), limit)
        while np.isfinite(limit):
            # Those that have few others within reach look further.
            lonely = np.flatnonzero(np.isfinite(table).sum(axis=1) <= _FEW)
            limit = 4 * limit if len(lonely) and limit < self.side else np.inf
            if len(lonely):
                table = look(lonely, limit)
        while True:
            pairs = _match(table, self.graph.pen_end[odd], free)
            blocked = [node for pair in pairs if np.isinf(table[pair]) for node in pair]
            if not blocked:
                break
            table = look(np.array(blocked), np.inf)
        result = []
        for i, j in pairs:
            if np.isinf(own[i, j]):
                i, j = j, i
            nodes = [int(odd[j])]
            while nodes[-1] != odd[i]:
                nodes.append(int(before[i, nodes[-1]]))
            result.append(nodes)
        return result


def _blocks(points: NDArray[np.float64]) -> list[NDArray[np.intp]]:
    """An even number of points (n, 2) in blocks that lie together, none of more than `_BLOCK`, each even."""
    blocks, whole = [np.arange(len(points))], []
    while blocks:
        block = blocks.pop()
        if len(block) <= _BLOCK:
            whole.append(block)
            continue
        axis = int(np.ptp(points[block], axis=0).argmax())
        order = block[np.lexsort((points[block, 1 - axis], points[block, axis]))]
        half = len(block) // 4 * 2
        blocks += [order[half:], order[:half]]
    return whole


def _match(cost: NDArray[np.float64], pen_end: NDArray[np.bool_], free: int) -> list[tuple[int, int]]:
    """Pairs of least total cost of all but `free` of the nodes of a table (n, n), n even; pen ends stay free if any."""
    count = len(cost)
    furthest = np.partition(cost, min(_CANDIDATES, count - 1), axis=1)[:, min(_CANDIDATES, count - 1)]
    candidate = (cost <= furthest[:, None]) & np.isfinite(cost)
    a, b = np.nonzero(np.triu(candidate | candidate.T, 1))
    # The matching wants whole weights, the larger the better.
    scale = 1e6 / max(float(cost[a, b].max(initial=0.0)), 1e-12)
    top = 2_000_000
    graph = rustworkx.PyGraph()
    graph.add_nodes_from(range(count + free))
    weight = top - np.rint(cost[a, b] * scale).astype(np.int64)
    graph.add_edges_from(list(zip(a.tolist(), b.tolist(), weight.tolist(), strict=True)))
    # Free places cost nothing: whoever takes one is an end of the trail. Elsewhere than at a pen's end it costs
    # a hair.
    graph.add_edges_from(
        [
            (node, count + place, top if pen_end[node] else top - top // 100)
            for node in range(count)
            for place in range(free)
        ]
    )
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
