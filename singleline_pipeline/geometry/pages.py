"""A page's strokes connected within its provisional drawings, and what that cost in line."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from singleline_pipeline.geometry.groups import GroupedStrokes, per_group
from singleline_pipeline.geometry.join import join_strokes
from singleline_pipeline.geometry.route import route_strokes
from singleline_pipeline.geometry.splice import splice_strokes
from singleline_pipeline.geometry.split import split_drawings
from singleline_pipeline.geometry.strokes import (
    Box,
    Stroke,
    bounding_box,
    drawing_length,
    drop_short,
    rescale,
    stroke_length,
)


@dataclass(frozen=True)
class LineOfPage:
    """A page's strokes (n, 2) in page pixels, the provisional drawing of each, and the account of the line.

    `length` is the line that came in, `added` line that nobody drew, `retraced` line that is drawn once more, `lost`
    drawn line that is no longer there, the `dropped` strokes' included; all in page pixels.
    """

    strokes: list[Stroke]
    groups: NDArray[np.int32]
    length: float
    added: float
    retraced: float
    lost: float
    dropped: int


def join_page(
    strokes: Sequence[ArrayLike], groups: Sequence[int], *, max_gap: float = 15.0, min_points: int = 10
) -> LineOfPage:
    """Join end to end within each drawing, then drop the strokes that are still too short to be a line.

    Crumbs are dropped after joining, not before: a short piece between two others is a part of their line.
    Gaps are in units of the drawing (200 on its longer side); `min_points` is of `drop_short`.
    """
    joined = per_group(strokes, groups, lambda drawing: join_strokes(drawing, max_gap))
    kept: list[int] = []
    for group in dict.fromkeys(joined.groups):
        members = [index for index, label in enumerate(joined.groups) if label == group]
        kept += [members[index] for index in drop_short([joined.strokes[i] for i in members], min_points)[0]]
    dropped = sorted(set(range(len(joined.strokes))) - set(kept))
    return _line(strokes, joined, kept, lost=sum(stroke_length(joined.strokes[index]) for index in dropped))


def splice_page(strokes: Sequence[ArrayLike], groups: Sequence[int], *, max_gap: float = 40.0) -> LineOfPage:
    """Splice strokes into each other within each drawing; `max_gap` in units of the drawing."""
    spliced = per_group(strokes, groups, lambda drawing: splice_strokes(drawing, max_gap))
    return _line(strokes, spliced, list(range(len(spliced.strokes))), lost=0.0)


def route_page(
    strokes: Sequence[ArrayLike], groups: Sequence[int], *, max_gap: float = 30.0, retrace_cost: float = 0.3
) -> LineOfPage:
    """Route each drawing as one line where gaps up to `max_gap`, in units of the drawing, allow it."""
    routed = per_group(strokes, groups, lambda drawing: route_strokes(drawing, max_gap, retrace_cost))
    return _line(strokes, routed, list(range(len(routed.strokes))), lost=0.0)


def _line(before: Sequence[ArrayLike], after: GroupedStrokes, kept: list[int], lost: float) -> LineOfPage:
    return LineOfPage(
        [after.strokes[index] for index in kept],
        np.array([after.groups[index] for index in kept], np.int32),
        drawing_length(before),
        after.added,
        after.retraced,
        after.lost + lost,
        len(after.strokes) - len(kept),
    )


@dataclass(frozen=True)
class DrawingOnPage:
    """A drawing on its own canvas (strokes (n, 2), 200 units on the longer side), and where it was.

    box: x0, y0, x1, y1 in page pixels; scale: canvas units a page pixel.
    """

    strokes: list[Stroke]
    box: Box
    scale: float


@dataclass(frozen=True)
class SplitPage:
    """The drawings of a page in reading order, and what was dropped: strokes of the page by index, and their box."""

    drawings: list[DrawingOnPage]
    dropped: list[tuple[list[int], Box]]


def drawings_of_page(
    strokes: Sequence[ArrayLike],
    groups: Sequence[int],
    *,
    settled: Collection[int] = (),
    min_overlap: float = 0.25,
    min_area: float = 500.0,
) -> SplitPage:
    """Split a page into drawings: provisional drawings are one where their boxes overlap (see `split_drawings`), but
    for those that are `settled`.

    Drawings are numbered as one reads: by rows from the top, from left to right within a row.
    """
    members, dropped = split_drawings(
        strokes, groups=groups, settled=settled, min_overlap=min_overlap, min_area=min_area
    )
    drawings = []
    for indices in members:
        drawing = [strokes[index] for index in indices]
        canvas, scale, _ = rescale(drawing)
        drawings.append(DrawingOnPage(canvas, bounding_box(drawing), scale))
    crumbs = [
        [index for index in dropped if groups[index] == group] for group in {groups[i] for i in dropped}
    ]
    lost = [(indices, bounding_box([strokes[index] for index in indices])) for indices in sorted(crumbs)]
    return SplitPage(_in_reading_order(drawings), lost)


def _in_reading_order(drawings: list[DrawingOnPage]) -> list[DrawingOnPage]:
    """Rows from the top; a drawing opens a new row where its middle is below all of the row so far."""
    rows: list[list[DrawingOnPage]] = []
    for drawing in sorted(drawings, key=lambda d: (d.box[1] + d.box[3], d.box[0])):
        middle = (drawing.box[1] + drawing.box[3]) / 2
        if rows and middle <= min(other.box[3] for other in rows[-1]):
            rows[-1].append(drawing)
        else:
            rows.append([drawing])
    return [drawing for row in rows for drawing in sorted(row, key=lambda d: (d.box[0], d.box[1]))]
