"""Joining on the scale of a drawing while strokes stay in page pixels, group by group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from singleline_pipeline.geometry.strokes import (
    Stroke,
    StrokeError,
    drawing_length,
    rescale,
    segment_lengths,
    validate_strokes,
)

Segment = tuple[float, float, float, float]

# In canvas units: how far off a line may be and still be the same line, for rounding's sake.
_SAME_LINE = 1e-6


@dataclass(frozen=True)
class GroupedStrokes:
    """Strokes in the units they came in (page pixels), and the group (provisional drawing) of each.

    `added` is line that the pen never drew, `lost` is ink of the input that is nowhere in the output,
    `retraced` is line of the output that is drawn again, all as lengths in those units: length out = length
    in - lost + added + retraced.
    """

    strokes: list[Stroke]
    groups: list[int]
    added: float
    lost: float
    retraced: float


def per_group(
    strokes: Sequence[ArrayLike],
    groups: Sequence[int],
    function: Callable[[list[Stroke]], list[Stroke]],
    *,
    longer_side: float = 200.0,
) -> GroupedStrokes:
    """Apply `function` (such as `join_strokes`) to each group of strokes on its own, on its own canvas.

    A group is scaled so that its longer side is `longer_side` before, and back after, so gaps mean the same
    in a small drawing and in a large one, and nothing is ever joined across groups. Groups come out in the
    order in which they first appear. StrokeError where strokes and groups are not of one length.
    """
    arrays = validate_strokes(strokes)
    labels = [int(group) for group in groups]
    if len(arrays) != len(labels):
        raise StrokeError(f"{len(arrays)} strokes, but {len(labels)} groups: each stroke has one")
    result: list[Stroke] = []
    result_groups: list[int] = []
    added = lost = retraced = 0.0
    for group in dict.fromkeys(labels):
        before, scale, offset = rescale(
            [s for s, label in zip(arrays, labels, strict=True) if label == group], longer_side
        )
        after = function(before)
        group_lost, group_added = _lost_and_added(before, after)
        growth = drawing_length(after) - drawing_length(before)
        lost += group_lost / scale
        added += group_added / scale
        # Not below nothing, by the rounding of two sums.
        retraced += max(0.0, growth + group_lost - group_added) / scale
        result.extend(stroke / scale + np.array(offset) for stroke in after)
        result_groups.extend([group] * len(after))
    return GroupedStrokes(result, result_groups, added, lost, retraced)


def _lost_and_added(before: list[Stroke], after: list[Stroke]) -> tuple[float, float]:
    """Lengths of the ink of `before` that `after` does not draw, and of line of `after` that is not on that ink."""
    had, has = _segments(before), _segments(after)
    return _beside(had - has, has), _beside(has - had, had)


def _beside(segments: set[Segment], drawn: set[Segment]) -> float:
    """Length of those segments that is on none of the segments drawn."""
    these, others = (np.array(sorted(some)).reshape(-1, 2, 2) for some in (segments, drawn))
    # What lies on a segment touches it: of thousands drawn that is a handful.
    segment, near = shapely.STRtree(shapely.linestrings(others)).query(
        shapely.linestrings(these), predicate="dwithin", distance=2 * _SAME_LINE
    )
    order = np.lexsort((near, segment))
    parts = np.split(others[near[order]], np.searchsorted(segment[order], np.arange(1, len(these))))
    return float(sum(_uncovered(one, touching) for one, touching in zip(these, parts, strict=False)))


def _uncovered(segment: Stroke, drawn: NDArray[np.float64]) -> float:
    """Length of the segment (2, 2) that none of the segments drawn (m, 2, 2) lies on.

    A segment and its parts are not the same segment: a bridge that lands on one cuts it in two.
    """
    step = segment[1] - segment[0]
    length = float(np.hypot(*step))
    from_start = drawn - segment[0]
    along = from_start @ step / length
    beside = from_start @ np.array([-step[1], step[0]]) / length
    on_its_line = (np.abs(beside) <= _SAME_LINE).all(axis=1)
    parts = np.sort(along[on_its_line], axis=1).clip(0.0, length)
    parts = parts[np.argsort(parts[:, 0], kind="stable")]
    # Each part covers what lies beyond the furthest that the parts before it reach.
    reached = np.maximum.accumulate(np.concatenate([[0.0], parts[:, 1]]))
    gaps = np.maximum(np.append(parts[:, 0], length) - reached, 0.0).sum()
    return float(gaps) if gaps > _SAME_LINE * (len(parts) + 1) else 0.0


def _segments(strokes: list[Stroke]) -> set[Segment]:
    """The segments of strokes, whichever way they are drawn; those without length are left out."""
    found: set[Segment] = set()
    for stroke in strokes:
        a, b = stroke[:-1], stroke[1:]
        swap = (a[:, 0] > b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] > b[:, 1]))
        ordered = np.where(swap[:, None], np.hstack([b, a]), np.hstack([a, b]))
        found.update(map(tuple, ordered[segment_lengths(stroke) > 0].tolist()))
    return found
