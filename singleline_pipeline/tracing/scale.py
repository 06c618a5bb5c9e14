"""The scale that a page is traced at: one at which its pen is a few pixels wide."""

from __future__ import annotations

import cv2
import numpy as np

THINNEST_PEN, THICKEST_PEN = 2.2, 9.0
"""Pen widths in px between which a page is traced at its own scale."""
WORKING_PEN = 5.0
MOST_PIXELS = 6_000_000
"""Pages of more than this are not enlarged: a pen that is thin at 600 dpi is dust or grain."""


def working_scale(depth: np.ndarray, level: float, ignore: np.ndarray) -> float:
    """Factor by which a flattened page is resized for tracing: 1 for ordinary pens at 150 to 300 dpi.

    depth: uint8 (h, w). level: as ink_level gives it. ignore: bool (h, w), what is no drawing.
    """
    mask = (depth > 0.5 * level).astype(np.uint8)
    mask[ignore] = 0
    pen = pen_width_of(mask)
    if pen > THICKEST_PEN:
        return max(WORKING_PEN / pen, 0.1)
    return 2.0 if pen < THINNEST_PEN and depth.size < MOST_PIXELS else 1.0


def rescaled(depth: np.ndarray, scale: float) -> np.ndarray:
    """The flattened page resized. What cv2 rounds away makes x and y differ by less than a thousandth."""
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(depth, None, fx=scale, fy=scale, interpolation=interpolation)


def pen_width_of(mask: np.ndarray) -> float:
    """Typical width in px of the lines of an ink mask: area by half the outline's length."""
    area = int(np.count_nonzero(mask))
    if area == 0:
        return 1.0
    inner = int(np.count_nonzero(cv2.erode(mask, np.ones((3, 3), np.uint8))))
    # A line's outline pixels are two a px of length and belong to its area; a hair line is all outline.
    return max(1.0, 2.0 * area / max(area - inner, 1))
