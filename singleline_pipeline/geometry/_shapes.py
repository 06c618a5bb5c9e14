"""Strokes as shapely's shapes."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from singleline_pipeline.geometry.strokes import Stroke


def as_shapes(strokes: list[Stroke]) -> NDArray[np.object_]:
    """A LineString a stroke, or a Point where all its points are on one spot: GEOS's dwithin is never true of a
    line without length.
    """
    shapes = np.empty(len(strokes), dtype=object)
    if not strokes:
        return shapes
    points = np.concatenate(strokes)
    sizes = np.array([len(stroke) for stroke in strokes])
    starts = np.cumsum(sizes) - sizes
    low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
    is_line = (low != high).any(axis=1)
    shapes[~is_line] = shapely.points(low[~is_line])
    in_line = np.repeat(is_line, sizes)
    names = np.repeat(np.cumsum(is_line) - 1, sizes)
    shapes[is_line] = shapely.linestrings(points[in_line], indices=names[in_line])
    return shapes
