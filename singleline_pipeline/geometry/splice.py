"""Path splicing: a stroke whose ends are near a point of another is drawn on the way past it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from singleline_pipeline.geometry.splice_original import splice_as_the_story_did
from singleline_pipeline.geometry.strokes import Stroke, check_gap, segment_lengths, validate_strokes

# Table of distances worked on at once: 2 million float64, 16 MB.
_TABLE = 2_000_000


def splice_strokes(
    strokes: Sequence[ArrayLike], max_gap: float = 40.0, retrace_cost: float = 0.3, *, compat: bool = False
) -> list[Stroke]:
    """Insert strokes (guests) into others (hosts), each where that costs least: `max_gap` at most.

    As in the story the price of a guest at a host's vertex is the sum of the distances from its two ends to
    it. Other than there:

    - No ink is lost: the pen leaves the host at the vertex and comes back to the same vertex, where the
      original cuts the host's segment before it out. The price is therefore just the line that is added.
    - The guest may be drawn in either direction, and the host's last vertex counts. At the host's own ends
      the pen need not come back: the guest is drawn before or after the host, from its nearer end.
    - A branch that touches its host with one end is drawn out and back where that is cheaper: twice the
      distance of the near end, plus `retrace_cost` for each unit of the branch's length.

    Every vertex of the input is in the output. The merged stroke comes first, as in the original, the
    others in the order they had. Units are those of the coordinates.

    `compat` gives what the story's own code gave, lost ink included (see `splice_original`), for the record.
    """
    gap = check_gap("max_gap", max_gap)
    retrace = check_gap("retrace_cost", retrace_cost)
    arrays = validate_strokes(strokes)
    if len(arrays) < 2:
        return [stroke.copy() for stroke in arrays]
    if compat:
        return splice_as_the_story_did(arrays, gap)
    return _Splicer(arrays, retrace).splice(gap)


class _Splicer:
    """Chains of strokes, and `price[guest, host]`, kept up to date as they grow into each other."""

    def __init__(self, strokes: list[Stroke], retrace: float) -> None:
        self.points = np.concatenate(strokes)
        sizes = np.array([len(stroke) for stroke in strokes])
        self.starts = np.cumsum(sizes) - sizes
        # A chain is a walk over rows of `points`; a vertex that the pen comes back to is in it twice.
        self.walks = [np.arange(start, start + size) for start, size in zip(self.starts, sizes, strict=True)]
        self.lengths = np.array([segment_lengths(stroke).sum() for stroke in strokes])
        self.chain_of_stroke = np.arange(len(strokes))
        self.retrace = retrace
        step = max(1, _TABLE // len(self.points))
        chains = np.arange(len(strokes))
        self.price = np.vstack([self._prices(chains[i : i + step]) for i in range(0, len(chains), step)])

    def splice(self, gap: float) -> list[Stroke]:
        order = list(range(len(self.walks)))
        best, host_of = self.price.min(axis=1), self.price.argmin(axis=1)
        while len(order) > 1:
            guest = int(best.argmin())
            if not best[guest] <= gap:
                break
            host = int(host_of[guest])
            self._insert(guest, host)
            order = [host, *(chain for chain in order if chain not in (guest, host))]

            self.chain_of_stroke[self.chain_of_stroke == guest] = host
            self.price[:, host] = np.minimum(self.price[:, host], self.price[:, guest])
            self.price[guest, :] = self.price[:, guest] = np.inf
            self.price[host] = self._prices(np.array([host]))[0]
            # In the other rows the cheapest host is as cheap as before, or has gone into this one at the
            # same price.
            host_of[host_of == guest] = host
            best[guest] = np.inf
            best[host], host_of[host] = self.price[host].min(), self.price[host].argmin()
        return [self.points[self.walks[chain]] for chain in order]

    def _prices(self, guests: NDArray[np.intp]) -> NDArray[np.float64]:
        """(guests, chains): the price of each of these guests in every chain, infinite in itself."""
        to_first, to_last = (
            _distances(self.points[[self.walks[guest][end] for guest in guests]], self.points)
            for end in (0, -1)
        )
        visit = np.minimum.reduceat(to_first + to_last, self.starts, axis=1)
        touch = np.minimum.reduceat(np.minimum(to_first, to_last), self.starts, axis=1)
        by_stroke = np.minimum(visit, 2 * touch + self.retrace * self.lengths[guests, None])
        prices = np.full_like(by_stroke, np.inf)
        for stroke, chain in enumerate(self.chain_of_stroke):
            np.minimum(prices[:, chain], by_stroke[:, stroke], out=prices[:, chain])
        prices[np.arange(len(guests)), guests] = np.inf
        return prices

    def _insert(self, guest: int, host: int) -> None:
        """Put the guest's walk into the host's where it is cheapest."""
        inner, outer = self.walks[guest], self.walks[host]
        vertices = self.points[outer]
        to_first, to_last = (_distances(self.points[inner[[end]]], vertices)[0] for end in (0, -1))
        visit, touch = to_first + to_last, np.minimum(to_first, to_last)
        goes_through = visit.min() <= 2 * touch.min() + self.retrace * self.lengths[guest]
        at = int(visit.argmin() if goes_through else touch.argmin())
        if to_last[at] < to_first[at]:
            inner = inner[::-1]  # from its nearer end on

        if at == len(outer) - 1:
            walk = np.concatenate([outer, inner])
        elif at == 0:
            walk = np.concatenate([inner[::-1], outer])
        else:
            if not goes_through:
                inner = np.concatenate([inner, inner[-2::-1]])
            elif self._turning(outer, at, inner[::-1]) < self._turning(outer, at, inner):
                inner = inner[::-1]
            walk = np.concatenate([outer[: at + 1], inner, outer[at:]])
        self.walks[host] = walk
        self.lengths[host] = segment_lengths(self.points[walk]).sum()

    def _turning(self, outer: NDArray[np.intp], at: int, inner: NDArray[np.intp]) -> float:
        """How much the pen turns where it leaves the host for the guest and where it comes back."""
        out = self.points[[outer[at - 1], outer[at], inner[0], inner[min(1, len(inner) - 1)]]]
        back = self.points[[inner[max(-2, -len(inner))], inner[-1], outer[at], outer[at + 1]]]
        return _turn(out) + _turn(back)


def _turn(path: Stroke) -> float:
    """Sum of the turns along a short path: 0 straight on, 2 back; steps without length turn nothing."""
    steps = np.diff(path, axis=0)
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    steps = steps[lengths > 0] / lengths[lengths > 0, None]
    return float((1 - np.vecdot(steps[:-1], steps[1:])).sum())


def _distances(a: Stroke, b: Stroke) -> NDArray[np.float64]:
    """(len(a), len(b)) distances between points."""
    return np.hypot(a[:, None, 0] - b[None, :, 0], a[:, None, 1] - b[None, :, 1])
