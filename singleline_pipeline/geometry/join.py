"""Path joining: the two stroke ends that are nearest to each other become one line, again and again."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import KDTree

from singleline_pipeline.geometry.strokes import Stroke, check_gap, norms, validate_strokes

# Above this many ends a KD-tree finds the near pairs sooner than the table of all pairs.
_TABLE_OF_ENDS = 300

# The rank of a chain that has gone into another: behind all others.
_GONE = (1, 0, 0)


def join_strokes(strokes: Sequence[ArrayLike], max_gap: float = 15.0) -> list[Stroke]:
    """Join the two nearest ends of different strokes until no gap is under `max_gap`.

    Gaps are in the units of the coordinates. Gives what Andrew Look's `merge_until` (singleline_dataset,
    strokes.py) gives, order and direction included: the stroke with more points keeps its direction and the
    other is turned where need be; what was joined last comes first, the others follow by their number of
    points, those joined later first. Without any join the strokes come back in the order they came. No
    vertex is lost and none is made: the line added is the sum of the gaps.

    An end's distance to another never changes, so all candidates are measured and sorted once. Where
    several have the same distance, the order of the strokes at that moment decides.
    """
    gap = check_gap("max_gap", max_gap)
    chains = _Chains(validate_strokes(strokes))
    pairs, ties = _candidates(chains.strokes, gap)
    for begin, end in pairwise(ties):
        if chains.joins == len(chains.strokes) - 1:
            break
        live = [pair for pair in pairs[begin:end] if chains.may_join(*pair)]
        if len(live) == 1:
            chains.join(*live[0])
        elif live:
            _join_tied(chains, live)
    return chains.result()


def _candidates(strokes: list[Stroke], gap: float) -> tuple[list[tuple[int, int]], list[int]]:
    """Pairs of ends of different strokes that are nearer than the gap, nearest first, and where ties begin and end.

    Ends are numbered 2 * stroke for its first point and 2 * stroke + 1 for its last.
    """
    if not strokes:
        return [], []
    last = np.cumsum([len(stroke) for stroke in strokes]) - 1
    rows = np.stack([np.append(0, last[:-1] + 1), last], axis=1).ravel()
    ends = np.concatenate(strokes)[rows]
    if len(ends) <= _TABLE_OF_ENDS or not np.isfinite(gap):
        a, b = np.triu_indices(len(ends), 1)
    else:
        # A hair more than the gap: the tree rounds in its own way, the exact test comes below.
        a, b = KDTree(ends).query_pairs(gap * (1 + 1e-9), output_type="ndarray").T
    distance = norms(ends[a] - ends[b])
    near = (distance < gap) & (a >> 1 != b >> 1)
    a, b, distance = a[near], b[near], distance[near]
    order = np.argsort(distance, kind="stable")
    distance = distance[order]
    ties = np.flatnonzero(np.concatenate([[True], distance[1:] != distance[:-1], [True]]))
    return list(zip(a[order].tolist(), b[order].tolist(), strict=True)), ties[: len(order) + 1].tolist()


class _Chains:
    """Strokes as they grow together; each chain is a list of (stroke, turned) from its start to its end."""

    def __init__(self, strokes: list[Stroke]) -> None:
        self.strokes = strokes
        count = len(strokes)
        self.pieces: list[list[tuple[int, bool]]] = [[(stroke, False)] for stroke in range(count)]
        self.first = [2 * stroke for stroke in range(count)]
        self.last = [2 * stroke + 1 for stroke in range(count)]
        self.points = [len(stroke) for stroke in strokes]
        # Rank among the strokes: more points first, then joined later, then the order of the input.
        self.rank = [(-n, 0, i) for i, n in enumerate(self.points)]
        self.chain_of_end = [end >> 1 for end in range(2 * count)]  # -1: no longer an end
        self.joins = 0
        self.newest = -1

    def may_join(self, a: int, b: int) -> bool:
        return (
            self.chain_of_end[a] >= 0
            and self.chain_of_end[b] >= 0
            and self.chain_of_end[a] != self.chain_of_end[b]
        )

    def join(self, a: int, b: int) -> int:
        """Join two ends; returns the chain: the one that ranked first, which keeps its direction."""
        keeper, other = self.chain_of_end[a], self.chain_of_end[b]
        if self.rank[other] < self.rank[keeper]:
            a, b, keeper, other = b, a, other, keeper
        pieces = self.pieces[other]
        if (a == self.first[keeper]) == (b == self.first[other]):
            pieces = [(stroke, not turned) for stroke, turned in reversed(pieces)]
        far_end = self.last[other] if b == self.first[other] else self.first[other]
        if a == self.first[keeper]:
            self.pieces[keeper] = pieces + self.pieces[keeper]
            self.first[keeper] = far_end
        else:
            self.pieces[keeper].extend(pieces)
            self.last[keeper] = far_end
        self.chain_of_end[a] = self.chain_of_end[b] = -1
        self.chain_of_end[far_end] = keeper
        self.points[keeper] += self.points[other]
        self.joins += 1
        self.rank[keeper] = (-self.points[keeper], -self.joins, 0)
        self.rank[other] = _GONE
        self.newest = keeper
        return keeper

    def result(self) -> list[Stroke]:
        alive = [chain for chain, rank in enumerate(self.rank) if rank != _GONE]
        if self.joins:
            alive.sort(key=lambda chain: (chain != self.newest, self.rank[chain]))
        return [
            np.concatenate(
                [self.strokes[s][::-1] if turned else self.strokes[s] for s, turned in self.pieces[chain]]
            )
            for chain in alive
        ]


def _join_tied(chains: _Chains, pairs: list[tuple[int, int]]) -> None:
    """Join pairs of ends that are all the same distance apart, in the order in which the original meets them.

    It looks at the strokes in their rank: the first stroke that has a partner, its first partner, start
    before end. A joined stroke gets a new rank, so the order is found anew after each join.
    """
    partners: dict[int, list[int]] = defaultdict(list)
    for a, b in pairs:
        partners[a].append(b)
        partners[b].append(a)
    queue = [(chains.rank[chain], chain) for chain in {chains.chain_of_end[end] for end in partners}]
    heapq.heapify(queue)
    while queue:
        rank, chain = heapq.heappop(queue)
        if chains.rank[chain] != rank:
            continue
        found = [
            (chains.rank[chains.chain_of_end[b]], side, b != chains.first[chains.chain_of_end[b]], a, b)
            for side, a in enumerate((chains.first[chain], chains.last[chain]))
            for b in partners.get(a, ())
            if chains.may_join(a, b)
        ]
        if found:
            *_, a, b = min(found)
            chain = chains.join(a, b)
            heapq.heappush(queue, (chains.rank[chain], chain))
