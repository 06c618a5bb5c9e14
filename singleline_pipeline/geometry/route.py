"""One line: strokes connected and walked in one go, by route inspection."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from singleline_pipeline.geometry.route_choice import Choice, choose
from singleline_pipeline.geometry.route_graph import RouteGraph, build_graph, near_pairs
from singleline_pipeline.geometry.route_trail import Edge, walk
from singleline_pipeline.geometry.strokes import Stroke, check_gap, validate_strokes

# How far along a line its direction is taken, as a share of the drawing's longer side: 3 of 200 units.
_REACH = 0.015


def route_strokes(
    strokes: Sequence[ArrayLike], max_gap: float = 30.0, retrace_cost: float = 0.3
) -> list[Stroke]:
    """Draw all strokes in as few lines as gaps of at most `max_gap` allow, with little line that is not theirs.

    Strokes are connected by bridges from the ends of lines, or from the points where two are nearest to each
    other; where a bridge lands inside a stroke the stroke gets a vertex. Lines that end in the open are
    paired, by going back over line that is there, at `retrace_cost` for each unit of length, or by a bridge,
    at its length, whichever costs least over the whole drawing. The pair that would cost most stays
    unpaired: there the line begins and ends. Of the ways to walk all that, the one with the least turning is
    taken, from the end at the top left.

    Every vertex of the input is in the output, and its length is that of the input, the bridges and what
    was retraced. Strokes further apart than `max_gap` (units of the coordinates) stay apart; one that
    nothing comes near is returned as it is. Lines come in the order of their first strokes. `max_gap=inf`
    gives one line.
    """
    gap, cost = check_gap("max_gap", max_gap), check_gap("retrace_cost", retrace_cost)
    arrays = validate_strokes(strokes)
    if len(arrays) < 2:
        return [stroke.copy() for stroke in arrays]
    reach = _REACH * float(np.ptp(np.concatenate(arrays), axis=0).max())
    pairs, landings = near_pairs(arrays, gap)
    links = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(arrays), len(arrays)))
    lines: list[Stroke] = []
    for members in _groups(connected_components(links, directed=False)[1]):
        if len(members) == 1:
            lines.append(arrays[members[0]].copy())
            continue
        inside = np.isin(pairs[:, 0], members)
        graph = build_graph(
            [arrays[stroke] for stroke in members],
            np.searchsorted(members, pairs[inside]),
            landings[inside],
            gap,
        )
        edges = _edges(graph, choose(graph, cost))
        # Dots on one spot have none.
        lines.append(walk(edges, reach) if edges else graph.nodes)
    return lines


def _edges(graph: RouteGraph, choice: Choice) -> list[Edge]:
    """What is walked: bridges, and pieces of strokes, put together again where nothing branches off."""
    edges: list[Edge] = []
    for bridge in np.flatnonzero(choice.bridges).tolist():
        ends = graph.bridges[bridge]
        edge = Edge(int(ends[0]), int(ends[1]), graph.nodes[ends])
        edges += [edge] * int(choice.bridges[bridge])
    times = np.concatenate([choice.pieces, choice.bridges])
    ends_at = np.bincount(np.concatenate([graph.pieces, graph.bridges]).ravel(), np.repeat(times, 2))
    goes_on = (
        (graph.stroke[1:] == graph.stroke[:-1])
        & (choice.pieces[1:] == choice.pieces[:-1])
        & (ends_at[graph.pieces[1:, 0]] == 2 * choice.pieces[1:])
        & ~graph.pen_end[graph.pieces[1:, 0]]  # where a dot is, it stays a point of the line
    )
    border = np.flatnonzero(np.concatenate([[True], ~goes_on, [True]]))[: len(graph.pieces) + 1]
    first, last = border[:-1], border[1:] - 1
    for begin, end in zip(first.tolist(), last.tolist(), strict=True):
        edge = Edge(int(graph.pieces[begin, 0]), int(graph.pieces[end, 1]), graph.points(begin, end))
        edges += [edge] * int(choice.pieces[begin])
    return edges


def _groups(labels: NDArray[np.int32]) -> list[NDArray[np.intp]]:
    """The members of each label, labels in the order in which they first appear."""
    _, first = np.unique(labels, return_index=True)
    return [np.flatnonzero(labels == labels[index]) for index in sorted(first)]
