"""How true traced strokes are to the line that the pen drew, for pages whose line is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Line = NDArray[np.float64]

REACH = 3.0
"""Pen widths before and after a crossing between which a line must stay on one stroke."""
FLATTEST = np.radians(20)
"""Lines that meet at a smaller angle run along each other; nobody could say where they cross."""


@dataclass(frozen=True)
class Quality:
    """Of one page.

    distance: mean of both directions, in pen widths. precision, recall: share of the traced line that is
    true, and of the true line that was traced, within `tolerance` px. length: traced by true length.
    crossings: times a line passes one; lost: (n, 2) page px, those at which it does not stay on one stroke.
    strokes: traced.
    """

    distance: float
    precision: float
    recall: float
    length: float
    crossings: int
    lost: Line
    strokes: int

    @property
    def passed(self) -> float:
        """Share of the crossings that lines pass on one stroke; 1 where there are none."""
        return 1 - len(self.lost) / max(self.crossings, 1)


def quality(strokes: Sequence[Line], truth: Sequence[Line], pen: float) -> Quality:
    """Compare traced strokes with the true lines, both (n, 2) in page px; pen: width in px.

    Crossings are proper ones of the true lines, away from their ends. A line passes where one stroke has a
    point near it `REACH` pens before and after, and is as long between the two. A page without a traced
    stroke has no quality: ValueError.
    """
    if not strokes:
        raise ValueError("No stroke was traced.")
    tolerance = max(2.0, pen / 2)
    traced, true = _sampled(strokes), _sampled(truth)
    invented = _sampled(truth, 0.2).tree.query(traced.points)[0]
    missed = _sampled(strokes, 0.2).tree.query(true.points)[0]
    crossings = np.array(_crossings(true, pen), np.intp).ravel()
    lost = [index for index in crossings if not _passes(traced, true, int(index), pen, tolerance)]
    return Quality(
        float(invented.mean() + missed.mean()) / 2 / pen,
        float((invented < tolerance).mean()),
        float((missed < tolerance).mean()),
        len(traced.points) / len(true.points),
        len(crossings),
        true.points[lost],
        len(strokes),
    )


@dataclass(frozen=True)
class _Sampled:
    """Lines as points at even steps: (n, 2) points, the line and the arc length of each."""

    points: Line
    line: NDArray[np.intp]
    arc: Line
    tree: cKDTree


def _sampled(lines: Sequence[Line], step: float = 1.0) -> _Sampled:
    points, numbers, arcs = [np.zeros((0, 2))], [np.zeros(0, np.intp)], [np.zeros(0)]
    for number, line in enumerate(lines):
        along = np.r_[0.0, np.cumsum(np.hypot(*np.diff(line, axis=0).T))]
        if along[-1] == 0:
            continue
        arc = np.linspace(0, along[-1], max(2, round(along[-1] / step) + 1))
        points.append(np.column_stack([np.interp(arc, along, line[:, axis]) for axis in (0, 1)]))
        numbers.append(np.full(len(arc), number))
        arcs.append(arc)
    stacked = np.concatenate(points)
    return _Sampled(stacked, np.concatenate(numbers), np.concatenate(arcs), cKDTree(stacked))


def _crossings(lines: _Sampled, pen: float) -> list[tuple[int, int]]:
    """Pairs of points, by index, at which true lines cross, each crossing once."""
    same = lines.line[1:] == lines.line[:-1]
    starts = np.flatnonzero(same)
    a, b = lines.points[starts], lines.points[starts + 1]
    segments = shapely.linestrings(np.stack([a, b], axis=1))
    i, j = shapely.STRtree(segments).query(segments, predicate="crosses")
    i, j = starts[i[i < j]], starts[j[i < j]]
    steps = np.diff(lines.points, axis=0)
    heading = np.arctan2(steps[:, 1], steps[:, 0])
    between = np.abs(np.angle(np.exp(2j * (heading[i] - heading[j])))) / 2
    longest = np.zeros(int(lines.line.max(initial=-1)) + 1)
    np.maximum.at(longest, lines.line, lines.arc)
    end = np.minimum(lines.arc, longest[lines.line] - lines.arc)
    apart = (lines.line[i] != lines.line[j]) | (np.abs(lines.arc[i] - lines.arc[j]) > 2 * REACH * pen)
    clear = apart & (between > FLATTEST) & (np.minimum(end[i], end[j]) > (REACH + 0.5) * pen)
    return list(zip(i[clear].tolist(), j[clear].tolist(), strict=True))


def _passes(traced: _Sampled, true: _Sampled, index: int, pen: float, tolerance: float) -> bool:
    reach = round(REACH * pen)
    before, after = (
        np.array(traced.tree.query_ball_point(true.points[index + way], tolerance), np.intp)
        for way in (-reach, reach)
    )
    one_stroke = traced.line[before][:, None] == traced.line[after]
    way = np.abs(traced.arc[before][:, None] - traced.arc[after])
    return bool((one_stroke & (np.abs(way - 2 * reach) < 0.6 * reach + 2)).any())
