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
    return np.array(
        [shapely.LineString(s) if (s != s[0]).any() else shapely.Point(s[0]) for s in strokes], dtype=object
    )
