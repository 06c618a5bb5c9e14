"""Checking a drawing before it is drawn, and placing it on a canvas."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Strokes = Sequence[npt.ArrayLike]

LARGEST_COORDINATE = 1e9  # beyond it, adding and scaling coordinates loses whole pixels


class RenderError(ValueError):
    """Something cannot be drawn; the message names the drawing and the stroke, and says why."""


def check_strokes(strokes: Strokes, *, name: str = "") -> list[np.ndarray]:
    """The strokes as float64 arrays (n, 2), n >= 1.

    `name` ("Drawing 3") opens the message of the RenderError that a stroke without points, of another
    shape, or with a coordinate that is not a finite number gives.
    """
    prefix = f"{name}, stroke" if name else "Stroke"
    checked = []
    for index, stroke in enumerate(strokes):
        try:
            points = np.asarray(stroke, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise RenderError(f"{prefix} {index} is not an array of numbers: {error}") from error
        if points.ndim != 2 or points.shape[1] != 2:
            raise RenderError(f"{prefix} {index} has the shape {points.shape}: (points, 2) is needed.")
        if len(points) == 0:
            raise RenderError(f"{prefix} {index} has no points: leave it out of the drawing.")
        bad = ~(np.abs(points) <= LARGEST_COORDINATE).all(axis=1)  # NaN compares as False
        if bad.any():
            row = int(bad.argmax())
            x, y = points[row]
            raise RenderError(f"{prefix} {index} cannot be drawn: point {row} is ({x:g}, {y:g}).")
        checked.append(points)
    return checked


def bounds(strokes: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Smallest corner (2,) and extent (2,) of checked strokes; zeros where there are none."""
    if not strokes:
        return np.zeros(2), np.zeros(2)
    low = np.min([stroke.min(axis=0) for stroke in strokes], axis=0)
    high = np.max([stroke.max(axis=0) for stroke in strokes], axis=0)
    return low, high - low


def canvas_for(strokes: Sequence[np.ndarray], longer_side: float, margin: float) -> tuple[float, float]:
    """Width and height of a canvas with the drawing's proportions inside its margin.

    No side is under a quarter of the longer one, so that a straight line still gets a picture.
    """
    _, extent = bounds(strokes)
    longest = extent.max()
    if longest == 0:
        return longer_side, longer_side
    inner = extent / longest * (longer_side - 2 * margin)
    width, height = np.maximum(inner + 2 * margin, longer_side / 4)
    return float(np.ceil(width)), float(np.ceil(height))


def place(
    strokes: Sequence[np.ndarray],
    width: float,
    height: float,
    margin: float,
    *,
    like: Sequence[np.ndarray] = (),
) -> list[np.ndarray]:
    """The strokes scaled alike in x and y to fill the canvas inside its margin, and centred.

    `like` holds further strokes that share the frame, so that two versions of one drawing stay comparable.
    """
    low, extent = bounds([*strokes, *like])
    room = np.array([width - 2 * margin, height - 2 * margin])
    # Extents under 1e-9 are rounding noise of one point, not a drawing to blow up.
    ratios = [room[axis] / extent[axis] for axis in (0, 1) if extent[axis] > 1e-9]
    scale = min(ratios) if ratios else 1.0
    offset = np.array([width, height]) / 2 - (low + extent / 2) * scale
    return [stroke * scale + offset for stroke in strokes]


def stroke_lengths(strokes: Sequence[np.ndarray]) -> np.ndarray:
    """Length of each stroke's line, (strokes,), in the unit of the coordinates."""
    return np.array([np.linalg.norm(np.diff(stroke, axis=0), axis=1).sum() for stroke in strokes])
