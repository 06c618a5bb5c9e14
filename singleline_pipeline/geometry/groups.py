"""Joining on the scale of a drawing while strokes stay in page pixels, group by group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from singleline_pipeline.geometry.strokes import (
    Stroke,
    StrokeError,
    drawing_length,
    rescale,
    segment_lengths,
    validate_strokes,
)

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
        group_lost, group_retraced = _lost_and_retraced(before, after)
        added += (drawing_length(after) - drawing_length(before) + group_lost - group_retraced) / scale
        lost += group_lost / scale
        retraced += group_retraced / scale
        result.extend(stroke / scale + np.array(offset) for stroke in after)
        result_groups.extend([group] * len(after))
    # Nothing added is 0, not the rounding of two sums.
    return GroupedStrokes(result, result_groups, max(0.0, added), lost, retraced)


def _lost_and_retraced(before: list[Stroke], after: list[Stroke]) -> tuple[float, float]:
    """Lengths of ink of `before` that `after` does not draw, and of line that `after` draws again."""
    had, has = _segments(before), _segments(after)
    retraced = sum(
        (count - max(1, had[segment])) * np.hypot(segment[0] - segment[2], segment[1] - segment[3])
        for segment, count in has.items()
        if count > max(1, had[segment])
    )
    missing = [segment for segment in had if segment not in has]
    if not missing:
        return 0.0, float(retraced)
    drawn = np.array(list(has)).reshape(-1, 2, 2)
    lost = sum(_uncovered(np.array(segment).reshape(2, 2), drawn) for segment in missing)
    return float(lost), float(retraced)


def _uncovered(segment: Stroke, drawn: NDArray[np.float64]) -> float:
    """Length of the segment (2, 2) that no part of it among the segments drawn (m, 2, 2) covers.

    A part is what is left of a segment when a bridge that lands on it has cut it.
    """
    step = segment[1] - segment[0]
    length = float(np.hypot(*step))
    from_start = drawn - segment[0]
    along = from_start @ step / length
    beside = from_start @ np.array([-step[1], step[0]]) / length
    on = (np.abs(beside) <= _SAME_LINE) & (along >= -_SAME_LINE) & (along <= length + _SAME_LINE)
    parts = np.sort(along[on.all(axis=1)], axis=1)
    parts = parts[np.argsort(parts[:, 0], kind="stable")]
    # Each part covers what lies beyond the furthest that the parts before it reach.
    reached = np.maximum.accumulate(np.concatenate([[0.0], parts[:, 1]]))
    gaps = np.maximum(np.append(parts[:, 0], length) - reached, 0.0).sum()
    return float(gaps) if gaps > _SAME_LINE * (len(parts) + 1) else 0.0


def _segments(strokes: list[Stroke]) -> Counter[tuple[float, float, float, float]]:
    """How often each segment is drawn, whichever way; segments without length are left out."""
    found: Counter[tuple[float, float, float, float]] = Counter()
    for stroke in strokes:
        a, b = stroke[:-1], stroke[1:]
        swap = (a[:, 0] > b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] > b[:, 1]))
        ordered = np.where(swap[:, None], np.hstack([b, a]), np.hstack([a, b]))
        found.update(map(tuple, ordered[segment_lengths(stroke) > 0].tolist()))
    return found
