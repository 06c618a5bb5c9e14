"""A page's strokes connected within its provisional drawings, and what that cost in line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from singleline_pipeline.geometry.groups import GroupedStrokes, per_group
from singleline_pipeline.geometry.join import join_strokes
from singleline_pipeline.geometry.splice import splice_strokes
from singleline_pipeline.geometry.strokes import Stroke, drawing_length, drop_short, stroke_length


@dataclass(frozen=True)
class LineOfPage:
    """A page's strokes (n, 2) in page pixels, the provisional drawing of each, and the account of the line.

    `length` is the line that came in, `added` line that nobody drew, `lost` drawn line that is no longer there, the
    `dropped` strokes' included; all in page pixels.
    """

    strokes: list[Stroke]
    groups: NDArray[np.int32]
    length: float
    added: float
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


def _line(before: Sequence[ArrayLike], after: GroupedStrokes, kept: list[int], lost: float) -> LineOfPage:
    return LineOfPage(
        [after.strokes[index] for index in kept],
        np.array([after.groups[index] for index in kept], np.int32),
        drawing_length(before),
        after.added,
        after.lost + lost,
        len(after.strokes) - len(kept),
    )
