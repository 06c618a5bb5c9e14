"""One line: strokes connected and walked in one go, by route inspection."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from singleline_pipeline.geometry.route_graph import bridges_between, build_graph, make_routable
from singleline_pipeline.geometry.route_trail import walk
from singleline_pipeline.geometry.strokes import Stroke, check_gap, validate_strokes

# How far along a line its direction is taken, as a share of the drawing's longer side: 3 of 200 units.
_REACH = 0.015


def route_strokes(
    strokes: Sequence[ArrayLike], max_gap: float = 30.0, retrace_cost: float = 0.3
) -> list[Stroke]:
    """Draw all strokes in as few lines as gaps of at most `max_gap` allow, with little line that is not theirs.

    Strokes are connected by the shortest bridges between any points of them; where a bridge lands inside a
    stroke the stroke gets a vertex. Lines that end in the open are then paired, by going back over line
    that is there, at `retrace_cost` for each unit of length, or by another bridge, at its length, whichever
    costs least over the whole drawing. Of the ways to walk all that, the one with the least turning is
    taken.

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
    a, b, landings = bridges_between(arrays, gap)
    links = coo_array((np.ones(len(a)), (a, b)), shape=(len(arrays), len(arrays)))
    lines: list[Stroke] = []
    for members in _groups(connected_components(links, directed=False)[1]):
        if len(members) == 1:
            lines.append(arrays[members[0]].copy())
            continue
        inside = np.isin(a, members)
        graph = build_graph(
            [arrays[stroke] for stroke in members],
            np.searchsorted(members, a[inside]),
            np.searchsorted(members, b[inside]),
            landings[inside],
        )
        if not graph.edges:  # dots on one spot
            lines.append(graph.nodes)
            continue
        lines.append(walk(graph.edges + make_routable(graph, gap, cost), reach))
    return lines


def _groups(labels: NDArray[np.int32]) -> list[NDArray[np.intp]]:
    """The members of each label, labels in the order in which they first appear."""
    _, first = np.unique(labels, return_index=True)
    return [np.flatnonzero(labels == labels[index]) for index in sorted(first)]
