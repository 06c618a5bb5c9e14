"""Path splicing as the story first did it, faults included: for the record, and to compare with.

Andrew Look's `splice_until` (singleline_dataset, strokes.py) looks for the guest, host and vertex of least price
among all, moves the guest into the host's list of points, and begins again. Three things about it are wrong, and
kept here: the guest goes in *before* the vertex, so the host's segment that led to it is lost; the price is the
way from both of the guest's ends to that vertex, not the line that is then drawn; and the guest is never turned
round, nor put behind the host's last vertex. `splice_strokes` mends them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from singleline_pipeline.geometry.strokes import Stroke, norms

# Differences of points worked on at once: a million of two float64, 16 MB.
_TABLE = 1_000_000


def splice_as_the_story_did(strokes: list[Stroke], gap: float) -> list[Stroke]:
    """Splice until the least price is above `gap`; what was spliced last comes first, the others keep their order.

    strokes: valid ones (n, 2). Of equal prices the first guest has it, then the first host, then the first
    vertex. A host needs two points.

    Prices are kept in a table, guest by host: one that has taken a guest in costs what the cheaper of the two
    cost, or what the guest's last point costs, which now has points behind it.
    """
    chains = list(strokes)
    order = list(range(len(chains)))
    price = _prices(_ends(chains), chains)
    np.fill_diagonal(price, np.inf)
    best = price.min(axis=1)
    while len(order) > 1:
        guest = order[int(best[order].argmin())]
        if not best[guest] <= gap or np.isinf(best[guest]):
            break
        host = order[int(price[guest, order].argmin())]
        inner, outer = chains[guest], chains[host]
        vertex = int(_to_points(_ends([inner]), outer[:-1]).argmin())
        chains[host] = np.concatenate([outer[:vertex], inner, outer[vertex:]])
        order = [host, *(chain for chain in order if chain not in (guest, host))]

        column = np.minimum(price[:, host], price[:, guest])
        column[order] = np.minimum(
            column[order], _to_points(_ends([chains[i] for i in order]), inner[-1:])[:, 0]
        )
        price[:, host] = column
        price[guest, :] = price[:, guest] = np.inf
        best = np.minimum(best, column)
        best[guest] = np.inf
        if vertex == 0:  # its first point is another
            price[host, order] = _prices(_ends([chains[host]]), [chains[i] for i in order])[0]
        price[host, host] = np.inf
        best[host] = price[host].min()
    return [chains[chain] for chain in order]


def _ends(strokes: list[Stroke]) -> NDArray[np.float64]:
    """(strokes, 2, 2): the first and the last point of each."""
    return np.array([stroke[[0, -1]] for stroke in strokes])


def _prices(guests: NDArray[np.float64], hosts: list[Stroke]) -> NDArray[np.float64]:
    """(guests, hosts): the least price of guests with these ends (guests, 2, 2) at any but the last point of a host."""
    price = np.full((len(guests), len(hosts)), np.inf)
    sizes = np.array([len(host) - 1 for host in hosts])
    wide = np.flatnonzero(sizes)
    if not len(wide):
        return price
    points = np.concatenate([hosts[host][:-1] for host in wide])
    starts = np.cumsum(sizes[wide]) - sizes[wide]
    step = max(1, _TABLE // len(points))
    for begin in range(0, len(guests), step):
        rows = slice(begin, begin + step)
        price[rows, wide] = np.minimum.reduceat(_to_points(guests[rows], points), starts, axis=1)
    return price


def _to_points(guests: NDArray[np.float64], points: Stroke) -> NDArray[np.float64]:
    """(guests, points): the way from a guest's first point to each point, and from there to its last."""
    return norms(guests[:, 0, None] - points) + norms(guests[:, 1, None] - points)
