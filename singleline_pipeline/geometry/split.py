"""Which strokes of a page belong to one drawing."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from singleline_pipeline.geometry._shapes import as_shapes
from singleline_pipeline.geometry.bonds import Pieces, bind
from singleline_pipeline.geometry.strokes import (
    Stroke,
    StrokeError,
    check_gap,
    rescale,
    segment_lengths,
    validate_strokes,
)

_CANVAS = 200.0
# Half a pen's width in canvas units. Gives a straight line a box with an area, so that it can be inside
# another.
_HALF_PEN = 0.5


def split_drawings(
    strokes: Sequence[ArrayLike],
    *,
    groups: Sequence[int] | None = None,
    settled: Collection[int] = (),
    max_gap: float = 3.0,
    apart: float = 24.0,
    min_overlap: float = 0.25,
    min_area: float = 500.0,
) -> tuple[list[list[int]], list[int]]:
    """Group the strokes of a page into drawings: (groups, dropped), lists of indices of strokes.

    Every stroke is in exactly one group or in `dropped`. Lengths and areas are in canvas units, in which
    the longer side of all the strokes together is 200, whatever units they come in.

    Strokes belong together where their ink is at most `max_gap` apart, or where the strip of paper between their
    boxes is narrower than a drawing like theirs may hold within itself: up to `apart`, see `geometry.bonds`. Or
    `groups`, one number a stroke, says so already (then neither is looked at). Drawings whose boxes overlap by at
    least `min_overlap` of the smaller box are one, until nothing changes: an eye belongs to its face, however small
    (the original's intersection over union does not see that), and two drawings whose boxes only touch stay two.

    A drawing that fits into a square of the area `min_area` is dropped: page numbers and specks. The largest
    drawing stays whatever its size, so that a page with a single short line is not lost. Groups are in the
    order of their first strokes.

    Of the numbers in `groups`, those that are `settled` are drawings as they are: whatever their boxes overlap, and
    whatever their size.
    """
    gap, least_area = check_gap("max_gap", max_gap), check_gap("min_area", min_area)
    overlap, strip = check_gap("min_overlap", min_overlap), check_gap("apart", apart)
    arrays = validate_strokes(strokes)
    if groups is not None and len(groups) != len(arrays):
        raise StrokeError(f"{len(arrays)} strokes, but {len(groups)} groups: each stroke has one")
    if not arrays:
        return [], []
    canvas, _, _ = rescale(arrays, _CANVAS)
    boxes = np.array([[*stroke.min(axis=0), *stroke.max(axis=0)] for stroke in canvas])
    if groups is None:
        seeds = _bound(canvas, boxes, gap, strip)
        fixed = np.zeros(len(arrays), dtype=bool)
    else:
        numbers, seeds = np.unique(np.asarray(groups), return_inverse=True)
        fixed = np.isin(numbers, list(settled))[seeds]
    labels = _merge_boxes(seeds, boxes, overlap, fixed)

    outer = _boxes_of(labels, boxes)
    side = (outer[:, 2:] - outer[:, :2]).max(axis=1)
    keep = side**2 >= least_area
    keep[np.argmax(side)] = True
    keep[labels[fixed]] = True
    members = [[int(stroke) for stroke in np.flatnonzero(labels == label)] for label in range(len(outer))]
    drawings = sorted(group for group, kept in zip(members, keep, strict=True) if kept)
    dropped = sorted(
        stroke for group, kept in zip(members, keep, strict=True) if not kept for stroke in group
    )
    return drawings, dropped


def _bound(strokes: list[Stroke], boxes: NDArray[np.float64], gap: float, apart: float) -> NDArray[np.intp]:
    """A label a stroke, the same for strokes whose ink is near and for those bound by what they look like."""
    if not np.isfinite(apart):
        return np.zeros(len(strokes), dtype=np.intp)
    near = _near_ink(strokes, gap)
    touching = _near_ink(strokes, min(gap, 2 * _HALF_PEN))
    _, first = np.unique(touching, return_index=True)
    around = np.array([-_HALF_PEN, -_HALF_PEN, _HALF_PEN, _HALF_PEN])
    pieces = Pieces(
        box=(_boxes_of(near, boxes) + around) / _CANVAS,
        ink=np.bincount(near, [segment_lengths(stroke).sum() for stroke in strokes]) / _CANVAS,
        count=np.bincount(near[first]).astype(np.float64),
    )
    return np.unique(bind(pieces, apart / _CANVAS), return_inverse=True)[1][near]


def _near_ink(strokes: list[Stroke], gap: float) -> NDArray[np.intp]:
    """A label a stroke, the same for strokes linked by ink at most `gap` apart."""
    if not np.isfinite(gap):
        return np.zeros(len(strokes), dtype=np.intp)
    lines = as_shapes(strokes)
    a, b = shapely.STRtree(lines).query(lines, predicate="dwithin", distance=gap)
    return _components(len(strokes), a, b)


def _merge_boxes(
    labels: NDArray[np.intp], boxes: NDArray[np.float64], overlap: float, fixed: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """Labels after drawings whose boxes overlap were merged, and again, until no boxes overlap; `fixed` strokes are of
    drawings that are merged with no other."""
    while True:
        outer = _boxes_of(labels, boxes) + np.array([-_HALF_PEN, -_HALF_PEN, _HALF_PEN, _HALF_PEN])
        area = (outer[:, 2:] - outer[:, :2]).prod(axis=1)
        a, b = shapely.STRtree(shapely.box(*outer.T)).query(shapely.box(*outer.T), predicate="intersects")
        shared = np.minimum(outer[a, 2:], outer[b, 2:]) - np.maximum(outer[a, :2], outer[b, :2])
        together = shared.prod(axis=1) >= overlap * np.minimum(area[a], area[b])
        alone = np.isin(np.arange(len(outer)), labels[fixed])
        together &= ~(alone[a] | alone[b])
        merged = _components(len(outer), a[together], b[together])
        if merged.max() + 1 == len(outer):
            return labels
        labels = merged[labels]


def _boxes_of(labels: NDArray[np.intp], boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The box around all boxes of a label, (labels, 4)."""
    outer = np.tile([np.inf, np.inf, -np.inf, -np.inf], (labels.max() + 1, 1))
    np.minimum.at(outer[:, :2], labels, boxes[:, :2])
    np.maximum.at(outer[:, 2:], labels, boxes[:, 2:])
    return outer


def _components(count: int, a: NDArray[np.intp], b: NDArray[np.intp]) -> NDArray[np.intp]:
    links = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(count, count))
    return connected_components(links, directed=False)[1].astype(np.intp)
