"""Path splicing: a stroke whose ends are near a point of another is drawn on the way past it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from singleline_pipeline.geometry.splice_original import splice_as_the_story_did
from singleline_pipeline.geometry.strokes import Stroke, check_gap, segment_lengths, validate_strokes

# Distances worked on at once: a million float64, 8 MB.
_TABLE = 1_000_000


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
    return _Splicer(arrays, retrace, gap).splice()


class _Splicer:
    """Chains of strokes, and what each costs as a guest in every other, kept up to date as they grow together.

    `visit` and `touch`, (guests, hosts), are the least sums of the distances of the guest's two ends to one of
    the host's vertices, and the least distance of one of them; infinite where no price within the gap can
    come of it.
    """

    def __init__(self, strokes: list[Stroke], retrace: float, gap: float) -> None:
        self.points = np.concatenate(strokes)
        self.sizes = np.array([len(stroke) for stroke in strokes])
        self.starts = np.cumsum(self.sizes) - self.sizes
        self.low = np.minimum.reduceat(self.points, self.starts)
        self.high = np.maximum.reduceat(self.points, self.starts)
        # A chain is a walk over rows of `points`; a vertex that the pen comes back to is in it twice.
        self.walks = [
            np.arange(start, start + size) for start, size in zip(self.starts, self.sizes, strict=True)
        ]
        self.lengths = np.array([segment_lengths(stroke).sum() for stroke in strokes])
        self.chain_of_stroke = np.arange(len(strokes))
        self.retrace, self.gap = retrace, gap
        self.visit, self.touch = np.full((2, len(strokes), len(strokes)), np.inf)
        step = max(1, _TABLE // (4 * len(strokes)))
        for begin in range(0, len(strokes), step):
            self._look(np.arange(begin, min(begin + step, len(strokes))))

    def splice(self) -> list[Stroke]:
        count = len(self.walks)
        joined_at = np.zeros(count, dtype=int)
        price = np.minimum(self.visit, 2 * self.touch + self.retrace * self.lengths[:, None])
        best, host_of = price.min(axis=1), price.argmin(axis=1)
        for time in range(1, count):
            guest = int(best.argmin())
            if not best[guest] <= self.gap:
                break
            host = int(host_of[guest])
            has_other_ends = self._insert(guest, host)
            joined_at[host], joined_at[guest] = time, -1
            self.chain_of_stroke[self.chain_of_stroke == guest] = host
            for table in (self.visit, self.touch, price):
                np.minimum(table[:, host], table[:, guest], out=table[:, host])
                table[guest, :] = table[:, guest] = table[host, host] = np.inf
            if has_other_ends:
                self._look(np.array([host]))
            price[host] = np.minimum(
                self.visit[host], 2 * self.touch[host] + self.retrace * self.lengths[host]
            )
            # In the other rows the cheapest host is as cheap as before, or has gone into this one at the
            # same price.
            host_of[host_of == guest] = host
            best[guest] = np.inf
            best[host], host_of[host] = price[host].min(), price[host].argmin()
        order = np.argsort(-joined_at, kind="stable")
        return [self.points[self.walks[chain]] for chain in order.tolist() if joined_at[chain] >= 0]

    def _look(self, guests: NDArray[np.intp]) -> None:
        """Fill the rows of these guests in the tables."""
        ends = self.points[[self.walks[guest][[0, -1]] for guest in guests]]
        # No vertex is nearer than the box of its stroke.
        outside = np.maximum(self.low - ends[:, :, None], ends[:, :, None] - self.high).clip(0.0)
        to_box = np.hypot(outside[..., 0], outside[..., 1])
        at_least = np.minimum(
            to_box.sum(axis=1), 2 * to_box.min(axis=1) + self.retrace * self.lengths[guests, None]
        )
        near = (at_least <= self.gap * (1 + 1e-9)) & (guests[:, None] != self.chain_of_stroke)
        row, stroke = np.nonzero(near)
        self.visit[guests] = self.touch[guests] = np.inf
        if not len(row):
            return
        last = np.cumsum(self.sizes[stroke])
        # Not all vertices of all pairs at once.
        for part in np.split(np.arange(len(row)), np.searchsorted(last, np.arange(_TABLE, last[-1], _TABLE))):
            if len(part):
                self._look_closely(guests[row[part]], ends[row[part]], stroke[part])

    def _look_closely(
        self, guest: NDArray[np.intp], ends: NDArray[np.float64], stroke: NDArray[np.intp]
    ) -> None:
        """Enter the distances of guests (k,), ends (k, 2, 2), to the vertices of strokes (k,)."""
        sizes = self.sizes[stroke]
        begin = np.cumsum(sizes) - sizes
        pair = np.repeat(np.arange(len(stroke)), sizes)
        vertex = self.points[np.arange(len(pair)) + (self.starts[stroke] - begin)[pair]]
        to_first, to_last = (
            np.hypot(ends[pair, end, 0] - vertex[:, 0], ends[pair, end, 1] - vertex[:, 1]) for end in (0, 1)
        )
        at = guest, self.chain_of_stroke[stroke]
        np.minimum.at(self.visit, at, np.minimum.reduceat(to_first + to_last, begin))
        np.minimum.at(self.touch, at, np.minimum.reduceat(np.minimum(to_first, to_last), begin))

    def _insert(self, guest: int, host: int) -> bool:
        """Put the guest's walk into the host's where it is cheapest; whether the host has other ends then."""
        inner, outer = self.walks[guest], self.walks[host]
        to_first, to_last = (np.hypot(*(self.points[inner[end]] - self.points[outer]).T) for end in (0, -1))
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
        return at in (0, len(outer) - 1)

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
