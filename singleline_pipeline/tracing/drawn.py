"""A page whose lines are known, from a tablet: nothing is traced, only the drawings on it are told apart."""

from __future__ import annotations

import cv2
import numpy as np

from singleline_pipeline.scans.cropping import corners_of
from singleline_pipeline.tracing.errors import TraceError
from singleline_pipeline.tracing.grouping import group_strokes
from singleline_pipeline.tracing.page import TracedPage
from singleline_pipeline.tracing.settings import TraceSettings


def drawn_page(
    strokes: list[np.ndarray], image: np.ndarray, pen_width: float, settings: TraceSettings | None = None
) -> TracedPage:
    """The strokes as a traced page: grouped into provisional drawings as traced ones are, none left out.

    strokes: (n, 2) float64 each, page px. image: uint8 (height, width, 3) BGR, the page in black on white.
    pen_width: px. Raises TraceError where there is no stroke.
    """
    if not strokes:
        raise TraceError("A drawn page has at least one stroke.")
    ink = (cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) < 128).astype(np.uint8)
    _, labels = cv2.connectedComponents(ink)
    apart = (settings or TraceSettings()).apart
    groups = group_strokes(strokes, labels.astype(np.int32), max(ink.shape), apart)
    height, width = ink.shape
    return TracedPage(strokes, groups, pen_width, paper=corners_of((0, 0, width, height)))
