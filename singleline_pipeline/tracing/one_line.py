"""One line: rings that the matching closed are opened into the lines that they cross.

Each crossing by itself may be right to prefer the smoother pairs, but a ring that nothing leads into was not
drawn by a pen that stayed on the paper. Exchanging partners at one crossing makes the ring part of the line
that it crosses; the crossing where this costs least is the one most likely to have been read wrongly.
"""

from __future__ import annotations

import numpy as np

from singleline_pipeline.tracing.crossings import ArmKey

DEAREST_EXCHANGE = 0.3
"""Highest extra cost of an exchange; a ring whose every exchange costs more is left a ring."""


def open_rings(
    crossings: list[tuple[list[ArmKey], np.ndarray, list[tuple[int, int]]]],
    turns: list[tuple[ArmKey, ArmKey]],
    edges: set[int],
) -> None:
    """Exchange pairs, in place, until no ring can be opened cheaply.

    crossings: for each its arms, the (k, k) cost of joining them, and its pairs (i, j) of places among the
    arms. turns: further pairs, which are not exchanged.
    edges: numbers of the edges that are lines.
    """
    parent = {edge: edge for edge in edges}

    def root(edge: int) -> int:
        while parent[edge] != edge:
            parent[edge] = parent[parent[edge]]
            edge = parent[edge]
        return edge

    joined = {key for pair in turns for key in pair}
    for one, other in turns:
        parent[root(one[0])] = root(other[0])
    for keys, _, pairs in crossings:
        for i, j in pairs:
            joined |= {keys[i], keys[j]}
            parent[root(keys[i][0])] = root(keys[j][0])
    open_line = {root(edge) for edge in edges if (edge, 0) not in joined or (edge, 1) not in joined}

    offers = []
    for number, (keys, cost, pairs) in enumerate(crossings):
        for first, (a, b) in enumerate(pairs):
            for c, d in pairs[first + 1 :]:
                first_line, other_line = root(keys[a][0]), root(keys[c][0])
                if first_line == other_line or (first_line in open_line and other_line in open_line):
                    continue
                before = cost[a, b] + cost[c, d]
                for pair, rest in (((a, c), (b, d)), ((a, d), (b, c))):
                    extra = float(cost[pair] + cost[rest] - before)
                    if extra < DEAREST_EXCHANGE:
                        offers.append((extra, number, (a, b), (c, d), pair, rest))
    for _, number, old, other_old, pair, rest in sorted(offers):
        keys, _, pairs = crossings[number]
        if old not in pairs or other_old not in pairs:
            continue
        first_line, other_line = root(keys[old[0]][0]), root(keys[other_old[0]][0])
        if first_line == other_line or (first_line in open_line and other_line in open_line):
            continue
        pairs.remove(old)
        pairs.remove(other_old)
        pairs += [pair, rest]
        parent[first_line] = other_line
        if first_line in open_line:
            open_line.add(other_line)
