"""stroke-3, the rows (dx, dy, lift_pen) that SketchRNN and QuickDraw read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from singleline_pipeline.geometry.strokes import (
    MAX_COORDINATE,
    Stroke,
    StrokeError,
    reverse_strokes,
    validate_strokes,
)


def to_stroke3(strokes: Sequence[ArrayLike]) -> NDArray[Any]:
    """A drawing as stroke-3 (n, 3), n the number of all its points; lift_pen is 1 on last points.

    The first row is relative to (0, 0), so the drawing's place is kept. int64 where every stroke has an
    integer type (exact), float64 otherwise.
    """
    arrays = validate_strokes(strokes)
    whole = len(arrays) > 0 and all(np.asarray(stroke).dtype.kind in "iu" for stroke in strokes)
    rows = np.zeros((sum(len(stroke) for stroke in arrays), 3))
    if arrays:
        points = np.concatenate(arrays)
        rows[0, :2] = points[0]
        rows[1:, :2] = np.diff(points, axis=0)
        rows[np.cumsum([len(stroke) for stroke in arrays]) - 1, 2] = 1
    return rows.astype(np.int64) if whole else rows


def from_stroke3(array: ArrayLike) -> list[Stroke]:
    """The strokes, float64 (n, 2) each, of a drawing in stroke-3 (n, 3).

    A last stroke that nobody lifted the pen from ends with the array.
    """
    rows = validate_stroke3(array)
    # Summed as float64: int16 files overflow when summed as they are.
    points = np.cumsum(rows[:, :2], axis=0, dtype=np.float64)
    ends = np.flatnonzero(rows[:, 2]) + 1
    return [stroke for stroke in np.split(points, ends) if len(stroke)]


def reverse_stroke3(array: ArrayLike) -> NDArray[Any]:
    """The same drawing drawn backwards, in the same place; each stroke's new last point lifts the pen."""
    rows = validate_stroke3(array)
    backwards = to_stroke3(reverse_strokes(from_stroke3(rows)))
    return backwards.astype(np.int64) if rows.dtype.kind in "iu" else backwards


def validate_stroke3(array: ArrayLike, name: str = "the drawing") -> NDArray[Any]:
    """The array (n, 3) as it is where it is stroke-3; StrokeError, which calls it by `name`, where not."""
    try:
        rows = np.asarray(array)
    except ValueError as error:
        raise StrokeError(f"{name} is no table of numbers: {error}") from error
    if rows.dtype.kind not in "iuf":
        raise StrokeError(f"{name} holds {rows.dtype}, not numbers")
    if rows.ndim != 2 or rows.shape[1] != 3:
        hint = (
            " (five columns are stroke-5: convert it first)" if rows.ndim == 2 and rows.shape[1] == 5 else ""
        )
        raise StrokeError(f"{name} has the shape {rows.shape}; stroke-3 is (n, 3): dx, dy, lift_pen{hint}")
    # From one side of the largest page to the other.
    bad = ~(np.abs(rows[:, :2].astype(np.float64)) <= 2 * MAX_COORDINATE).all(axis=1)
    if bad.any():
        row = int(np.argmax(bad))
        raise StrokeError(
            f"{name} has an offset that is no step of a pen: {rows[row, :2].tolist()} in row {row}"
        )
    pen = (rows[:, 2] == 0) | (rows[:, 2] == 1)
    if not pen.all():
        row = int(np.argmin(pen))
        raise StrokeError(f"{name} has lift_pen {rows[row, 2]} in row {row}; it is 0 or 1")
    return rows
