"""Flatten: divide the page by the light of its own paper, so that ink is a share of light taken away.

Shadows of the gutter, vignettes and paper tint vanish; grain stays. What is left has one ink level for the
whole page, which a threshold needs.
"""

from __future__ import annotations

import cv2
import numpy as np

from singleline_pipeline.scans.shrinking import shrunk
from singleline_pipeline.tracing.errors import TraceError

LIGHT_SIDE = 550
"""Longer side in px of the copy that the paper's light is read from."""
SMALLEST_PAGE = 8
DARKEST_PAPER = 12.0
"""Grey level under which a page is taken to be unexposed: what varies there is the scanner's noise."""


def as_grey(image: np.ndarray) -> np.ndarray:
    """uint8 (h, w) of a uint8 (h, w), (h, w, 1) or (h, w, 3) BGR page. Raises TraceError for anything else."""
    if not isinstance(image, np.ndarray):
        raise TraceError(f"A page must be a numpy array, not {type(image).__name__}: decode the file first.")
    if image.dtype != np.uint8:
        raise TraceError(
            f"A page must hold 8-bit values (uint8), not {image.dtype}: scale it to 0-255 first."
        )
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 3)):
        raise TraceError(
            f"A page must have the shape (height, width) or (height, width, 3), not {image.shape}: "
            "drop the alpha channel or pick one frame first."
        )
    if image.size == 0:
        raise TraceError(f"The page is empty: its shape is {image.shape}.")
    if image.ndim == 3:
        image = image[:, :, 0] if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return np.ascontiguousarray(image)


def flatten(grey: np.ndarray) -> np.ndarray:
    """uint8 (h, w): 0 where the paper is bare, 255 where ink takes all of its light.

    grey: uint8 (h, w), dark ink on bright paper, as ink_channel gives it. A page without light, and one too
    small to hold a line, comes out bare.
    """
    if min(grey.shape) < SMALLEST_PAGE or float(np.median(grey[::8, ::8])) < DARKEST_PAPER:
        return np.zeros_like(grey)
    light = paper_light(grey)
    left_over = cv2.divide(grey, np.maximum(light, 1), scale=255)
    return cv2.bitwise_not(left_over)


def paper_light(grey: np.ndarray) -> np.ndarray:
    """uint8 (h, w): what the page would look like with nothing drawn on it.

    A closing wider than any pen fills in the ink on a small copy; a median takes off its bias towards bright
    grain.
    """
    height, width = grey.shape
    small, factor = shrunk(grey, LIGHT_SIDE)
    side = 2 * int(max(7, np.ceil(20 / factor))) + 1
    # With replicated rims the shadow of the gutter stays part of the paper right up to the edge of the scan.
    rim = cv2.copyMakeBorder(small, side, side, side, side, cv2.BORDER_REPLICATE)
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    closed = cv2.morphologyEx(rim, cv2.MORPH_CLOSE, disk)
    closed = cv2.GaussianBlur(cv2.medianBlur(closed, 9), (0, 0), 3)[side:-side, side:-side]
    return cv2.resize(np.ascontiguousarray(closed), (width, height), interpolation=cv2.INTER_LINEAR)
