"""What a stroke is, and the small measures that everything else in geometry is made of.

A stroke is a float64 array (n, 2) of x (right) and y (down), n >= 1; a drawing is a list of strokes.
Nothing here changes its input.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Stroke = NDArray[np.float64]
Box = tuple[float, float, float, float]

# Squares of coordinates are summed everywhere; beyond this they lose the precision of a pen.
MAX_COORDINATE = 1e12

# Kinds of dtype that may hold coordinates: numpy would read a text of digits as numbers and cut complex ones in half.
_NUMBERS = "biufO"


class StrokeError(ValueError):
    """Strokes that no drawing can be made of; the message says which stroke, and what is wrong with it."""


def validate_stroke(stroke: ArrayLike, name: str = "the stroke") -> Stroke:
    """The stroke as a float64 array (n, 2); StrokeError, which calls it by `name`, where it is not one."""
    try:
        given = np.asarray(stroke)
        array = given.astype(np.float64, copy=False) if given.dtype.kind in _NUMBERS else None
    except (TypeError, ValueError) as error:
        raise StrokeError(f"{name} is not made of numbers: {error}") from error
    if array is None:
        raise StrokeError(f"{name} is not made of numbers, but of {given.dtype}")
    if array.ndim != 2 or array.shape[1] != 2:
        hint = " (a drawing is a list of strokes, not one array)" if array.shape == (2,) else ""
        raise StrokeError(
            f"{name} has the shape {array.shape}; a stroke is (n, 2): a row of x and y a point{hint}"
        )
    if len(array) == 0:
        raise StrokeError(f"{name} has no points")
    _check_coordinates(array, name)
    return array


def validate_strokes(strokes: Sequence[ArrayLike]) -> list[Stroke]:
    """Every stroke as a float64 array (n, 2), n >= 1; an empty list is a drawing without strokes.

    StrokeError names the first stroke that has no points, another shape, NaN, infinity or a coordinate that
    no page has.
    """
    if isinstance(strokes, (str, bytes)) or not hasattr(strokes, "__iter__"):
        raise StrokeError(f"a drawing is a list of strokes, not {type(strokes).__name__}")
    arrays: list[Stroke] = []
    for index, stroke in enumerate(strokes):
        array = stroke
        if not (
            isinstance(array, np.ndarray)
            and array.dtype == np.float64
            and array.ndim == 2
            and array.shape[1] == 2
            and len(array)
        ):
            array = validate_stroke(stroke, f"stroke {index}")
        arrays.append(array)
    # One look at all the coordinates; which stroke it was is only asked when something is wrong.
    if arrays and not np.abs(np.concatenate(arrays)).max() <= MAX_COORDINATE:
        for index, array in enumerate(arrays):
            _check_coordinates(array, f"stroke {index}")
    return arrays


def _check_coordinates(array: Stroke, name: str) -> None:
    bad = ~(np.abs(array) <= MAX_COORDINATE).all(axis=1)
    if bad.any():
        row = int(np.argmax(bad))
        x, y = array[row]
        raise StrokeError(f"{name} has a point that is nowhere on a page: ({x:g}, {y:g}) in row {row}")


def check_gap(name: str, value: float) -> float:
    """A distance that a caller gave: not negative, not NaN (infinity means without limit)."""
    if not value >= 0:
        raise StrokeError(f"{name} is {value}; it is a distance: 0 or more")
    return float(value)


def segment_lengths(points: Stroke) -> NDArray[np.float64]:
    """Lengths of the n - 1 segments of a stroke (n, 2)."""
    steps = np.diff(points, axis=0)
    return np.hypot(steps[:, 0], steps[:, 1])


def stroke_length(stroke: ArrayLike) -> float:
    """Length of the line along the stroke, in the units of its coordinates; 0 for a dot."""
    return float(segment_lengths(validate_stroke(stroke)).sum())


def drawing_length(strokes: Sequence[ArrayLike]) -> float:
    """Length of all strokes together, without the pen's ways between them."""
    return float(sum(segment_lengths(stroke).sum() for stroke in validate_strokes(strokes)))


def bounding_box(strokes: Sequence[ArrayLike]) -> Box:
    """(x0, y0, x1, y1) of a drawing, in the units of its coordinates; StrokeError where it has no stroke."""
    arrays = validate_strokes(strokes)
    if not arrays:
        raise StrokeError("a drawing without strokes has no bounding box")
    points = np.concatenate(arrays)
    x0, y0 = points.min(axis=0).tolist()
    x1, y1 = points.max(axis=0).tolist()
    return x0, y0, x1, y1


def rescale(
    strokes: Sequence[ArrayLike], longer_side: float = 200.0
) -> tuple[list[Stroke], float, tuple[float, float]]:
    """Move and scale a drawing so that its box starts at (0, 0) and its longer side is `longer_side`.

    Returns (strokes, scale, offset): rescaled = (original - offset) * scale. A drawing that is one point
    keeps the scale 1. StrokeError where there is no stroke.
    """
    if not 0 < longer_side <= MAX_COORDINATE:
        raise StrokeError(f"longer_side is {longer_side}; the canvas needs a side longer than 0")
    arrays = validate_strokes(strokes)
    x0, y0, x1, y1 = bounding_box(arrays)
    extent = max(x1 - x0, y1 - y0)
    scale = longer_side / extent if extent > 1e-9 else 1.0
    offset = np.array([x0, y0])
    return [(stroke - offset) * scale for stroke in arrays], scale, (x0, y0)


def resample_stroke(stroke: ArrayLike, spacing: float) -> Stroke:
    """The stroke sampled evenly along its length, both ends included.

    `spacing`, in the stroke's units, is the most that two neighbours are apart along the line. A stroke
    without length (a dot) comes back as its first point.
    """
    if not spacing > 0:
        raise StrokeError(f"spacing is {spacing}; it is a distance longer than 0")
    points = validate_stroke(stroke)
    along = np.concatenate([[0.0], np.cumsum(segment_lengths(points))])
    if along[-1] == 0:
        return points[:1].copy()
    # The small allowance keeps 10 / 2.5 at four steps, whatever the sum was rounded to.
    steps = max(1, int(np.ceil(along[-1] / spacing - 1e-9)))
    wanted = np.linspace(0.0, along[-1], steps + 1)
    sampled = np.column_stack([np.interp(wanted, along, points[:, axis]) for axis in (0, 1)])
    sampled[0], sampled[-1] = points[0], points[-1]
    return sampled


def drop_short(
    strokes: Sequence[ArrayLike], min_points: int = 10, sample_points: int = 1000
) -> tuple[list[int], list[int]]:
    """Indices of the strokes to keep and of those too short to be more than a tracer's crumb.

    The drawing is thought of as sampled to `sample_points` points, evenly along all its line; a stroke that
    would get fewer than `min_points` of them is dropped (with the defaults: under 1 % of the line). The
    longest stroke always stays, so that a drawing made of crumbs alone does not vanish.
    """
    if min_points < 0 or sample_points < 1:
        raise StrokeError(f"min_points is {min_points}, sample_points {sample_points}: counts of points")
    lengths = np.array([segment_lengths(stroke).sum() for stroke in validate_strokes(strokes)])
    if lengths.size == 0:
        return [], []
    keep = lengths >= min(lengths.sum() * min_points / sample_points, lengths.max())
    return np.flatnonzero(keep).tolist(), np.flatnonzero(~keep).tolist()


def reverse_strokes(strokes: Sequence[ArrayLike]) -> list[Stroke]:
    """The drawing drawn backwards: last stroke first, each from its end to its start."""
    return [stroke[::-1].copy() for stroke in reversed(validate_strokes(strokes))]


def norms(vectors: NDArray[Any]) -> NDArray[np.float64]:
    """Lengths of the rows of (n, 2), rounded as `np.linalg.norm` rounds a single vector.

    That is the square root of BLAS's dot product, which fuses multiply and add; `np.hypot` and `sqrt(x*x +
    y*y)` differ from it in the last bit of about one vector in twelve, and so break ties another way.
    """
    return np.sqrt(np.vecdot(vectors, vectors))
